"""A charging item: one connector on offer, and its id on the Beckn side."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import unquote

import msgspec

from bridge.errors import ItemUnknown
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import EVSE, Connector, Location, Status
from bridge.ocpi.tariffs import Tariff


class ItemKey(msgspec.Struct, frozen=True):
    """The five OCPI ids that name a connector; unique over all CPOs (decisions 11)."""

    country_code: str
    party_id: str
    location_id: str
    evse_uid: str
    connector_id: str

    def __str__(self) -> str:
        """Return the Beckn item id, the parts joined by ``*``; a ``*`` inside is encoded."""
        return "*".join(
            part.replace("%", "%25").replace("*", "%2A")
            for part in (
                self.country_code,
                self.party_id,
                self.location_id,
                self.evse_uid,
                self.connector_id,
            )
        )

    def folded(self) -> ItemKey:
        """Return the key in lower case: OCPI ids are CiStrings, equal whatever their case."""
        return ItemKey(*(part.casefold() for part in msgspec.structs.astuple(self)))

    @classmethod
    def parse(cls, item_id: str) -> ItemKey:
        """Read a Beckn item id.

        Raises:
            ItemUnknown: it does not have five parts.
        """
        parts = [unquote(part) for part in item_id.split("*")]
        if len(parts) != 5 or not all(parts):
            raise ItemUnknown(f"item id {item_id!r} does not name a connector")
        return cls(*parts)


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A CPO party as the Beckn network knows it."""

    id: str
    name: str
    short_desc: str | None = None
    image_url: str | None = None


class ChargingItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One connector as it is offered and ordered: OCPI facts, each at its own level only.

    ``location`` comes without its EVSEs and ``evse`` with this one connector only, so the two
    together are what the CPO said about this connector and nothing else. An order keeps a copy:
    a receipt must not change when the CPO changes the Location.

    Args:
        number: index behind the fallback name "EV Charger #n"; stable whatever the search.
        tariff: the tariff in force, None only when no known tariff applies.
        price_kwh: its ENERGY price now, excl. VAT, in ``tariff.currency``; None without one.
        power_kw: maximum power of the connector.
    """

    id: str
    cpo_id: str
    provider: Provider
    number: int
    location: Location
    evse: EVSE
    power_kw: Decimal
    tariff: Tariff | None = None
    price_kwh: Decimal | None = None

    @property
    def connector(self) -> Connector:
        """The connector on offer."""
        return self.evse.connectors[0]

    @property
    def key(self) -> ItemKey:
        """The OCPI ids of the connector."""
        return ItemKey(
            self.location.country_code,
            self.location.party_id,
            self.location.id,
            self.evse.uid,
            self.connector.id,
        )

    @property
    def party(self) -> Party:
        """The CPO party that owns the Location."""
        return Party(self.location.country_code, self.location.party_id)

    @property
    def status(self) -> Status:
        """Status of the EVSE as last heard."""
        return self.evse.status
