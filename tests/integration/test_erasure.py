"""Personal data is forgotten: no key and no value of Redis has it any more, and the bill stays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.flows.jobs import BecknJob, DeadlineJob
from bridge.orders.customer import Customer
from bridge.orders.erasure import Contacts
from bridge.orders.errands import CollectErrand, OtpErrand, RefundErrand
from bridge.orders.intents import Confirm, Support
from bridge.orders.order import (
    Bill,
    Cancellation,
    Line,
    LineKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
)
from bridge.orders.otp import IssuedOtp, OtpMedium, OtpStep
from bridge.orders.pass_order import MemberUse, PassState, SessionUse
from bridge.orders.terms import Agreed, Offer
from bridge.store.database import Database, key, packed
from bridge.store.erasure import Eraser
from bridge.store.journal import Journal
from bridge.store.lanes import FAILED, Claim, Lanes
from bridge.store.members import MemberStore
from bridge.store.orders import OrderStore
from bridge.store.outbox import CallbackEntry, DeadLetters
from bridge.store.uses import UseStore
from bridge.workers.inbox import ErrandEntry
from tests.factories import EMSP, NOW, order, pass_order, request
from tests.unit.dialects.deg.given import quote
from tests.unit.flows.world import wish

PHONE, BARE_PHONE, EMAIL = "+91-98765 43210", "+919876543210", "asha.rao@example.com"
BILLING = Raw(
    b'{"name":"Asha Rao","phone":"%b","email":"%b","tax_id":"29ABCDE1234F1Z5",'
    b'"address":"7 Temple Street"}' % (PHONE.encode(), EMAIL.encode())
)
CUSTOMER = Raw(b'{"person":{"name":"Asha R."},"contact":{"phone":"%b"}}' % PHONE.encode())
VEHICLE = Raw(b'{"category":"CAR","registration":"KA01AB1234"}')
UPI = "asha@upi"
PERSONAL = (
    *("Asha", "98765", "43210", "asha.rao", "29ABCDE1234F1Z5", "Temple Street", "KA01AB1234", UPI),
    *Customer(phone=BARE_PHONE, email=EMAIL).keys(),
    "her mother",
    "481516",
)
OFFER = Offer(id="spring", title="Spring", share=Decimal("0.1"), uses=9, uses_per_customer=2)
RETENTION_S = 1000


class Side:
    """The stores, and what erases in them."""

    def __init__(self, redis: Redis, *, patience_s: float = 5) -> None:
        self.redis = redis
        self.db = Database(redis)
        self.orders = OrderStore(self.db, emsp=EMSP, issuer="Bridge", retention_s=RETENTION_S)
        self.members = MemberStore(self.db, retention_s=RETENTION_S)
        self.uses = UseStore(self.db, retention_s=RETENTION_S)
        self.inbox, self.outbox, self.errand = (
            Lanes(self.db, kind, failed_kept_s=RETENTION_S // 2)
            for kind in ("inbox", "outbox", "errand")
        )
        self.dead = DeadLetters(self.db, self.outbox, retention_s=RETENTION_S)
        self.journal = Journal(self.db, retention_s=RETENTION_S)
        self.eraser = Eraser(
            self.db,
            orders=self.orders,
            inbox=self.inbox,
            outbox=self.outbox,
            errand=self.errand,
            dead=self.dead,
            journal=self.journal,
            patience_s=patience_s,
        )

    async def save(self, what: Order) -> Order:
        """Store an order."""
        await self.db.commit(self.orders.saved(what, None))
        return what

    async def push(self, lanes: Lanes, lane: str, *entries: object) -> None:
        """Queue entries."""
        for entry in entries:
            await self.db.commit(lanes.push(lane, packed(entry)))

    async def claim(self, lanes: Lanes, lane: str) -> Claim:
        """Take the lane of an order."""
        return next(each for each in await lanes.claim(10) if each.lane == lane)

    async def dump(self) -> dict[str, str]:
        """Return all there is in Redis, by key."""
        return {name.decode(): await self._read(name) async for name in self.redis.scan_iter("*")}

    async def _read(self, name: bytes) -> str:
        kind = (await self.db.do("TYPE", name)).decode()
        command = {
            "string": ("GET", name),
            "list": ("LRANGE", name, 0, -1),
            "hash": ("HGETALL", name),
            "set": ("SMEMBERS", name),
            "zset": ("ZRANGE", name, 0, -1),
            "stream": ("XRANGE", name, "-", "+"),
        }[kind]
        return str(await self.db.do(*command))

    async def personal(self) -> list[tuple[str, str]]:
        """Return each place that has a word of the person, and the word."""
        return [
            (name, word)
            for name, value in (await self.dump()).items()
            for word in PERSONAL
            if word in name or word in value
        ]


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


def settled(**changes: Any) -> Order:
    """Make an order of Asha's that is over, and knows all an order can know."""
    made = order(OrderState.SETTLED, id="o1", token_uid="TOK1", reference="ref-1")
    priced = quote("5", Line(kind=LineKind.OFFER, amount=Decimal(-9), title="Spring"))
    parts: dict[str, Any] = {
        "quote": priced,
        "billing": BILLING,
        "customer": CUSTOMER,
        "vehicle": VEHICLE,
        "tags": Raw(b'[{"code":"note","value":"for Asha"}]'),
        "callback_url": "https://bap.example/live/Asha",
        "agreed": Agreed(offers=(OFFER,)),
        "payment": Payment(
            id="p",
            collected_by="BPP",
            amount=Decimal(100),
            currency="INR",
            source_address=UPI,
        ),
        "cancellation": Cancellation(by="BAP", at=NOW, reason="her mother is ill"),
        "bill": Bill(quote=priced, refund=Decimal(0), due=Decimal(0), cdr_id="CDR1"),
        "otp": IssuedOtp(
            id="otp-1",
            step=OtpStep.CONFIRM,
            medium=OtpMedium.PHONE,
            sent_to=Customer(phone=BARE_PHONE).keys()[0],
            salt="s",
            digest="d",
            expires_at=NOW,
            attempts=1,
        ),
    }
    return replace(made, **(parts | changes))


def callback(order_key: str) -> CallbackEntry:
    """Make the final bill on its way."""
    body = b"".join(
        (
            b'{"context":{"action":"on_update"},"message":{"order":{"id":"o1","quote":{"price":',
            b'{"value":"76.60"}},"billing":%b,"payments":[{"id":"p","params":{"amount":"76.60",',
            b'"source_virtual_payment_address":"asha@upi"}}],"fulfillments":[{"id":"f",',
            b'"customer":%b,"vehicle":%b}]}}}',
        )
    ) % (bytes(BILLING), bytes(CUSTOMER), bytes(VEHICLE))
    return CallbackEntry(
        order_key=order_key,
        url="https://bap.example/on_update",
        action="on_update",
        transaction_id="t1",
        message_id="m9",
        body=Raw(body),
        solicited=False,
        created_at=NOW,
    )


async def everywhere(side: Side) -> str:
    """Leave the person wherever a bridge can; return the key of her order."""
    done = await side.save(settled())
    lane = done.key
    confirm = Confirm(wish=wish(vehicle=VEHICLE), billing=BILLING, customer=CUSTOMER)
    await side.push(side.inbox, lane, {"no": "job", "phone": PHONE})
    await side.inbox.bury(await side.claim(side.inbox, lane), "crashed")
    await side.push(
        side.inbox,
        lane,
        BecknJob(request=request(), intent=confirm),
        DeadlineJob(name="cdr", at=NOW),
        BecknJob(request=request(), intent=Support(ref_id="o1", phone=PHONE, email=EMAIL)),
    )
    await side.push(side.outbox, lane, callback(lane))
    otp = OtpErrand(
        id="otp-1",
        order_key=lane,
        transaction_id="t1",
        code="481516",
        to=Customer(phone=BARE_PHONE),
        until=NOW,
    )
    money: dict[str, Any] = {"order_key": lane, "transaction_id": "t1", "payment_id": "p"}
    money |= {"amount": Decimal(1), "currency": "INR"}
    collect = CollectErrand(id="c", source_address=UPI, **money)
    refund = RefundErrand(id="r", **money)
    errands = [ErrandEntry(errand=each) for each in (otp, refund, collect, otp)]
    await side.push(side.errand, lane, *errands)
    await side.db.commit(side.dead.buried(callback(lane), "HTTP 500"))
    await side.db.commit(
        [
            *side.journal.note(lane, "BAP > bridge", "Beckn", "confirm", message_id="m1"),
            *side.journal.note(lane, "bridge", "bridge", "note", note="Asha Rao has no OTP"),
        ]
    )
    return lane


async def test_nothing_of_the_person_is_left_and_the_bill_stays(side: Side) -> None:
    lane = await everywhere(side)
    before = await side.orders.load(lane)
    assert before is not None
    # Else the scan could not fail: each of her words stands somewhere.
    assert {word for _, word in await side.personal()} == set(PERSONAL)

    known = await side.eraser.trace(lane, NOW)
    assert (known.waiting, known.dead_letters, known.failed) == (6, 1, 1)
    assert {"billing", "customer", "vehicle", "one-time password"} <= set(known.known)
    await side.eraser.erase(lane, NOW)

    assert await side.personal() == []
    after = await side.orders.load(lane)
    assert after is not None
    assert (after.bill, after.quote, after.token_uid) == (before.bill, before.quote, "TOK1")
    assert after.payment == replace(before.payment, source_address=None)  # type: ignore[type-var]
    assert await side.orders.key_of_order_id("o1") == lane
    assert await side.orders.by_reference("ref-1") == lane
    assert [b"deadline" in each for each in await side.inbox.entries(lane)] == [False, True, False]
    (bill,) = await side.outbox.entries(lane)
    assert b'"value":"76.60"' in bill
    (refund,) = await side.errand.entries(lane)
    assert b'"refund"' in refund
    story = [entry.what for entry in await side.journal.read(lane)]
    assert story == ["confirm", "personal data erased"]
    assert 0 < await side.redis.ttl(key("order", lane)) <= RETENTION_S
    assert (await side.eraser.trace(lane, NOW)).is_bare


async def test_a_contact_stands_for_all_its_orders_and_what_is_kept_by_its_hash(side: Side) -> None:
    await side.save(settled())
    await side.save(settled(key="bap|t2", billing=BILLING, customer=CUSTOMER))
    other = Raw(b'{"phone":"+911111111111"}')
    await side.save(settled(key="bap|t3", billing=other, customer=other, otp=None))
    bought = pass_order(key="bap|t4", state=PassState.CANCELLED, billing=BILLING)
    living = replace(bought, state=PassState.ACTIVE)
    await side.db.commit([*side.orders.pass_saved(living), *side.members.saved(living)])
    spent = SessionUse(saved=Decimal(1), spent=Decimal(9), currency="INR")
    await side.db.commit(side.members.used(MemberUse(held_by="bap|t4", order_key="x", use=spent)))
    await side.db.commit(side.orders.pass_saved(bought))
    # Of an order whose record has expired.
    gone = settled(key="bap|t0")
    await side.save(gone)
    await side.redis.delete(key("order", gone.key))

    contacts = Contacts(frozenset({BARE_PHONE}), frozenset({EMAIL}))
    found = await side.eraser.naming(contacts)
    assert len(found) == 3
    assert "bap|t3" not in found
    for each in found:
        await side.eraser.erase(each, NOW)
    assert await side.eraser.forget(contacts) == 2

    words = set(PERSONAL) - {"her mother", UPI, "KA01AB1234", "Asha"}  # the other's as well
    assert [place for place in await side.personal() if place[1] in words] == []
    names = [name for name in await side.dump() if "member" in name]
    assert names == []
    assert await side.redis.scard(key("uses", OFFER.id)) == 4, "how often an offer was used"


async def test_what_is_not_over_is_told(side: Side) -> None:
    running = await side.save(settled(state=OrderState.CHARGING))
    quoted = await side.save(settled(key="bap|t2", state=OrderState.INITIALISED, bill=None))
    assert quoted.payment is not None
    paid = replace(quoted.payment, confirmed=True, status=PaymentStatus.PAID)
    bound = await side.save(replace(quoted, key="bap|t3", payment=paid))
    ended = await side.save(settled(key="bap|t4", state=OrderState.ENDED, bill=None))
    active = pass_order(key="bap|t5")
    await side.db.commit(side.orders.pass_saved(active))
    orders = (running, quoted, bound, ended, active)
    told = [(await side.eraser.trace(each.key, NOW)).unfinished for each in orders]
    assert told == [True, False, True, False, True]
    later = NOW + timedelta(days=400)
    assert not (await side.eraser.trace(active.key, later)).unfinished


async def test_nobody_writes_what_a_bridge_is_at_work_on(redis: Redis) -> None:
    side = Side(redis, patience_s=0)
    done = await side.save(settled())
    await side.push(side.inbox, done.key, DeadlineJob(name="cdr", at=NOW))
    claim = await side.claim(side.inbox, done.key)
    with pytest.raises(StoreUnavailable, match="a bridge is at work"):
        await side.eraser.erase(done.key, NOW)
    assert await side.orders.load(done.key) == done
    await side.db.commit(side.inbox.finished(claim), [side.inbox.held(claim)])
    await side.eraser.erase(done.key, NOW)
    assert await side.personal() == []


async def test_a_lane_that_has_changed_is_looked_at_again(side: Side) -> None:
    await side.push(side.outbox, "lane", callback("lane"))
    seen = side.outbox.untouched("lane", await side.outbox.stored("lane"))
    assert await side.db.commit([], seen)
    await side.push(side.outbox, "lane", callback("lane"))
    assert not await side.db.commit([], seen)
    assert not await side.db.commit([], side.outbox.untouched("lane", []))


async def test_whatever_names_a_person_ends_by_itself(side: Side) -> None:
    await everywhere(side)
    unlimited = replace(OFFER, id="always", uses=None)
    await side.save(settled(key="bap|t2", agreed=Agreed(offers=(unlimited,))))
    bought = pass_order(key="bap|t4", billing=BILLING)
    await side.db.commit([*side.orders.pass_saved(bought), *side.members.saved(bought)])
    for each in (side.inbox, side.outbox, side.errand):
        # What waits is done or given up, and then gone or a dead letter.
        await side.redis.delete(
            *[n async for n in side.redis.scan_iter(key("lane", each.kind, "*"))]
        )

    pass_s = bought.membership.valid_until - NOW if bought.membership else timedelta()
    named = {name for name, _ in await side.personal()}
    assert len(named) >= 6
    for name in named:
        member = "member" in name or name == key("order", "bap|t4")
        longest = RETENTION_S + (pass_s.total_seconds() if member else 0)
        assert 0 < await side.redis.ttl(name) <= longest, name
    assert await side.redis.ttl(FAILED) <= RETENTION_S // 2
