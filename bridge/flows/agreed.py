"""What an order is promised beside its tariff: the operator's terms that are for its connector."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bridge.flows.decision import World
from bridge.orders.item import ChargingItem
from bridge.orders.terms import Agreed, Discount, Offer, Where
from bridge.pricing.conditions import offered_at
from bridge.pricing.restrictions import zone


def agreed_terms(
    world: World,
    item: ChargingItem,
    at: datetime,
    offers: Sequence[Offer] = (),
    discount: Discount | None = None,
) -> Agreed:
    """Return the terms as they are now for this connector; on_init freezes them into the order.

    Args:
        at: when charging starts, as far as is known.
        offers: those that the driver chose; without any the automatic ones count that hold at
            that time.
        discount: what this customer gets by a membership or an agreement.

    Raises:
        QuoteUnavailable: the time zone of the Location does not exist.
    """
    terms = world.commercial
    place = zone(item.location.time_zone)
    automatic = (
        offer for offer in terms.offers if offer.automatic and offered_at(offer, at, place)
    )
    return Agreed(
        fees=tuple(fee for fee in terms.fees if is_for(fee.where, item)),
        surcharges=tuple(each for each in terms.surcharges if is_for(each.where, item)),
        offers=tuple(offer for offer in offers or automatic if is_for(offer.where, item)),
        discount=discount,
        overcharge_share=terms.overcharge_share,
        guard_share=terms.guard_share,
        price_source=terms.price_source,
        refunds=terms.refunds,
    )


def is_for(where: Where, item: ChargingItem) -> bool:
    """Tell whether a term is for a connector; ids of OCPI compare whatever their case."""
    low, high = where.min_power_kw, where.max_power_kw
    return (
        (not where.providers or item.provider.id in where.providers)
        and _names(where.locations, item.location.id)
        and _names(where.items, item.id)
        and (not where.power_types or item.connector.power_type in where.power_types)
        and (low is None or item.power_kw >= low)
        and (high is None or item.power_kw <= high)
    )


def _names(ids: tuple[str, ...], own: str) -> bool:
    return not ids or own.casefold() in {each.casefold() for each in ids}
