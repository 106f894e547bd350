"""A guarded session meets real servers: what it refuses never hears of it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from bridge.clients.guard import AddressRefused, Guard, GuardedConnector, guarded_session
from bridge.clients.wire import Request, cpo_session, exchange
from bridge.flows.peer import CallFailed
from tests.guards import LOCAL

STRICT = Guard(tls=False)


class Inside:
    """A server that counts who comes; ``moved`` sends them elsewhere."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.moved: str | None = None

    def app(self) -> web.Application:
        """Return the server."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if self.moved is not None:
            raise web.HTTPTemporaryRedirect(self.moved)
        return web.Response(text="secret")


@pytest.fixture
def inside() -> Inside:
    """Give a server on loopback."""
    return Inside()


@pytest.fixture
async def port(inside: Inside) -> AsyncIterator[int]:
    """Give its port."""
    async with TestServer(inside.app()) as server:
        assert server.port is not None
        yield server.port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1.", "[::ffff:127.0.0.1]"])
async def test_nothing_inside_is_called(inside: Inside, port: int, host: str) -> None:
    async with guarded_session(STRICT) as http:
        with pytest.raises((AddressRefused, aiohttp.ClientConnectorError)):
            await http.get(f"http://{host}:{port}/")
    assert inside.asked == []


async def test_this_machine_is_called_by_a_bridge_on_this_machine(
    inside: Inside, port: int
) -> None:
    async with guarded_session(LOCAL) as http:
        for host in ("127.0.0.1", "localhost"):
            async with http.get(f"http://{host}:{port}/") as answer:
                assert answer.status == 200
        with pytest.raises(AddressRefused):
            await http.get("http://169.254.169.254/latest/meta-data")


async def test_a_redirect_is_looked_at_again(inside: Inside, port: int) -> None:
    inside.moved = f"http://127.0.0.1:{port}/metadata"
    guard = STRICT._replace(allow_hosts=("localhost",))
    async with guarded_session(guard) as http:
        with pytest.raises(AddressRefused):
            await http.get(f"http://localhost:{port}/start")
    assert inside.asked == ["/start"]


class Rebinding(AbstractResolver):
    """Says the first time that a name is public, and then that it is this machine."""

    def __init__(self) -> None:
        self.answers = ["93.184.216.34", "127.0.0.1"]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name."""
        address = self.answers.pop(0)
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Do nothing."""


async def test_a_name_that_is_rebound_is_judged_by_where_it_leads_now(
    inside: Inside, port: int
) -> None:
    zone = Rebinding()
    # Somebody looked it up before, and it was public.
    assert (await zone.resolve("cpo.example"))[0]["host"] == "93.184.216.34"
    connector = GuardedConnector(STRICT, inner=zone, limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        with pytest.raises(aiohttp.ClientConnectorError, match="no public address"):
            await http.get(f"http://cpo.example:{port}/")
    assert inside.asked == []


def request(url: str) -> Request:
    """Return a GET with a token."""
    return Request(
        module="versions",
        method="GET",
        url=url,
        headers={"Authorization": "Token secret"},
        body=None,
        connect_s=2,
        limit_bytes=1000,
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_cpo_cannot_send_us_inside_by_a_url_of_its_own(
    inside: Inside, port: int, host: str
) -> None:
    async with cpo_session(STRICT) as http:
        with pytest.raises(CallFailed, match="may not be called") as caught:
            await exchange(http, request(f"http://{host}:{port}/ocpi/versions"))
    assert caught.value.nothing_left
    assert not caught.value.no_answer
    assert inside.asked == []
