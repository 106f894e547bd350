"""The sandbox BAP finds whoever answers where its driver is."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.sandbox.bap import SandboxBap
from bridge.sandbox.drive import Choice, find_all


async def test_a_search_is_made_where_the_driver_is_and_tells_who_sells() -> None:
    asked: list[dict[str, Any]] = []

    async def search(request: web.Request) -> web.Response:
        asked.append(await request.json())
        context = asked[0]["context"] | {"action": "on_search", "bpp_id": "bpp.example.net"}
        providers = [{"id": "cpo", "items": [{"id": "near"}, {"id": "far"}]}]
        answer = {"context": context, "message": {"catalog": {"providers": providers}}}
        async with aiohttp.ClientSession() as http:
            await http.post(f"{context['bap_uri']}/on_search", json=answer)
        return web.json_response({"message": {"ack": {"status": "ACK"}}})

    bpp = web.Application()
    bpp.add_routes([web.post("/beckn/search", search)])
    async with TestServer(bpp) as network:
        bap = SandboxBap(str(network.make_url("")).rstrip("/"))
        async with TestServer(bap.app()) as phone:
            bap.url = str(phone.make_url("")).rstrip("/")
            found = await find_all(bap, "t-1", gps="1.5,2.5")

    (stop,) = asked[0]["message"]["intent"]["fulfillment"]["stops"]
    assert stop["location"]["circle"]["gps"] == "1.5,2.5"
    assert found == [Choice("cpo", "near"), Choice("cpo", "far")]
    assert bap.context("select", "t-1")["bpp_id"] == "bpp.example.net"
