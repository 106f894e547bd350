"""The whole bridge, reached from the internet: it calls nothing inside for anybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bridge.app import create_app
from bridge.ocpi.headers import authorization
from tests.contract.edge.rig import message
from tests.contract.requirements.scene import TOKEN_A, served, settings
from tests.waiting import until


class Inside:
    """What only the bridge reaches, under a name that says nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    def app(self) -> web.Application:
        """Return a server that takes everything."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.json_response({"message": {"ack": {"status": "ACK"}}})


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    """Give the server."""
    made = Inside()
    async with served(lambda _: made.app()) as url:
        made.url = url.replace("127.0.0.1", "localhost")
        yield made


@pytest.fixture
async def bridge(redis_url: str) -> AsyncIterator[str]:
    """Give the address of a bridge whose public one is on the internet."""
    async with served(lambda _: create_app(settings("http://bridge.example"), redis_url)) as url:
        yield url


async def test_a_callback_does_not_go_inside_by_a_name(bridge: str, inside: Inside) -> None:
    body = message("search", {"intent": {}}, bap_uri=inside.url)
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{bridge}/beckn", json=body) as answer:
            assert answer.status == 200

        async def tried() -> bool:
            async with http.get(f"{bridge}/metrics") as answer:
                lines = (await answer.text()).splitlines()
            return any(line.startswith("bridge_callbacks_total{") for line in lines)

        await until(tried)
    assert inside.asked == []


async def test_a_cpo_that_registers_leads_nowhere_inside(bridge: str, inside: Inside) -> None:
    role = {
        "role": "CPO",
        "party_id": "ABC",
        "country_code": "IN",
        "business_details": {"name": "CPO"},
    }
    body = {"token": "t", "url": f"{inside.url}/ocpi/versions", "roles": [role]}
    headers = {"Authorization": authorization(TOKEN_A)}
    url = f"{bridge}/ocpi/2.2.1/credentials"
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(url, data=json.dumps(body)) as answer,
    ):
        assert (await answer.json())["status_code"] == 3001
    assert inside.asked == []
