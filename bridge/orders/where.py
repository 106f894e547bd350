"""Which connectors a commercial term is for."""

from __future__ import annotations

from bridge.orders.item import ChargingItem
from bridge.orders.terms import Where


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


def is_for_whole_locations(where: Where) -> bool:
    """Tell whether a term that is for one connector of a Location is for all of them."""
    limits = (where.min_power_kw, where.max_power_kw)
    return not where.items and not where.power_types and limits == (None, None)


def _names(ids: tuple[str, ...], own: str) -> bool:
    return not ids or own.casefold() in {each.casefold() for each in ids}
