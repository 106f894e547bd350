"""Whom the bridge asks to do things outside: what brings OTPs to drivers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import aiohttp

from bridge.clients.hooks import post_otp
from bridge.errors import ErrandRefused
from bridge.observability import Metrics, get_logger
from bridge.orders.errands import OtpErrand
from bridge.settings import Settings
from bridge.wiring import Stores
from bridge.workers.errands import ErrandWorker, SendOtp

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


async def show_otp(errand: OtpErrand) -> None:
    """Write an OTP into the log: for trials only, whoever reads the log can use it."""
    log.warning("otp.shown", id=errand.id, code=errand.code)


async def no_sender(errand: OtpErrand) -> None:
    """Refuse. Raises ErrandRefused."""
    raise ErrandRefused("otp.sender is not configured")
