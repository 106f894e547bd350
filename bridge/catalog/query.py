"""A search, ready to be held against Locations and their connectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from bridge.catalog.geo import Position, position
from bridge.catalog.hours import open_within
from bridge.catalog.names import NameBook, folded
from bridge.catalog.place import Place, Sale
from bridge.ocpi.locations import ConnectorType, PowerType
from bridge.orders.intents import Search
from bridge.orders.terms import Pass

GREEN_TARIFF = "green-tariff"
LOYALTY_PROGRAM = "loyalty-program"
PROMOTIONAL_OFFER = "promotional-offer"
LOYALTY = "loyalty"

CHARGING = ("", GREEN_TARIFF, PROMOTIONAL_OFFER)
"""Categories of connectors."""

HORIZON = timedelta(days=366)
"""Opening times further ahead than this are those of a year ahead."""


class Circle(NamedTuple):
    """A circle on the globe; metres."""

    centre: Position
    radius_m: float


class Query(NamedTuple):
    """The filters of a search for charging; what is None does not filter, texts are folded.

    ``promoted``: connectors with an offer only, which the index sees to.
    """

    text: str | None
    green: bool
    promoted: bool
    standards: frozenset[ConnectorType] | None
    power_types: frozenset[PowerType] | None
    min_power_kw: Decimal | None
    window: tuple[datetime, datetime] | None
    provider_id: str | None
    provider_name: str | None
    location_id: str | None
    item_id: str | None

    def wants_place(self, place: Place) -> bool:
        """Tell whether the Location fits, whatever its connectors."""
        provider = place.seller.provider
        return (
            (self.provider_id is None or self.provider_id == provider.id.casefold())
            and (self.location_id is None or self.location_id == place.location.id.casefold())
            and (self.provider_name is None or self.provider_name in folded(provider.name))
            and (self.text is None or any(self.text in name for name in place.names))
            and (self.window is None or open_within(place.location, *self.window, place.taken))
        )

    def wants(self, place: Place, sale: Sale) -> bool:
        """Tell whether a connector of a Location that fits does so too."""
        offer = sale.offer
        return (
            (self.standards is None or offer.connector.standard in self.standards)
            and (self.power_types is None or offer.connector.power_type in self.power_types)
            and (self.min_power_kw is None or offer.power_kw >= self.min_power_kw)
            and (sale.green or not self.green)
            and (
                self.item_id is None
                or self.item_id == place.item_id(offer)
                or self.item_id in offer.aliases()
            )
        )


def seeks_passes(search: Search, names: NameBook, passes: Sequence[Pass]) -> bool:
    """Tell whether the search is for loyalty passes, not for charging (use case 4).

    By category, by the item, or by a text about loyalty or with the name of a pass, unless it is
    a name in the catalogue besides.
    """
    if folded(search.category or "") == LOYALTY_PROGRAM:
        return True
    if search.item_id is not None and any(each.id == search.item_id for each in passes):
        return True
    text = folded(search.text or "")
    known = LOYALTY in text or any(_in_name(text, each) for each in passes)
    return bool(text) and known and not names.has(text)


def wants_pass(search: Search, passes: Sequence[Pass], sold: Pass) -> bool:
    """Tell whether a pass fits a search for passes; free text filters when it is in some name."""
    text = folded(search.text or "")
    by_name = bool(text) and any(_in_name(text, each) for each in passes)
    return (
        (search.provider_id is None or search.provider_id.casefold() == sold.provider.casefold())
        and (search.item_id is None or search.item_id == sold.id)
        and (not by_name or _in_name(text, sold))
    )


def shows_passes(search: Search) -> bool:
    """Tell whether passes go with an answer about charging: nothing particular is asked for."""
    return search.item_id is None and not search.category


def _in_name(text: str, sold: Pass) -> bool:
    return text in folded(sold.name)


def seeks_charging(search: Search) -> bool:
    """Tell whether the search may be answered with connectors at all."""
    return search.charging and folded(search.category or "") in CHARGING


def query_of(search: Search, names: NameBook, now: datetime) -> Query:
    """Return the filters of a search for charging.

    Free text filters only when it is part of some name (decisions 10).
    """
    text = folded(search.text or "")
    return Query(
        text=text if text and names.has(text) else None,
        green=folded(search.category or "") == GREEN_TARIFF,
        promoted=folded(search.category or "") == PROMOTIONAL_OFFER,
        standards=None if search.connectors is None else frozenset(search.connectors),
        power_types=None if search.power_types is None else frozenset(search.power_types),
        min_power_kw=search.min_power_kw,
        window=_window(search, now),
        provider_id=_id(search.provider_id),
        provider_name=folded(search.provider_name or "") or None,
        location_id=_id(search.location_id),
        item_id=_id(search.item_id),
    )


def circle_of(search: Search, default_radius_m: float) -> Circle | None:
    """Return the circle of a search; None when it names no centre.

    A centre that is nowhere on Earth gives a circle without a point.
    """
    if search.latitude is None or search.longitude is None:
        return None
    radius_m = default_radius_m if search.radius_m is None else search.radius_m
    centre = position(search.latitude, search.longitude)
    return Circle(Position(0, 0), -1) if centre is None else Circle(centre, radius_m)


def _id(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def _window(search: Search, now: datetime) -> tuple[datetime, datetime] | None:
    """Return when the driver wants to charge: never in the past, which means now (decisions 5)."""
    if search.window_start is None and search.window_end is None:
        return None
    start = min(max(search.window_start or now, now), now + HORIZON)
    return start, search.window_end or start
