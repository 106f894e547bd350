"""The catalogue: fragments, each encoded once, and their joining."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from msgspec import Raw

from bridge.beckn.times import format_instant
from bridge.catalog.fragments import OfferPart, ProviderPart, Window
from bridge.dialects.v1.wording import address, gps, is_uri, place_of, price, short
from bridge.mapping import CodeTable, Mappings
from bridge.mapping.formats import plain
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import TariffRestrictions
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.terms import Offer, Surcharge

FAST_ABOVE_KW = Decimal(22)
"""More is called fast: what a three-phase socket of 32 A gives is still slow."""

_FULFILLMENTS = uuid.UUID("0f0f9e0a-5c0e-5b5e-9d5e-2f6f6c2f3a51")
"""Namespace of fulfillment ids; never to be changed."""


class Catalogue:
    """Encodes what a search shows, and the parts of it that orders repeat."""

    gps_decimals = 0
    """How many decimals coordinates have at least."""

    def __init__(self, mappings: Mappings, dialect: str) -> None:
        self._provider = mappings.fields(dialect, "provider")
        self._category = mappings.fields(dialect, "category")
        self._location = mappings.fields(dialect, "location")
        self._fulfillment = mappings.fields(dialect, "offered_fulfillment")
        self.window = mappings.fields(dialect, "window")
        self._item = mappings.fields(dialect, "offered_item")
        self._offer = mappings.fields(dialect, "offer")
        self._connector = mappings.fields(dialect, "connector")
        self._surcharge = mappings.fields(dialect, "surcharge")
        self._plugs = mappings.table(dialect, "connector_standard")
        categories = mappings.table(dialect, "categories")
        self._green = self._rendered_category(categories, "GREEN_TARIFF")
        self._loyalty = self._rendered_category(categories, "LOYALTY_PROGRAM")

    def _rendered_category(self, categories: CodeTable, category: str) -> dict[str, object]:
        name = categories.name_of(category)
        return self._category.render({"facts": {"category": category, "name": name}})

    def fulfillment_id(self, location: Location) -> str:
        """Return an id made of the Location's own: all searches and replicas give the same."""
        key = "*".join((location.country_code, location.party_id, location.id))
        return str(uuid.uuid5(_FULFILLMENTS, key.casefold()))

    def provider(self, provider: Provider) -> dict[str, object]:
        """Return a provider without what it offers."""
        url = provider.image_url
        images = [{"url": url}] if url is not None and is_uri(url) else None
        return self._provider.render({"provider": provider, "facts": {"images": images}})

    def location_fragment(self, location: Location) -> bytes:
        """Encode ``providers[].locations[]``."""
        facts = self._where(location)
        return msgspec.json.encode(self._location.render({"location": location, "facts": facts}))

    def fulfillment_fragment(self, location: Location, windows: Sequence[Window]) -> bytes:
        """Encode ``providers[].fulfillments[]``; without windows the place stands alone."""
        facts = {
            "id": self.fulfillment_id(location),
            "kind": "CHARGING",
            "stops": self.stops(self._where(location), windows),
        }
        return msgspec.json.encode(self._fulfillment.render({"facts": facts}))

    def stops(
        self, where: dict[str, str | None], windows: Sequence[Window]
    ) -> list[dict[str, object]]:
        """Return one stop for each window, at a place that is given as facts."""
        times = [{"start": local(each.start), "end": local(each.end)} for each in windows]
        return [self.window.render({"facts": where | time}) for time in times or [{}]]

    def _where(self, location: Location) -> dict[str, str | None]:
        return {
            "gps": gps(location.coordinates, self.gps_decimals),
            "address": address(location),
        }

    def item_fragment(self, item: ChargingItem, surcharges: Sequence[Surcharge] = ()) -> bytes:
        """Encode ``providers[].items[]``; a green one is listed in its category."""
        facts = self.item_facts(item) | {
            "use": "OFFERED",
            "category_ids": [self._green["id"]] if is_green(item) else None,
        }
        return msgspec.json.encode(
            self._item.render({"item": item, "facts": facts}) | self.item_tags(item, surcharges)
        )

    def item_facts(self, item: ChargingItem) -> dict[str, object]:
        """Return what is worked out about an item, the same in catalogues and orders."""
        said = self.price(item)
        return {
            "name": self._name(item),
            "price": said,
            "price_unit": f"{item.tariff.currency}/kWh" if said and item.tariff else None,
            "fulfillment_ids": [self.fulfillment_id(item.location)],
            "location_ids": [item.location.id],
        }

    def price(self, item: ChargingItem) -> str | None:
        """Return the price of a kWh, None without one."""
        return None if item.price_kwh is None or item.tariff is None else price(item.price_kwh)

    def _name(self, item: ChargingItem) -> str:
        """Return what to call a connector: what is painted on the EVSE, power and plug."""
        name = item.evse.physical_reference or f"EV Charger #{item.number}"
        return f"{name} ({short(item.power_kw)} kW {self._plugs.to_beckn(item.connector.standard)})"

    def item_tags(self, item: ChargingItem, surcharges: Sequence[Surcharge]) -> dict[str, object]:
        """Return ``tags``: the connector's specification, its status as last heard, surcharges."""
        speed = "FAST" if item.power_kw > FAST_ABOVE_KW else "SLOW"
        groups = [self._connector.render({"item": item, "facts": {"charging_speed": speed}})]
        groups += [self._surcharge_details(each, item) for each in surcharges]
        return {"tags": [group for each in groups for group in _tags(each)]}

    def _surcharge_details(self, surcharge: Surcharge, item: ChargingItem) -> dict[str, object]:
        """Return ``tags`` that say what a surcharge is and when it is in force."""
        share, per_kwh, when = surcharge.share, surcharge.per_kwh, surcharge.when
        unit = f"{item.tariff.currency}/kWh" if item.tariff is not None else "/kWh"
        facts = {
            "percentage": None if share is None else f"{plain(share * 100)}%",
            "per_kwh": None if per_kwh is None else f"{price(per_kwh)} {unit}",
            "days": None if when is None else ",".join(when.day_of_week) or None,
            "hours": None if when is None else _hours(when),
        }
        return self._surcharge.render({"surcharge": surcharge, "facts": facts})

    def offer_fragment(self, offer: Offer) -> bytes:
        """Encode ``providers[].offers[]``, without what in an answer it is for."""
        return msgspec.json.encode(self.offer(offer))

    def offer(self, offer: Offer, taken: Decimal | None = None) -> dict[str, object]:
        """Return an offer; in an order with what it takes off, 0 where it is not earned."""
        when, url = offer.when, offer.image_url
        kind, value = discount_of(offer)
        hours = None if when is None else _hours(when)
        facts = {
            "images": [{"url": url}] if url is not None and is_uri(url) else None,
            "discount_type": kind,
            "discount_value": value,
            "days": ",".join(when.day_of_week) or None if when is not None else None,
            "hours": hours,
            "applied": None if taken is None else taken > 0,
            "taken": taken,
        }
        return self._offer.render({"offer": offer, "facts": facts})

    def catalog_message(self, parts: Sequence[ProviderPart]) -> bytes:
        """Join fragments to the ``message`` of one on_search; they are copied as they are."""
        return msgspec.json.encode({"catalog": self.catalog(parts)})

    def catalog(self, parts: Sequence[ProviderPart]) -> dict[str, object]:
        """Return ``catalog``."""
        return {"providers": [self._provider_part(part) for part in parts]}

    def _provider_part(self, part: ProviderPart) -> dict[str, object]:
        categories = [self._green] if part.locations else []
        whole = self.provider(part.provider) | {
            "categories": [*categories, self._loyalty] if part.has_passes else categories,
            "locations": _joined(part.locations),
            "fulfillments": _joined(part.fulfillments),
            "items": _joined(part.items),
            **({"offers": _joined([_offer(each) for each in part.offers])} if part.offers else {}),
        }
        if not part.locations:
            del whole["locations"]
        return whole

    def loyalty_category_id(self) -> str:
        """Return the id of the category that passes are listed in."""
        return str(self._loyalty["id"])

    def place(self, item: ChargingItem) -> dict[str, str | None]:
        """Return gps and address of a connector."""
        return {
            "gps": place_of(item.location, item.evse, self.gps_decimals),
            "address": address(item.location),
        }


def is_green(item: ChargingItem) -> bool:
    """Return whether the CPO says that the electricity is green: of the Location or the tariff."""
    mixes = (item.location.energy_mix, item.tariff.energy_mix if item.tariff else None)
    return any(mix is not None and mix.is_green_energy for mix in mixes)


def discount_of(offer: Offer) -> tuple[str, Decimal]:
    """Return what kind of discount an offer is, and how much: percent, or an amount."""
    if offer.share is not None:
        return "SHARE", offer.share * 100
    if offer.per_kwh is not None:
        return "PER_KWH", offer.per_kwh
    return "AMOUNT", offer.amount or Decimal(0)


def _hours(when: TariffRestrictions) -> str | None:
    """Return the time of the day in which a term holds, local to the Location."""
    if when.start_time is None and when.end_time is None:
        return None
    return f"{when.start_time or '00:00'}-{when.end_time or '24:00'}"


def local(at: datetime) -> str:
    """Write an instant in the time zone it comes in."""
    return format_instant(at, at.tzinfo or UTC)


def _tags(rendered: dict[str, object]) -> list[object]:
    groups = rendered.get("tags", [])
    return groups if isinstance(groups, list) else []


def _offer(part: OfferPart) -> bytes:
    """Put into an offer what it is for; its fragment is copied as it is."""
    items = b',"item_ids":[%s]' % b",".join(part.items) if part.items else b""
    return b'%s,"location_ids":[%s]%s}' % (part.fragment[:-1], b",".join(part.locations), items)


def _joined(fragments: Sequence[bytes]) -> Raw:
    return Raw(b"[" + b",".join(fragments) + b"]")
