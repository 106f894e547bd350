"""Lists: every way a peer says, or fails to say, that there is a next page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.clients.crawl import EMPTY_PAGES
from bridge.clients.pages import Ending, Page, pages
from bridge.flows.peer import CallFailed
from bridge.ocpi.answers import whole
from bridge.ocpi.locations import Location
from tests.contract.ocpi_client.fake import Asked, FakeCpo, always, enveloped
from tests.contract.ocpi_client.objects import location
from tests.contract.ocpi_client.side import Side, get

PATH = "/2.2.1/locations"


async def crawl(side: Side, url: str) -> list[Page[Location]]:
    """Read a list to its end."""
    return [page async for page in pages(side.client, get(url), Location, whole)]


def ids(read: Sequence[Page[Location]]) -> list[str]:
    """Return what was read."""
    return [each.id for page in read for each in page.objects]


def paged(fake: FakeCpo, *links: str | None, path: str = PATH) -> None:
    """Serve one Location a page; ``links`` are the Link headers, ``{}`` becomes the next URL."""

    async def answer(asked: Asked) -> web.StreamResponse:
        number = int(asked.request.query.get("offset", "0"))
        link = links[number] if number < len(links) else None
        following = fake.url(f"{path}?offset={number + 1}")
        headers = {} if link is None else {"Link": link.replace("{}", following)}
        return enveloped([location(f"L{number}")], headers=headers)

    fake.on("GET", path, answer)


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    "link",
    [
        '<{}>; rel="next"',
        "<{}>;rel=next",
        '<{}>; REL="Next"',
        '  <{}>  ;  title="a, b"; rel="next last"',
        '<https://docs.test/>; rel="help", <{}>; rel="next"',
        '<?offset=1>; rel="next"',
        '</2.2.1/locations?offset=1>; rel="next"',
        '<locations?offset=1>; rel="next"',
        '<https://other.test/2.2.1/locations?offset=1>; rel="next"',
        '<https://other.test/2.2.1/locations/?offset=1>; rel="next"',
        '<//other.test/2.2.1/locations?offset=1>; rel="next"',
    ],
)
async def test_a_next_link_leads_to_the_next_page(side: Side, fake: FakeCpo, link: str) -> None:
    paged(fake, link)

    read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0", "L1"]
    assert [page.ending for page in read] == [None, Ending.COMPLETE]
    assert [page.number for page in read] == [1, 2]


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    "link",
    [
        None,
        "",
        "   ",
        "<>; rel=next",
        "nonsense",
        '<{}>; rel="prev"',
        '<{}>; rel="nextish"',
    ],
)
async def test_without_a_next_link_the_page_is_the_last(
    side: Side, fake: FakeCpo, link: str | None
) -> None:
    paged(fake, link)

    read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0"]
    assert read[-1].ending is Ending.COMPLETE


async def test_several_link_headers_are_one(side: Side, fake: FakeCpo) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        if "offset" in asked.request.query:
            return enveloped([location("L1")])
        response = enveloped([location("L0")])
        response.headers.add("Link", '<https://docs.test/>; rel="help"')
        response.headers.add("Link", '<?offset=1>; rel="next"')
        return response

    fake.on("GET", PATH, answer)

    assert ids(await crawl(side, fake.url(PATH))) == ["L0", "L1"]


async def test_filters_of_a_link_are_sent_as_they_are(side: Side, fake: FakeCpo) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        if "offset" in asked.request.query:
            return enveloped([])
        link = f'<{fake.url(PATH)}?date_from=2026-01-01T00%3A00%3A00Z&x=a%2Bb&offset=1>; rel="next"'
        return enveloped([location("L0")], headers={"Link": link})

    fake.on("GET", PATH, answer)

    await crawl(side, fake.url(PATH))

    assert fake.asked[1].request.query["date_from"] == "2026-01-01T00:00:00Z"
    assert fake.asked[1].request.query["x"] == "a+b"


@pytest.mark.requirement("O19")
async def test_a_foreign_link_ends_the_crawl_and_gets_no_token(side: Side, fake: FakeCpo) -> None:
    other = FakeCpo()
    async with TestServer(other.app) as server:
        paged(fake, f'<{server.make_url("/cpo/2.2.1/places?offset=1")}>; rel="next"')

        read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0"]
    assert read[-1].ending is Ending.FOREIGN
    assert other.asked == []


@pytest.mark.requirement("O19")
async def test_a_link_that_is_no_url_ends_the_crawl(side: Side, fake: FakeCpo) -> None:
    paged(fake, '<http://[>; rel="next"')

    read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0"]
    assert read[-1].ending is Ending.FOREIGN


@pytest.mark.requirement("O19")
async def test_a_link_with_the_path_of_the_endpoint_is_asked_of_the_endpoint(
    side: Side, fake: FakeCpo
) -> None:
    other = FakeCpo()
    async with TestServer(other.app) as server:
        paged(fake, f'<{server.make_url(PATH + "?offset=1")}>; rel="next"')

        read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0", "L1"]
    assert other.asked == []


@pytest.mark.requirement("O19")
async def test_a_circle_of_links_is_walked_once(side: Side, fake: FakeCpo) -> None:
    paged(fake, '<{}>; rel="next"', '<{}>; rel="next"', '<?offset=1>; rel="next"')

    read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0", "L1", "L2"]
    assert read[-1].ending is Ending.LOOP


@pytest.mark.requirement("O19")
async def test_a_link_to_itself_is_not_followed(side: Side, fake: FakeCpo) -> None:
    paged(fake, f'<{fake.url(PATH)}>; rel="next"')

    read = await crawl(side, fake.url(PATH))

    assert len(fake.asked) == 1
    assert read[-1].ending is Ending.LOOP


@pytest.mark.requirement("O19")
async def test_a_peer_that_ignores_the_offset_is_noticed(side: Side, fake: FakeCpo) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        following = int(asked.request.query.get("offset", "0")) + 1
        link = f'<?offset={following}>; rel="next"'
        return enveloped([location("L0")], headers={"Link": link})

    fake.on("GET", PATH, answer)

    read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0"]
    assert read[-1].ending is Ending.LOOP
    assert len(fake.asked) == 2


async def test_empty_pages_are_passed_but_not_for_ever(side: Side, fake: FakeCpo) -> None:
    filled = {0, 3, 5}

    async def answer(asked: Asked) -> web.StreamResponse:
        number = int(asked.request.query.get("offset", "0"))
        data = [location(f"L{number}")] if number in filled else []
        return enveloped(data, headers={"Link": f'<?offset={number + 1}>; rel="next"'})

    fake.on("GET", PATH, answer)

    read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0", "L3", "L5"]
    assert read[-1].ending is Ending.LOOP
    assert len(fake.asked) == 6 + EMPTY_PAGES


@pytest.mark.parametrize(
    ("totals", "ending"),
    [
        (("2", "2"), Ending.COMPLETE),
        (("2", "3"), Ending.COMPLETE),
        (("3", "2"), Ending.SHRUNK),
        (("many", "2"), Ending.COMPLETE),
        (("-1", ""), Ending.COMPLETE),
        (("999", "999"), Ending.COMPLETE),
        (("1", "1"), Ending.COMPLETE),
    ],
)
async def test_the_total_is_believed_only_when_it_drops(
    side: Side, fake: FakeCpo, totals: Sequence[str], ending: Ending
) -> None:
    async def answer(asked: Asked) -> web.StreamResponse:
        number = int(asked.request.query.get("offset", "0"))
        if number > 1:
            return enveloped([], headers={"X-Total-Count": totals[1]})
        headers = {"X-Total-Count": totals[number]}
        if number == 0:
            headers["Link"] = '<?offset=1>; rel="next"'
        return enveloped([location(f"L{number}")], headers=headers)

    fake.on("GET", PATH, answer)

    read = await crawl(side, fake.url(PATH))

    assert ids(read) == ["L0", "L1"]
    assert read[-1].ending is ending


@pytest.mark.requirement("O20")
async def test_a_bad_object_is_named_and_loses_no_other(side: Side, fake: FakeCpo) -> None:
    wrong: dict[str, Any] = location("L1")
    wrong["evses"][0]["connectors"][0]["max_voltage"] = "high"
    nameless = {key: value for key, value in location("L3").items() if key != "id"}
    data = [location("L0"), wrong, location("L2"), nameless, "text", location("L5")]
    fake.on_data("GET", PATH, data)

    (page,) = await crawl(side, fake.url(PATH))

    assert ids([page]) == ["L0", "L2", "L5"]
    assert [bad.path for bad in page.bad] == [
        "/data/1/evses/0/connectors/0/max_voltage",
        "/data/3/id",
        "/data/4",
    ]
    assert [bad.id for bad in page.bad] == ["L1", None, None]
    assert str(page.bad[0].party) == "IN*ABC"
    assert all(bad.reason for bad in page.bad)


async def test_a_page_that_does_not_come_fails_the_crawl_after_the_good_ones(
    side: Side, fake: FakeCpo
) -> None:
    paged(fake, '</broken>; rel="next"')
    fake.on("GET", "/broken", always(None, http=500, code=3000))
    read: list[Page[Location]] = []

    async def crawl_into() -> None:
        async for page in pages(side.client, get(fake.url(PATH)), Location, whole):
            read.append(page)

    with pytest.raises(CallFailed, match="HTTP 500"):
        await crawl_into()

    assert ids(read) == ["L0"]
    assert read[-1].ending is None


@pytest.mark.parametrize("data", [None, {}, "text", 7])
async def test_a_list_must_be_a_list(side: Side, fake: FakeCpo, data: object) -> None:
    fake.on_data("GET", PATH, data)

    with pytest.raises(CallFailed, match="unusable answer") as raised:
        await crawl(side, fake.url(PATH))

    assert raised.value.said == "data: expected an array"


async def test_an_empty_list_is_complete(side: Side, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, [])

    (page,) = await crawl(side, fake.url(PATH))

    assert page.objects == ()
    assert page.ending is Ending.COMPLETE


@pytest.mark.requirement("O14")
async def test_every_page_is_asked_with_the_same_headers(side: Side, fake: FakeCpo) -> None:
    paged(fake, '<{}>; rel="next"')

    await crawl(side, fake.url(PATH))

    first, second = (dict(asked.headers) for asked in fake.asked)
    assert first.pop("X-Request-ID") != second.pop("X-Request-ID")
    first.pop("X-Correlation-ID")
    second.pop("X-Correlation-ID")
    assert first == second
