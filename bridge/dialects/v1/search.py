"""From the intent of a ``search`` to a catalogue query (use case 1, 3.1; mapping 1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from bridge.beckn.quirks import Quirk, Report
from bridge.beckn.shape import Reading, read_as
from bridge.dialects.v1 import messages
from bridge.dialects.v1.words import WordReader
from bridge.errors import BecknInvalid
from bridge.mapping import Mappings
from bridge.ocpi.locations import ConnectorType, PowerType
from bridge.orders.intents import Search

STOPS = "message.intent.fulfillment.stops"

_POWER = re.compile(r"\s*(\d{1,4}(?:\.\d{1,3})?)\s*kW\s*", re.IGNORECASE | re.ASCII)

Filters = Mapping[str, list[str]]
"""Values of the tags of a search, by what they filter."""


class SearchReader:
    """Reads searches; a filter nobody knows is let pass, one that knows no such value is not."""

    def __init__(self, mappings: Mappings, dialect: str) -> None:
        def words(table: str) -> WordReader:
            return WordReader(mappings.table(dialect, table))

        self._radius_units = words("radius_units")
        self._stops = words("stop_types")
        self._tags = words("search_tags")
        self._plugs = words("connector_standard")
        self._power_types = words("power_type")
        self._item_codes = words("item_codes")
        self._fulfillment_types = words("fulfillment_types")
        self._categories = words("categories")

    def read(self, message: Mapping[str, object], reading: Reading) -> Search:
        """Read the ``message`` of a search.

        Raises:
            BecknInvalid: naming the field that is wrong.
        """
        intent = read_as(messages.SearchMessage, message, "message", reading).intent
        quirk = reading.quirk
        latitude, longitude, radius_m = self._circle(intent.fulfillment.stops, quirk)
        start, end = self._window(intent.fulfillment.stops, quirk)
        filters = self._filters(intent, quirk)
        provider = intent.provider
        return Search(
            text=intent.descriptor.name or intent.item.descriptor.name,
            category=self._category(intent, quirk),
            latitude=latitude,
            longitude=longitude,
            radius_m=radius_m,
            connectors=self._connectors(filters, quirk),
            power_types=self._powers(filters, quirk),
            min_power_kw=_least_power(filters),
            window_start=start,
            window_end=end,
            provider_id=provider.id,
            provider_name=provider.descriptor.name,
            location_id=_location_id(intent),
            item_id=intent.item.id,
            charging=self._charging(intent, quirk),
        )

    def _circle(
        self, stops: messages.Stops, quirk: Report
    ) -> tuple[float | None, float | None, float | None]:
        """Return centre and radius in metres; the first stop with a place on earth counts."""
        for place, stop in enumerate(stops):
            location = stop.location
            if location is None or (location.circle is None and location.gps is None):
                continue
            path = f"{STOPS}[{place}].location"
            circle = location.circle or messages.Circle()
            if circle.gps is None:
                quirk(Quirk.LOCATION_GPS)
            centre = circle.gps or location.gps
            if centre is None:
                raise BecknInvalid(f"{path}.circle.gps", "is missing")
            return *centre, self._radius_m(circle.radius, f"{path}.circle.radius", quirk)
        return None, None, None

    def _radius_m(self, radius: messages.Radius | None, path: str, quirk: Report) -> float | None:
        """Return metres; a radius without a unit is in km."""
        if radius is None:
            return None
        if radius.value < 0:
            raise BecknInvalid(f"{path}.value", "must not be negative")
        unit = radius.unit or "km"
        self._radius_units.read(unit, f"{path}.unit", quirk)
        return float(self._radius_units.scaled(radius.value, unit))

    def _window(
        self, stops: messages.Stops, quirk: Report
    ) -> tuple[datetime | None, datetime | None]:
        """Return when the driver wants to charge: a range, or the times of two stops."""
        start: datetime | None = None
        end: datetime | None = None
        for stop in stops:
            window = stop.time.range or messages.Range()
            kind = self._stops.find(stop.type, quirk) if stop.type else None
            start = start or window.start
            end = end or window.end
            if kind == "END":
                end = end or stop.time.timestamp
            else:
                start = start or stop.time.timestamp
        if start is not None and end is not None and end < start:
            raise BecknInvalid(STOPS, "the time range ends before it starts")
        return start, end

    def _filters(self, intent: messages.Intent, quirk: Report) -> Filters:
        """Return the values of the tags that are filters, wherever they stand."""
        filters: dict[str, list[str]] = {}
        for tag in _tags((*intent.fulfillment.tags, *intent.item.tags, *intent.tags), quirk):
            kind = self._tags.find(tag.descriptor.code or "", quirk)
            if kind is not None and tag.value:
                filters.setdefault(kind, []).append(tag.value)
        return filters

    def _connectors(self, filters: Filters, quirk: Report) -> tuple[ConnectorType, ...] | None:
        """Return the accepted plugs; empty when OCPI knows none of them."""
        if "CONNECTOR_TYPE" not in filters:
            return None
        found = (self._plugs.find_loosely(value, quirk) for value in filters["CONNECTOR_TYPE"])
        return tuple(ConnectorType(plug) for plug in found if plug is not None)

    def _powers(self, filters: Filters, quirk: Report) -> tuple[PowerType, ...] | None:
        """Return the accepted kinds of power, also by AC or DC; empty when OCPI knows none."""
        if "POWER_TYPE" not in filters and "CHARGER_TYPE" not in filters:
            return None
        found = (self._power_types.find(value, quirk) for value in filters.get("POWER_TYPE", ()))
        named = {PowerType(power) for power in found if power is not None}
        currents = {value.strip().upper() for value in filters.get("CHARGER_TYPE", ())}
        return tuple(p for p in PowerType if p in named or p.partition("_")[0] in currents)

    def _category(self, intent: messages.Intent, quirk: Report) -> str | None:
        """Return the category's regular word; one nobody knows stays as it is.

        A search for what is DIGITAL is one for passes.
        """
        category, kind = intent.category, intent.fulfillment.type
        if category is None:
            digital = kind is not None and self._fulfillment_types.find(kind, quirk) == "PASS"
            return self._categories.spell("LOYALTY_PROGRAM") if digital else None
        word = category.descriptor.code or category.id
        known = None if word is None else self._categories.find(word, quirk)
        return word if known is None else self._categories.spell(known)

    def _charging(self, intent: messages.Intent, quirk: Report) -> bool:
        """Return whether charging is sought, and not a loyalty pass or something unheard of."""
        code, kind = intent.item.descriptor.code, intent.fulfillment.type
        return (code is None or self._item_codes.find(code, quirk) is not None) and (
            kind is None or self._fulfillment_types.find(kind, quirk) == "CHARGING"
        )


def _tags(groups: tuple[messages.TagGroup, ...], quirk: Report) -> Iterator[messages.Tag]:
    """Yield all tags; a group need not say which one it is (Q19)."""
    for group in groups:
        if group.tags and group.descriptor.code is None:
            quirk(Quirk.GROUP_WITHOUT_CODE)
        yield from group.tags


def _least_power(filters: Filters) -> Decimal | None:
    """Return the least power in kW that a search names (``30kW``)."""
    found = (_POWER.fullmatch(value) for value in filters.get("POWER_RATING", ()))
    return min((Decimal(power[1]) for power in found if power), default=None)


def _location_id(intent: messages.Intent) -> str | None:
    """Return the location a search names: at a stop, or of the provider."""
    at_stops = (stop.location.id for stop in intent.fulfillment.stops if stop.location)
    of_provider = (place.id for place in intent.provider.locations)
    return next((name for name in (*at_stops, *of_provider) if name is not None), None)
