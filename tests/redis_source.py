"""Where the tests' Redis comes from: a URL, a container, or the embedded server."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from bridge.store import embedded
from bridge.store.connect import connect

URL_VARIABLE = "BRIDGE_TEST_REDIS_URL"

_IMAGE = "redis:7-alpine"
_PORT = 6379

Source = Literal["url", "testcontainers", "embedded"]


def choose(environ: Mapping[str, str], docker_answers: Callable[[], bool]) -> Source:
    """Say which Redis the tests use; Docker is asked only when no URL is given."""
    if environ.get(URL_VARIABLE):
        return "url"
    return "testcontainers" if docker_answers() else "embedded"


def docker_answers(timeout_s: int = 2) -> bool:
    """Tell whether a Docker engine answers on this machine."""
    with warnings.catch_warnings():
        # The Docker library forgets to close the socket of an engine that is not there.
        warnings.simplefilter("ignore", ResourceWarning)
        answer = _ping_docker(timeout_s)
        gc.collect()
    return answer


def _ping_docker(timeout_s: int) -> bool:
    import docker
    from docker.errors import DockerException

    try:
        engine = docker.from_env(timeout=timeout_s)
    except DockerException:
        return False
    engine.close()  # its start has asked for the engine's version
    return True


@contextmanager
def serving(source: Source, environ: Mapping[str, str], folder: Path, worker: int) -> Iterator[str]:
    """Give the URL of an empty database that only this test worker uses; end what was started."""
    match source:
        case "url":
            url = database_of(environ[URL_VARIABLE], worker)
            if asyncio.run(_size(url)):
                raise RuntimeError(f"the tests empty their Redis, and {URL_VARIABLE} holds data")
            yield url
        case "testcontainers":
            from testcontainers.core.container import DockerContainer
            from testcontainers.core.wait_strategies import LogMessageWaitStrategy

            container = DockerContainer(_IMAGE).with_exposed_ports(_PORT)
            with container.waiting_for(LogMessageWaitStrategy("Ready to accept connections")):
                host = container.get_container_host_ip()
                yield f"redis://{host}:{container.get_exposed_port(_PORT)}/0"
        case "embedded":
            url = asyncio.run(embedded.attach(folder))
            try:
                yield url
            finally:
                asyncio.run(embedded.release(folder))


def database_of(url: str, worker: int) -> str:
    """Give each parallel test worker a database of its own, counted from the one in the URL."""
    if worker == 0:
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss"):
        raise RuntimeError(f"{URL_VARIABLE}: only redis:// and rediss:// can be used by -n workers")
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + worker}").geturl()


async def empty(url: str) -> None:
    """Empty the database at ``url``."""
    async with connect(url) as redis:
        await redis.flushdb()


async def _size(url: str) -> int:
    async with connect(url) as redis:
        return int(await redis.dbsize())
