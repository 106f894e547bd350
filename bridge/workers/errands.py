"""Does errands: what an order needs from outside that is no OCPI call, each with few tries.

An errand may be done twice: whoever did it may die before that is written down. Its ``id`` tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from bridge.errors import ErrandFailed, ErrandRefused
from bridge.flows.jobs import ErrandJob
from bridge.flows.otp import otp_wanted
from bridge.flows.ports import Orders
from bridge.observability import Metrics, bound, get_logger
from bridge.observability.tracing import called
from bridge.orders.errands import CollectErrand, Errand, OtpErrand, RefundErrand, kind_of
from bridge.store.database import Command, Database, packed
from bridge.store.journal import Journal
from bridge.store.lanes import Claim
from bridge.workers.inbox import ErrandEntry, LaneSet

log = get_logger()

OTP_RETRIES_S: Final = (1.0, 4.0, 15.0)
"""Pauses before further tries of an OTP: its driver waits for it."""

MONEY_RETRIES_S: Final = (1.0, 5.0, 25.0, 120.0, 600.0, 1800.0)
"""Pauses before further tries of a request to collect or pay back: about 40 minutes in all."""

TRY_S: Final = 10.0
"""How long one try may take; shorter than the lease of the lane that holds the errand."""


class SendOtp(Protocol):
    """Brings an OTP to its driver; raises ErrandFailed or ErrandRefused."""

    async def __call__(self, errand: OtpErrand) -> None:
        """Send it; the same ``id`` is the same OTP."""
        ...


class MoveMoney(Protocol):
    """Asks for money to be collected or paid back; raises ErrandFailed or ErrandRefused."""

    async def __call__(self, errand: CollectErrand | RefundErrand) -> None:
        """Ask for it; the same ``id`` is the same money."""
        ...


class ErrandWorker:
    """Handler of errand lanes.

    Args:
        orders: whoever has another OTP by now does not want the first one.
        try_s: how long one try may take.
        now: the time of now; the one the lanes go by.
    """

    def __init__(
        self,
        *,
        database: Database,
        lanes: LaneSet,
        orders: Orders,
        journal: Journal,
        send_otp: SendOtp,
        move_money: MoveMoney,
        metrics: Metrics,
        wake: Callable[[], None],
        try_s: float = TRY_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = database
        self._lanes = lanes
        self._orders = orders
        self._journal = journal
        self._send_otp = send_otp
        self._move_money = move_money
        self._metrics = metrics
        self._wake = wake
        self._try_s = try_s
        self._now = now

    async def handle(self, claim: Claim) -> None:
        """Try once; then tell what came of it, put it off, or give it up."""
        entry = msgspec.json.decode(claim.entry, type=ErrandEntry)
        errand = entry.errand
        called(f"errand {kind_of(errand)}")
        with bound(transaction_id=errand.transaction_id):
            if not await self._wanted(errand):
                self._metrics.errands.labels(kind_of(errand), "dropped").inc()
                log.info("errand.dropped", kind=kind_of(errand), id=errand.id)
                await self._finish(claim, [])
                return
            try:
                await self._tried(errand)
            except ErrandFailed as error:
                await self._failed(claim, entry, error)
            else:
                self._metrics.errands.labels(kind_of(errand), "done").inc()
                log.info("errand.done", kind=kind_of(errand), id=errand.id, tries=entry.tries + 1)
                await self._finish(claim, self._done(errand))

    async def _wanted(self, errand: Errand) -> bool:
        match errand:
            case OtpErrand():
                return otp_wanted(await self._orders.load(errand.order_key), errand)
            case CollectErrand() | RefundErrand():
                return True

    async def _tried(self, errand: Errand) -> None:
        """Do it.

        Raises:
            ErrandFailed: it was not done, or perhaps not.
        """
        late = until_of(errand)
        if late is not None and late <= self._now():
            raise ErrandRefused(f"it is of no use after {late.isoformat()}")
        try:
            async with asyncio.timeout(self._try_s):
                await self._do(errand)
        except TimeoutError as error:
            raise ErrandFailed(f"not done in {self._try_s:g} s") from error

    async def _do(self, errand: Errand) -> None:
        match errand:
            case OtpErrand():
                await self._send_otp(errand)
            case CollectErrand() | RefundErrand():
                await self._move_money(errand)

    async def _failed(self, claim: Claim, entry: ErrandEntry, error: ErrandFailed) -> None:
        """Put it off, or give it up and tell its order."""
        errand, kind = entry.errand, kind_of(entry.errand)
        pause_s = pause_before(entry, self._now()) if error.retryable else None
        facts = {"kind": kind, "id": errand.id, "error": str(error)}
        if pause_s is not None:
            later = packed(replace(entry, tries=entry.tries + 1))
            await self._lanes.errand.postpone(claim, later, pause_s)
            self._metrics.errands.labels(kind, "retried").inc()
            log.info("errand.postponed", **facts, pause_s=pause_s)
            return
        self._metrics.errands.labels(kind, "failed").inc()
        log.warning("errand.failed", **facts, tries=entry.tries + 1)
        told = ErrandJob(
            errand_id=errand.id, kind=kind, done=False, at=self._now(), reason=str(error)
        )
        await self._finish(claim, self._lanes.inbox.push(errand.order_key, packed(told)))

    def _done(self, errand: Errand) -> list[Command]:
        """Return the commands that write down what was done."""
        what = f"errand {kind_of(errand)}"
        return self._journal.note(
            errand.order_key, "bridge", "bridge", what, id=errand.id, outcome="done"
        )

    async def _finish(self, claim: Claim, commands: list[Command]) -> None:
        """Take the errand off its lane, unless somebody else has the lane by now."""
        await self._db.commit(
            [*commands, *self._lanes.errand.finished(claim)], [self._lanes.errand.held(claim)]
        )
        self._wake()


def pause_before(entry: ErrandEntry, now: datetime) -> float | None:
    """Return the pause before the next try of an errand; None when there is none left."""
    pauses = pauses_of(entry.errand)
    if entry.tries >= len(pauses):
        return None
    pause_s = pauses[entry.tries]
    until = until_of(entry.errand)
    return None if until is not None and until <= now + timedelta(seconds=pause_s) else pause_s


def pauses_of(errand: Errand) -> tuple[float, ...]:
    """Return the pauses before further tries of an errand of this kind."""
    match errand:
        case OtpErrand():
            return OTP_RETRIES_S
        case CollectErrand() | RefundErrand():
            return MONEY_RETRIES_S


def until_of(errand: Errand) -> datetime | None:
    """Return when an errand is of no use any more; None: it always is."""
    match errand:
        case OtpErrand(until=until):
            return until
        case CollectErrand() | RefundErrand():
            return None
