"""DateTime of OCPI 2.2.1 (types): UTC, at most 25 characters, no offset on the wire."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]+))?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def parse_datetime(text: str) -> datetime:
    """Read a DateTime as aware UTC; without zone it is UTC.

    Another offset is converted. What is finer than a millisecond is cut off: it could not be
    written again. Raises ValueError.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("expected a timestamp such as 2024-05-01T08:00:00Z")
    seconds, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{seconds}.{(fraction or '')[:3]:0<3}{zone or 'Z'}")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the timestamp is out of range") from error


def format_datetime(moment: datetime) -> str:
    """Write a DateTime in seconds, or in milliseconds when there are any; 20 or 24 characters."""
    if moment.tzinfo is None:
        raise ValueError("a timestamp without a time zone")
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    milliseconds = utc.microsecond // 1000
    fraction = f".{milliseconds:03d}" if milliseconds else ""
    return f"{utc.replace(microsecond=0).isoformat()}{fraction}Z"
