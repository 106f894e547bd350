"""The operator's offers as searches show them: encoded once, matched to connectors once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bridge.catalog.fragments import FragmentRenderer
from bridge.errors import QuoteUnavailable
from bridge.orders.item import ChargingItem
from bridge.orders.terms import Offer
from bridge.orders.where import is_for, is_for_whole_locations
from bridge.pricing.conditions import offered_within
from bridge.pricing.restrictions import zone

OUTLOOK = timedelta(days=7)
"""So far ahead an offer is shown when a search names no time: it can be booked for."""


class Promotions:
    """All offers as they are now; when they change there is a new one.

    Args:
        renderers: the dialects whose fragments are kept ready.
    """

    def __init__(self, offers: Sequence[Offer], renderers: Sequence[FragmentRenderer]) -> None:
        self.offers = tuple(offers)
        self._whole = tuple(is_for_whole_locations(offer.where) for offer in offers)
        self._fragments = {
            renderer.name: tuple(renderer.offer_fragment(offer) for offer in offers)
            for renderer in renderers
        }

    def matching(self, item: ChargingItem) -> frozenset[int]:
        """Return the offers that are for a connector, by index, whatever the time."""
        return frozenset(
            index for index, offer in enumerate(self.offers) if is_for(offer.where, item)
        )

    def is_for_whole_locations(self, index: int) -> bool:
        """Tell whether an offer is for all connectors of a Location, or none."""
        return self._whole[index]

    def fragment(self, renderer: FragmentRenderer, index: int) -> bytes:
        """Return an offer as a dialect encodes it."""
        return self._fragments[renderer.name][index]


NO_PROMOTIONS = Promotions((), ())


class Showing(NamedTuple):
    """What one search may show of the offers: those that hold at some time it is about.

    Args:
        window: when charging may start; None = from now on.
        known: what was worked out already, by time zone.
    """

    promotions: Promotions
    window: tuple[datetime, datetime]
    known: dict[str, frozenset[int]]

    def in_time(self, time_zone: str) -> frozenset[int]:
        """Return the offers that hold at Locations of a time zone, by index."""
        found = self.known.get(time_zone)
        if found is None:
            found = self.known[time_zone] = self._in_time(time_zone)
        return found

    def _in_time(self, time_zone: str) -> frozenset[int]:
        try:
            place = zone(time_zone)
        except QuoteUnavailable:
            return frozenset()
        return frozenset(
            index
            for index, offer in enumerate(self.promotions.offers)
            if offered_within(offer, *self.window, place)
        )


def showing(
    promotions: Promotions, window: tuple[datetime, datetime] | None, now: datetime
) -> Showing:
    """Return what a search for charging in this time may show."""
    return Showing(promotions, window or (now, now + OUTLOOK), {})
