"""Connecting to every kind of Redis that ``redis_url`` can name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest
import trustme
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import RedisError

from bridge.store.connect import LONGEST_BLOCK_S, READ_TIMEOUT_S, connect
from tests.valkey import free_port, valkey
from tests.waiting import until

MOVE = "redis.call('SET', KEYS[2], redis.call('GETDEL', KEYS[1])) return redis.call('GET', KEYS[2])"


async def use(redis: Redis) -> None:
    """Do what the store does: single commands, a transaction, a script over keys, a stream."""
    await redis.set("{bridge}:a", "1")
    async with redis.pipeline(transaction=True) as pipe:
        pipe.incr("{bridge}:a")
        pipe.rpush("{bridge}:b", "x", "y")
        assert await pipe.execute() == [2, 2]
    move = redis.register_script(MOVE)
    assert await move(keys=["{bridge}:a", "{bridge}:c"], args=[]) == b"2"
    assert await redis.lrange("{bridge}:b", 0, -1) == [b"x", b"y"]
    entry = await redis.xadd("{bridge}:s", {"k": "v"})
    read = await redis.xread({"{bridge}:s": "0"}, block=100)
    assert read == [[b"{bridge}:s", [(entry, {b"k": b"v"})]]]
    assert await redis.xread({"{bridge}:s": entry}, block=1) == []


@asynccontextmanager
async def tls_proxy(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Speak TLS on a port of its own and pass the plain bytes on to ``port``."""
    handlers: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*handlers, return_exceptions=True)


class Answering:
    """A server that gives each data command the next of ``replies``; empty: it hangs up."""

    def __init__(self, *replies: bytes) -> None:
        self.replies = list(replies)
        self.commands: list[bytes] = []

    _politeness: ClassVar = {b"CLIENT": b"+OK\r\n", b"PING": b"+PONG\r\n"}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            words = [await self._word(reader) for _ in range(int(head[1:]))]
            reply = self._politeness.get(words[0])
            if reply is None:
                self.commands.append(b" ".join(words))
                reply = self.replies.pop(0)
            if not reply:
                break
            writer.write(reply)
        writer.close()

    async def _word(self, reader: asyncio.StreamReader) -> bytes:
        size = int((await reader.readline())[1:])
        return (await reader.readexactly(size + 2))[:-2]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        async with server:
            yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_one_server(redis: Redis) -> None:
    await use(redis)


async def test_a_unix_socket(tmp_path: Path) -> None:
    async with (
        valkey(tmp_path, "unixsocket s", "requirepass word", password="word"),
        connect(f"unix://:word@{tmp_path}/s?db=3") as redis,
    ):
        await use(redis)
        assert (await redis.client_info())["db"] == 3


async def test_sentinel_names_the_master(tmp_path: Path) -> None:
    async with valkey(tmp_path / "master", "requirepass word", password="word") as master:
        watching = (
            f"sentinel monitor ours 127.0.0.1 {master} 1",
            "sentinel auth-pass ours word",
            "requirepass other",
        )
        async with valkey(
            tmp_path / "sentinel", *watching, sentinel=True, password="other"
        ) as sentinel:
            hosts = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel}"
            url = f"redis+sentinel://:word@{hosts}/ours/2?sentinel_password=other"
            async with connect(url) as redis:
                await use(redis)
                info = await redis.client_info()
                assert (info["db"], info["laddr"]) == (2, f"127.0.0.1:{master}")


async def test_an_unknown_sentinel_service_is_an_error(tmp_path: Path) -> None:
    async with (
        valkey(tmp_path, sentinel=True) as sentinel,
        connect(f"redis+sentinel://127.0.0.1:{sentinel}/nobody") as redis,
    ):
        with pytest.raises(RedisError, match="nobody"):
            await redis.ping()


async def test_cluster(tmp_path: Path) -> None:
    lines = (
        "cluster-enabled yes",
        f"cluster-port {free_port()}",
        "cluster-announce-ip 127.0.0.1",
        "requirepass word",
    )
    async with valkey(tmp_path, *lines, password="word") as port:
        async with connect(f"redis://:word@127.0.0.1:{port}") as node:
            await node.cluster("ADDSLOTSRANGE", 0, 16383)

            async def whole() -> bool:
                return bool((await node.cluster("INFO"))["cluster_state"] == "ok")

            await until(whole)
        hosts = f"127.0.0.1:{free_port()},127.0.0.1:{port}"
        async with connect(f"redis+cluster://:word@{hosts}") as redis:
            await use(redis)


async def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "stranger.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with valkey(tmp_path / "server") as plain, tls_proxy(plain, context) as port:
        trusted = f"ssl_ca_certs={tmp_path}/ca.pem"
        async with connect(f"rediss://localhost:{port}?{trusted}") as redis:
            await use(redis)
        async with connect(f"rediss://127.0.0.1:{port}?{trusted}") as redis:
            with pytest.raises(RedisError, match="IP address mismatch"):
                await redis.ping()
        async with connect(f"rediss://localhost:{port}?ssl_ca_certs={tmp_path}/stranger.pem") as r:
            with pytest.raises(RedisError, match="certificate verify failed"):
                await r.ping()


@pytest.mark.parametrize("url", ["rediss://h", "rediss+sentinel://h/s", "rediss+cluster://h"])
async def test_tls_is_1_2_at_least_whatever_stands_there(url: str) -> None:
    redis = connect(url)
    if isinstance(redis, RedisCluster):
        wanted = [redis.connection_kwargs]
    else:
        pool = redis.connection_pool
        wanted = [pool.connection_kwargs]
        if isinstance(pool, SentinelConnectionPool):
            (asked,) = pool.sentinel_manager.sentinels
            wanted.append(asked.connection_pool.connection_kwargs)
    assert {each["ssl_min_version"] for each in wanted} == {ssl.TLSVersion.TLSv1_2}


async def test_comes_back_with_its_server(tmp_path: Path) -> None:
    port = free_port()
    async with connect(f"redis://127.0.0.1:{port}") as redis:
        with pytest.raises(RedisError):
            await redis.ping()
        async with valkey(tmp_path, port=port):
            assert await redis.ping()
        with pytest.raises(RedisError):
            await redis.ping()
        async with valkey(tmp_path, port=port):
            assert await redis.ping()


async def test_a_command_whose_answer_is_lost_is_not_sent_again() -> None:
    server = Answering(b"", b":1\r\n")
    async with server.listening() as url, connect(url) as redis:
        with pytest.raises(RedisError):
            await redis.rpush("bills", "b1")
        assert server.commands == [b"RPUSH bills b1"]
        assert await redis.rpush("bills", "b1") == 1


async def test_a_server_that_loads_its_data_is_asked_again() -> None:
    server = Answering(b"-LOADING patience\r\n", b"-LOADING patience\r\n", b":1\r\n")
    async with server.listening() as url, connect(url) as redis:
        assert await redis.rpush("bills", "b1") == 1
    assert server.commands == [b"RPUSH bills b1"] * 3


async def test_a_blocking_read_fits_into_the_read_timeout() -> None:
    assert LONGEST_BLOCK_S < READ_TIMEOUT_S
