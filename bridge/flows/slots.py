"""When a wish can be fulfilled: now, or in a slot that nobody else has (use case 2, decisions 23).

A start that is missing, past or near is a spot booking: it gets no slot, and the CPO is the
arbiter; but it does not run into a slot that is firmly somebody else's. Any other start is that of
a slot, which init holds for the life of the quote and the placed order until it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final, NamedTuple

from msgspec.structs import replace

from bridge.catalog.hours import open_spans
from bridge.catalog.local_time import zone_of
from bridge.catalog.spans import Span, nearest, without
from bridge.errors import ItemUnavailable, QuoteUnavailable, UpdateImpossible
from bridge.flows.agreed import agreed_terms
from bridge.flows.decision import World
from bridge.flows.offer import priced, slot
from bridge.orders.intents import Measure, Quantity, Wish
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order, OrderState
from bridge.orders.slot import Slot, planned_s, slot_of

NEAR: Final = timedelta(days=1)
"""How far from the wished start, before and after, a free slot is looked for."""

AHEAD: Final = timedelta(days=30)
"""How long ahead a slot may start."""

LONGEST: Final = timedelta(days=7)
"""The longest slot."""

LEAST: Final = timedelta(minutes=15)
"""A spot booking that somebody else's slot cuts shorter than this gets another time."""

_MINUTE: Final = timedelta(minutes=1)
_WH: Final = Decimal("0.001")


class Timed(NamedTuple):
    """A wish with the time that it can be fulfilled in; ``booked``: it takes a slot."""

    wish: Wish
    booked: bool


def wants_slot(world: World, wish: Wish, known: Order | None) -> bool:
    """Tell whether a wish is for a slot, and not for now.

    A slot that was answered stays one, however near it has come meanwhile.
    """
    if wish.start is None:
        return False
    if known is not None and known.booked and known.start == wish.start:
        return True
    return wish.start > world.now + timedelta(seconds=world.commercial.spot_within_s)


async def timed(
    world: World, wish: Wish, item: ChargingItem, order_key: str, known: Order | None
) -> Timed:
    """Return a wish at its own time if that is free, else at the nearest time that is.

    Raises:
        ItemUnavailable: nothing is free near the wished time.
        QuoteUnavailable: the slot is too far ahead, or too long; or see priced.
    """
    taken = await _taken(world, item, order_key)
    if not wants_slot(world, wish, known):
        spot = _spot(world, wish, item, [each for each in taken if each.firm])
        if spot is not None:
            return Timed(spot, booked=False)
    length = _length(world, wish, item)
    start, end = _nearest(world, item, wish.start or world.now, length, taken)
    found = _fitting(world, replace(wish, start=start, end=end), item, length)
    return Timed(found, booked=wants_slot(world, found, known))


async def timed_as_said(
    world: World, wish: Wish, item: ChargingItem, order_key: str, known: Order | None
) -> Timed:
    """Return the same, but never at another time: on_select has offered one.

    Raises:
        ItemUnavailable: the time is not free, or not any more; the nearest free one is named.
        QuoteUnavailable: as timed.
    """
    found = await timed(world, wish, item, order_key, known)
    if found.wish.start != wish.start:
        raise _taken_by_others(item, found.wish.start, found.wish.end)
    return found


async def kept(world: World, order: Order) -> None:
    """Hold the slot of an order; one without is left alone.

    Raises:
        ItemUnavailable: somebody else has it; the nearest free one is named.
    """
    own = slot_of(replace(order, state=OrderState.INITIALISED))
    if own is None or await world.slots.hold(own, world.now):
        return
    taken = await _taken(world, order.item, order.key)
    nearest_free = _nearest(world, order.item, own.start, own.end - own.start, taken)
    raise _taken_by_others(order.item, *nearest_free)


async def not_in_the_way(world: World, order: Order) -> None:
    """See to it that a spot booking was not overtaken by a slot that was booked since.

    Raises:
        QuoteUnavailable: it was.
    """
    firm = [each for each in await _taken(world, order.item, order.key) if each.firm]
    if not firm or order.quote is None:
        return
    start = order.start or order.updated_at
    seconds = planned_s(order.quantity, order.quote.kwh, order.item.power_kw) or 0
    end = order.end or start + timedelta(seconds=seconds)
    if any(each.start < end and start < each.end for each in firm):
        raise QuoteUnavailable("the connector was booked by somebody else; send init again")


async def not_too_early(world: World, order: Order) -> None:
    """See to it that a driver who starts before his slot starts in nobody else's.

    Raises:
        UpdateImpossible: the connector is somebody else's until then.
    """
    if order.state is not OrderState.CONFIRMED or not order.booked or order.start is None:
        return
    if order.start <= world.now:
        return
    for other in await _taken(world, order.item, order.key):
        if other.firm and other.start <= world.now < other.end:
            until = _local(order.item, other.end)
            raise UpdateImpossible(f"the connector is booked by somebody else until {until}")


async def _taken(world: World, item: ChargingItem, order_key: str) -> list[Slot]:
    """Return what others have of a connector."""
    return [
        each for each in await world.slots.busy(item.key, world.now) if each.order_key != order_key
    ]


def _length(world: World, wish: Wish, item: ChargingItem) -> timedelta:
    """Return how long a wish takes: until its end, else what its energy takes."""
    start, end = slot(world, wish)
    return _needed(world, wish, item) if end is None else end - (start or world.now)


def _needed(world: World, wish: Wish, item: ChargingItem) -> timedelta:
    """Return how long the energy of a wish takes, or the time it asks for, in whole minutes."""
    agreed = agreed_terms(world, item)
    price = priced(world, wish, item, agreed, None)
    seconds = planned_s(wish.quantity, price.kwh, item.power_kw) or 0
    return -(timedelta(seconds=-seconds) // _MINUTE) * _MINUTE


def _spot(world: World, wish: Wish, item: ChargingItem, firm: Sequence[Slot]) -> Wish | None:
    """Return a spot booking that ends where a slot begins; None when that leaves too little."""
    if not firm:
        return wish
    start, _ = slot(world, wish)
    begin = start or world.now
    end = begin + max(_length(world, wish, item), _needed(world, wish, item))
    begins = [each.start for each in firm if each.start < end and begin < each.end]
    if not begins:
        return wish
    left = min(begins) - begin
    return None if left < LEAST else _fitting(world, replace(wish, end=begin + left), item, left)


def _fitting(world: World, wish: Wish, item: ChargingItem, length: timedelta) -> Wish:
    """Return a wish with so much energy as a time gives; a budget is cut by the end of it."""
    quantity = wish.quantity
    if quantity is not None and quantity.measure is Measure.AMOUNT:
        return wish
    seconds = int(length.total_seconds())
    most = (item.power_kw * seconds / 3600).quantize(_WH, ROUND_DOWN)
    match quantity:
        case None:
            fits = world.terms.default_kwh <= most
        case Quantity(measure=Measure.ENERGY):
            fits = quantity.value <= most
        case _:
            fits = quantity.value <= seconds
    if fits:
        return wish
    stated = format(most, "f")
    cut = Quantity(measure=Measure.ENERGY, value=most, unit="kWh", stated=stated)
    return replace(wish, quantity=cut)


def _nearest(
    world: World, item: ChargingItem, wished: datetime, length: timedelta, taken: Sequence[Slot]
) -> Span:
    """Return the free slot nearest to a wished start; the wished one if it is free."""
    if wished > world.now + AHEAD:
        raise QuoteUnavailable(f"a slot starts within {AHEAD.days} days")
    if length > LONGEST:
        raise QuoteUnavailable(f"a slot lasts {LONGEST.days} days at most")
    first = world.now + timedelta(seconds=world.commercial.spot_within_s) + _MINUTE
    first = min(wished, first.replace(second=0, microsecond=0) + _MINUTE)
    opens = open_spans(item.location, max(first, wished - NEAR), wished + NEAR + length)
    found = nearest(without(opens, [(each.start, each.end) for each in taken]), wished, length)
    if found is None:
        raise ItemUnavailable(f"no free slot within a day of {_local(item, wished)}")
    return found


def _taken_by_others(
    item: ChargingItem, start: datetime | None, end: datetime | None
) -> ItemUnavailable:
    return ItemUnavailable(
        f"the slot is taken; the nearest free one is {_local(item, start)} to {_local(item, end)}"
    )


def _local(item: ChargingItem, instant: datetime | None) -> str:
    """Write an instant as the clock at the Location shows it; none is now."""
    if instant is None:
        return "now"
    return instant.astimezone(zone_of(item.location.time_zone)).isoformat(timespec="seconds")
