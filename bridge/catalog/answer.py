"""From hits to on_search messages: as many as needed, none too large, the best first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice, takewhile
from types import MappingProxyType
from typing import NamedTuple

from bridge.catalog.fragments import FragmentRenderer, OfferPart, ProviderPart
from bridge.catalog.place import Hit
from bridge.orders.item import Provider

COMMA = 1
BLANK = b"{}"
OFFER = b'{"":0}'
"""A fragment that is measured with: not empty, since more is put into an offer."""

SHELF_PART = 4
"""Passes that fill more of a message than one part in so many go with a search for passes only."""


class Shelf(NamedTuple):
    """The passes of a provider, encoded, and the fulfillment they share."""

    provider: Provider
    fulfillment: bytes
    items: Sequence[bytes]


Shelves = Mapping[str, Shelf]
"""By provider id."""


def messages(
    hits: Iterable[Hit],
    renderer: FragmentRenderer,
    max_bytes: int,
    max_messages: int,
    shelves: Shelves = MappingProxyType({}),
) -> list[bytes]:
    """Spread hits over messages in their order; what does not fit into the last one is left out.

    Hits are taken no further than needed. A Location that is larger than a message is spread over
    several and named in each, with its offers; a connector that alone is larger than a message is
    left out, and before it the offers that take its room. Nothing found makes no message. Whatever
    message names a provider has its passes too, unless they would fill too much of it.
    """
    fitting = {
        name: shelf for name, shelf in shelves.items() if _size(shelf) * SHELF_PART <= max_bytes
    }
    drafts = islice(_drafts(hits, _Measure(renderer, max_bytes, fitting)), max_messages)
    return [renderer.catalog_message(draft.parts()) for draft in drafts]


def pass_messages(
    shelves: Iterable[Shelf], renderer: FragmentRenderer, max_bytes: int, max_messages: int
) -> list[bytes]:
    """Spread passes over messages in their order, as few as hold them; for a search for passes.

    A pass that alone is larger than a message is left out.
    """
    written: list[bytes] = []
    parts: list[ProviderPart] = []
    for shelf in shelves:
        for item in shelf.items:
            more = [*parts, _pass_part(shelf, [item])]
            if parts and parts[-1].provider == shelf.provider:
                more = [*parts[:-1], _pass_part(shelf, [*parts[-1].items, item])]
            if len(renderer.catalog_message(more)) > max_bytes:
                if parts:
                    written.append(renderer.catalog_message(parts))
                more = [_pass_part(shelf, [item])]
                if len(renderer.catalog_message(more)) > max_bytes:
                    more = []
            parts = more
    if parts:
        written.append(renderer.catalog_message(parts))
    return written[:max_messages]


def _pass_part(shelf: Shelf, items: Sequence[bytes]) -> ProviderPart:
    return ProviderPart(shelf.provider, [], [shelf.fulfillment], items, has_passes=True)


def _size(shelf: Shelf) -> int:
    return sum(map(len, (shelf.fulfillment, *shelf.items)))


def _drafts(hits: Iterable[Hit], measure: _Measure) -> Iterator[_Draft]:
    draft = _Draft(measure)
    for each in hits:
        hit, items = measure.possible(each)
        while items:
            count = draft.fitting(hit, items)
            if count < len(items) and not draft.empty:
                yield draft
                draft = _Draft(measure)
                continue
            draft.add(hit, items[:count])
            items = items[count:]
    if not draft.empty:
        yield draft


class _Measure:
    """Sizes in bytes, known exactly before anything is joined.

    A message is its frame, a frame for each provider, and the fragments. The frames are read off
    the renderer's own output, so a dialect may word them as it likes. Everything in a list is
    counted with a comma, so each list (none is empty) has one too many, which its frame takes off.
    """

    def __init__(self, renderer: FragmentRenderer, max_bytes: int, shelves: Shelves) -> None:
        self._renderer = renderer
        self._shelves = shelves
        self._providers: dict[Provider, int] = {}
        self.frame = len(renderer.catalog_message([])) - COMMA
        self.max_bytes = max_bytes
        self.offers, self.offer, self.offer_items = self._of_offers()

    def _of_offers(self) -> tuple[int, int, int]:
        """Return what it costs that a provider has offers, that it has one more, and their items.

        Without the fragment and the ids, each of which is counted with a comma.
        """
        one = OfferPart(OFFER, [BLANK], [])
        none, first, second, narrow = (
            self._size(offers) for offers in ([], [one], [one, one], [one._replace(items=[BLANK])])
        )
        element = len(BLANK) + COMMA
        return (
            first - none - (second - first),
            second - first - len(OFFER) - element,
            narrow - first - element,
        )

    def _size(self, offers: Sequence[OfferPart]) -> int:
        part = ProviderPart(Provider(id="", name=""), [BLANK], [BLANK], [BLANK], offers)
        return len(self._renderer.catalog_message([part]))

    def provider(self, provider: Provider) -> int:
        """Return what naming a provider in a message costs, with its passes."""
        size = self._providers.get(provider)
        if size is None:
            part = self.with_passes(ProviderPart(provider, [BLANK], [BLANK], [BLANK]))
            lists = 3 * (len(BLANK) + COMMA)
            size = len(self._renderer.catalog_message([part])) - self.frame - lists
            self._providers[provider] = size
        return size

    def with_passes(self, part: ProviderPart) -> ProviderPart:
        """Return a part with the passes of its provider at the end."""
        shelf = self._shelves.get(part.provider.id)
        if shelf is None:
            return part
        return part._replace(
            fulfillments=[*part.fulfillments, shelf.fulfillment],
            items=[*part.items, *shelf.items],
            has_passes=True,
        )

    def location(self, hit: Hit) -> int:
        """Return what naming a Location in a message costs, without its items."""
        return len(hit.location) + len(hit.fulfillment) + 2 * COMMA

    def promotion(self, hit: Hit, known: Collection[int] = ()) -> int:
        """Return what the offers of a hit cost, where its provider has the known ones already."""
        size = self.offers if hit.offers and not known else 0
        for offer in hit.offers:
            if offer.number not in known:
                size += self.offer + len(offer.fragment) + (self.offer_items if offer.items else 0)
            size += len(hit.id) + COMMA + sum(len(item) + COMMA for item in offer.items)
        return size

    def possible(self, hit: Hit) -> tuple[Hit, Sequence[bytes]]:
        """Return a hit and those of its items that fit into some message; offers make way."""
        others = self.frame + self.provider(hit.provider) + self.location(hit)
        room = self.max_bytes - others - COMMA
        items = [item for item in hit.items if len(item) <= room]
        if hit.offers:
            room -= self.promotion(hit)
            if any(len(item) > room for item in items):
                hit = hit._replace(offers=())
        return hit, items


class _Draft:
    """A message in the making."""

    def __init__(self, measure: _Measure) -> None:
        self._measure = measure
        self._size = measure.frame
        self._parts: dict[str, tuple[Provider, list[bytes], list[bytes], list[bytes]]] = {}
        self._offers: defaultdict[str, dict[int, tuple[bytes, list[bytes], list[bytes]]]] = (
            defaultdict(dict)
        )

    @property
    def empty(self) -> bool:
        return not self._parts

    def parts(self) -> list[ProviderPart]:
        measure = self._measure
        return [
            measure.with_passes(
                ProviderPart(*part, [OfferPart(*offer) for offer in self._offers[key].values()])
            )
            for key, part in self._parts.items()
        ]

    def fitting(self, hit: Hit, items: Sequence[bytes]) -> int:
        """Return how many of the items, from the first on, still fit in with their Location."""
        room = self._measure.max_bytes - self._size - self._head(hit)
        sizes = accumulate(len(item) + COMMA for item in items)
        return sum(1 for _ in takewhile(lambda size: size <= room, sizes))

    def add(self, hit: Hit, items: Sequence[bytes]) -> None:
        """Add a Location with these items."""
        self._size += self._head(hit) + sum(len(item) + COMMA for item in items)
        _, locations, fulfillments, all_items = self._parts.setdefault(
            hit.provider.id, (hit.provider, [], [], [])
        )
        locations.append(hit.location)
        fulfillments.append(hit.fulfillment)
        all_items.extend(items)
        offers = self._offers[hit.provider.id]
        for offer in hit.offers:
            _, places, narrowed = offers.setdefault(offer.number, (offer.fragment, [], []))
            places.append(hit.id)
            narrowed.extend(offer.items)

    def _head(self, hit: Hit) -> int:
        provider = hit.provider
        size = self._measure.location(hit)
        if provider.id not in self._parts:
            size += self._measure.provider(provider)
        if hit.offers:
            size += self._measure.promotion(hit, self._offers[provider.id])
        return size
