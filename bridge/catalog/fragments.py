"""How the catalogue gets its JSON: a dialect encodes each part once, a search only joins bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from bridge.ocpi.locations import Location
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.terms import Offer, Pass, Surcharge


class Window(NamedTuple):
    """An opening window of a Location, both ends aware in the Location's time zone."""

    start: datetime
    end: datetime


class OfferPart(NamedTuple):
    """An offer in an answer: its fragment, and what in the answer it is for.

    Args:
        locations: their ids as JSON strings; at least one.
        items: likewise; none = all of the Locations.
    """

    fragment: bytes
    locations: Sequence[bytes]
    items: Sequence[bytes]


class ProviderPart(NamedTuple):
    """One provider of an answer: JSON fragments, each a whole object, nearest first.

    ``locations`` and ``fulfillments`` have one entry for each Location, ``items`` one for each
    connector, ``offers`` one for each that is for any of them. A provider that has loyalty passes
    lists them last among its items, after their own fulfillment.
    """

    provider: Provider
    locations: Sequence[bytes]
    fulfillments: Sequence[bytes]
    items: Sequence[bytes]
    offers: Sequence[OfferPart] = ()
    has_passes: bool = False


class PassFragments(Protocol):
    """How a dialect shows loyalty passes in the catalogue."""

    def fulfillment_id(self, provider_id: str) -> str:
        """Return the id of the fulfillment of all passes of a provider; stable over searches."""
        ...

    def fulfillment_fragment(self, provider_id: str, at: datetime) -> bytes:
        """Encode the DIGITAL one of ``providers[].fulfillments[]``: it begins at once."""
        ...

    def item_fragment(self, sold: Pass) -> bytes:
        """Encode a pass as one of ``providers[].items[]``."""
        ...


class FragmentRenderer(Protocol):
    """The catalogue side of a dialect."""

    @property
    def name(self) -> str:
        """Name of the dialect, e.g. ``deg``."""
        ...

    @property
    def passes(self) -> PassFragments | None:
        """How it shows passes; None where it has no place for them."""
        ...

    def fulfillment_id(self, location: Location) -> str:
        """Return the id of the Location's charging fulfillment; stable over searches."""
        ...

    def location_fragment(self, location: Location) -> bytes:
        """Encode ``providers[].locations[]``."""
        ...

    def fulfillment_fragment(self, location: Location, windows: Sequence[Window]) -> bytes:
        """Encode ``providers[].fulfillments[]``: one stop for each opening window."""
        ...

    def item_fragment(self, item: ChargingItem, surcharges: Sequence[Surcharge] = ()) -> bytes:
        """Encode ``providers[].items[]``, with the surcharges that are for it."""
        ...

    def offer_fragment(self, offer: Offer) -> bytes:
        """Encode ``providers[].offers[]``, without ``location_ids`` and ``item_ids``."""
        ...

    def catalog_message(self, parts: Sequence[ProviderPart]) -> bytes:
        """Join fragments to the ``message`` of one on_search; no parts = ``providers: []``."""
        ...
