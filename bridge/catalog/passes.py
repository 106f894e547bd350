"""The passes on sale, encoded when the terms change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bridge.catalog.answer import Shelf
from bridge.catalog.fragments import FragmentRenderer, PassFragments
from bridge.orders.item import Provider
from bridge.orders.terms import Pass

OnSale = Callable[[], Sequence[Pass]]
"""Gives the passes as the terms have them now; the same object as long as they are the same."""


def none_on_sale() -> Sequence[Pass]:
    """Return no passes."""
    return ()


class PassShop:
    """Passes in the order of the terms, with their JSON for each dialect."""

    def __init__(self, on_sale: OnSale) -> None:
        self._on_sale = on_sale
        self._passes: Sequence[Pass] = ()
        self._items: dict[tuple[str, str], bytes] = {}

    def passes(self) -> Sequence[Pass]:
        """Return all passes that are on sale now."""
        passes = self._on_sale()
        if passes is not self._passes:
            self._passes = passes
            self._items = {}
        return passes

    def shelves(
        self,
        renderer: FragmentRenderer,
        providers: Mapping[str, Provider],
        passes: Sequence[Pass],
        now: datetime,
    ) -> list[Shelf]:
        """Return these passes by their providers.

        Nothing, where the dialect has no place for passes.

        Args:
            providers: those on offer, by their folded ids; passes of others are left out.
        """
        shown = renderer.passes
        if shown is None:
            return []
        by_provider: dict[str, list[bytes]] = {}
        for each in passes:
            if each.provider.casefold() in providers:
                found = by_provider.setdefault(each.provider.casefold(), [])
                found.append(self._item(renderer.name, shown, each))
        return [
            Shelf(provider, shown.fulfillment_fragment(provider.id, now), items)
            for name, items in by_provider.items()
            for provider in (providers[name],)
        ]

    def _item(self, dialect: str, shown: PassFragments, sold: Pass) -> bytes:
        place = (dialect, sold.id)
        fragment = self._items.get(place)
        if fragment is None:
            fragment = self._items[place] = shown.item_fragment(sold)
        return fragment
