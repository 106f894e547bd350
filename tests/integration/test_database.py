"""Commands and fenced transactions on a real Redis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.store.connect import connect
from bridge.store.database import Database, Guard, key
from bridge.store.lanes import Lanes
from tests.valkey import free_port, valkey
from tests.waiting import until

A, B, HASH, ORDER, LIST, STREAM = (key(name) for name in ("a", "b", "h", "z", "l", "s"))


@pytest.fixture
def database(redis: Redis) -> Database:
    return Database(redis)


async def replies(database: Database) -> dict[str, Any]:
    """Write one of each kind; return how its reading command answers."""
    await database.commit(
        [
            ("SET", A, "1"),
            ("HSET", HASH, "f", "v"),
            ("ZADD", ORDER, 1_700_000_000_123, "m"),
            ("RPUSH", LIST, "x", "y"),
            ("SADD", B, "m"),
        ]
    )
    first = await database.do("XADD", STREAM, "*", "k", "v")
    return {
        "GET": await database.do("GET", A),
        "GET absent": await database.do("GET", key("absent")),
        "MGET": await database.do("MGET", A, key("absent")),
        "HGETALL": await database.do("HGETALL", HASH),
        "ZSCORE": await database.do("ZSCORE", ORDER, "m"),
        "ZRANGE": await database.do("ZRANGE", ORDER, 0, -1),
        "LRANGE": await database.do("LRANGE", LIST, 0, -1),
        "SMEMBERS": await database.do("SMEMBERS", B),
        "XRANGE": await database.do("XRANGE", STREAM, "-", "+") == [(first, {b"k": b"v"})],
        "XREAD": await database.do("XREAD", "STREAMS", STREAM, "0")
        == [[STREAM.encode(), [(first, {b"k": b"v"})]]],
        "XREAD nothing": await database.do("XREAD", "BLOCK", 1, "STREAMS", STREAM, first),
        "SET NX": await database.do("SET", A, "2", "NX", "PX", 1000),
    }


REPLIES = {
    "GET": b"1",
    "GET absent": None,
    "MGET": [b"1", None],
    "HGETALL": {b"f": b"v"},
    "ZSCORE": 1_700_000_000_123.0,
    "ZRANGE": [b"m"],
    "LRANGE": [b"x", b"y"],
    "SMEMBERS": {b"m"},
    "XRANGE": True,
    "XREAD": True,
    "XREAD nothing": [],
    "SET NX": None,
}
"""The shapes that the stores read."""


async def test_replies_have_the_shapes_that_the_stores_read(database: Database) -> None:
    assert await replies(database) == REPLIES


async def test_a_transaction_without_guards_is_written(database: Database) -> None:
    assert await database.commit([("SET", A, "1"), ("SET", B, b"\x00\xff")])

    assert await database.do("MGET", A, B) == [b"1", b"\x00\xff"]


@pytest.mark.parametrize(
    ("guard", "holds"),
    [
        (Guard(("GET", A), "now"), True),
        (Guard(("GET", A), b"now"), True),
        (Guard(("GET", A), "then"), False),
        (Guard(("GET", A), None), False),
        (Guard(("GET", key("absent")), None), True),
        (Guard(("GET", key("absent")), ""), False),
        (Guard(("HGET", HASH, "f"), b"\x00\xff"), True),
        (Guard(("HGET", HASH, "f"), b"\x00"), False),
        (Guard(("HGET", HASH, "absent"), None), True),
        (Guard(("HGET", key("absent"), "f"), None), True),
        (Guard(("ZSCORE", ORDER, "m"), "1700000000123"), True),
        (Guard(("ZSCORE", ORDER, "m"), "1700000000124"), False),
        (Guard(("ZSCORE", ORDER, "absent"), None), True),
        (Guard(("HMGET", HASH, "f", "absent"), (b"\x00\xff", None)), True),
        (Guard(("HMGET", HASH, "absent", "f"), (b"\x00\xff", None)), False),
        (Guard(("HMGET", HASH, "f", "absent"), (b"\x00\xff", "")), False),
        (Guard(("HMGET", HASH, "f"), (b"\x00\xff", None)), False),
        (Guard(("HMGET", key("absent"), "f"), (None,)), True),
    ],
)
async def test_a_guard_decides_over_all_commands(
    database: Database, guard: Guard, holds: bool
) -> None:
    await database.do("SET", A, "now")
    await database.do("HSET", HASH, "f", b"\x00\xff")
    await database.do("ZADD", ORDER, 1_700_000_000_123, "m")

    assert await database.commit([("SET", B, "1"), ("SET", LIST, "1")], [guard]) is holds

    assert await database.do("MGET", B, LIST) == ([b"1", b"1"] if holds else [None, None])


async def test_each_guard_must_hold(database: Database) -> None:
    good, bad = Guard(("GET", A), None), Guard(("GET", A), "1")

    assert not await database.commit([("SET", B, "1")], [good, bad])
    assert not await database.commit([("SET", B, "1")], [bad, good])
    assert await database.commit([("SET", B, "1")], [good, good])


async def test_a_transaction_may_be_long(database: Database) -> None:
    commands = [("RPUSH", LIST, str(number), "x" * 100) for number in range(5000)]

    assert await database.commit(commands)

    assert await database.do("LLEN", LIST) == 10_000


async def test_a_server_that_forgot_the_scripts_is_told_them_again(database: Database) -> None:
    await database.commit([("SET", A, "1")])
    await database.do("SCRIPT", "FLUSH")

    assert await database.commit([("SET", A, "2")])


async def test_a_refused_command_is_named(database: Database) -> None:
    await database.do("SET", A, "text")

    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await database.do("LPUSH", A, "x")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await database.commit([("LPUSH", A, "x")])


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:{port}",
        "redis+cluster://127.0.0.1:{port}",
        "redis+sentinel://127.0.0.1:{port}/ours",
    ],
)
async def test_a_redis_that_is_away_is_one_error_however_it_is_reached(url: str) -> None:
    redis = connect(url.format(port=free_port()))
    database = Database(redis)
    with pytest.raises(StoreUnavailable):
        await database.do("GET", A)
    with pytest.raises(StoreUnavailable):
        await database.commit([("SET", A, "1")])
    with pytest.raises(StoreUnavailable):
        await Lanes(database, "inbox").claim(1)
    await redis.aclose()


async def test_a_cluster_serves_all_of_it(tmp_path: Path) -> None:
    lines = (
        "cluster-enabled yes",
        f"cluster-port {free_port()}",
        "cluster-announce-ip 127.0.0.1",
    )
    async with valkey(tmp_path, *lines) as port:
        async with connect(f"redis://127.0.0.1:{port}") as node:
            await node.cluster("ADDSLOTSRANGE", 0, 16383)

            async def whole() -> bool:
                return bool((await node.cluster("INFO"))["cluster_state"] == "ok")

            await until(whole)
        async with connect(f"redis+cluster://127.0.0.1:{port}") as redis:
            database = Database(redis)
            assert await replies(database) == REPLIES
            lanes = Lanes(database, "inbox")
            await database.commit(lanes.push("t1", b"one", wake=True))
            [claim] = await lanes.claim(5)
            assert claim.entry == b"one"
            assert await lanes.postpone(claim, b"later", 0)
            [claim] = await lanes.claim(5)
            assert await database.commit(lanes.finished(claim), [lanes.held(claim)])
            assert await lanes.depth() == 0
