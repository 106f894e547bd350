"""The dialect ``uei``: Beckn 1.1.0, domain ``ev-charging:uei``, as its layer 2 has it."""

from __future__ import annotations

from bridge.dialects.v1.catalogue import Catalogue
from bridge.dialects.v1.dialect import DialectV1
from bridge.dialects.v1.echo import in_core_words
from bridge.dialects.v1.money import MoneyRenderer
from bridge.dialects.v1.order import OrderRenderer
from bridge.dialects.v1.parse import Parser
from bridge.dialects.v1.settings import DialectSettings
from bridge.mapping import Mappings


class Uei(DialectV1):
    """Fits the protocol ``Dialect``; its layer 2 has no place for passes."""

    name = "uei"
    domain = "ev-charging:uei"
    passes = None

    def __init__(self, mappings: Mappings, settings: DialectSettings) -> None:
        catalogue = Catalogue(mappings, self.name)
        money = MoneyRenderer(mappings, self.name, settings)
        super().__init__(
            mappings,
            Parser(mappings, self.name, settings.zone, in_core_words),
            catalogue,
            OrderRenderer(mappings, self.name, catalogue, money, settings.bpp_id),
        )

    def render_nothing_found(self) -> None:
        """Return nothing: layer 2 knows no empty catalogue (decisions 10)."""
        return
