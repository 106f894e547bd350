"""Uses of offers: the store in Redis and the fake promise the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

import pytest
from msgspec import Raw
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.flows.ports import Uses
from bridge.orders.order import Bill, Line, LineKind, Order, OrderState, Quote
from bridge.orders.terms import Agreed, Offer
from bridge.orders.uses import Limit, Use, uses_of
from bridge.store.database import Database, key
from bridge.store.orders import OrderStore
from bridge.store.uses import UseStore
from tests import factories
from tests.factories import EMSP, NOW
from tests.fakes import MemoryUses

RETENTION_S = 1000
OFFER = Offer(id="few", title="A few", share=Decimal("0.2"), uses=2)
ONCE = replace(OFFER, id="once", uses=None, uses_per_customer=1)


class Side(Protocol):
    """A store of uses, and what saving an order does to it."""

    @property
    def uses(self) -> Uses:
        """The store."""
        ...

    async def save(self, order: Order) -> None:
        """Save an order."""
        ...


class Memory:
    """The fake."""

    def __init__(self) -> None:
        self.uses = MemoryUses()

    async def save(self, order: Order) -> None:
        """Save an order."""
        self.uses.save(order)


class InRedis:
    """The stores of the bridge."""

    def __init__(self, redis: Redis) -> None:
        self.db = Database(redis)
        self.uses = UseStore(self.db, retention_s=RETENTION_S)
        self._orders = OrderStore(self.db, emsp=EMSP, issuer="Bridge", retention_s=RETENTION_S)

    async def save(self, order: Order) -> None:
        """Save an order."""
        await self.db.commit(self._orders.saved(order, await self._orders.load(order.key)))


@pytest.fixture(params=["memory", "redis"])
async def side(request: pytest.FixtureRequest, redis: Redis) -> Side:
    """Give both, one after the other."""
    return Memory() if request.param == "memory" else InRedis(redis)


async def test_there_are_only_so_many(side: Side) -> None:
    assert await side.uses.reached(Use(OFFER, "a")) is None
    assert await side.uses.take(Use(OFFER, "a")) is None
    assert await side.uses.take(Use(OFFER, "b")) is None
    assert await side.uses.reached(Use(OFFER, "c")) is Limit.USES
    assert await side.uses.take(Use(OFFER, "c")) is Limit.USES
    assert await side.uses.take(Use(replace(OFFER, id="other"), "c")) is None


async def test_looking_takes_nothing(side: Side) -> None:
    for order in "abc":
        assert await side.uses.reached(Use(OFFER, order)) is None


async def test_an_order_takes_its_use_once(side: Side) -> None:
    for _ in range(3):
        assert await side.uses.take(Use(OFFER, "a")) is None
    assert await side.uses.take(Use(OFFER, "b")) is None
    assert await side.uses.take(Use(OFFER, "a")) is None, "it has it"
    assert await side.uses.reached(Use(OFFER, "a")) is None, "it has it"


async def test_what_is_given_back_is_there_for_others(side: Side) -> None:
    await side.uses.take(Use(OFFER, "a"))
    await side.uses.take(Use(OFFER, "b"))
    await side.uses.give_back(Use(OFFER, "a"))
    await side.uses.give_back(Use(OFFER, "never"))
    assert await side.uses.take(Use(OFFER, "c")) is None
    assert await side.uses.take(Use(OFFER, "a")) is Limit.USES


async def test_a_customer_is_counted_by_each_key(side: Side) -> None:
    assert await side.uses.take(Use(ONCE, "a", ("phone", "e-mail"))) is None
    assert await side.uses.take(Use(ONCE, "b", ("phone",))) is Limit.USES_PER_CUSTOMER
    assert await side.uses.take(Use(ONCE, "b", ("new", "e-mail"))) is Limit.USES_PER_CUSTOMER
    assert await side.uses.take(Use(ONCE, "b", ("new",))) is None, "a refusal took nothing"
    await side.uses.give_back(Use(ONCE, "a", ("phone", "e-mail")))
    assert await side.uses.take(Use(ONCE, "c", ("e-mail",))) is None


async def test_a_refusal_by_one_limit_takes_nothing_of_the_other(side: Side) -> None:
    both = replace(OFFER, uses_per_customer=1)
    assert await side.uses.take(Use(both, "a", ("asha",))) is None
    assert await side.uses.take(Use(both, "b", ("asha",))) is Limit.USES_PER_CUSTOMER
    assert await side.uses.take(Use(both, "c", ("ravi",))) is None
    assert await side.uses.take(Use(both, "d", ("mira",))) is Limit.USES


async def test_of_many_at_once_no_more_than_the_limit_get_it(side: Side) -> None:
    offer = replace(OFFER, uses=7)
    answers = await asyncio.gather(*(side.uses.take(Use(offer, f"o{n}")) for n in range(50)))
    assert answers.count(None) == 7


# An order that is saved


def quote(*lines: Line) -> Quote:
    return Quote(id="q", currency="INR", price=Decimal(0), lines=lines, kwh=Decimal(5))


def bill(*lines: Line, provisional: bool = False) -> Bill:
    return Bill(quote=quote(*lines), refund=Decimal(0), due=Decimal(0), provisional=provisional)


EARNED = Line(kind=LineKind.OFFER, amount=Decimal(-20))
LAST = replace(OFFER, uses=1)


def ordered(
    state: OrderState = OrderState.CONFIRMED, offer: Offer = LAST, **changes: object
) -> Order:
    billing = Raw(b'{"phone":"+918000000001"}')
    return factories.order(state, billing=billing, agreed=Agreed(offers=(offer,)), **changes)


async def is_free(side: Side) -> bool:
    return await side.uses.reached(Use(LAST, "other")) is None


@pytest.mark.parametrize(
    ("order", "is_given_back"),
    [
        (ordered(), False),
        (ordered(OrderState.CHARGING), False),
        (ordered(OrderState.CANCELLED), True),
        (ordered(OrderState.ENDED, bill=bill(provisional=True)), False),
        (ordered(OrderState.SETTLED, bill=bill(EARNED)), False),
        (ordered(OrderState.SETTLED, bill=bill()), True),
    ],
)
async def test_a_use_stands_while_its_order_does(
    side: Side, order: Order, is_given_back: bool
) -> None:
    await side.uses.take(uses_of(order)[0])
    await side.save(order)
    assert await is_free(side) is is_given_back
    await side.save(order)
    assert await is_free(side) is is_given_back


async def test_a_later_bill_with_the_offer_has_the_use_again(side: Side) -> None:
    order = ordered(OrderState.SETTLED, bill=bill())
    await side.save(order)
    assert await is_free(side)
    await side.uses.take(Use(LAST, "other"))
    await side.save(replace(order, bill=bill(EARNED)))
    assert await side.uses.reached(Use(LAST, "third")) is Limit.USES
    await side.uses.give_back(Use(LAST, "other"))
    assert await side.uses.reached(Use(LAST, "third")) is Limit.USES, "the order has it"


@pytest.mark.parametrize("state", [OrderState.SELECTED, OrderState.INITIALISED])
async def test_an_order_that_is_not_placed_has_no_use(side: Side, state: OrderState) -> None:
    await side.save(ordered(state))
    assert await is_free(side)


# In Redis


@pytest.fixture
def stored(redis: Redis) -> InRedis:
    """Give the stores of the bridge."""
    return InRedis(redis)


async def test_uses_are_known_until_some_time_after_the_end_of_the_offer(stored: InRedis) -> None:
    until = NOW + timedelta(days=3650)
    offer = replace(OFFER, uses_per_customer=1, valid_until=until)
    end = int(until.timestamp()) + RETENTION_S
    await stored.uses.take(Use(offer, "a", ("asha",)))
    order = ordered(offer=replace(offer, id="saved"))
    await stored.save(order)
    customers = uses_of(order)[0].customers
    for name in (("few",), ("few", "asha"), ("saved",), *(("saved", each) for each in customers)):
        assert await stored.db.do("EXPIRETIME", key("uses", *name)) == end
    endless = Use(replace(offer, id="endless", valid_until=None), "a", ("asha",))
    await stored.uses.take(endless)
    assert await stored.db.do("TTL", key("uses", "endless")) == -1


async def test_what_is_not_limited_is_not_counted(stored: InRedis) -> None:
    unlimited = replace(OFFER, uses=None)
    assert await stored.uses.take(Use(unlimited, "a", ("asha",))) is None
    await stored.save(ordered(offer=unlimited))
    assert await stored.db.do("KEYS", key("uses", "*")) == []
