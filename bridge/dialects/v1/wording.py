"""Numbers, places and addresses, always valid in core 1.1.0."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from bridge.mapping.formats import plain
from bridge.ocpi.locations import EVSE, GeoLocation, Location
from bridge.ocpi.types import DisplayText

# Degrees as core 1.1.0 types Gps: no leading zeros, and on earth.
_LATITUDE = re.compile(r"-?([1-8]?\d(\.\d+)?|90(\.0+)?)", re.ASCII)
_LONGITUDE = re.compile(r"-?(180(\.0+)?|(1[0-7]\d|[1-9]?\d)(\.\d+)?)", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,\-./0-9:;=?@A-Z_a-z~]+")


def gps(point: GeoLocation, decimals: int = 0) -> str | None:
    """Return ``latitude,longitude`` as the CPO wrote them; None when that is nowhere on earth.

    Args:
        decimals: at least so many, filled up with zeros.
    """
    latitude, longitude = point.latitude, point.longitude
    if not (_LATITUDE.fullmatch(latitude) and _LONGITUDE.fullmatch(longitude)):
        latitude, longitude = plain(Decimal(latitude)), plain(Decimal(longitude))
    if not (_LATITUDE.fullmatch(latitude) and _LONGITUDE.fullmatch(longitude)):
        return None
    return f"{_filled(latitude, decimals)},{_filled(longitude, decimals)}"


def _filled(number: str, decimals: int) -> str:
    whole, dot, digits = number.partition(".")
    return f"{whole}.{digits:0<{decimals}}" if dot or decimals else whole


def place_of(location: Location, evse: EVSE | None = None, decimals: int = 0) -> str | None:
    """Return where a driver has to go: the EVSE's own coordinates before the Location's."""
    own = gps(evse.coordinates, decimals) if evse is not None and evse.coordinates else None
    return own or gps(location.coordinates, decimals)


def address(location: Location) -> str:
    """Return the postal address in one line."""
    parts = (location.address, location.city, location.postal_code)
    return ", ".join(part for part in parts if part)


def directions(location: Location, evse: EVSE) -> str | None:
    """Return how to find an EVSE: its own directions, else the Location's, else what is painted."""
    for texts in (evse.directions, location.directions):
        if texts:
            return in_english(texts)
    level = f"Level {evse.floor_level}" if evse.floor_level else None
    return ", ".join(part for part in (level, evse.physical_reference) if part) or None


def in_english(texts: Iterable[DisplayText]) -> str | None:
    """Return the English text of several, else the first."""
    known = list(texts)
    english = (text.text for text in known if text.language.casefold() == "en")
    return next(english, known[0].text if known else None)


def is_uri(text: str) -> bool:
    """Return whether a text may stand where core 1.1.0 wants a URI."""
    return _URI.fullmatch(text) is not None


def price(amount: Decimal) -> str:
    """Write the price of a unit exactly, with two decimals at least: ``18`` -> ``18.00``."""
    whole, _, decimals = plain(amount).partition(".")
    return f"{whole}.{decimals:0<2}"


def short(number: Decimal) -> str:
    """Write a number with three decimals at most: ``5.0000`` -> ``5``."""
    return plain(Decimal(format(number, ".3f")))
