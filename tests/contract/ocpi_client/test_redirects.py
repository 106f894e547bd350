"""Redirects: followed within the origin and nowhere else."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.clients.wire import REDIRECTS
from bridge.ocpi.leniency import Leniency
from tests.contract.ocpi_client.fake import Asked, FakeCpo, raw
from tests.contract.ocpi_client.side import Side, fails, get

PATH = "/2.2.1/locations"
FOLLOWED = [(Leniency.REDIRECT, "Location")]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_on_the_same_origin_keeps_method_body_and_headers(
    side: Side, fake: FakeCpo, status: int, method: str
) -> None:
    fake.on(method, "/c", raw(b"", http=status, headers={"Location": "/c/?moved=1"}))
    fake.on_data(method, "/c/", "arrived")
    body = None if method == "GET" else b'{"a":1}'

    answer = await side.client.call(get(fake.url("/c"), method=method, body=body))

    before, after = fake.asked
    assert answer.data == "arrived"
    assert answer.url == fake.url("/c/?moved=1")
    assert after.target == "/c/?moved=1"
    assert after.body == before.body == (body or b"")
    assert after.headers == before.headers
    assert side.forgave() == FOLLOWED


@pytest.mark.parametrize("status", [301, 302])
async def test_a_get_follows_older_redirects_too(side: Side, fake: FakeCpo, status: int) -> None:
    fake.on("GET", PATH, raw(b"", http=status, headers={"Location": fake.url(PATH + "/")}))
    fake.on_data("GET", PATH + "/", [])

    answer = await side.client.call(get(fake.url(PATH)))

    before, after = fake.asked
    assert answer.data == []
    assert after.headers == before.headers
    assert side.forgave() == FOLLOWED


async def test_without_a_redirect_nothing_is_forgiven(side: Side, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, [])

    await side.client.call(get(fake.url(PATH)))

    assert side.forgave() == []


@pytest.mark.parametrize(
    ("method", "status"), [("POST", 301), ("POST", 302), ("PUT", 302), ("POST", 303), ("GET", 303)]
)
async def test_a_redirect_that_may_change_the_method_is_not_followed(
    side: Side, fake: FakeCpo, method: str, status: int
) -> None:
    fake.on(method, PATH, raw(b"", http=status, headers={"Location": "/elsewhere"}))

    error = await fails(side, get(fake.url(PATH), method=method))

    assert error.reason == f"locations: HTTP {status} without an OCPI envelope"
    assert len(fake.asked) == 1


@pytest.mark.requirement("O19")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:{port}/x", "https://127.0.0.1/x", "//name.invalid/x", "", "http://["],
)
async def test_a_redirect_to_another_origin_gets_no_token(
    side: Side, fake: FakeCpo, location: str, status: int
) -> None:
    other = FakeCpo()
    async with TestServer(other.app) as server:
        target = location.format(port=server.port)
        fake.on("GET", PATH, raw(b"", http=status, headers={"Location": target}))

        error = await fails(side, get(fake.url(PATH)))

    assert error.reason == f"locations: HTTP {status} to another origin, not followed"
    assert other.asked == []
    assert side.forgave() == []


async def test_redirects_without_end_are_given_up(side: Side, fake: FakeCpo) -> None:
    fake.on("GET", PATH, raw(b"", http=307, headers={"Location": PATH}))

    error = await fails(side, get(fake.url(PATH)))

    assert error.reason == f"locations: more than {REDIRECTS} redirects"
    assert len(fake.asked) == REDIRECTS + 1


async def test_after_a_redirect_nothing_is_certain(side: Side, fake: FakeCpo) -> None:
    fake.on("POST", "/c", raw(b"", http=307, headers={"Location": "/broken"}))

    async def broken(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.abort()
        return web.Response()

    fake.on("POST", "/broken", broken)

    error = await fails(side, get(fake.url("/c"), method="POST", body=b"{}"))

    assert not error.nothing_left
