"""Memberships and their uses: what the flows are promised, of the fake and of a real Redis."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Protocol

import pytest
from msgspec import Raw
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.flows.ports import Members
from bridge.orders.customer import Customer
from bridge.orders.order import Cancellation
from bridge.orders.pass_order import MemberUse, PassOrder, PassState, SessionUse
from bridge.store.database import Database, key
from bridge.store.members import MemberStore, pass_kept_s
from bridge.store.orders import OrderStore
from tests.factories import EMSP, NOW, loyalty_pass, membership, order, pass_order, request
from tests.fakes import MemoryMembers

RETENTION_S = 1000
PHONE = Customer(phone="+919876543210").keys()[0]
EMAIL = Customer(email="asha@example.com").keys()[0]
DAY_S = 86_400


class Side(Protocol):
    """Members, and how they are written."""

    members: Members

    async def save(self, order: PassOrder) -> None:
        """Save the order of a pass."""

    async def use(self, what: MemberUse) -> None:
        """Note a use."""


class Memory:
    """The fake."""

    def __init__(self) -> None:
        self.fake = MemoryMembers()
        self.members: Members = self.fake

    async def save(self, order: PassOrder) -> None:
        self.fake.save(order)

    async def use(self, what: MemberUse) -> None:
        self.fake.note(what)


class Real:
    """The store, written as the worker does it."""

    def __init__(self, redis: Redis) -> None:
        self.db = Database(redis)
        self.store = MemberStore(self.db, retention_s=RETENTION_S)
        self.members: Members = self.store
        self.orders = OrderStore(self.db, emsp=EMSP, issuer="Bridge", retention_s=RETENTION_S)

    async def save(self, order: PassOrder) -> None:
        assert await self.db.commit(self.orders.pass_saved(order) + self.store.saved(order))

    async def use(self, what: MemberUse) -> None:
        assert await self.db.commit(self.store.used(what))


@pytest.fixture(params=["memory", "redis"])
def side(request: pytest.FixtureRequest) -> Side:
    if request.param == "memory":
        return Memory()
    return Real(request.getfixturevalue("redis"))


@pytest.fixture
def real(redis: Redis) -> Real:
    return Real(redis)


def used(amount: str | None, order_key: str = "b|t1") -> MemberUse:
    use = None
    if amount is not None:
        use = SessionUse(saved=Decimal(1), spent=Decimal(amount), currency="INR")
    return MemberUse(held_by=pass_order().key, order_key=order_key, use=use)


async def spent(side: Side) -> list[int]:
    return sorted(int(use.spent) for use in await side.members.uses(pass_order().key))


async def test_a_member_is_found_by_each_key(side: Side) -> None:
    await side.save(pass_order())
    for name in (PHONE, EMAIL):
        assert list(await side.members.of(name)) == [membership()]
    assert list(await side.members.of("nobody")) == []


async def test_a_draft_makes_no_member(side: Side) -> None:
    await side.save(pass_order(PassState.INITIALISED, membership=None))
    assert list(await side.members.of(PHONE)) == []


async def test_two_passes_of_one_customer(side: Side) -> None:
    gold = membership(id="MEMBER-2", order_key="b|gold", held=loyalty_pass(tier="Gold"))
    await side.save(pass_order())
    await side.save(
        pass_order(key="b|gold", billing=Raw(b'{"phone":"+919876543210"}'), membership=gold)
    )
    assert {each.id for each in await side.members.of(PHONE)} == {"MEMBER-1", "MEMBER-2"}
    assert [each.id for each in await side.members.of(EMAIL)] == ["MEMBER-1"]


async def test_a_rise_replaces_what_is_held(side: Side) -> None:
    await side.save(pass_order())
    risen = membership(held=loyalty_pass(tier="Gold"))
    await side.save(pass_order(membership=risen))
    assert list(await side.members.of(PHONE)) == [risen]


async def test_a_cancelled_pass_is_no_membership(side: Side) -> None:
    await side.save(pass_order())
    await side.save(
        pass_order(PassState.CANCELLED, cancellation=Cancellation(by="CONSUMER", at=NOW))
    )
    assert list(await side.members.of(PHONE)) == []
    assert list(await side.members.of(EMAIL)) == []


async def test_nothing_is_left_of_a_cancelled_pass_but_its_order(real: Real) -> None:
    await real.save(pass_order())
    given_back = Cancellation(by="CONSUMER", at=NOW)
    await real.save(pass_order(PassState.CANCELLED, cancellation=given_back))
    names = [bytes(name).decode() for name in await real.db.do("KEYS", "*")]
    assert not [name for name in names if "member" in name]


async def test_each_order_counts_once(side: Side) -> None:
    assert await spent(side) == []
    await side.use(used("90"))
    await side.use(used("90"))
    await side.use(used("50", "b|t2"))
    assert await spent(side) == [50, 90]
    await side.use(used("70"))
    assert await spent(side) == [50, 70]
    await side.use(used(None))
    assert await spent(side) == [50]
    await side.use(used(None, "b|t3"))
    assert await spent(side) == [50]


async def test_a_pass_is_kept_until_its_end_and_as_long_as_any_order_afterwards(
    real: Real,
) -> None:
    bought = pass_order()
    await real.use(used("90"))
    assert await real.db.do("TTL", key("member-use", bought.key)) == RETENTION_S
    await real.save(bought)
    longest = 30 * DAY_S + RETENTION_S
    assert pass_kept_s(bought, RETENTION_S) == longest
    names = [
        key("order", bought.key),
        key("order-id", "pass-1"),
        key("transaction", "t-pass"),
        key("membership", bought.key),
        key("member", PHONE),
        key("member-use", bought.key),
    ]
    for name in names:
        assert longest - 5 <= await real.db.do("TTL", name) <= longest
    shorter = membership(id="M2", order_key="b|t", valid_until=NOW + timedelta(days=1))
    await real.save(pass_order(key="b|t", membership=shorter))
    assert await real.db.do("TTL", key("member", PHONE)) >= longest - 5
    await real.use(used("20", "b|t2"))
    assert await real.db.do("TTL", key("member-use", bought.key)) >= longest - 5


async def test_nothing_outside_the_order_says_who_the_customer_is(real: Real) -> None:
    await real.save(pass_order())
    await real.use(used("90"))
    told = []
    for name in await real.db.do("KEYS", "*"):
        kind = bytes(await real.db.do("TYPE", name)).decode()
        read = {
            "string": ("GET", name),
            "set": ("SMEMBERS", name),
            "hash": ("HGETALL", name),
        }[kind]
        text = bytes(name) + repr(await real.db.do(*read)).encode()
        if any(word in text for word in (b"9876543210", b"asha", b"Asha")):
            told.append(bytes(name).decode())
    assert told == [key("order", pass_order().key)]


async def test_an_order_of_a_pass_is_no_order_of_charging(real: Real) -> None:
    bought = pass_order()
    await real.save(bought)
    assert await real.orders.record(bought.key) == bought
    assert await real.orders.load(bought.key) is None
    assert await real.orders.key_of_order_id("pass-1") == bought.key
    assert await real.orders.keys_of_transaction("t-pass") == [bought.key]

    charging = order(request=request(transaction_id="t-pass"))
    assert charging.key == bought.key
    assert await real.db.commit(real.orders.saved(charging, None))
    assert await real.orders.record(bought.key) == charging == await real.orders.load(bought.key)
    await real.save(replace(bought, updated_at=NOW))
    assert await real.orders.record("nothing") is None
