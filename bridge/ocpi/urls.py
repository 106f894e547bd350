"""URLs of OCPI: joining, paging, links. Pure text, nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from urllib.parse import SplitResult, quote, urlencode, urlsplit, urlunsplit

from bridge.errors import OcpiInvalid
from bridge.ocpi.times import format_datetime

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_TARGET = re.compile(r"\s*<([^>]*)>")
_PARAMETER = re.compile(r'\s*;\s*([^\s=;,"]+)\s*(?:=\s*(?:"([^"]*)"|([^\s;,"]*)))?')


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


def next_link(header: str | None) -> str | None:
    """Return the target of ``rel="next"`` in a Link header (RFC 8288), None when there is none."""
    for target, relations in _links(header or ""):
        if target and "next" in relations:
            return target
    return None


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    place = 0
    while match := _TARGET.match(header, place):
        target, place = match[1].strip(), match.end()
        relations: list[str] | None = None
        while parameter := _PARAMETER.match(header, place):
            place = parameter.end()
            # RFC 8288, 3.3: only the first rel of a link counts.
            if parameter[1].lower() == "rel" and relations is None:
                relations = (parameter[2] or parameter[3] or "").lower().split()
        yield target, relations or []
        comma = header.find(",", place)
        if comma < 0:
            return
        place = comma + 1


def same_origin(a: str, b: str) -> bool:
    """Tell whether two absolute URLs share scheme, host and port; never raises."""
    origin = _origin(a)
    return origin is not None and origin == _origin(b)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS.get(parts.scheme)
