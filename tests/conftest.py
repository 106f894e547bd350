"""What every test may ask for: a Redis of its own, and the reference material."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bridge.store.connect import connect
from tests.property import examples
from tests.redis_source import choose, docker_answers, empty, serving
from tests.reference import absence, shared_path

examples.register()

pytest_plugins = ["tests.conformance.plugin", "pytester"]


def pytest_configure() -> None:
    """Let SIGINT end what tests start, also where a shell that runs them behind `&` ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked ``shared`` where the reference material is absent."""
    if shared_path(os.environ) is None:
        for item in items:
            if item.get_closest_marker("shared"):
                # First of all marks: an empty list of cases has a reason of its own to skip.
                item.add_marker(pytest.mark.skip(reason=absence()), append=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of the reference material."""
    path = shared_path(os.environ)
    if path is None:
        pytest.skip(absence())
    return path


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one Redis for all tests of this worker; tests use ``redis_url`` or ``redis``."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    source = choose(os.environ, docker_answers)
    with serving(source, os.environ, tmp_path_factory.mktemp("redis"), worker) as url:
        yield url


@pytest.fixture
async def redis_url(redis_server: str) -> AsyncIterator[str]:
    """Give the URL of a Redis that is empty; it is emptied again after the test."""
    yield redis_server
    await empty(redis_server)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Give a client of an empty Redis."""
    async with connect(redis_url) as client:
        yield client
