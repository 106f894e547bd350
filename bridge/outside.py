"""Whom the bridge asks to do things outside: what brings OTPs to drivers, what moves money."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import aiohttp

from bridge.clients.hooks import post_otp, post_payment
from bridge.errors import ErrandRefused
from bridge.observability import Metrics, get_logger
from bridge.orders.errands import CollectErrand, OtpErrand, RefundErrand
from bridge.server.payment_routes import PaymentEdge
from bridge.settings import Settings
from bridge.wiring import Stores
from bridge.workers.errands import ErrandWorker, MoveMoney, SendOtp

log = get_logger()


def errands_of(
    settings: Settings,
    stores: Stores,
    http: aiohttp.ClientSession,
    metrics: Metrics,
    wake: Callable[[], None],
) -> ErrandWorker:
    """Return the worker of the errand lanes."""
    return ErrandWorker(
        database=stores.database,
        lanes=stores.lanes,
        orders=stores.orders,
        journal=stores.journal,
        send_otp=otp_sender(settings, http),
        move_money=money_mover(settings, http),
        metrics=metrics,
        wake=wake,
    )


def payment_edge(
    settings: Settings, stores: Stores, metrics: Metrics, wake: Callable[[], None]
) -> PaymentEdge:
    """Return what the payment webhook needs."""
    secret = settings.payment.secret
    return PaymentEdge(
        secret=None if secret is None else secret.get_secret_value(),
        inbox=stores.inbox,
        orders=stores.orders,
        metrics=metrics,
        wake=wake,
    )


def otp_sender(settings: Settings, http: aiohttp.ClientSession) -> SendOtp:
    """Return what brings OTPs to drivers, as configured."""
    otp = settings.otp
    if otp.sender == "log":
        return show_otp
    if otp.url is not None and otp.secret is not None:
        return partial(post_otp, http, otp.url, otp.secret.get_secret_value())
    return no_sender


def money_mover(settings: Settings, http: aiohttp.ClientSession) -> MoveMoney:
    """Return whom payments and refunds are asked of, as configured."""
    payment = settings.payment
    if payment.requests_url is not None and payment.secret is not None:
        return partial(post_payment, http, payment.requests_url, payment.secret.get_secret_value())
    return show_payment


async def show_payment(errand: CollectErrand | RefundErrand) -> None:
    """Write into the log what has to be paid or paid back: somebody does it by hand, or nobody."""
    facts = {
        "id": errand.id,
        "payment_id": errand.payment_id,
        "amount": errand.amount,
        "currency": errand.currency,
    }
    if isinstance(errand, RefundErrand):
        log.warning("refund.requested", **facts)
    else:
        log.warning("payment.requested", **facts)


async def show_otp(errand: OtpErrand) -> None:
    """Write an OTP into the log: for trials only, whoever reads the log can use it."""
    log.warning("otp.shown", id=errand.id, code=errand.code)


async def no_sender(errand: OtpErrand) -> None:
    """Refuse. Raises ErrandRefused."""
    raise ErrandRefused("otp.sender is not configured")
