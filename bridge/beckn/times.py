"""Instants and durations as Beckn messages spell them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from bridge.beckn.quirks import Quirk, Report

_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)?", re.ASCII
)
_COLONS = re.compile(
    r"(\d{4}):(\d\d):(\d\d):(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)?", re.ASCII
)
_DURATION = re.compile(
    r"P(?=.)(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d{1,6})?)S)?)?",
    re.ASCII,
)
_BARE_DURATION = re.compile(r"\d{1,9}[HMS]", re.ASCII)

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Instants outside are mistakes; within, a time zone or a duration more overflows nothing."""


def parse_instant(text: str, zone: tzinfo, quirk: Report) -> datetime:
    """Read a date-time: RFC 3339, or the colon form of the use-case pages, as UTC.

    ``zone`` is where a date without a zone of its own was written.

    Raises:
        ValueError: it is neither, or not between 1970 and 2200.
    """
    if found := _COLONS.fullmatch(text):
        year, month, day, clock, fraction, offset = found.groups()
        date = f"{year}-{month}-{day}"
        quirk(Quirk.COLON_DATE)
    elif found := _RFC_3339.fullmatch(text):
        date, clock, fraction, offset = found.groups()
        if offset is None:
            quirk(Quirk.ZONELESS_DATE)
    else:
        raise ValueError("is not an RFC 3339 date-time")
    try:
        at = datetime.fromisoformat(f"{date}T{clock}.{(fraction or '0')[:6]:0<6}")
        at = at.replace(tzinfo=zone) if offset is None else _at_offset(at, offset)
        at = at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is a date that does not exist") from error
    if not EARLIEST <= at <= LATEST:
        raise ValueError("is a date before 1970 or after 2200")
    return at


def _at_offset(at: datetime, offset: str) -> datetime:
    return datetime.fromisoformat(f"{at.isoformat()}{offset.upper().replace('Z', '+00:00')}")


def format_instant(at: datetime, zone: tzinfo = UTC) -> str:
    """Write an instant as RFC 3339: with Z in UTC, with the zone's offset elsewhere.

    Milliseconds only where there are any.
    """
    local = at.astimezone(zone)
    text = local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def parse_duration(text: str) -> float:
    """Return the seconds of an ISO 8601 duration.

    Years and months have no fixed length and count as no duration.

    Raises:
        ValueError: it is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration")
    weeks, days, hours, minutes, seconds = (
        float((part or "0").replace(",", ".")) for part in found.groups()
    )
    return timedelta(
        weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
    ).total_seconds()


def parse_ttl(text: str, quirk: Report) -> float | None:
    """Return the seconds of a ``context.ttl``; None when it cannot be read."""
    if _BARE_DURATION.fullmatch(text):
        quirk(Quirk.TTL_WITHOUT_PT)
        return parse_duration(f"PT{text}")
    try:
        return parse_duration(text)
    except ValueError:
        quirk(Quirk.TTL_UNREADABLE)
        return None


def is_duration(text: str) -> bool:
    """Return whether a text is a duration that may be sent."""
    return _DURATION.fullmatch(text) is not None


def format_duration(seconds: float) -> str:
    """Write seconds as an ISO 8601 duration: ``PT30S``."""
    return f"PT{round(seconds, 3):.15g}S"
