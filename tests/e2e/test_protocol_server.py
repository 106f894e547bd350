"""Behind protocol-server: a walk-in, and an answer of 200 to whatever comes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import pytest
import pytest_asyncio

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import walk_in
from tests.e2e.rig import Rig, rig
from tests.protocol_server import ProtocolServer, js
from tests.redis_source import empty

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = b"shared by both"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    tmp_path_factory: pytest.TempPathFactory, redis_server: str
) -> AsyncIterator[tuple[ProtocolServer, Rig]]:
    """Give a bridge behind a protocol-server that signs; none of these tests kills it."""
    adapter = ProtocolServer(key=KEY)
    folder = tmp_path_factory.mktemp("protocol-server")
    beckn = {"webhook_hmac_key": KEY.decode()}
    limits = {"max_body_bytes": 65_536}
    async with rig(folder, redis_server, adapter=adapter, beckn=beckn, limits=limits) as world:
        yield adapter, world
        assert adapter.died is None
    await empty(redis_server)


def charged(final: Message) -> Decimal:
    return Decimal(final["message"]["order"]["quote"]["price"]["value"])


async def test_a_walk_in_behind_protocol_server(server: tuple[ProtocolServer, Rig]) -> None:
    adapter, world = server

    assert charged(await walk_in(world.bap)) == Decimal("76.60")

    assert [status for status, _ in adapter.callbacks] == [202] * len(adapter.callbacks)
    assert adapter.notices == []
    # What nobody asked for has ids of its own.
    asked = {message["context"]["message_id"] for message in adapter.posted}
    told = [message["context"]["message_id"] for _, message in adapter.callbacks]
    assert len(told) == len(set(told))
    assert len(set(told) - asked) >= 1


async def posted(world: Rig, body: bytes, path: str = "/beckn", **headers: str) -> int:
    """Post to the webhook as somebody who signs nothing; return the HTTP status."""
    async with aiohttp.ClientSession() as http:
        url, sent = world.bridges[0].url + path, {"Content-Type": "application/json", **headers}
        async with http.post(url, data=body, headers=sent) as answer:
            assert (await answer.json())["message"]["ack"]["status"] in ("ACK", "NACK")
            return answer.status


async def outcomes(world: Rig) -> dict[str, float]:
    """Return how many requests had which outcome, whatever their action."""
    found: dict[str, float] = {}
    for sample, value in (await world.bridges[0].metrics()).items():
        if sample.startswith("bridge_beckn_requests_total"):
            outcome = sample.partition('outcome="')[2].partition('"')[0]
            found[outcome] = found.get(outcome, 0) + value
    return found


@pytest.mark.parametrize(
    ("path", "body", "outcome"),
    [
        ("/beckn", b"", "unsigned"),
        ("/beckn", b"{", "unsigned"),
        ("/beckn/search", b"[]", "unsigned"),
        ("/beckn/fly", b"{}", "unsigned"),
        ("/beckn", b'{"context":{},"message":"' + b"x" * 100_000 + b'"}', "nack"),
        ("/beckn/webhook/search", b"{}", "nack"),
        ("/", b"{}", "nack"),
        ("/webhook", b"{}", "nack"),
        ("/search", b"{}", "nack"),
    ],
)
async def test_behind_protocol_server_whatever_is_posted_is_200(
    server: tuple[ProtocolServer, Rig], path: str, body: bytes, outcome: str
) -> None:
    _, world = server
    before = await outcomes(world)

    assert await posted(world, body, path) == 200

    assert (await outcomes(world))[outcome] == before.get(outcome, 0) + 1


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"POST /beckn HTTP/1.1\r\nHost: b\r\nContent-Length: x\r\n\r\n"],
    ids=["no HTTP", "no length"],
)
async def test_behind_protocol_server_even_what_is_no_http_is_200(
    server: tuple[ProtocolServer, Rig], sent: bytes
) -> None:
    _, world = server
    host, _, port = world.bridges[0].url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(sent)

    assert b" 200 OK" in (await reader.read()).partition(b"\r\n")[0]
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "authorization", [None, "HMAC-SHA-256 " + "0" * 64, "HMAC-SHA-256", "Signature x"]
)
async def test_what_protocol_server_did_not_sign_is_dropped(
    server: tuple[ProtocolServer, Rig], authorization: str | None
) -> None:
    _, world = server
    before, context = await outcomes(world), world.bap.context("search", str(uuid.uuid4()))
    headers = {} if authorization is None else {"Authorization": authorization}
    body = js({"context": context, "message": {"intent": {}}})

    assert await posted(world, body, **headers) == 200

    after = await outcomes(world)
    assert after["unsigned"] == before.get("unsigned", 0) + 1
    assert after["ack"] == before["ack"]


async def test_a_sender_may_put_the_message_first(server: tuple[ProtocolServer, Rig]) -> None:
    _, world = server
    context = world.bap.context("search", str(uuid.uuid4()))
    stop = {"location": {"circle": {"gps": "12.97838,77.64087", "radius": {"value": "5"}}}}
    intent = {"fulfillment": {"stops": [stop]}, "descriptor": {"name": "लादना €"}}

    await world.bap.post("/beckn/search", {"message": {"intent": intent}, "context": context})

    assert await world.bap.answer_to(context["message_id"])


async def test_a_late_answer_is_told_to_the_webhook_and_that_is_all(
    server: tuple[ProtocolServer, Rig],
) -> None:
    adapter, world = server
    before, callbacks = await outcomes(world), len(adapter.callbacks)
    context = world.bap.context("on_search", str(uuid.uuid4()))
    error = {"code": 651641, "type": "CORE-ERROR", "message": "Request timed out"}

    assert await posted(world, js({"context": context, "error": error})) == 200

    assert (await outcomes(world))["notice"] == before.get("notice", 0) + 1
    lines = world.bridges[0].log.read_text().splitlines()
    [told] = [line for line in lines if context["message_id"] in line]
    assert "651641 Request timed out" in told
    assert len(adapter.callbacks) == callbacks
