"""Lists of peers that page as they like: nothing is lost, nothing is read for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.clients.crawl import EMPTY_PAGES
from bridge.clients.ocpi import Timeouts
from bridge.clients.pages import AGAIN_S, WAITED_S, Ending, Page, pages
from bridge.flows.peer import CallFailed
from bridge.ocpi.answers import whole
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.locations import Location
from tests.contract.ocpi_client.fake import STAMP, Answer, Asked, FakeCpo, always, enveloped, raw
from tests.contract.ocpi_client.objects import location
from tests.contract.ocpi_client.side import Side, get

PATH = "/2.2.1/locations"

Asking = dict[str, str]


@dataclass
class Lister:
    """A CPO's list; each field is a way to do it wrong.

    Args:
        link: the Link header, with ``{next}`` for the query of the next page; None: no header.
        last: the Link header of the last page.
        total: X-Total-Count; ``{n}`` is the truth.
        size: objects on a page at most.
        deaf: the offset means nothing to it.
    """

    fake: FakeCpo
    objects: list[dict[str, Any]]
    link: str | None = '<{url}?{next}>; rel="next"'
    last: str | None = None
    total: str | None = "{n}"
    size: int = 2
    deaf: bool = False
    beyond: Answer | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = PATH

    def __post_init__(self) -> None:
        self.fake.on("GET", self.path, self.answer)

    async def answer(self, asked: Asked) -> web.StreamResponse:
        """Give a page."""
        query = asked.request.query
        offset = 0 if self.deaf else int(query.get("offset", "0"))
        if offset >= len(self.objects) > 0 and self.beyond is not None:
            return await self.beyond(asked)
        end = offset + min(self.size, int(query.get("limit", "1000")))
        following = f"offset={int(query.get('offset', '0')) + self.size}"
        link = self.link if end < len(self.objects) or self.deaf else self.last
        headers = dict(self.headers)
        if link is not None:
            headers["Link"] = link.replace("{url}", self.fake.url(self.path)).replace(
                "{next}", following
            )
        if self.total is not None:
            headers["X-Total-Count"] = self.total.replace("{n}", str(len(self.objects)))
        return enveloped(self.objects[offset:end], headers=headers)


def some(count: int) -> list[dict[str, Any]]:
    """Return Locations."""
    return [location(f"L{number}") for number in range(count)]


ALL = "?offset=0&limit=10"


async def crawl(side: Side, fake: FakeCpo, query: str = ALL, **limits: int) -> list[Page[Location]]:
    """Read a list to its end."""
    first = get(fake.url(PATH + query))
    return [page async for page in pages(side.client, first, Location, whole, **limits)]


def ids(read: Sequence[Page[Location]]) -> list[str]:
    """Return what was read."""
    return [each.id for page in read for each in page.objects]


def at_link(side: Side) -> set[Leniency]:
    """Return what was forgiven of the way, each once."""
    return {leniency for leniency, _ in side.forgave()}


@pytest.mark.requirement("O19")
async def test_a_list_as_it_should_be_needs_nothing(side: Side, fake: FakeCpo) -> None:
    Lister(fake, some(5), headers={"X-Limit": "2"})

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert [page.ending for page in read] == [None, None, Ending.COMPLETE]
    assert len(fake.asked) == 3
    assert side.forgave() == []


@pytest.mark.requirement("O19")
@pytest.mark.parametrize("link", [None, ""])
async def test_without_links_the_total_tells_to_go_on(
    side: Side, fake: FakeCpo, link: str | None
) -> None:
    Lister(fake, some(5), link=link, last=link)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert [asked.request.query["offset"] for asked in fake.asked] == ["0", "2", "4"]
    assert side.forgave().count((Leniency.LINK_MISSING, "Link")) == 2
    empty = {Leniency.LINK_EMPTY} if link == "" else set()
    assert at_link(side) == {Leniency.LINK_MISSING} | empty


@pytest.mark.requirement("O19")
async def test_without_links_and_total_a_full_page_is_asked_what_follows(
    side: Side, fake: FakeCpo
) -> None:
    Lister(fake, some(5), link=None, total=None, headers={"X-Limit": "2"})

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert len(fake.asked) == 3
    assert (Leniency.TOTAL_COUNT, "X-Total-Count") in side.forgave()


async def test_a_total_of_the_page_alone_does_not_end_a_list(side: Side, fake: FakeCpo) -> None:
    Lister(fake, some(5), link=None, total="2", headers={"X-Limit": "2"})

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE


async def test_a_page_that_is_not_full_is_the_last(side: Side, fake: FakeCpo) -> None:
    Lister(fake, some(3), link=None, total=None, size=10)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2"]
    assert read[-1].ending is Ending.COMPLETE
    assert len(fake.asked) == 1


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("beyond", "asked", "ending"),
    [
        (None, 3, Ending.COMPLETE),
        (always([]), 3, Ending.COMPLETE),
        (always(None, http=404, code=2000), 3, Ending.LOOP),
        (always(None, code=2001), 3, Ending.LOOP),
        (raw(b"offset out of range", http=400), 3, Ending.LOOP),
        (raw(b"IndexError", http=500), 3 + len(AGAIN_S), Ending.LOOP),
    ],
)
async def test_a_total_that_is_too_large_costs_little(
    side: Side, fake: FakeCpo, beyond: Answer | None, asked: int, ending: Ending
) -> None:
    Lister(fake, some(3), total="999", beyond=beyond)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2"]
    assert len(fake.asked) == asked
    assert read[-1].ending is ending
    if ending is Ending.COMPLETE:
        assert (Leniency.TOTAL_COUNT, "X-Total-Count") in side.forgave()


@pytest.mark.requirement("O19")
@pytest.mark.parametrize("total", ["0", "1", "2", "-3", "many", "4.5", "", None])
async def test_a_total_that_is_too_small_or_none_ends_nothing(
    side: Side, fake: FakeCpo, total: str | None
) -> None:
    Lister(fake, some(5), total=total)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert side.forgave() == [(Leniency.TOTAL_COUNT, "X-Total-Count")]


@pytest.mark.parametrize("counts", ["what is left", "the page"])
async def test_a_total_that_falls_with_every_page_is_no_loss(
    side: Side, fake: FakeCpo, counts: str
) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        offset = int(asked.request.query["offset"])
        data = some(7)[offset : offset + 3]
        total = 7 - offset if counts == "what is left" else len(data)
        link = f'<?offset={offset + 3}>; rel="next"' if offset + 3 < 7 else None
        headers = {"X-Total-Count": str(total), **({"Link": link} if link else {})}
        return enveloped(data, headers=headers)

    fake.on("GET", PATH, answer)

    read = await crawl(side, fake)

    assert len(ids(read)) == 7
    assert read[-1].ending is Ending.COMPLETE


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("link", "met"),
    [
        ("<?{next}>; rel=next", {Leniency.RELATIVE_URL}),
        ("</2.2.1/locations?{next}>; rel=next", {Leniency.RELATIVE_URL}),
        ("<{url}?{next}>", {Leniency.LINK_SYNTAX}),
        ("{url}?{next}", {Leniency.LINK_SYNTAX}),
        ("<https://127.0.0.1/2.2.1/locations?{next}>; rel=next", {Leniency.LINK_ORIGIN}),
        ("<http://internal:8000/2.2.1/locations?{next}>; rel=next", {Leniency.LINK_ORIGIN}),
        ("<https://name.invalid/cpo/locations?{next}>; rel=next", {Leniency.LINK_PATH}),
        ('</help>; rel="help", <?{next}>; rel="next"', {Leniency.RELATIVE_URL}),
    ],
)
async def test_a_link_is_followed_to_where_it_can_only_have_meant(
    side: Side, fake: FakeCpo, link: str, met: set[Leniency]
) -> None:
    Lister(fake, some(5), link=link)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert len(fake.asked) == 3
    assert at_link(side) == met


@pytest.mark.parametrize("answer", [always(None, http=404, code=2000), raw(b"no", http=405)])
async def test_a_path_that_is_not_there_is_tried_once(
    side: Side, fake: FakeCpo, answer: Any
) -> None:
    Lister(fake, some(5), link="</cpo/places?{next}>; rel=next")
    fake.on("GET", "/cpo/places", answer)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert [asked.request.path for asked in fake.asked] == [PATH, "/cpo/places", PATH, PATH]
    assert Leniency.LINK_PATH in at_link(side)


async def test_a_path_that_is_not_there_may_lead_back(side: Side, fake: FakeCpo) -> None:
    for total, ending in (("{n}", Ending.COMPLETE), (None, Ending.LOOP)):
        Lister(fake, some(2), last="</cpo/places?offset=0&limit=10>; rel=next", total=total)

        read = await crawl(side, fake)

        assert ids(read) == ["L0", "L1"]
        assert read[-1].ending is ending


async def test_a_wrong_path_is_set_right_once_and_still_leads_in_no_circle(
    side: Side, fake: FakeCpo
) -> None:
    wrong = "</cpo/places?offset={}>; rel=next"

    async def answer(asked: Asked) -> web.StreamResponse:
        offset = int(asked.request.query["offset"])
        link = wrong.format({0: 2, 2: 4, 4: 2}[offset])
        return enveloped(some(6)[offset : offset + 2], headers={"Link": link})

    fake.on("GET", PATH, answer)

    read = await crawl(side, fake)

    assert len(ids(read)) == 6
    assert read[-1].ending is Ending.LOOP
    assert [asked.request.path for asked in fake.asked] == [PATH, "/cpo/places", PATH, PATH]


async def test_another_path_that_is_there_is_the_next_page(side: Side, fake: FakeCpo) -> None:
    Lister(fake, some(1), link="</more?offset=1>; rel=next", last="</more?offset=1>; rel=next")
    fake.on_data("GET", "/more", [location("L1")])

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1"]
    assert at_link(side) == {Leniency.RELATIVE_URL, Leniency.TOTAL_COUNT}


@pytest.mark.requirement("O19")
async def test_a_foreign_link_is_passed_by_when_the_offset_leads_on(
    side: Side, fake: FakeCpo
) -> None:
    other = FakeCpo()
    async with TestServer(other.app) as server:
        Lister(fake, some(5), link=f"<{server.make_url('/elsewhere')}>; rel=next")

        read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert other.asked == []
    assert {Leniency.LINK_FOREIGN, Leniency.LINK_MISSING} <= at_link(side)


@pytest.mark.requirement("O19")
@pytest.mark.parametrize("link", [f"<{{url}}{ALL}>; rel=next", f"<{ALL}>; rel=next"])
async def test_a_link_that_stays_where_it_is_is_passed_by_too(
    side: Side, fake: FakeCpo, link: str
) -> None:
    Lister(fake, some(5), link=link)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert {Leniency.LINK_LOOP, Leniency.LINK_MISSING} <= at_link(side)


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    "last",
    [
        "<?offset=2>; rel=next",  # itself
        "<?offset=4>; rel=next",  # a page that is empty
        "<?offset=0&limit=10>; rel=next",  # the first page
    ],
)
async def test_when_all_has_come_a_last_page_may_link_where_it_likes(
    side: Side, fake: FakeCpo, last: str
) -> None:
    Lister(fake, some(4), link="<?{next}>; rel=next", last=last)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3"]
    assert read[-1].ending is Ending.COMPLETE
    assert at_link(side) == {Leniency.RELATIVE_URL, Leniency.LINK_LOOP}


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("total", "size", "ending"),
    [
        ("{n}", 2, Ending.LOOP),  # it has more than it shows
        (None, 2, Ending.LOOP),
        ("{n}", 9, Ending.COMPLETE),  # it shows all at once
    ],
)
async def test_a_peer_that_ignores_the_offset_is_left_soon(
    side: Side, fake: FakeCpo, total: str | None, size: int, ending: Ending
) -> None:
    Lister(fake, some(5), deaf=True, total=total, size=size)

    read = await crawl(side, fake)

    assert ids(read) == [f"L{number}" for number in range(min(size, 5))]
    assert read[-1].ending is ending
    assert len(fake.asked) <= 3
    assert Leniency.OFFSET_IGNORED in at_link(side)


async def test_a_peer_without_pages_gives_all_at_once(side: Side, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, some(25))

    read = await crawl(side, fake)

    assert len(ids(read)) == 25
    assert read[-1].ending is Ending.COMPLETE
    assert len(fake.asked) == 2
    assert at_link(side) == {Leniency.OFFSET_IGNORED, Leniency.TOTAL_COUNT}


async def test_a_page_tried_in_vain_is_no_failure_but_silence_is(side: Side, fake: FakeCpo) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        if asked.request.query["offset"] != "0":
            assert asked.request.transport is not None
            asked.request.transport.abort()
        return enveloped(some(1), headers={"X-Total-Count": "9"})

    fake.on("GET", PATH, answer)

    with pytest.raises(CallFailed, match="the connection broke"):
        await crawl(side, fake)


@pytest.mark.requirement("O19")
async def test_a_list_that_never_repeats_itself_ends_too(side: Side, fake: FakeCpo) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        offset = int(asked.request.query["offset"])
        link = f"<?offset={offset + 1}>; rel=next" if offset < 7 else ""
        return enveloped([location(f"L{offset}")], headers={"Link": link})

    fake.on("GET", PATH, answer)

    cut = await crawl(side, fake, max_pages=7)
    whole = await crawl(side, fake, max_pages=8)

    assert len(ids(cut)) == 7
    assert cut[-1].ending is Ending.CUT
    assert len(ids(whole)) == 8
    assert whole[-1].ending is Ending.COMPLETE
    assert len(fake.asked) == 7 + 8


async def test_pages_that_repeat_earlier_ones_in_turn_end(side: Side, fake: FakeCpo) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        offset = int(asked.request.query["offset"])
        return enveloped(
            [location(f"L{offset % 3}")], headers={"Link": f"<?offset={offset + 1}>; rel=next"}
        )

    fake.on("GET", PATH, answer)

    read = await crawl(side, fake)

    assert set(ids(read)) == {"L0", "L1", "L2"}
    assert read[-1].ending is Ending.LOOP
    assert len(fake.asked) == 3 + EMPTY_PAGES


@pytest.mark.parametrize("size", [2, 9])
async def test_of_an_object_that_comes_twice_the_later_counts(
    side: Side, fake: FakeCpo, size: int
) -> None:
    older, newer = location("L1", name="older"), location("l1", name="newer")
    Lister(fake, [location("L0"), older, newer, location("L2")], size=size, total=None)

    read = await crawl(side, fake)

    last = {each.id.lower(): each.name for page in read for each in page.objects}
    assert last == {"l0": None, "l1": "newer", "l2": None}
    assert len(ids(read)) == (4 if size == 2 else 3)
    assert (Leniency.DUPLICATE, "data[0]" if size == 2 else "data[2]") in side.forgave()


@pytest.mark.parametrize(
    ("query", "changed", "met"),
    [
        ("date_from=2026-03-02T00:00:00Z&", "2026-03-01T23:59:59Z", True),
        ("date_from=2026-03-02T00:00:00Z&", "2026-03-02T00:00:00Z", False),
        ("date_to=2026-03-02T00:00:00Z&", "2026-03-02T00:00:00Z", True),
        ("date_to=2026-03-02T00:00:00Z&", "2026-03-01T23:59:59Z", False),
        ("", "2026-03-01T23:59:59Z", False),
    ],
)
async def test_dates_that_are_ignored_are_noticed_and_harmless(
    side: Side, fake: FakeCpo, query: str, changed: str, met: bool
) -> None:
    Lister(fake, [location("L0", last_updated=changed), location("L1", last_updated=changed)])

    read = await crawl(side, fake, f"?{query}offset=0&limit=10")

    assert ids(read) == ["L0", "L1"]
    told = [(Leniency.DATE_FILTER, "data[0].last_updated")] if met else []
    assert side.forgave() == told


async def test_dates_that_a_link_forgets_are_asked_for_again(side: Side, fake: FakeCpo) -> None:
    Lister(fake, some(3))

    await crawl(side, fake, f"?date_from={STAMP}&offset=0&limit=10")

    assert [asked.request.query["date_from"] for asked in fake.asked] == [STAMP, STAMP]
    assert at_link(side) == {Leniency.LINK_FILTERS}


async def test_a_list_may_be_bare_or_a_single_object(side: Side, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, location("L0"))
    assert ids(await crawl(side, fake)) == ["L0"]
    assert (Leniency.SINGLE_FOR_LIST, "data") in side.forgave()

    fake.on("GET", PATH, always(some(2), code=2000))
    assert ids(await crawl(side, fake)) == ["L0", "L1"]
    assert (Leniency.ERROR_WITH_DATA, "status_code") in side.forgave()


@pytest.mark.parametrize("data", [[], None, [{"detail": "no"}], "text"])
async def test_an_error_is_never_a_list(side: Side, fake: FakeCpo, data: object) -> None:
    fake.on("GET", PATH, always(data, code=2001))

    with pytest.raises(CallFailed, match="HTTP 200, OCPI 2001"):
        await crawl(side, fake)


class Stumbling:
    """A list of five of which each page comes only after as many tries as there are stumbles."""

    def __init__(self, fake: FakeCpo, *stumbles: Answer) -> None:
        self.lister = Lister(fake, some(5))
        self.left: dict[str, list[Answer]] = {}
        self.stumbles = stumbles
        fake.on("GET", PATH, self.answer)

    async def answer(self, asked: Asked) -> web.StreamResponse:
        """Stumble, or give a page."""
        left = self.left.setdefault(asked.target, list(self.stumbles))
        return await (left.pop() if left else self.lister.answer)(asked)


BUSY = raw(b"slow down", http=429, headers={"Retry-After": "3"})
TRUNCATED = raw(b'{"status_code": 1000, "data": [{"id": "L')
FAILED = always(None, http=500, code=3000)


@pytest.mark.parametrize(
    ("stumbles", "slept"),
    [
        ((TRUNCATED,), [AGAIN_S[0]] * 3),
        ((FAILED, raw(b"Bad Gateway", http=502)), [*AGAIN_S] * 3),
        ((BUSY,), [3.1] * 3),
        ((BUSY, BUSY), [3.1] * 6),
        ((FAILED, BUSY), [3.1, AGAIN_S[1]] * 3),
    ],
)
async def test_a_page_that_is_broken_is_asked_for_again(
    side: Side, fake: FakeCpo, stumbles: tuple[Answer, ...], slept: list[float]
) -> None:
    Stumbling(fake, *stumbles)

    read = await crawl(side, fake)

    assert ids(read) == ["L0", "L1", "L2", "L3", "L4"]
    assert read[-1].ending is Ending.COMPLETE
    assert side.slept == pytest.approx(slept)


@pytest.mark.parametrize(
    ("stumbles", "asked"),
    [
        ((FAILED,) * 3, 3),
        ((TRUNCATED,) * 3, 3),
        ((BUSY,) * 3, 3),
        ((raw(b"", http=429, headers={"Retry-After": str(int(WAITED_S) + 1)}),), 1),
        ((always(None, http=404, code=2000),), 1),
        ((always(None, code=2001),), 1),
        ((always(None, http=401, code=2001),), 1),
    ],
)
async def test_what_stays_broken_or_is_refused_fails_the_list(
    side: Side, fake: FakeCpo, stumbles: tuple[Answer, ...], asked: int
) -> None:
    Stumbling(fake, *stumbles)

    with pytest.raises(CallFailed):
        await crawl(side, fake)

    assert len(fake.asked) == asked
    assert len(side.slept) == asked - 1


async def test_a_page_that_does_not_come_in_time_is_not_asked_for_again(
    side: Side, fake: FakeCpo
) -> None:
    released = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return enveloped([])

    fake.on("GET", PATH, slow)
    first = get(fake.url(PATH), timeouts=Timeouts(connect_s=2, total_s=0.1))

    with pytest.raises(CallFailed, match="no answer within"):
        _ = [page async for page in pages(side.client, first, Location, whole)]

    released.set()
    assert side.slept == []
