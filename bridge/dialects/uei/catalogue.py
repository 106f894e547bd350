"""The catalogue as layer 2 of ``ev-charging:uei`` takes it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bridge.catalog.fragments import ProviderPart, Window
from bridge.dialects.v1.catalogue import Catalogue, local
from bridge.mapping import Mappings
from bridge.mapping.formats import money
from bridge.orders.item import ChargingItem


class UeiCatalogue(Catalogue):
    """Encodes what a search shows, and the parts of it that orders repeat."""

    gps_decimals = 6

    def __init__(self, mappings: Mappings, bpp_id: str) -> None:
        super().__init__(mappings, "uei")
        self._frame = mappings.fields("uei", "catalog").render({"facts": {"name": bpp_id}})

    def stops(
        self, where: dict[str, str | None], windows: Sequence[Window]
    ) -> list[dict[str, object]]:
        """Return a START and an END for each window; without windows both without a time."""
        times: list[tuple[str | None, str | None]]
        times = [(local(each.start), local(each.end)) for each in windows]
        return [
            self.window.render({"facts": where | {"kind": kind, "at": at}})
            for start, end in times or [(None, None)]
            for kind, at in (("START", start), ("END", end))
        ]

    def price(self, item: ChargingItem) -> str:
        """Return the price of a kWh, 0 where energy has none; two decimals, no more."""
        return money(item.price_kwh or Decimal(0))

    def catalog(self, parts: Sequence[ProviderPart]) -> dict[str, object]:
        """Return ``catalog``, which has a name."""
        return self._frame | super().catalog(parts)
