"""``bridge health``: what a container engine is told."""

from __future__ import annotations

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpServer

from bridge.cli.health import NotHealthy, address_of, asked
from bridge.settings.model import Listen
from tests.valkey import free_port


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("10.0.0.7", "http://10.0.0.7:80"),
        ("fd00::7", "http://[fd00::7]:80"),
    ],
)
def test_a_bridge_is_asked_where_it_listens(host: str, url: str) -> None:
    assert address_of(Listen(host=host, port=80)) == url


async def test_200_is_healthy_and_anything_else_is_not(aiohttp_server: AiohttpServer) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="the answer", status=int(request.match_info["status"]))

    app = web.Application()
    app.add_routes([web.get("/{status}", answer)])
    server = await aiohttp_server(app)

    assert await asked(str(server.make_url("/200"))) == "the answer"
    with pytest.raises(NotHealthy, match="503: the answer"):
        await asked(str(server.make_url("/503")))


async def test_silence_is_not_healthy() -> None:
    with pytest.raises(NotHealthy, match="no answer"):
        await asked(f"http://127.0.0.1:{free_port()}/health/ready")
