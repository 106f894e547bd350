"""The port of the bridge: how many come in, and how long they may take to speak."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bridge.observability import Metrics
from bridge.server.door import MAX_LINE, Door, Patience, attentive
from tests.valkey import free_port

ASK = b"GET / HTTP/1.1\r\nHost: bridge.example\r\n\r\n"


@asynccontextmanager
async def opened(
    metrics: Metrics, connections: int = 100, head_s: float = 60, *, quiet: bool = False
) -> AsyncIterator[int]:
    """Give the port of a door behind which everybody is told ``hello``."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application(middlewares=[attentive(60, metrics)])
    app.router.add_get("/", hello)
    runner, port = web.AppRunner(app, access_log=None), free_port()
    await runner.setup()
    try:
        patience = Patience(connections, head_s, quiet)
        await Door(runner, "127.0.0.1", port, patience, metrics).start()
        yield port
    finally:
        await runner.cleanup()


async def said(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""


def count(metrics: Metrics, why: str) -> float:
    """Return how many were turned away."""
    name = "bridge_connections_turned_away_total"
    return metrics.registry.get_sample_value(name, {"why": why}) or 0


@pytest.mark.parametrize("half", [b"", b"GET / HTTP/1.1\r\n", ASK[:-2], ASK[:-2] + b"X: y\r\n"])
async def test_half_a_head_is_not_waited_for(half: bytes) -> None:
    metrics = Metrics()
    async with opened(metrics, head_s=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(half)
        assert await said(reader) == b""
        writer.close()
    assert count(metrics, "slow") == 1


async def test_a_drip_of_headers_gains_no_time() -> None:
    metrics = Metrics()
    async with opened(metrics, head_s=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ended = asyncio.create_task(said(reader))
        writer.write(ASK[:-2])
        # Each line sooner than the limit; only the sum is later.
        while not ended.done():
            writer.write(b"X: y\r\n")
            await asyncio.wait({ended}, timeout=0.02)
        assert ended.result() == b""
        writer.close()
    assert count(metrics, "slow") == 1


async def test_a_connection_that_rests_is_kept_and_half_a_later_head_is_not() -> None:
    metrics = Metrics()
    async with opened(metrics, head_s=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK)
        assert b"hello" in await reader.readuntil(b"hello")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.3)
        writer.write(ASK)
        assert b"hello" in await reader.readuntil(b"hello")
        writer.write(ASK[:10])
        assert await said(reader) == b""
        writer.close()
    assert count(metrics, "slow") == 1


async def test_protocol_server_is_never_one_too_many() -> None:
    metrics = Metrics()
    async with opened(metrics, connections=1, quiet=True) as port:
        doors = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, writer in doors:
            writer.write(ASK)
            await reader.readuntil(b"hello")
            writer.close()
    assert count(metrics, "full") == 0


async def test_one_connection_too_many_is_closed_and_leaves_room() -> None:
    metrics = Metrics()
    async with opened(metrics, connections=2) as port:
        first = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in first:
            writer.write(ASK)
            await reader.readuntil(b"hello")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await said(reader) == b""
        writer.close()
        assert count(metrics, "full") == 1

        first[0][1].write(ASK.replace(b"Host", b"Connection: close\r\nHost"))
        assert b"hello" in await said(first[0][0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK)
        assert b"hello" in await reader.readuntil(b"hello")
        for each in (first[0][1], first[1][1], writer):
            each.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * MAX_LINE + b" HTTP/1.1\r\n\r\n",
        ASK[:-2] + b"X: " + b"y" * (MAX_LINE + 1) + b"\r\n\r\n",
        ASK[:-2] + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=["line", "header", "headers"],
)
@pytest.mark.filterwarnings("ignore")
async def test_heads_have_a_size(head: bytes) -> None:
    async with opened(Metrics()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert b"400" in (await reader.readline())
        writer.close()
