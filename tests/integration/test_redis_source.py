"""The choice of the tests' own Redis."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from bridge.store.connect import connect
from tests.redis_source import choose, database_of, docker_answers, serving


def never() -> bool:
    raise AssertionError("Docker was asked")


def test_a_url_from_the_environment_comes_first_and_docker_is_not_asked() -> None:
    assert choose({"BRIDGE_TEST_REDIS_URL": "redis://host"}, never) == "url"


@pytest.mark.parametrize("environ", [{}, {"BRIDGE_TEST_REDIS_URL": ""}])
@pytest.mark.parametrize(("answers", "source"), [(True, "testcontainers"), (False, "embedded")])
def test_without_a_url_docker_decides(environ: dict[str, str], answers: bool, source: str) -> None:
    assert choose(environ, lambda: answers) == source


def test_an_engine_that_is_not_there_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:  # bound, but nobody listens
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        assert not docker_answers(timeout_s=1)


@pytest.mark.parametrize(
    ("url", "worker", "database"),
    [
        ("redis+cluster://h", 0, "redis+cluster://h"),
        ("redis://h", 1, "redis://h/1"),
        ("rediss://u:p@h:1/4?ssl_ca_certs=x", 2, "rediss://u:p@h:1/6?ssl_ca_certs=x"),
    ],
)
def test_workers_get_databases_of_their_own(url: str, worker: int, database: str) -> None:
    assert database_of(url, worker) == database


def test_a_cluster_has_no_databases_for_workers() -> None:
    with pytest.raises(RuntimeError, match="only redis://"):
        database_of("redis+cluster://h", 1)


def test_the_embedded_server_ends_with_the_tests_and_an_empty_url_is_taken(tmp_path: Path) -> None:
    with serving("embedded", {}, tmp_path, 0) as url:
        environ = {"BRIDGE_TEST_REDIS_URL": url}
        with serving("url", environ, tmp_path, 3) as database:
            assert database == url.removesuffix("/0") + "/3"
    assert not (tmp_path / "valkey.pid").exists()


def test_a_url_that_holds_data_is_refused(tmp_path: Path) -> None:
    with serving("embedded", {}, tmp_path, 0) as url:
        asyncio.run(_fill(url))
        environ = {"BRIDGE_TEST_REDIS_URL": url}
        with (
            pytest.raises(RuntimeError, match="holds data"),
            serving("url", environ, tmp_path, 0),
        ):
            pass


async def _fill(url: str) -> None:
    async with connect(url) as redis:
        await redis.set("precious", "1")
