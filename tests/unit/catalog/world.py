"""A small world for the catalogue: OCPI objects in few words, and a dialect of plain JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.catalog.fragments import OfferPart, ProviderPart, Window
from bridge.catalog.index import CONTEXT_RESERVE, CatalogIndex
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import (
    EVSE,
    Connector,
    ConnectorFormat,
    ConnectorType,
    GeoLocation,
    Location,
    PowerType,
    Status,
)
from bridge.ocpi.tariffs import (
    PriceComponent,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
)
from bridge.orders.intents import Search
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.terms import Offer, Pass, Surcharge

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
"""A Wednesday, noon in India."""

PARTY = Party("IN", "ABC")
PROVIDER = Provider(id="abc.example", name="Abc Charging")
OTHER_PARTY = Party("IN", "XYZ")
OTHER_PROVIDER = Provider(id="xyz.example", name="Xyz Power")


def connector(id: str = "1", *, tariffs: Sequence[str] = ("T1",), **fields: Any) -> Connector:
    """Make a CCS2 connector of 50 kW."""
    defaults: dict[str, Any] = {
        "standard": ConnectorType.IEC_62196_T2_COMBO,
        "format": ConnectorFormat.CABLE,
        "power_type": PowerType.DC,
        "max_voltage": 500,
        "max_amperage": 200,
        "max_electric_power": 50_000,
        "last_updated": EPOCH,
    }
    return Connector(id=id, tariff_ids=tuple(tariffs), **(defaults | fields))


def evse(uid: str = "E1", *connectors: Connector, **fields: Any) -> EVSE:
    """Make an EVSE, with one connector when none is given."""
    defaults: dict[str, Any] = {"status": Status.AVAILABLE, "last_updated": EPOCH}
    return EVSE(uid=uid, connectors=connectors or (connector(),), **(defaults | fields))


def location(id: str = "L1", *evses: EVSE, party: Party = PARTY, **fields: Any) -> Location:
    """Make a published Location in Bengaluru, with one EVSE when none is given.

    ``at`` is (latitude, longitude).
    """
    latitude, longitude = fields.pop("at", (12.97, 77.59))
    defaults: dict[str, Any] = {
        "publish": True,
        "address": "1 Main Road",
        "city": "Bengaluru",
        "country": "IND",
        "time_zone": "Asia/Kolkata",
        "coordinates": GeoLocation(latitude=f"{latitude:.6f}", longitude=f"{longitude:.6f}"),
        "last_updated": EPOCH,
    }
    return Location(
        country_code=party.country_code,
        party_id=party.party_id,
        id=id,
        evses=evses or (evse(),),
        **(defaults | fields),
    )


def energy(price: str, **restrictions: Any) -> TariffElement:
    """Make a tariff element with a price per kWh."""
    component = PriceComponent(type=TariffDimensionType.ENERGY, price=Decimal(price), step_size=1)
    return TariffElement(
        price_components=(component,),
        restrictions=TariffRestrictions(**restrictions) if restrictions else None,
    )


def tariff(id: str = "T1", *elements: TariffElement, party: Party = PARTY, **fields: Any) -> Tariff:
    """Make a tariff, 18 INR/kWh when no element is given."""
    return Tariff(
        country_code=party.country_code,
        party_id=party.party_id,
        id=id,
        currency="INR",
        elements=elements or (energy("18"),),
        **({"last_updated": EPOCH} | fields),
    )


class PlainPasses:
    """Passes in few words."""

    def __init__(self, encoded: list[str]) -> None:
        self.encoded = encoded

    def fulfillment_id(self, provider_id: str) -> str:
        return f"p-{provider_id}"

    def fulfillment_fragment(self, provider_id: str, at: datetime) -> bytes:
        return _json({"id": self.fulfillment_id(provider_id), "slots": []})

    def item_fragment(self, sold: Pass) -> bytes:
        self.encoded.append(f"pass {sold.id}")
        return _json({"id": sold.id, "name": sold.name})


class PlainJson:
    """A dialect of few words; ``encoded`` lists what was encoded, in order."""

    def __init__(self, name: str = "plain") -> None:
        self.name = name
        self.encoded: list[str] = []
        self.passes: PlainPasses | None = PlainPasses(self.encoded)

    def fulfillment_id(self, location: Location) -> str:
        return f"f-{location.id}"

    def location_fragment(self, location: Location) -> bytes:
        self.encoded.append(f"location {location.id}")
        return _json({"id": location.id, "name": location.name})

    def fulfillment_fragment(self, location: Location, windows: Sequence[Window]) -> bytes:
        self.encoded.append(f"fulfillment {location.id}")
        slots = [[window.start.isoformat(), window.end.isoformat()] for window in windows]
        return _json({"id": self.fulfillment_id(location), "slots": slots})

    def item_fragment(self, item: ChargingItem, surcharges: Sequence[Surcharge] = ()) -> bytes:
        self.encoded.append(f"item {item.id}")
        dearer = {"surcharges": [each.id for each in surcharges]} if surcharges else {}
        return _json(
            dearer
            | {
                "id": item.id,
                "name": f"#{item.number}",
                "price": str(item.price_kwh),
                "tariff": item.tariff.id if item.tariff else None,
                "status": item.status,
                "location": item.location.id,
            }
        )

    def offer_fragment(self, offer: Offer) -> bytes:
        self.encoded.append(f"offer {offer.id}")
        return _json({"id": offer.id})

    def catalog_message(self, parts: Sequence[ProviderPart]) -> bytes:
        return b'{"providers":[%s]}' % b",".join(
            b'{"id":%s,"name":%s,"locations":[%s],"fulfillments":[%s],"items":[%s]%s}'
            % (
                _json(part.provider.id),
                _json(part.provider.name),
                b",".join(part.locations),
                b",".join(part.fulfillments),
                b",".join(part.items),
                b',"offers":[%s]' % b",".join(map(_offer, part.offers)) if part.offers else b"",
            )
            for part in parts
        )


def _offer(part: OfferPart) -> bytes:
    items = b',"items":[%s]' % b",".join(part.items) if part.items else b""
    return b'%s,"locations":[%s]%s}' % (part.fragment[:-1], b",".join(part.locations), items)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class World:
    """A catalogue with two parties, a clock to be set, and the plain dialect."""

    def __init__(self, *, max_message_bytes: int = 180_000, **options: Any) -> None:
        self.now = NOW
        self.promoted: tuple[Offer, ...] = ()
        self.surcharges: tuple[Surcharge, ...] = ()
        self.dialect = PlainJson()
        self.index = CatalogIndex(
            [self.dialect],
            max_reply_bytes=max_message_bytes + CONTEXT_RESERVE,
            default_radius_m=5000,
            clock=lambda: self.now,
            promoted=lambda: self.promoted,
            surcharges=lambda: self.surcharges,
            **options,
        )
        self.index.set_party(PARTY, "cpo1", PROVIDER)
        self.index.set_party(OTHER_PARTY, "cpo2", OTHER_PROVIDER)

    def put(self, *objects: Location | Tariff) -> World:
        """Put Locations and tariffs in, in this order."""
        for one in objects:
            if isinstance(one, Location):
                self.index.put_location(one)
            else:
                self.index.put_tariff(one)
        return self

    def prepared(self) -> World:
        """Have everything encoded that no search has asked for."""
        while self.index.prepare():
            pass
        return self

    def messages(self, **filters: Any) -> list[bytes]:
        """Search with these filters, now."""
        return self.index.messages("plain", Search(**filters), self.now)

    def items(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the items that a search finds, in order."""
        return items(self.messages(**filters))

    def found(self, **filters: Any) -> list[str]:
        """Return what a search finds, in order, as ``location/evse/connector``."""
        return ["/".join(item["id"].split("*")[2:]) for item in self.items(**filters)]


def providers(messages: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the providers of all messages, in order."""
    return [provider for message in messages for provider in json.loads(message)["providers"]]


def items(messages: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the items of all messages, in order."""
    return [item for provider in providers(messages) for item in provider["items"]]
