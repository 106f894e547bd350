"""Errands are done outside, a few times if need be; what came of them reaches story and order."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from bridge.errors import ErrandFailed, ErrandRefused
from bridge.flows.jobs import ErrandJob, Job
from bridge.observability import Metrics, configure_logging
from bridge.orders.customer import Customer
from bridge.orders.errands import CollectErrand, OtpErrand, RefundErrand
from bridge.orders.order import OrderState, order_key
from bridge.orders.otp import IssuedOtp, OtpMedium, OtpStep
from bridge.store.database import Database, packed
from bridge.store.journal import Journal
from bridge.store.lanes import Claim, Lanes
from bridge.workers.errands import MONEY_RETRIES_S, OTP_RETRIES_S, TRY_S, ErrandWorker, SendOtp
from bridge.workers.inbox import ErrandEntry, LaneSet
from tests.clock import Clock
from tests.factories import BAP_ID, EMSP, order
from tests.fakes import MemoryObjects, MemoryOrders

KEY = order_key(BAP_ID, "t1")
PHONE, CODE = "+919887766554", "314159"


def waited_for(errand: OtpErrand) -> IssuedOtp:
    """Make what the order of an errand keeps."""
    return IssuedOtp(
        id=errand.id,
        step=OtpStep.CONFIRM,
        medium=OtpMedium.PHONE,
        sent_to="",
        salt="",
        digest="",
        expires_at=errand.until,
        attempts=3,
    )


class Side:
    """The errand lanes on a clock of the test's own, and whoever is asked."""

    def __init__(self, redis: Redis) -> None:
        self.clock = Clock()
        self.db = Database(redis)
        self.lanes = LaneSet(
            *(Lanes(self.db, kind, clock=self.clock.ms) for kind in LaneSet._fields)
        )
        self.orders = MemoryOrders(MemoryObjects(), EMSP, "Bridge")
        self.journal = Journal(self.db, retention_s=3600)
        self.metrics = Metrics()
        self.sent: list[OtpErrand] = []
        self.moved: list[CollectErrand | RefundErrand] = []
        self.faults: list[Exception] = []
        self.woken = 0
        self.worker = self.worker_of(self.send_otp)

    def worker_of(self, send_otp: SendOtp, *, try_s: float = TRY_S) -> ErrandWorker:
        """Make the worker of one replica."""
        return ErrandWorker(
            database=self.db,
            lanes=self.lanes,
            orders=self.orders,
            journal=self.journal,
            send_otp=send_otp,
            move_money=self.move_money,
            metrics=self.metrics,
            wake=self.wake,
            try_s=try_s,
            now=self.clock.now,
        )

    async def move_money(self, errand: CollectErrand | RefundErrand) -> None:
        """Fits MoveMoney: fail as told, then take everything."""
        self.moved.append(errand)
        if self.faults:
            raise self.faults.pop(0)

    def wake(self) -> None:
        """Take note."""
        self.woken += 1

    async def send_otp(self, errand: OtpErrand) -> None:
        """Fits SendOtp: fail as told, then take everything."""
        self.sent.append(errand)
        if self.faults:
            raise self.faults.pop(0)

    async def queue(self, **changes: Any) -> OtpErrand:
        """Queue an OTP as the inbox worker does."""
        fields: dict[str, Any] = {
            "id": "otp-1",
            "order_key": KEY,
            "transaction_id": "t1",
            "code": CODE,
            "to": Customer(phone=PHONE),
            "until": self.clock.now() + timedelta(seconds=600),
        }
        errand = OtpErrand(**(fields | changes))
        self.orders.put(order(OrderState.INITIALISED, otp=waited_for(errand)))
        await self.db.commit(self.lanes.errand.push(KEY, packed(ErrandEntry(errand=errand))))
        return errand

    async def claims(self) -> list[Claim]:
        """Claim what is due."""
        return await self.lanes.errand.claim(10)

    async def work(self) -> None:
        """Try the only errand that is due."""
        (claim,) = await self.claims()
        await self.worker.handle(claim)

    async def told(self) -> list[Job]:
        """Return what the order was told."""
        entries = await self.lanes.inbox.entries(KEY)
        return [msgspec.json.decode(entry, type=Job) for entry in entries]

    async def story(self) -> list[tuple[str, dict[str, str]]]:
        """Return what a trace shows."""
        return [(entry.what, entry.detail) for entry in await self.journal.read(KEY)]

    def counted(self) -> dict[str, float]:
        """Return how often an errand ended how."""
        value = self.metrics.registry.get_sample_value
        outcomes = ("done", "retried", "failed", "dropped")
        labels = [{"kind": "otp", "outcome": outcome} for outcome in outcomes]
        return {
            each["outcome"]: count
            for each in labels
            if (count := value("bridge_errands_total", each)) is not None
        }


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


async def test_an_otp_is_sent_once_and_the_story_says_so(side: Side) -> None:
    errand = await side.queue()

    await side.work()

    assert side.sent == [errand]
    assert await side.story() == [("errand otp", {"id": "otp-1", "outcome": "done"})]
    assert await side.told() == []
    assert side.counted() == {"done": 1}
    assert await side.lanes.errand.depth() == 0
    assert side.woken == 1


async def test_what_failed_is_tried_again_after_its_pauses(side: Side) -> None:
    side.faults = [ErrandFailed("HTTP 503")] * len(OTP_RETRIES_S)
    errand = await side.queue()

    for pause_s in OTP_RETRIES_S:
        await side.work()
        assert await side.story() == []
        side.clock.forward(pause_s - 0.01)
        assert await side.claims() == []
        side.clock.forward(0.01)
    await side.work()

    assert side.sent == [errand] * 4, "the id is the same each time"
    assert side.counted() == {"done": 1, "retried": 3}


async def test_after_the_last_try_its_order_is_told(side: Side) -> None:
    side.faults = [ErrandFailed("HTTP 503")] * 10
    await side.queue()

    for pause_s in (*OTP_RETRIES_S, 600):
        await side.work()
        side.clock.forward(pause_s)

    assert await side.claims() == []
    (job,) = await side.told()
    assert isinstance(job, ErrandJob)
    assert (job.errand_id, job.kind, job.done, job.reason) == ("otp-1", "otp", False, "HTTP 503")
    assert side.counted() == {"retried": 3, "failed": 1}
    assert side.woken == 1


async def test_what_was_refused_is_not_tried_again(side: Side) -> None:
    side.faults = [ErrandRefused("HTTP 400")]
    await side.queue()

    await side.work()

    (job,) = await side.told()
    assert isinstance(job, ErrandJob)
    assert job.reason == "HTTP 400"
    assert side.counted() == {"failed": 1}


async def test_one_that_another_has_replaced_is_dropped(side: Side) -> None:
    await side.queue()
    await side.queue(id="otp-2")

    await side.work()
    await side.work()

    assert [errand.id for errand in side.sent] == ["otp-2"]
    assert await side.told() == []
    assert side.counted() == {"done": 1, "dropped": 1}


async def test_what_is_of_no_use_any_more_is_not_sent(side: Side) -> None:
    await side.queue(until=side.clock.now())

    await side.work()

    assert side.sent == []
    assert len(await side.told()) == 1


async def test_a_try_that_would_be_too_late_is_not_waited_for(side: Side) -> None:
    side.faults = [ErrandFailed("HTTP 503")]
    await side.queue(until=side.clock.now() + timedelta(seconds=OTP_RETRIES_S[0]))

    await side.work()

    assert len(await side.told()) == 1


async def test_whoever_never_answers_holds_nothing_up(side: Side) -> None:
    async def never(errand: OtpErrand) -> None:
        await asyncio.Event().wait()

    side.worker = side.worker_of(never, try_s=0.05)
    await side.queue()

    await side.work()

    assert side.counted() == {"retried": 1}


async def test_an_errand_whose_lane_somebody_else_has_is_left_to_him(side: Side) -> None:
    await side.queue()
    (claim,) = await side.claims()

    await side.worker.handle(claim._replace(token="somebody else's"))

    assert await side.story() == []
    assert len(await side.lanes.errand.entries(KEY)) == 1


async def test_neither_otp_nor_phone_is_told_anywhere(side: Side) -> None:
    stream = io.StringIO()
    configure_logging("debug", "json", stream)
    side.faults = [ErrandFailed(f"no route to {PHONE}"), ErrandRefused("HTTP 400")]
    errand = await side.queue()

    await side.work()
    side.clock.forward(OTP_RETRIES_S[0])
    await side.work()

    told = f"{stream.getvalue()} {await side.story()} {await side.told()} {errand!r}"
    assert "otp-1" in told
    assert CODE not in told
    assert PHONE not in stream.getvalue()


REFUND = RefundErrand(
    id="payment-1-refund-23.40",
    order_key=KEY,
    transaction_id="t1",
    payment_id="payment-1",
    amount=Decimal("23.40"),
    currency="INR",
)


async def test_a_refund_is_asked_for_until_it_is_taken(side: Side) -> None:
    side.faults = [ErrandFailed("HTTP 503")] * len(MONEY_RETRIES_S)
    await side.db.commit(side.lanes.errand.push(KEY, packed(ErrandEntry(errand=REFUND))))

    for pause_s in MONEY_RETRIES_S:
        await side.work()
        side.clock.forward(pause_s)
    await side.work()

    assert side.moved == [REFUND] * (len(MONEY_RETRIES_S) + 1)
    assert await side.story() == [("errand refund", {"id": REFUND.id, "outcome": "done"})]
    assert await side.told() == []


async def test_a_refund_that_is_given_up_is_told_to_its_order(side: Side) -> None:
    side.faults = [ErrandRefused("HTTP 400")]
    await side.db.commit(side.lanes.errand.push(KEY, packed(ErrandEntry(errand=REFUND))))

    await side.work()

    (job,) = await side.told()
    assert isinstance(job, ErrandJob)
    assert (job.errand_id, job.kind, job.done, job.reason) == (
        REFUND.id,
        "refund",
        False,
        "HTTP 400",
    )
