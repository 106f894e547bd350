"""What one sender can cost: sizes, depths, times, and how often."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.nesting import MAX_DEPTH
from bridge.server.door import attentive
from bridge.server.rates import Limiter, Rate
from tests.contract.edge.rig import MAX_BODY_BYTES, Edge, message, post

SEARCH: dict[str, object] = {"intent": {}}
MB = 1024 * 1024


def search(**context: object) -> dict[str, object]:
    """Return a search."""
    return message("search", SEARCH, **context)


def bomb(megabytes: int) -> bytes:
    """Return zeros, compressed to a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(bytes(MB)) for _ in range(megabytes))
    return packed + packer.flush()


async def test_a_bap_above_its_rate_is_429_and_no_other_is() -> None:
    edge = Edge()
    async with edge.client(limiter=Limiter(Rate(0.01, 2))) as client:
        assert [(await post(client, search()))[0] for _ in range(2)] == [200, 200]
        async with client.post("/beckn", json=search()) as answer:
            said = await answer.json()
            assert answer.status == 429
            assert 90 <= int(answer.headers["Retry-After"]) <= 100
            assert said["message"]["ack"]["status"] == "NACK"
            assert "too many requests" in said["error"]["message"]
        assert (await post(client, search(bap_id="other.example")))[0] == 200
    assert len(edge.inbox.queued) == 3
    assert edge.metrics.registry.get_sample_value("bridge_rate_limited_total", {"side": "beckn"})


async def test_behind_protocol_server_it_is_dropped_with_200() -> None:
    edge = Edge()
    async with edge.client(limiter=Limiter(Rate(0.01, 1)), quiet=True) as client:
        assert [(await post(client, search()))[0] for _ in range(3)] == [200, 200, 200]
    assert len(edge.inbox.queued) == 1
    assert (
        edge.metrics.registry.get_sample_value("bridge_rate_limited_total", {"side": "beckn"}) == 2
    )


async def test_a_body_that_unpacks_to_more_than_the_limit_is_never_whole() -> None:
    packed = bomb(64)
    assert len(packed) < MAX_BODY_BYTES
    async with Edge().client() as client:
        tracemalloc.start()
        try:
            status, answer = await post(client, packed, {"Content-Encoding": "gzip"})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (status, answer["error"]["code"]) == (400, "30000")
    assert f"larger than {MAX_BODY_BYTES}" in answer["error"]["message"]
    assert peak < 8 * MB


async def test_a_body_above_the_limit_is_refused_and_one_below_is_taken() -> None:
    async with Edge().client() as client:
        body = json.dumps(search()).encode()
        assert (await post(client, body + b" " * (MAX_BODY_BYTES - len(body) - 1)))[0] == 200
        assert (await post(client, body + b" " * (MAX_BODY_BYTES - len(body) + 1)))[0] == 400


@pytest.mark.parametrize(
    "value",
    [
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b"[" * 40_000 + b"]" * 40_000,
        b"1e999999999",
        b"1e400",
        b"1e309",
    ],
    ids=["lists", "objects", "recursion", "exponent", "large", "no float"],
)
async def test_depth_and_numbers_have_limits(value: bytes) -> None:
    edge = Edge()
    body = json.dumps(search()).encode().replace(b'"intent": {}', b'"intent": {"x": %b}' % value)
    async with edge.client() as client:
        status, answer = await post(client, body)
    assert (status, answer["error"]["code"]) == (400, "30000")
    assert edge.inbox.queued == []


@pytest.mark.parametrize("field", ["bap_id", "transaction_id", "message_id", "domain"])
async def test_ids_have_a_length(field: str) -> None:
    async with Edge().client() as client:
        status, answer = await post(client, search(**{field: "x" * 256}))
    assert (status, answer["error"]["paths"]) == (400, f"context.{field}")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    edge, gate = Edge(), asyncio.Event()

    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await gate.wait()

    async with TestClient(TestServer(edge.app(attentive(0.05, edge.metrics)))) as client:
        async with asyncio.timeout(10), client.post("/beckn", data=dripping()) as answer:
            assert answer.status == 400
            assert (await answer.json())["message"]["ack"]["status"] == "NACK"
        gate.set()
    name = "bridge_connections_turned_away_total"
    assert edge.metrics.registry.get_sample_value(name, {"why": "slow"}) == 1
