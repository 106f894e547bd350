"""What select, init and confirm share: the item as it is now, and its price."""

from __future__ import annotations

import asyncio
from datetime import datetime

from msgspec.structs import replace

from bridge.errors import CpoUnavailable, ItemUnavailable, QuoteUnavailable
from bridge.flows.decision import World, answer_by
from bridge.flows.reservation import reserves
from bridge.ocpi.locations import EVSE
from bridge.orders.intents import Request, Wish
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order, Quote
from bridge.orders.terms import Agreed
from bridge.pricing.quote import quote


async def available_item(
    world: World, request: Request, wish: Wish, *, ask: bool, later: bool = False
) -> ChargingItem:
    """Return the wished item, with the status the CPO itself gives.

    Its tariff is the one in force when charging starts.

    Args:
        ask: ask the CPO even when our knowledge is fresh.
        later: it is for a slot; until then whoever is there may charge on.

    Raises:
        ProviderUnknown, ItemUnknown: there is no such item.
        ItemUnavailable: the EVSE is in use, out of order or gone, or its party is away.
        CpoUnavailable: the CPO had to be asked and did not answer while ``request`` waits.
    """
    at = wish.start if later else None
    item = world.catalog.find(wish.provider_id, wish.item_id, at)
    if ask or not world.freshness.fresh(item):
        evse = await _asked(world, request, item)
        if evse is None:
            raise ItemUnavailable(f"the CPO does not know EVSE {item.evse.uid} any more")
        item = replace(item, evse=replace(item.evse, status=evse.status))
    if item.status not in (world.bookable if later else world.startable):
        raise ItemUnavailable(f"EVSE {item.evse.evse_id or item.evse.uid} is {item.status}")
    return item


async def _asked(world: World, request: Request, item: ChargingItem) -> EVSE | None:
    """Ask the CPO for the EVSE, for as long as there is time to answer the BAP."""
    until = answer_by(request, limit_s=world.terms.reply_deadline_s)
    try:
        async with asyncio.timeout(max(0.0, (until - world.now).total_seconds())):
            return await world.live.evse(item.cpo_id, item)
    except TimeoutError as error:
        raise CpoUnavailable("the CPO does not answer in time") from error


def slot(world: World, wish: Wish) -> tuple[datetime | None, datetime | None]:
    """Return the wished slot; what is already past is open, and means now (decisions 5)."""
    start = wish.start if wish.start is not None and wish.start > world.now else None
    end = wish.end if wish.end is not None and wish.end > (start or world.now) else None
    return start, end


def priced(
    world: World, wish: Wish, item: ChargingItem, agreed: Agreed, known: Order | None
) -> Quote:
    """Return the quote for a wish; the known one when nothing that matters has changed.

    Raises:
        QuoteUnavailable: no tariff applies, or the budget buys nothing.
    """
    if item.tariff is None:
        raise QuoteUnavailable(f"no known tariff applies to {item.id}")
    start, end = slot(world, wish)
    if (
        known is not None
        and known.quote is not None
        and known.quote.expires_at is not None
        and known.quote.expires_at > world.now
        and (known.item.id, known.item.tariff, known.agreed) == (item.id, item.tariff, agreed)
        and (known.quantity, known.start, known.end) == (wish.quantity, start, end)
    ):
        return known.quote
    return quote(
        item.tariff,
        wish.quantity,
        power_kw=item.power_kw,
        start=start,
        end=end,
        time_zone=item.location.time_zone,
        now=world.now,
        ttl_s=world.terms.quote_ttl_s,
        default_kwh=world.terms.default_kwh,
        max_kwh=world.terms.max_kwh,
        agreed=agreed,
        held_s=_held_s(world, item, start),
    )


def _held_s(world: World, item: ChargingItem, start: datetime | None) -> int:
    """Return how long the CPO will hold the connector for a driver who comes in time.

    Of a spot booking nobody knows when he comes.
    """
    ahead_s = 0 if start is None else int((start - world.now).total_seconds())
    if ahead_s <= world.commercial.spot_within_s:
        return 0
    wanted = any(reserves(world, item, dialect) for dialect in world.dialects)
    return min(int(world.terms.reserve_lead_s), ahead_s) if wanted else 0
