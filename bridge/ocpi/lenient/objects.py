"""What single objects need besides their fields, before these are read and after."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeAlias

from bridge.ocpi.cdrs import (
    CDR,
    NOT_APPLICABLE,
    SESSION_ONLY_DIMENSIONS,
    CdrDimensionType,
    CdrLocation,
    CdrToken,
    ChargingPeriod,
)
from bridge.ocpi.codec import bounded
from bridge.ocpi.commands import CommandResponse
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.lenient.reading import Place, Reading, Unusable
from bridge.ocpi.locations import (
    EVSE,
    AdditionalGeoLocation,
    GeoLocation,
    Hours,
    Location,
    PublishTokenType,
)
from bridge.ocpi.sessions import Session
from bridge.ocpi.types import Image, Price

Fields: TypeAlias = dict[str, object]
Rule: TypeAlias = Callable[[object, Place, Reading], object]

_COORDINATE = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,30})?", re.ASCII)
_DECIMALS: Final = range(5, 8)
_FINEST: Final = Decimal("0.0000001")
_IMAGE_TYPES: Final = {"jpg": "jpeg", "svg+xml": "svg"}
_THOUSAND: Final = range(900, 1101)
"""How far off 1000 the ratio of Wh to kWh may be: the total runs behind the periods."""


def _price(value: object, place: Place, reading: Reading) -> object:
    """Take the Price of OCPI 2.1.1, a number, and that of 2.3.0, with its taxes."""
    if not isinstance(value, dict):
        if isinstance(value, int | Decimal | str) and not isinstance(value, bool):
            reading.forgive(Leniency.PRICE_AS_NUMBER, place)
            return {"excl_vat": value}
        return value
    if value.get("excl_vat") is not None or value.get("before_taxes") is None:
        return value
    reading.forgive(Leniency.PRICE_WITH_TAXES, place)
    net, taxes = value["before_taxes"], value.get("taxes")
    amounts = [each.get("amount") for each in taxes or () if isinstance(each, dict)]
    if not amounts or not isinstance(net, int | Decimal):
        return {"excl_vat": net}
    known = [Decimal(each) for each in amounts if isinstance(each, int | Decimal)]
    return {"excl_vat": net, "incl_vat": sum(known, Decimal(net))}


def _coordinates(value: object, place: Place, reading: Reading) -> object:
    """Bring a point to strings of 5 to 7 decimals."""
    if not isinstance(value, dict):
        return Unusable(place, "expected an object", Leniency.UNUSABLE_PART)
    latitude, longitude = value.get("latitude"), value.get("longitude")
    if _degrees(latitude) > 90 >= _degrees(longitude):
        reading.forgive(Leniency.COORDINATES_SWAPPED, place)
        latitude, longitude = longitude, latitude
    given = {"latitude": latitude, "longitude": longitude}
    scaled = {name: _scaled(each, (place, name), reading) for name, each in given.items()}
    if None in scaled.values() or _degrees(scaled["latitude"]) > 90:
        return Unusable(place, "expected degrees such as 12.97160", Leniency.UNUSABLE_PART)
    return {**value, **scaled}


def _degrees(value: object) -> Decimal:
    """Return the size of an angle; of what is none, zero."""
    text = str(value).strip()
    return abs(Decimal(text)) if _COORDINATE.fullmatch(text) else Decimal(0)


def _scaled(value: object, place: Place, reading: Reading) -> str | None:
    text = format(value, "f") if isinstance(value, Decimal) else str(value).strip()
    if isinstance(value, bool) or not _COORDINATE.fullmatch(text):
        return None
    if not isinstance(value, str):
        reading.forgive(Leniency.STRING_AS_NUMBER, place)
    text = text.removeprefix("+")
    decimals = len(text.partition(".")[2])
    if decimals in _DECIMALS:
        return text
    reading.forgive(Leniency.COORDINATE_SCALE, place)
    finest = Decimal(text).quantize(_FINEST, ROUND_HALF_UP)
    return f"{finest:f}" if decimals > 7 else f"{Decimal(text):.5f}"


def _image(value: object, place: Place, reading: Reading) -> object:
    """Bring a media type to what the standard calls it: image/svg+xml is svg."""
    if not isinstance(value, dict):
        return value
    type_ = value.get("type")
    if not isinstance(type_, str) or len(type_) <= 4:
        return value
    reading.forgive(Leniency.IMAGE_TYPE, (place, "type"))
    plain = type_.lower().rpartition("/")[2]
    return {**value, "type": _IMAGE_TYPES.get(plain, plain)[:4]}


def _cdr_token(value: object, place: Place, reading: Reading) -> object:
    """Fill in the party that OCPI 2.2 does not tell: a CPO has no sessions of others for us."""
    if not isinstance(value, dict) or reading.own is None:
        return value
    if value.get("country_code") and value.get("party_id"):
        return value
    reading.forgive(Leniency.TOKEN_WITHOUT_PARTY, place)
    own = {"country_code": reading.own.country_code, "party_id": reading.own.party_id}
    return {**value, **own}


def _publish_token(value: object, place: Place, reading: Reading) -> object:
    """Leave out a rule that names nobody: it shows a Location to no one."""
    if not isinstance(value, dict):
        return value
    has = {name for name, item in value.items() if item}
    names_somebody = has & {"uid", "visual_number", "group_id"}
    if (
        names_somebody
        and not ("uid" in has and "type" not in has)
        and not ("visual_number" in has and "issuer" not in has)
    ):
        return value
    return Unusable(place, "names nobody", Leniency.PUBLISH_RULE)


def _hours(found: Fields, place: Place, reading: Reading) -> object:
    """Resolve hours that contradict themselves."""
    always, regular = found.get("twentyfourseven"), found.get("regular_hours")
    if always is True and regular:
        reading.forgive(Leniency.OPENING_TIMES, place)
        return {name: item for name, item in found.items() if name != "regular_hours"}
    if always is False and not regular:
        return Unusable(place, "regular_hours is required", Leniency.OPENING_TIMES)
    return found


def _evse(found: Fields, place: Place, reading: Reading) -> object:
    """Date the Connectors that have no date of their own."""
    return found if reading.partial else _dated(found, "connectors", place, reading)


def _location(found: Fields, place: Place, reading: Reading) -> object:
    """Date the EVSEs and their Connectors, and drop the audience of what is public."""
    if found.get("publish") is True and found.get("publish_allowed_to"):
        reading.forgive(Leniency.PUBLISH_RULE, (place, "publish_allowed_to"))
        found = {name: item for name, item in found.items() if name != "publish_allowed_to"}
    if reading.partial:
        return found
    found = _dated(found, "evses", place, reading)
    evses = found.get("evses")
    if not isinstance(evses, list):
        return found
    return {
        **found,
        "evses": [
            _dated(evse, "connectors", ((place, "evses"), index), reading)
            if isinstance(evse, dict)
            else evse
            for index, evse in enumerate(evses)
        ],
    }


def _dated(found: Fields, parts: str, place: Place, reading: Reading) -> Fields:
    """Give the parts that have no last_updated that of the whole."""
    children, date = found.get(parts), found.get("last_updated")
    if not isinstance(children, list) or date is None:
        return found
    undated = [
        index
        for index, child in enumerate(children)
        if isinstance(child, dict) and "last_updated" not in child
    ]
    if not undated:
        return found
    for index in undated:
        reading.forgive(Leniency.LAST_UPDATED_MISSING, ((place, parts), index))
    dated = [
        {**child, "last_updated": date} if index in undated else child
        for index, child in enumerate(children)
    ]
    return {**found, parts: dated}


def _credentials(found: Fields, place: Place, reading: Reading) -> object:
    """Take each role of a party once."""
    roles = found.get("roles")
    if not isinstance(roles, list):
        return found
    once: dict[tuple[str, ...], object] = {}
    for role in roles:
        if not isinstance(role, dict):
            return found
        names = ("role", "country_code", "party_id")
        once.setdefault(tuple(str(role.get(name)).upper() for name in names), role)
    if len(once) == len(roles):
        return found
    reading.forgive(Leniency.REPEATED_ROLE, (place, "roles"))
    return {**found, "roles": list(once.values())}


def _session(found: Fields, place: Place, reading: Reading) -> object:
    if reading.partial:
        return found
    return in_kwh(found, found.get("kwh"), place, reading)


def _cdr(found: Fields, place: Place, reading: Reading) -> object:
    """Leave momentary values out of the periods: a CDR bills what was used."""
    periods = found.get("charging_periods")
    if not isinstance(periods, list):
        return found
    kept = [_billed(period) for period in periods]
    if kept != periods:
        reading.forgive(Leniency.SESSION_DIMENSION, (place, "charging_periods"))
        found = {**found, "charging_periods": kept}
    return in_kwh(found, found.get("total_energy"), place, reading)


def _billed(period: object) -> object:
    dimensions = period.get("dimensions") if isinstance(period, dict) else None
    if not isinstance(period, dict) or not isinstance(dimensions, list):
        return period
    return {**period, "dimensions": [each for each in dimensions if not _is_momentary(each)]}


def _is_momentary(dimension: object) -> bool:
    # The type may be anything yet, a list too, which no set can be asked for.
    type_ = dimension.get("type") if isinstance(dimension, dict) else None
    return isinstance(type_, str) and type_ in SESSION_ONLY_DIMENSIONS


def relaxed(cls: type, found: Fields, place: Place, reading: Reading) -> Fields:
    """Note which fields a CPO left out, or left empty, that the standard requires."""
    missing = [name for name in RELAXED.get(cls, ()) if found.get(name) in (None, "", [])]
    for name in missing:
        reading.forgive(Leniency.REQUIRED_MISSING, (place, name))
    stand_ins = {name: NOTHING[name]() for name in missing if name in NOTHING}
    return {**found, **stand_ins} if missing else found


def in_kwh(found: Fields, total: object, place: Place, reading: Reading) -> Fields:
    """Return a Session or CDR whose periods have kWh: about a thousand times the total is Wh.

    Args:
        total: kWh that the periods should sum up to.
    """
    periods = found.get("charging_periods")
    if not isinstance(periods, list) or not isinstance(total, Decimal) or total <= 0:
        return found
    energy = sum((_energy(each) for period in periods for each in _dimensions(period)), Decimal(0))
    if not _THOUSAND.start <= energy / total < _THOUSAND.stop:
        return found
    reading.forgive(Leniency.ENERGY_IN_WH, (place, "charging_periods"))
    return {**found, "charging_periods": [_in_kwh(period) for period in periods]}


def _in_kwh(period: object) -> object:
    dimensions = [
        {**each, "volume": bounded(energy / 1000)} if (energy := _energy(each)) else each
        for each in _dimensions(period)
    ]
    return {**period, "dimensions": dimensions} if isinstance(period, dict) else period


def _energy(dimension: Fields) -> Decimal:
    """Return the volume of a dimension that is energy, else zero."""
    volume = dimension.get("volume")
    is_energy = dimension.get("type") == CdrDimensionType.ENERGY
    return volume if is_energy and isinstance(volume, Decimal) else Decimal(0)


def _dimensions(period: object) -> list[Fields]:
    dimensions = period.get("dimensions") if isinstance(period, dict) else None
    return [each for each in dimensions or () if isinstance(each, dict)]


RELAXED: Final[Mapping[type, tuple[str, ...]]] = {
    EVSE: ("connectors",),
    CDR: ("charging_periods",),
    ChargingPeriod: ("dimensions",),
    CommandResponse: ("timeout",),
    CdrLocation: (
        *("evse_uid", "evse_id", "connector_id"),
        *("coordinates", "connector_standard", "connector_format", "connector_power_type"),
    ),
}
"""Fields that the standard requires and the bridge can do without."""

NOTHING: Final[Mapping[str, Callable[[], object]]] = {
    "connectors": list,
    "charging_periods": list,
    "dimensions": list,
    "timeout": int,
    **dict.fromkeys(("evse_uid", "evse_id", "connector_id"), lambda: NOT_APPLICABLE),
}
"""What takes the place of those whose type cannot say that nothing is there."""

BEFORE: Final[Mapping[type, Rule]] = {
    AdditionalGeoLocation: _coordinates,
    CdrToken: _cdr_token,
    GeoLocation: _coordinates,
    Image: _image,
    Price: _price,
    PublishTokenType: _publish_token,
}
"""Rules for an object as it came."""

AFTER: Final[Mapping[type, Callable[[Fields, Place, Reading], object]]] = {
    CDR: _cdr,
    Credentials: _credentials,
    EVSE: _evse,
    Hours: _hours,
    Location: _location,
    Session: _session,
}
"""Rules for an object whose fields were read."""
