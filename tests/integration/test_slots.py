"""One suite for what keeps connectors: the fake, and the store on a real Redis."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.flows.ports import Slots
from bridge.ocpi.headers import Party
from bridge.orders.order import Order, OrderState, Quote
from bridge.orders.slot import Slot, slot_of
from bridge.store.database import Database, key
from bridge.store.objects import CHANGES
from bridge.store.slots import KEPT_S, PLACES, SlotStore
from tests.factories import NOW, PARTY, connector, evse, item, location, order, request
from tests.fakes import MemorySlots

S = OrderState
HOUR = timedelta(hours=1)
QUOTE_LIFE = timedelta(minutes=15)


class Side(Protocol):
    """Slots, and saving an order as the worker does it."""

    @property
    def slots(self) -> Slots: ...

    async def save(self, order: Order, before: Order | None) -> bool: ...


class InMemory:
    def __init__(self) -> None:
        self.slots = MemorySlots()

    async def save(self, order: Order, before: Order | None) -> bool:
        return self.slots.save(order, before)


class InRedis:
    def __init__(self, redis: Redis) -> None:
        self.db = Database(redis)
        self.slots = SlotStore(self.db)

    async def save(self, order: Order, before: Order | None) -> bool:
        return await self.db.commit(*self.slots.saved(order, before))


@pytest.fixture(params=["memory", "redis"])
def side(request: pytest.FixtureRequest) -> Side:
    if request.param == "memory":
        return InMemory()
    return InRedis(request.getfixturevalue("redis"))


def quoted(name: str, life: timedelta = QUOTE_LIFE) -> Quote:
    return Quote(
        id=f"quote-{name}",
        currency="INR",
        price=Decimal(910),
        lines=(),
        kwh=Decimal(50),
        expires_at=NOW + life,
    )


def wanted(
    name: str = "a", *, at: datetime = NOW + HOUR, long: timedelta = HOUR, **changes: object
) -> Order:
    """Make an order of a transaction that is to have its slot."""
    made = order(
        S.INITIALISED,
        request=request(transaction_id=name),
        booked=True,
        start=at,
        end=at + long,
        quote=quoted(name),
    )
    return replace(made, **changes)


def slot(made: Order) -> Slot:
    found = slot_of(made)
    assert found is not None
    return found


async def initialised(side: Side, made: Order, now: datetime = NOW) -> bool:
    """Hold the slot of an order and save it, as init does."""
    return await side.slots.hold(slot(made), now) and await side.save(made, None)


async def placed(side: Side, made: Order) -> Order:
    """Initialise and confirm."""
    assert await initialised(side, made)
    assert await side.slots.hold(slot(made), NOW)
    firm = replace(made, state=S.CONFIRMED)
    assert await side.save(firm, made)
    return firm


async def owners(side: Side, now: datetime = NOW, of: Order | None = None) -> set[str]:
    """Return the transactions that have something of the connector."""
    kept = await side.slots.busy((of or wanted()).item.key, now)
    return {each.order_key.rpartition("|")[2] for each in kept}


async def test_a_slot_is_kept_as_it_was_asked_for(side: Side) -> None:
    made = wanted()
    assert await initialised(side, made)
    assert await side.slots.busy(made.item.key, NOW) == [slot(made)]


@pytest.mark.parametrize("shift_min", [-59, -30, 0, 30, 59])
async def test_what_overlaps_is_refused(side: Side, shift_min: int) -> None:
    await placed(side, wanted("a"))
    other = wanted("b", at=NOW + HOUR + timedelta(minutes=shift_min))
    assert not await side.slots.hold(slot(other), NOW)
    assert await owners(side) == {"a"}


@pytest.mark.parametrize("shift", [-HOUR, HOUR])
async def test_what_touches_is_not(side: Side, shift: timedelta) -> None:
    await placed(side, wanted("a"))
    assert await initialised(side, wanted("b", at=NOW + HOUR + shift))
    assert await owners(side) == {"a", "b"}


async def test_an_evse_serves_one_at_a_time_whatever_its_connectors(side: Side) -> None:
    await placed(side, wanted("a"))
    second = item(location(evses=(evse(connectors=(connector(id="2"),)),)))
    assert not await side.slots.hold(slot(wanted("b", item=second)), NOW)
    assert await owners(side, of=wanted(item=second)) == {"a"}


async def test_another_evse_is_another_matter(side: Side) -> None:
    await placed(side, wanted("a"))
    assert await initialised(side, wanted("b", item=item(location(evses=(evse(uid="E2"),)))))
    assert await initialised(side, wanted("c", item=item(location(id="L2"))))
    assert await owners(side) == {"a"}


async def test_ids_compare_whatever_their_case(side: Side) -> None:
    await placed(side, wanted("a"))
    same = item(location(id="l1", evses=(evse(uid="e1"),)))
    assert not await side.slots.hold(slot(wanted("b", item=same)), NOW)


async def test_an_order_is_no_obstacle_to_itself_and_has_one_slot(side: Side) -> None:
    first = wanted("a")
    assert await initialised(side, first)
    assert await side.slots.hold(slot(first), NOW)
    later = wanted("a", at=NOW + HOUR * 3 / 2)
    assert await side.slots.hold(slot(later), NOW)
    assert await side.save(later, first)
    assert await side.slots.busy(later.item.key, NOW) == [slot(later)]
    assert await initialised(side, wanted("b", at=NOW + HOUR / 2))


async def test_it_moves_to_another_location(side: Side) -> None:
    first = wanted("a")
    assert await initialised(side, first)
    there = wanted("a", item=item(location(id="L2")))
    assert await side.slots.hold(slot(there), NOW)
    assert await side.save(there, first)
    assert await owners(side) == set()
    assert await owners(side, of=there) == {"a"}


async def test_a_soft_slot_ends_with_the_quote(side: Side) -> None:
    assert await initialised(side, wanted("a"))
    almost = NOW + QUOTE_LIFE - timedelta(milliseconds=1)
    assert not await side.slots.hold(slot(wanted("b")), almost)
    assert await owners(side, NOW + QUOTE_LIFE) == set()
    other = wanted("b", quote=quoted("b", 2 * QUOTE_LIFE))
    assert await side.slots.hold(slot(other), NOW + QUOTE_LIFE)


async def test_a_firm_slot_ends_at_its_end(side: Side) -> None:
    await placed(side, wanted("a"))
    assert await owners(side, NOW + 2 * HOUR - timedelta(milliseconds=1)) == {"a"}
    assert await owners(side, NOW + 2 * HOUR) == set()


@pytest.mark.parametrize("state", [S.STARTING, S.CHARGING, S.INTERRUPTED, S.STOPPING])
async def test_it_is_kept_while_the_order_lives(side: Side, state: OrderState) -> None:
    firm = await placed(side, wanted("a"))
    assert await side.save(replace(firm, state=state), firm)
    assert [each.firm for each in await side.slots.busy(firm.item.key, NOW)] == [True]


@pytest.mark.parametrize("state", [S.ENDED, S.SETTLED, S.CANCELLED])
async def test_an_order_that_is_over_lets_it_go(side: Side, state: OrderState) -> None:
    firm = await placed(side, wanted("a"))
    assert await side.save(replace(firm, state=state), firm)
    assert await owners(side) == set()
    assert await initialised(side, wanted("b"))


async def test_a_new_select_lets_it_go(side: Side) -> None:
    made = wanted("a")
    assert await initialised(side, made)
    assert await side.save(replace(made, state=S.SELECTED), made)
    assert await owners(side) == set()


async def test_a_slot_that_was_lost_meanwhile_is_not_made_firm(side: Side) -> None:
    made = wanted("a")
    assert await initialised(side, made)
    other = wanted("b", quote=quoted("b", 3 * QUOTE_LIFE))
    assert await initialised(side, other, NOW + 2 * QUOTE_LIFE)
    assert not await side.save(replace(made, state=S.CONFIRMED), made)
    assert await owners(side, NOW + 2 * QUOTE_LIFE) == {"b"}


async def test_one_of_many_gets_it(side: Side) -> None:
    made = [wanted(f"t{number}") for number in range(50)]
    got = await asyncio.gather(*(side.slots.hold(slot(each), NOW) for each in made))
    assert got.count(True) == 1


async def test_orders_without_a_slot_write_nothing(redis: Redis) -> None:
    store = SlotStore(Database(redis))
    spot = order()
    assert store.saved(spot, None) == ([], [])
    assert store.saved(None, spot) == ([], [])
    firm = replace(wanted(), state=S.CONFIRMED)
    assert store.saved(replace(firm, state=S.STARTING), firm) == ([], [])


async def test_the_catalogue_hears_of_firm_slots_only(redis: Redis) -> None:
    side = InRedis(redis)
    made = wanted()
    await initialised(side, made)
    assert await redis.xlen(CHANGES) == 0
    assert await side.slots.places(NOW) == []
    firm = replace(made, state=S.CONFIRMED)
    await side.save(firm, made)
    ((_, told),) = await redis.xrange(CHANGES) or []
    assert told == {b"kind": b"slots", b"country_code": b"in", b"party_id": b"abc", b"ids": b"l1"}
    assert await side.slots.places(NOW) == [(Party("in", "abc"), "l1")]
    assert await side.slots.booked(PARTY, "L1", NOW) == [slot(firm)]
    await side.save(replace(firm, state=S.CANCELLED), firm)
    assert await redis.xlen(CHANGES) == 2
    assert await side.slots.booked(PARTY, "L1", NOW) == []
    assert await side.slots.places(NOW + 3 * HOUR) == []


async def test_everything_ends_by_itself(redis: Redis) -> None:
    side = InRedis(redis)
    await placed(side, wanted())
    (place,) = [
        name async for name in redis.scan_iter(key("slots", "*")) if name != PLACES.encode()
    ]
    assert 0 < await redis.ttl(place) <= KEPT_S
