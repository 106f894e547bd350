"""Whom the bridge asks to do things outside: what brings OTPs to drivers."""

from __future__ import annotations

from collections.abc import Callable

from bridge.observability import Metrics, get_logger
from bridge.orders.errands import OtpErrand
from bridge.wiring import Stores
from bridge.workers.errands import ErrandWorker

log = get_logger()


def errands_of(stores: Stores, metrics: Metrics, wake: Callable[[], None]) -> ErrandWorker:
    """Return the worker of the errand lanes."""
    return ErrandWorker(
        database=stores.database,
        lanes=stores.lanes,
        journal=stores.journal,
        send_otp=show_otp,
        metrics=metrics,
        wake=wake,
    )


async def show_otp(errand: OtpErrand) -> None:
    """Write an OTP into the log: for trials only, whoever reads the log can use it."""
    log.warning("otp.shown", id=errand.id, code=errand.code)
