"""The dialect ``uei``: Beckn 1.1.0, domain ``ev-charging:uei``, as its layer 2 has it."""

from __future__ import annotations

from bridge.dialects.uei.catalogue import UeiCatalogue
from bridge.dialects.uei.money import UeiMoney
from bridge.dialects.uei.order import UeiOrders
from bridge.dialects.uei.profile import PROFILES
from bridge.dialects.v1.dialect import DialectV1
from bridge.dialects.v1.echo import e164, in_core_words
from bridge.dialects.v1.parse import Parser
from bridge.dialects.v1.settings import DialectSettings
from bridge.mapping import Mappings
from bridge.orders.order import Order


class Uei(DialectV1):
    """Fits the protocol ``Dialect``; its layer 2 has no place for passes."""

    name = "uei"
    domain = "ev-charging:uei"
    passes = None

    def __init__(self, mappings: Mappings, settings: DialectSettings, profile: str = "3.1") -> None:
        self._profile = PROFILES[profile]
        catalogue = UeiCatalogue(mappings, settings.bpp_name)
        money = UeiMoney(mappings, settings)
        super().__init__(
            mappings,
            Parser(mappings, self.name, settings.zone, in_core_words),
            catalogue,
            UeiOrders(mappings, catalogue, money, settings.bpp_id, self._profile),
        )

    def tracking_status(self, order: Order) -> str | None:
        """Return whether it can be tracked, in the case that the profile wants."""
        status = super().tracking_status(order)
        return status.upper() if status and self._profile.upper_tracking else status

    def support_phone(self, phone: str | None) -> str | None:
        """Return a phone number as E.164 has it; one that is none is left out."""
        return None if phone is None else e164(phone)

    def render_nothing_found(self) -> None:
        """Return nothing: layer 2 knows no empty catalogue (decisions 10)."""
        return
