"""Connects to Redis: one server, a Sentinel set or a Cluster, each with or without TLS.

No command is sent a second time by itself: of one whose answer was lost nobody knows whether it
ran, and a bill appended twice is worse than one that its worker tries again. Only a server that
says it is still loading its data, and so ran nothing, is asked anew.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import BusyLoadingError

from bridge.settings import RedisAddress, parse_redis_url
from bridge.tls import MINIMUM

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0
LONGEST_BLOCK_S = 4.0
"""How long a blocking read may wait, so that its answer comes before READ_TIMEOUT_S."""

_HEALTH_CHECK_S = 15
_CONNECTIONS = 100
_TURN_TIMEOUT_S = 2.0


def connect(redis_url: str, *, client_name: str = "bridge") -> Redis:
    """Return a client of the Redis at ``redis_url``; ``embedded`` is turned into a URL before.

    Nothing is sent yet, so a Redis that is away shows at the first command. Replies are bytes. A
    Cluster's client has the same commands for keys of one hash tag, hence one type for both. What
    the query of the URL sets wins over the time-outs here. Raises ValueError on a URL that the
    settings would have refused.
    """
    address = parse_redis_url(redis_url)
    options: dict[str, Any] = {
        "protocol": 2,
        "client_name": client_name,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": READ_TIMEOUT_S,
        "health_check_interval": _HEALTH_CHECK_S,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.1), 3, (BusyLoadingError,)),
    }
    match address.kind:
        case "sentinel":
            return _sentinel(address, options)
        case "cluster":
            return _cluster(address, options)
        case _:
            least = {"ssl_min_version": MINIMUM} if address.scheme == "rediss" else {}
            return _single(redis_url, options | least)


def _single(redis_url: str, options: dict[str, Any]) -> Redis:
    pool = BlockingConnectionPool.from_url(
        redis_url, max_connections=_CONNECTIONS, timeout=_TURN_TIMEOUT_S, **options
    )
    return Redis.from_pool(pool)


def _sentinel(address: RedisAddress, options: dict[str, Any]) -> Redis:
    """Ask the Sentinels for the master at every connect, so a fail-over is followed by itself."""
    query = dict(parse_qsl(address.query))
    own = {
        name.removeprefix("sentinel_"): query.pop(name)
        for name in ("sentinel_username", "sentinel_password")
        if name in query
    }
    stated = _stated(address, urlencode(query))
    transport = {name: value for name, value in stated.items() if name.startswith("ssl")}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py gives it no types
        address.hosts,
        sentinel_kwargs=options | {"health_check_interval": 0} | transport | own,
    )
    pool = _MasterPool(  # type: ignore[no-untyped-call]  # nor this
        address.service,
        sentinel,
        max_connections=_CONNECTIONS,
        check_connection=True,
        **options | stated,
    )
    return Redis.from_pool(pool)


def _cluster(address: RedisAddress, options: dict[str, Any]) -> Redis:
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    # Here the count alone matters to redis-py, which would spend it on lost answers too.
    options = options | _stated(address, address.query) | {"retry": Retry(NoBackoff(), 0)}
    cluster = RedisCluster(startup_nodes=nodes, max_connections=_CONNECTIONS, **options)
    return cast(Redis, cluster)


def _stated(address: RedisAddress, query: str) -> dict[str, Any]:
    """Read what a URL says besides its hosts, in redis-py's own way."""
    credentials = f"{address.credentials}@" if address.credentials else ""
    host, _ = address.hosts[0]
    host = f"[{host}]" if ":" in host else host
    stated: dict[str, Any] = dict(parse_url(f"{address.scheme}://{credentials}{host}?{query}"))
    stated.pop("host")
    if stated.pop("connection_class", None) is SSLConnection:
        stated["ssl"] = True
        stated.setdefault("ssl_min_version", MINIMUM)
    if address.kind == "sentinel":
        stated.setdefault("db", address.db)
    return stated


class _MasterPool(SentinelConnectionPool):
    """A pool that closes its Sentinels' connections with its own."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()
