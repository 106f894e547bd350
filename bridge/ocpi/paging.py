"""Pages of a list this side serves (OCPI 2.2.1 transport_and_format, pagination)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from bridge.errors import OcpiInvalid
from bridge.ocpi.times import parse_datetime
from bridge.ocpi.urls import page_query

_INTEGER = re.compile(r"[0-9]{1,9}")


class Dated(Protocol):
    """Anything with the time of its last change."""

    @property
    def last_updated(self) -> datetime: ...


D = TypeVar("D", bound=Dated)


class Page(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """A page and what its headers say.

    Args:
        total: how many items match the filters (X-Total-Count).
        limit: how many items this side gives at most (X-Limit).
        next_url: where the next page is (Link, rel next); None on the last page.
    """

    items: tuple[D, ...]
    total: int
    limit: int
    next_url: str | None


def page(
    items: Sequence[D],
    date_from: str | None,
    date_to: str | None,
    offset: str | None,
    limit: str | None,
    max_limit: int,
    base_url: str,
) -> Page[D]:
    """Cut a page out of ``items``, whose order is kept and so must be that of creation.

    ``date_from`` (inclusive) to ``limit`` are the query parameters as received. ``base_url`` is
    the list's own URL without query. Raises OcpiInvalid with the name of a bad parameter.
    """
    start = _datetime("date_from", date_from)
    end = _datetime("date_to", date_to)
    first = _integer("offset", offset, 0)
    count = min(_integer("limit", limit, max_limit), max_limit)
    if count == 0:
        raise OcpiInvalid("limit", "expected at least 1")
    matching = [
        item
        for item in items
        if (start is None or item.last_updated >= start)
        and (end is None or item.last_updated < end)
    ]
    after = first + count
    query = page_query(date_from=start, date_to=end, offset=after, limit=count)
    return Page(
        items=tuple(matching[first:after]),
        total=len(matching),
        limit=max_limit,
        next_url=f"{base_url}?{query}" if after < len(matching) else None,
    )


def _datetime(name: str, value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        return parse_datetime(value)
    except ValueError as error:
        raise OcpiInvalid(name, str(error)) from error


def _integer(name: str, value: str | None, default: int) -> int:
    if not value:
        return default
    if not _INTEGER.fullmatch(value):
        raise OcpiInvalid(name, "expected a whole number of at most 9 digits")
    return int(value)
