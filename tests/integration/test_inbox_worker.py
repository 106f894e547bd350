"""What a decision asks for besides callbacks and commands, in a real Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.flows.jobs import BecknJob, CdrJob, CommandResponseJob, DeadlineJob, Job
from bridge.flows.ports import Kind, Wanted
from bridge.observability import Metrics
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import CommandResponseType
from bridge.ocpi.types import ModuleID
from bridge.orders.errands import OtpErrand
from bridge.orders.intents import Init
from bridge.orders.order import Order, SessionKey
from bridge.orders.pass_order import PassOrder, SessionUse
from bridge.orders.terms import Agreed, Commercial, Discount, DiscountKind, Otp, OtpUse
from bridge.store.database import Database, packed
from bridge.store.journal import Entry, Journal
from bridge.store.lanes import Lanes
from bridge.store.members import MemberStore
from bridge.store.orders import OrderStore
from bridge.store.slots import SlotStore
from bridge.workers.inbox import ErrandEntry, InboxWorker, LaneSet
from tests.factories import CPO_ID, EMSP, PARTY, cdr, pass_order
from tests.unit.flows.play import Play, charging, stopping
from tests.unit.flows.world import wish


@dataclass
class Side:
    """A worker and what is around it."""

    database: Database
    play: Play
    pulls: list[tuple[str, ModuleID, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lanes = LaneSet(*(Lanes(self.database, kind) for kind in LaneSet._fields))
        self.orders = OrderStore(self.database, emsp=EMSP, issuer="Bridge", retention_s=3600)
        self.slots = SlotStore(self.database)
        self.members = MemberStore(self.database, retention_s=3600)
        self.journal = Journal(self.database, retention_s=3600)
        self.worker = InboxWorker(
            database=self.database,
            lanes=self.lanes,
            orders=self.orders,
            slots=self.slots,
            members=self.members,
            journal=self.journal,
            world=lambda: replace(self.play.world(), members=self.members),
            reply_url=lambda bap_uri: bap_uri,
            bpp_id="bridge.example",
            bpp_uri=lambda _: "https://bridge.example/beckn",
            wake=lambda *_: None,
            pull_soon=self.pull_soon,
            metrics=Metrics(),
        )

    def pull_soon(
        self,
        cpo_id: str,
        module: ModuleID,
        wanted: Wanted | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        """Take note."""
        self.pulls.append((cpo_id, module, at_once))

    async def happens(self, job: Job, *, lost: bool = False) -> None:
        """Let a job of the order come, and be worked off by whoever has the lane."""
        order = self.play.placed
        if await self.orders.load(order.key) is None:
            await self.database.commit(self.orders.saved(order, None))
        await self.database.commit(self.lanes.inbox.push(order.key, packed(job)))
        (claim,) = await self.lanes.inbox.claim(1)
        if lost:
            claim = claim._replace(token="somebody else's")
        await self.worker.handle(claim)

    async def order(self) -> Order:
        """Return the order as it is stored."""
        stored = await self.orders.load(self.play.placed.key)
        assert stored is not None
        return stored

    async def story(self) -> list[Entry]:
        """Return what a trace shows."""
        return await self.journal.read(self.play.placed.key)


@pytest.fixture
def side(redis: Redis) -> Callable[[Play], Side]:
    return lambda play: Side(Database(redis), play)


async def test_a_look_asks_for_a_pull_and_is_no_step_of_the_story(
    side: Callable[[Play], Side],
) -> None:
    play = await charging()
    due = play.now = play.placed.deadlines["session"]
    worker = side(play)

    await worker.happens(DeadlineJob(name="session", at=due))

    assert worker.pulls == [(CPO_ID, ModuleID.SESSIONS, False)]
    assert (await worker.order()).deadlines["session"] > due
    assert await worker.story() == []


async def test_a_pull_that_somebody_waits_for_is_asked_for_at_once(
    side: Callable[[Play], Side],
) -> None:
    worker = side(await stopping())

    await worker.happens(
        CommandResponseJob(
            command_id=worker.play.commands[-1].id,
            at=worker.play.now,
            result=CommandResponseType.UNKNOWN_SESSION,
        )
    )

    assert worker.pulls == [(CPO_ID, ModuleID.SESSIONS, True)]
    assert len(await worker.story()) == 1


async def test_nothing_is_asked_for_when_the_lane_is_somebody_elses(
    side: Callable[[Play], Side],
) -> None:
    play = await charging()
    due = play.now = play.placed.deadlines["session"]
    worker = side(play)

    await worker.happens(DeadlineJob(name="session", at=due), lost=True)

    assert worker.pulls == []


PHONE = "+919887766554"


async def initialising() -> tuple[Play, BecknJob]:
    """Play until an init has come that needs an OTP."""
    play = Play()
    play.commercial = Commercial(otp=Otp(use=OtpUse.CONFIRM))
    await play.select()
    billing = Raw(msgspec.json.encode({"phone": PHONE}))
    return play, BecknJob(request=play.request("init"), intent=Init(wish=wish(), billing=billing))


async def test_an_errand_is_queued_with_its_order(side: Callable[[Play], Side]) -> None:
    play, init = await initialising()
    worker = side(play)

    await worker.happens(init)

    otp = (await worker.order()).otp
    assert otp is not None
    (entry,) = await worker.lanes.errand.entries(play.placed.key)
    errand = msgspec.json.decode(entry, type=ErrandEntry).errand
    assert isinstance(errand, OtpErrand)
    assert errand.id == otp.id
    told = [(step.what, step.detail) for step in await worker.story()]
    assert ("errand otp", {"id": otp.id}) in told
    assert errand.code not in str(told)
    assert PHONE not in str(told)


async def test_no_errand_is_queued_when_the_lane_is_somebody_elses(
    side: Callable[[Play], Side],
) -> None:
    play, init = await initialising()
    worker = side(play)

    await worker.happens(init, lost=True)

    assert (await worker.order()).otp is None
    assert await worker.lanes.errand.entries(play.placed.key) == []


async def test_the_use_of_a_membership_is_an_event_of_its_pass(
    side: Callable[[Play], Side],
) -> None:
    play, bought = await charging(), pass_order()
    loyal = Discount(
        kind=DiscountKind.LOYALTY, id="MEMBER-1", share=Decimal("0.1"), held_by=bought.key
    )
    play.order = replace(play.placed, agreed=Agreed(discount=loyal))
    worker = side(play)
    saved = worker.orders.pass_saved(bought) + worker.members.saved(bought)
    assert await worker.database.commit(saved)
    reference = play.placed.attempts[-1].authorization_reference
    bill = cdr(authorization_reference=reference)
    await play.objects.write(Kind.CDR, PARTY, bill.id, encode(bill), None)

    job = CdrJob(cdr=SessionKey(bill.country_code, bill.party_id, bill.id), at=play.now)
    await worker.happens(job)

    settled = (await worker.order()).bill
    assert settled is not None
    (use,) = await worker.members.uses(bought.key)
    assert use == SessionUse(saved=Decimal("7.66"), spent=settled.quote.price, currency="INR")
    claims = {claim.lane: claim for claim in await worker.lanes.inbox.claim(9)}
    await worker.worker.handle(claims[bought.key])
    told = await worker.orders.record(bought.key)
    assert isinstance(told, PassOrder)
    assert (told.usage.sessions, told.usage.saved) == (1, Decimal("7.66"))
    assert [entry.what for entry in await worker.journal.read(bought.key)] == ["membership used"]
