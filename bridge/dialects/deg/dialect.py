"""The dialect ``deg``: Beckn 1.1.0, domain ``deg:ev-charging``, as the use-case pages have it."""

from __future__ import annotations

from bridge.dialects.deg.money import DegMoney
from bridge.dialects.deg.passes import PassRenderer
from bridge.dialects.v1.catalogue import Catalogue
from bridge.dialects.v1.dialect import DialectV1
from bridge.dialects.v1.order import OrderRenderer
from bridge.dialects.v1.parse import Parser
from bridge.dialects.v1.settings import DialectSettings
from bridge.mapping import Mappings


class Deg(DialectV1):
    """Fits the protocol ``Dialect``."""

    name = "deg"
    domain = "deg:ev-charging"

    def __init__(self, mappings: Mappings, settings: DialectSettings) -> None:
        catalogue = Catalogue(mappings, self.name)
        money = DegMoney(mappings, settings)
        super().__init__(
            mappings,
            Parser(mappings, self.name, settings.zone),
            catalogue,
            OrderRenderer(mappings, self.name, catalogue, money, settings.bpp_id),
        )
        self.passes = PassRenderer(mappings, catalogue, money, symbols=settings.currency_symbols)

    def render_nothing_found(self) -> bytes:
        """Return a catalogue without providers (decisions 10)."""
        return self.catalog_message([])
