"""What the real protocol-server and beckn-onix sent is accepted, and answered as they took it.

Exchanges that were recorded with them: the same JSON and headers, authentication off.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace

from bridge.ocpi.locations import GeoLocation
from bridge.sandbox.bap import Message
from bridge.sandbox.cpo import SandboxCpo
from tests.e2e.rig import Rig, Site, behind, rig
from tests.onix import Onix
from tests.protocol_server import ProtocolServer
from tests.redis_source import empty
from tests.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.shared]

SUBSCRIBER = {"subscriber_id": "bpp.test.local", "dialects": ["uei", "deg"]}

OWN = ("timestamp", "ttl", "bpp_uri", "country", "city")
"""Of a context what the recorded BPP, or its adapter, put in by itself."""

OPTIONAL = re.compile(r"\.(categories|category_ids|stops\[\d+\]\.id)$")
"""What the recorded BPP chose to show, and no schema wants."""

WORDS = ("code", "type")
"""Keys whose values are words of the standard, the same for all."""


def at_the_recorded_place(token_a: str) -> SandboxCpo:
    """Return a CPO with a station where the recorded driver looked for one."""
    cpo = SandboxCpo(token_a)
    there = GeoLocation(latitude="12.423423", longitude="77.325647")
    cpo.locations["WHITEFIELD"] = replace(cpo.locations["WHITEFIELD"], coordinates=there)
    return cpo


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    tmp_path_factory: pytest.TempPathFactory, redis_server: str
) -> AsyncIterator[tuple[ProtocolServer, Rig]]:
    """Give a bridge behind protocol-server."""
    adapter, folder = ProtocolServer(), tmp_path_factory.mktemp("recorded")
    support = {"phone": "+919876543210", "email": "help@cpo.example", "url": "https://cpo.example"}
    async with rig(
        folder,
        redis_server,
        adapter=adapter,
        cpo_of=at_the_recorded_place,
        beckn=SUBSCRIBER,
        support=support,
    ) as world:
        yield adapter, world
        assert adapter.died is None
    await empty(redis_server)


def inbound(shared: Path, name: str) -> list[Message]:
    """Return what came to the BPP's app."""
    recorded = json.loads((shared / f"data/adapters/{name}.bpp_app.json").read_text())
    return [each for each in recorded if each["dir"] == "in"]


def accepted(shared: Path, name: str) -> Message:
    """Return what the adapters carried back to the BAP's app, and so accepted."""
    recorded = json.loads((shared / f"data/adapters/{name}.bap_app.json").read_text())
    [body] = [each["body"] for each in recorded if each["body"]["context"]["action"][:3] == "on_"]
    return dict(body)


async def post(world: Rig, exchange: Message, *, separators: tuple[str, str]) -> tuple[int, Any]:
    """Post a recorded request: the same bytes, the same headers but those of its connection."""
    body = json.dumps(exchange["body"], separators=separators).encode()
    assert len(body) == exchange["raw_len"]
    kept = ("Host", "Content-Length", "Connection")
    headers = {name: value for name, value in exchange["headers"].items() if name not in kept}
    url = world.bridges[0].url + exchange["path"]
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


def differences(ours: Any, theirs: Any, at: str = "$") -> Iterator[str]:
    """Name each place where what we sent is not of the shape that was accepted.

    Every key is there, its value is of the same kind, and a word of the standard is the same. Each
    entry of a list of theirs has its like in ours, which may say more.
    """
    if type(ours) is not type(theirs):
        yield f"{at}: {type(ours).__name__}, not {type(theirs).__name__}"
    elif isinstance(theirs, dict):
        for key, value in theirs.items():
            here = f"{at}.{key}"
            if key not in ours:
                if not OPTIONAL.search(here):
                    yield f"{here} is missing"
            elif key in WORDS and ours[key] != value:
                yield f"{here}: {ours[key]}, not {value}"
            else:
                yield from differences(ours[key], value, here)
    elif isinstance(theirs, list):
        for place, like in enumerate(theirs):
            found = [list(differences(each, like, f"{at}[{place}]")) for each in ours]
            yield from min(found, key=len, default=[f"{at} is empty"])


def same_shape(ours: Message, theirs: Message) -> None:
    """Assert that a callback has the ids of the request and the shape that was accepted."""
    context = {key: value for key, value in theirs["context"].items() if key not in OWN}
    assert {key: ours["context"].get(key) for key in context} == context
    assert list(differences(ours["message"], theirs["message"])) == []


async def callback(adapter: ProtocolServer | Onix, exchange: Message, after: int) -> Message:
    """Return the next answer to a recorded request."""
    asked = exchange["body"]["context"]["message_id"]

    def answers() -> list[Message]:
        return [
            message
            for _, message in adapter.callbacks[after:]
            if message["context"]["message_id"] == asked
        ]

    await until(lambda: bool(answers()))
    return answers()[0]


@pytest.mark.parametrize("name", ["ps_search", "ps_support"])
async def test_what_protocol_server_posted(
    server: tuple[ProtocolServer, Rig], shared: Path, name: str
) -> None:
    adapter, world = server
    [exchange] = inbound(shared, name)
    before = len(adapter.callbacks)

    status, answer = await post(world, exchange, separators=(",", ":"))

    assert (status, answer) == (200, {"message": {"ack": {"status": "ACK"}}})
    same_shape(await callback(adapter, exchange, before), accepted(shared, name))


async def test_what_protocol_server_posted_about_a_late_answer(
    server: tuple[ProtocolServer, Rig], shared: Path
) -> None:
    adapter, world = server
    request, notice = inbound(shared, "ps_late_reply")

    statuses = [(await post(world, each, separators=(",", ":")))[0] for each in (request, notice)]

    assert statuses == [200, 200]
    # Ours is not late: the search was answered within its ttl of a second.
    await callback(adapter, request, 0)
    assert "651641 Request timed out" in world.bridges[0].log.read_text()


async def test_what_onix_passed_on(server: tuple[ProtocolServer, Rig], shared: Path) -> None:
    _, world = server
    adapter = Onix(bpp_id="bpp.test.local", routes=frozenset({("ev-charging:uei", "1.1.0")}))
    site = Site(adapter.app)
    adapter.url = site.url
    await site.start()
    try:
        await world.bridges[0].restart(beckn={**behind(adapter), **SUBSCRIBER})
        [exchange] = inbound(shared, "onix_search")

        status, answer = await post(world, exchange, separators=(", ", ": "))

        assert (status, answer) == (200, {"message": {"ack": {"status": "ACK"}}})
        same_shape(await callback(adapter, exchange, 0), accepted(shared, "onix_search"))
    finally:
        await site.stop()
