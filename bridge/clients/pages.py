"""Lists of OCPI objects, page by page to the last one (OCPI 2.2.1, pagination)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Final, Generic, NamedTuple, TypeVar

from bridge.clients.crawl import MAX_PAGES, Crawl, Ending
from bridge.clients.ocpi import Answer, Call, OcpiClient, unusable
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.ocpi import lenient
from bridge.ocpi.answers import Ready, list_of
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Met
from bridge.ocpi.pointer import pointer

__all__ = ["Bad", "Ending", "Page", "pages"]

T = TypeVar("T")
K = TypeVar("K")

AGAIN_S: Final = (0.5, 2.0)
"""Pauses before a page is asked for again that was broken, or an HTTP 5xx: the rest of a long
list is not given up for one bad answer."""

WAITED_S: Final = 20.0
"""Longest pause that a CPO is granted in the middle of a list; after a longer one the list is
read anew. Two of them fit into the lease of a pull."""


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
class Page(Generic[K]):
    """One page, each of its objects read by itself; ``ending`` is None when another follows.

    An object that stands on it twice is the later one; one of an earlier page comes again.
    """

    number: int
    objects: tuple[K, ...]
    bad: tuple[Bad, ...]
    ending: Ending | None


async def pages(
    client: OcpiClient,
    first: Call,
    type_: type[T],
    kept: Callable[[T], K],
    *,
    max_pages: int = MAX_PAGES,
) -> AsyncGenerator[Page[K], None]:
    """Yield the pages of a list, beginning with a request of the caller's making.

    It always ends. The next page is asked for while one is dealt with. A page that is broken is
    asked for again, and a CPO that wants a short pause gets it. What had to be forgiven is
    counted, each leniency once for an object.

    Args:
        kept: what is kept of an object that was read.

    Raises:
        CallFailed: a page did not come; what was yielded before stays true.
    """
    crawl = Crawl(first.url, max_pages)
    call = replace(first, due=list_of(type_, kept))
    coming: asyncio.Task[Answer] | None = asyncio.create_task(_page(client, call))
    try:
        while coming is not None:
            data: list[object] = []
            following: str | Ending | None
            try:
                answer = await coming
            except CallFailed as error:
                following = crawl.instead(error)
                if following is None:
                    raise
            else:
                data = _list(first.module, answer)
                following = crawl.after(answer, data)
            ending = following if isinstance(following, Ending) else None
            coming = None
            if isinstance(following, str):
                # It is asked for now, and comes while this one is read and kept.
                coming = asyncio.create_task(_page(client, replace(call, url=following)))
                await asyncio.sleep(0)
            for met in crawl.told():
                client.tolerated(first.cpo_id, met)
            if crawl.repeated:
                data = []
            read = zip(data, crawl.keys, strict=False)
            objects, bad = _read(client, first.cpo_id, list(read), type_, kept)
            yield Page(number=crawl.pages, objects=objects, bad=bad, ending=ending)
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _page(client: OcpiClient, call: Call) -> Answer:
    """GET a page; a GET may be repeated. Raises CallFailed."""
    for pause_s in AGAIN_S:
        try:
            return await client.call(call)
        except CallFailed as error:
            wait_s = _wait_s(error, pause_s)
            if wait_s is None:
                raise
        await client.traffic.sleep(wait_s)
    return await client.call(call)


def _wait_s(error: CallFailed, pause_s: float) -> float | None:
    """Return when a page may be asked for again; None: not in this reading of the list.

    Whoever does not answer at all has used up its time.
    """
    if error.retry_after_s is not None:
        # A little more, for its clock and ours.
        return error.retry_after_s + 0.1 if error.retry_after_s <= WAITED_S else None
    broken = error.http is not None and (
        error.http >= 500 or (error.http < 300 and error.code is None)
    )
    return pause_s if broken else None


def _list(module: str, answer: Answer) -> list[object]:
    if not isinstance(answer.data, list):
        raise unusable(module, answer, "expected an array")
    return answer.data


def _read(
    client: OcpiClient,
    cpo_id: str,
    data: list[tuple[object, str | None]],
    type_: type[T],
    kept: Callable[[T], K],
) -> tuple[tuple[K, ...], tuple[Bad, ...]]:
    """Read each object by itself; an unreadable one forgives nothing."""
    objects: dict[object, K] = {}
    bad: list[Bad] = []
    for index, (each, key) in enumerate(data):
        if isinstance(each, Ready):
            objects[key] = each.object
            continue
        met: list[Met] = []
        try:
            objects[key or index] = kept(lenient.read(each, type_, met, client.own))
        except OcpiInvalid as error:
            place = pointer("data", index, path=error.path)
            bad.append(Bad(place, error.reason, *_identity(each)))
        else:
            client.count(cpo_id, met, f"data[{index}]")
    return tuple(objects.values()), tuple(bad)


def _identity(value: object) -> tuple[Party | None, str | None]:
    """Return owner and id of an object that is otherwise unreadable."""
    fields = value if isinstance(value, dict) else {}
    match fields.get("country_code"), fields.get("party_id"), fields.get("id"):
        case str() as country_code, str() as party_id, str() as object_id:
            return Party(country_code, party_id), object_id
        case _:
            return None, None
