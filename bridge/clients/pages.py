"""Lists of OCPI objects, page by page to the last one (OCPI 2.2.1, pagination)."""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from bridge.clients.ocpi import Answer, Call, OcpiClient, unusable
from bridge.errors import OcpiInvalid
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Met
from bridge.ocpi.lenient import read
from bridge.ocpi.pointer import pointer
from bridge.ocpi.urls import next_link, same_origin

T = TypeVar("T")

EMPTY_PAGES: Final = 10
"""Empty pages in a row after which a list that still has a next page is taken for endless."""


class Ending(enum.Enum):
    """How a crawl ended. Only COMPLETE says that what was not seen is not there."""

    COMPLETE = "COMPLETE"
    """No next link on the last page."""
    LOOP = "LOOP"
    """A next link to a page seen before, or to the same objects again, or to nothing for ever."""
    FOREIGN = "FOREIGN"
    """A next link to another origin; our token stays here."""
    SHRUNK = "SHRUNK"
    """X-Total-Count dropped on the way: objects may have moved to a page already read."""


class Bad(NamedTuple):
    """An object that cannot be read.

    Args:
        path: JSON pointer to the fault in the page, e.g. ``/data/3/evses/0/uid``.
        party, id: whose object, and which, as far as it says so.
    """

    path: str
    reason: str
    party: Party | None
    id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page, each of its objects read by itself; ``ending`` is None when another follows."""

    number: int
    objects: tuple[T, ...]
    bad: tuple[Bad, ...]
    ending: Ending | None


async def pages(client: OcpiClient, first: Call, type_: type[T]) -> AsyncGenerator[Page[T], None]:
    """Yield the pages of a list, beginning with a request of the caller's making.

    What had to be forgiven is counted, each leniency once for an object.

    Raises:
        CallFailed: a page did not come; what was yielded before stays true.
    """
    call = first
    visited = {first.url}
    before: list[object] = []
    total: int | None = None
    number = 0
    empty = 0
    shrunk = False
    while True:
        answer = await client.call(call)
        data = _list(first.module, answer)
        if data and data == before:
            yield Page(number=number, objects=(), bad=(), ending=Ending.LOOP)
            return
        number += 1
        empty = 0 if data else empty + 1
        count = _count(answer.total)
        shrunk |= _dropped(total, count)
        total, before = count, data
        target = _next(first.url, answer)
        if shrunk and target is Ending.COMPLETE:
            target = Ending.SHRUNK
        elif isinstance(target, str) and (target in visited or empty >= EMPTY_PAGES):
            target = Ending.LOOP
        objects, bad, met = _read(data, type_)
        for each in met:
            client.tolerated(first.cpo_id, each)
        if isinstance(target, Ending):
            yield Page(number=number, objects=objects, bad=bad, ending=target)
            return
        yield Page(number=number, objects=objects, bad=bad, ending=None)
        visited.add(target)
        call = replace(call, url=target)


def _list(module: str, answer: Answer) -> list[object]:
    if not isinstance(answer.data, list):
        raise unusable(module, answer, "expected an array")
    return answer.data


def _next(endpoint: str, answer: Answer) -> str | Ending:
    """Return where the next page is.

    Behind proxies, peers get scheme and host of their own links wrong: a link with the path of
    the endpoint is one to the endpoint, whatever stands before it.
    """
    link = next_link(answer.link)
    if link is None:
        return Ending.COMPLETE
    try:
        target = urljoin(answer.url, link)
        ours, theirs = urlsplit(endpoint), urlsplit(target)
    except ValueError:
        return Ending.FOREIGN
    if same_origin(target, endpoint):
        return target
    if theirs.path.rstrip("/") == ours.path.rstrip("/"):
        return urlunsplit((ours.scheme, ours.netloc, ours.path, theirs.query, ""))
    return Ending.FOREIGN


def _count(header: str | None) -> int | None:
    return int(header) if header and header.isascii() and header.isdecimal() else None


def _dropped(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and now < before


def _read(
    data: list[object], type_: type[T]
) -> tuple[tuple[T, ...], tuple[Bad, ...], tuple[Met, ...]]:
    """Read each object by itself; an unreadable one forgives nothing."""
    objects: list[T] = []
    bad: list[Bad] = []
    forgiven: list[Met] = []
    for index, each in enumerate(data):
        met: list[Met] = []
        try:
            objects.append(read(each, type_, met))
        except OcpiInvalid as error:
            place = pointer("data", index, path=error.path)
            bad.append(Bad(place, error.reason, *_identity(each)))
        else:
            forgiven += {one.leniency: one for one in reversed(met)}.values()
    return tuple(objects), tuple(bad), tuple(forgiven)


def _identity(value: object) -> tuple[Party | None, str | None]:
    """Return owner and id of an object that is otherwise unreadable."""
    fields = value if isinstance(value, dict) else {}
    match fields.get("country_code"), fields.get("party_id"), fields.get("id"):
        case str() as country_code, str() as party_id, str() as object_id:
            return Party(country_code, party_id), object_id
        case _:
            return None, None
