"""Single values: numbers, timestamps, texts, words of enums."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Final

from msgspec import inspect

from bridge.errors import OcpiInvalid
from bridge.ocpi.cdrs import AuthMethod
from bridge.ocpi.codec import bounded
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.lenient.reading import Place, Reader, Reading, Unusable, path_of
from bridge.ocpi.locations import Status
from bridge.ocpi.sessions import SessionStatus
from bridge.ocpi.tariffs import (
    DayOfWeek,
    ReservationRestrictionType,
    TariffDimensionType,
    TariffType,
)
from bridge.ocpi.times import parse_datetime
from bridge.ocpi.tokens import TokenType
from bridge.ocpi.types import WHOLE, ImageCategory

_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_STANDARD_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d{1,2}):(\d\d)(?::(\d\d))?(?:[.,](\d+))?"
    r" ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_LONGEST_TIMESTAMP: Final = 25
_WHOLE = re.compile(WHOLE)
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d(?:\.\d+)?)?", re.ASCII)

RENAMED: Final[Mapping[type[Enum], Mapping[str, str]]] = {
    SessionStatus: {"RESERVED": SessionStatus.RESERVATION},
}
"""Words of the standard's text that its enums spell otherwise."""

UNDEFINED: Final[Mapping[type[Enum], str]] = {
    AuthMethod: AuthMethod.COMMAND,
    ImageCategory: ImageCategory.OTHER,
    # A status never falls: a session that is known keeps the one it has.
    SessionStatus: SessionStatus.PENDING,
    Status: Status.UNKNOWN,
    TokenType: TokenType.OTHER,
}
"""What stands for a word nobody knows where one is required: it promises nothing."""

PRICING: Final = frozenset({DayOfWeek, ReservationRestrictionType, TariffDimensionType, TariffType})
"""Enums that decide what is paid: without the word, another price would apply."""


def read_number(value: object, place: Place, reading: Reading) -> object:
    """Return a Decimal."""
    if value.__class__ is Decimal:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value, place)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        reading.forgive(Leniency.NUMBER_AS_STRING, place)
        return _bounded(value.strip(), place)
    raise OcpiInvalid(path_of(place), f"expected a number, got {type(value).__name__}")


def _bounded(value: int | str, place: Place) -> Decimal:
    try:
        return bounded(Decimal(value))
    except ValueError as error:
        raise OcpiInvalid(path_of(place), str(error)) from error


def read_int(value: object, place: Place, reading: Reading) -> object:
    """Return an int; decimals are rounded."""
    if value.__class__ is int:
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        reading.forgive(Leniency.NUMBER_AS_STRING, place)
        value = _bounded(value.strip(), place)
        if value == value.to_integral_value():
            return int(value)
    if isinstance(value, Decimal):
        reading.forgive(Leniency.DECIMAL_FOR_INT, place)
        return int(value.to_integral_value())
    return value


def read_bool(value: object, place: Place, reading: Reading) -> object:
    """Return a bool."""
    if value.__class__ is bool:
        return value
    known = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
    if known is None or not isinstance(value, int | str):
        return value
    reading.forgive(Leniency.BOOLEAN_SPELLING, place)
    return known


def read_timestamp(value: object, place: Place, reading: Reading) -> object:
    """Return an aware UTC datetime of milliseconds."""
    if not isinstance(value, str):
        raise OcpiInvalid(path_of(place), f"expected a timestamp, got {type(value).__name__}")
    try:
        if (moment := _standard(value)) is not None:
            return moment
        return _forgiven(value, place, reading)
    except ValueError as error:
        raise OcpiInvalid(path_of(place), str(error)) from error


@functools.lru_cache(4096)
def _standard(text: str) -> datetime | None:
    """Read a timestamp as the standard has it; the parts of a Location share theirs."""
    if len(text) > _LONGEST_TIMESTAMP or not _STANDARD_TIMESTAMP.fullmatch(text):
        return None
    return parse_datetime(text)


def _forgiven(text: str, place: Place, reading: Reading) -> datetime:
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a timestamp such as 2024-05-01T08:00:00Z")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    date = f"{year}-{month:0>2}-{day:0>2}"
    time = f"{hour:0>2}:{minute}:{second or '00'}.{(fraction or '')[:3]:0<3}"
    offset = (zone or "Z").upper().replace("UTC", "Z")
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{offset}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the timestamp is out of range") from error
    if offset != "Z":
        reading.forgive(Leniency.TIMESTAMP_OFFSET, place)
    if fraction is not None and len(fraction) > 4:
        reading.forgive(Leniency.TIMESTAMP_PRECISION, place)
    if not text.startswith(f"{date}T{hour:0>2}:{minute}:{second}") or zone in ("z", "UTC"):
        reading.forgive(Leniency.TIMESTAMP_SPELLING, place)
    return moment


def local_time(value: object, place: Place, reading: Reading) -> object:
    """Return ``HH:MM``; midnight at the end of a day is 00:00."""
    if not isinstance(value, str):
        return value
    match = _TIME.fullmatch(value.strip())
    if match is None:
        return value
    hour, minute = match.groups()
    time = f"{hour:0>2}:{minute}".replace("24:00", "00:00")
    if time != value:
        reading.forgive(Leniency.TIME_SPELLING, place)
    return time


def string_reader(info: inspect.StrType, *, ascii_only: bool, whole: bool) -> Reader:
    """Return a reader of texts.

    Args:
        ascii_only: a CiString or a token: never changed but for its quotes.
        whole: of no use when cut, as a URL is.
    """
    limit = info.max_length or 2**31

    def read(value: object, place: Place, reading: Reading) -> object:
        if value.__class__ is str and len(value) <= limit and value.isprintable():
            return forgive(value, place, reading) if whole and " " in value else value
        return forgive(value, place, reading)

    def forgive(value: object, place: Place, reading: Reading) -> object:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            reading.forgive(Leniency.STRING_AS_NUMBER, place)
            value = format(value, "f") if isinstance(value, Decimal) else str(value)
        if not isinstance(value, str) or ascii_only:
            return value
        if whole and (len(value) > limit or not _WHOLE.match(value)):
            return Unusable(place, "no usable URL", Leniency.UNUSABLE_URL)
        if any(character < " " or character == "\x7f" for character in value):
            reading.forgive(Leniency.CONTROL_CHARACTER, place)
            value = " ".join(re.split(r"[\x00-\x1f\x7f]+", value)).strip()
        if len(value) <= limit:
            return value
        reading.forgive(Leniency.STRING_TOO_LONG, place)
        return value[:limit]

    return read


def enum_reader(cls: type[Enum]) -> Reader:
    """Return a reader of an enum's words."""
    words = frozenset(str(member.value) for member in cls)
    renamed = RENAMED.get(cls, {})

    def read(value: object, place: Place, reading: Reading) -> object:
        if value.__class__ is str:
            if value in words:
                return value
            if (known := renamed.get(str(value))) is not None:
                reading.forgive(Leniency.UNKNOWN_VALUE, place)
                return known
            if cls not in PRICING:
                return Unusable(
                    place, f"{str(value)[:40]!r} is no {cls.__name__}", Leniency.UNKNOWN_VALUE
                )
        return value

    return read
