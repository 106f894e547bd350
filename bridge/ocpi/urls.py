"""URLs of OCPI: joining and paging. Pure text, nothing is fetched."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import SplitResult, quote, urlencode, urlsplit, urlunsplit

from bridge.errors import OcpiInvalid
from bridge.ocpi.times import format_datetime

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def join(base: str, *segments: str) -> str:
    """Append path segments to an endpoint, percent-encoded, with exactly one slash before each.

    Raises OcpiInvalid for a base that is no URL and for a segment no path can hold: empty, ``.``
    and ``..``.
    """
    parts = _split(base)
    path = parts.path.rstrip("/")
    for segment in segments:
        if segment in ("", ".", ".."):
            raise OcpiInvalid("", f"{segment!r} cannot be a segment of a URL")
        path += "/" + quote(segment, safe="")
    return urlunsplit(parts._replace(path=path))


def closed(url: str) -> str:
    """Return a URL whose path ends in a slash; its query stays. Raises OcpiInvalid."""
    parts = _split(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/"))


def with_query(url: str, query: str) -> str:
    """Append a query; a URL may have one of its own. Raises OcpiInvalid."""
    parts = _split(url)
    together = "&".join(filter(None, (parts.query, query)))
    return urlunsplit(parts._replace(query=together, fragment=""))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise OcpiInvalid("", f"{url!r} is no URL") from error


def page_query(
    *,
    date_from: datetime | None = None,
    date_to: datetime | None = None,
    offset: int | None = None,
    limit: int | None = None,
) -> str:
    """Return the query of a list request, URL-encoded, without ``?``; empty when nothing is given.

    OCPI 2.2.1 transport_and_format, pagination.
    """
    parameters = {
        "date_from": format_datetime(date_from) if date_from else None,
        "date_to": format_datetime(date_to) if date_to else None,
        "offset": offset,
        "limit": limit,
    }
    return urlencode({name: value for name, value in parameters.items() if value is not None})


def same_origin(a: str, b: str) -> bool:
    """Tell whether two absolute URLs share scheme, host and port; never raises."""
    origin = _origin(a)
    return origin is not None and origin == _origin(b)


def with_scheme_of(answered: str, url: str) -> str:
    """Return a URL with the scheme of another one that names the same host and port; never raises.

    A port has one scheme, and that of ``answered`` is the one it spoke. Only a port that is written
    in both says so: without it, http and https are two places.
    """
    try:
        ours, theirs = urlsplit(answered), urlsplit(url)
        same = (ours.hostname, ours.port) == (theirs.hostname, theirs.port)
    except ValueError:
        return url
    if not same or theirs.port is None or {ours.scheme, theirs.scheme} != {"http", "https"}:
        return url
    return urlunsplit(theirs._replace(scheme=ours.scheme))


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS.get(parts.scheme)
