"""The embedded store: one server per data directory, found again, ended by the last to leave."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from bridge.errors import StoreUnavailable
from bridge.store import embedded
from bridge.store.connect import connect
from tests.reference import PROJECT

HOLDER = """
import asyncio, sys
from pathlib import Path
from bridge.store import embedded

async def hold(folder):
    print(await embedded.attach(folder), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await embedded.release(folder)

asyncio.run(hold(Path(sys.argv[1])))
"""


class Holder:
    """Another process that has attached."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url

    async def leave(self) -> None:
        await self.process.communicate(b"\n")
        assert self.process.returncode == 0

    async def killed(self) -> None:
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def holder(data_dir: Path) -> AsyncIterator[Holder]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(data_dir), cwd=PROJECT, stdin=PIPE, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        yield Holder(process, (await process.stdout.readline()).decode().strip())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def running(data_dir: Path) -> bool:
    """Tell whether a server holds its state file."""
    with (data_dir / "server.json").open() as state:
        try:
            fcntl.flock(state, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def everything(data_dir: Path) -> list[Path]:
    return [data_dir, *data_dir.rglob("*")]


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "valkey.pid").read_text())


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Give a data directory whose server, if a failed test left one, is ended."""
    path = tmp_path / "the data"
    yield path
    if (path / "server.json").is_file() and running(path):
        os.kill(server_pid(path), signal.SIGKILL)


async def stored(url: str, name: str) -> bytes | str | None:
    async with connect(url) as redis:
        return await redis.get(name)


async def store(url: str, name: str, value: str) -> None:
    async with connect(url) as redis:
        await redis.set(name, value)


async def test_processes_that_attach_at_once_share_one_server(data_dir: Path) -> None:
    async with holder(data_dir) as one, holder(data_dir) as two:
        url = await embedded.attach(data_dir)
        assert one.url == two.url == url
        log = (data_dir / "valkey.log").read_text()
        assert log.count("Ready to accept connections") == 1
        await asyncio.gather(one.leave(), two.leave(), embedded.release(data_dir))
    assert not running(data_dir)


async def test_racing_starts_make_one_server(data_dir: Path) -> None:
    urls = await asyncio.gather(*(embedded.attach(data_dir) for _ in range(5)))
    assert len(set(urls)) == 1
    await asyncio.gather(*(embedded.release(data_dir) for _ in range(4)))
    assert running(data_dir)
    await embedded.release(data_dir)
    assert not running(data_dir)


async def test_outlives_the_kill_of_its_starter_and_is_found_again(data_dir: Path) -> None:
    async with holder(data_dir) as starter:
        await store(starter.url, "order", "kept")
        await starter.killed()
        assert await stored(starter.url, "order") == b"kept"
        assert await embedded.attach(data_dir) == starter.url
    await embedded.release(data_dir)
    assert not running(data_dir)


async def test_only_the_last_to_leave_stops_it(data_dir: Path) -> None:
    async with holder(data_dir) as first, holder(data_dir) as last:
        await first.leave()
        assert await stored(last.url, "order") is None
        await last.leave()
        with pytest.raises(RedisError):
            await stored(last.url, "order")
    assert not running(data_dir)


async def test_data_survive_a_restart(data_dir: Path) -> None:
    await store(await embedded.attach(data_dir), "order", "kept")
    await embedded.release(data_dir)
    assert await stored(await embedded.attach(data_dir), "order") == b"kept"
    await embedded.release(data_dir)


async def test_a_killed_server_is_started_anew_with_its_data(data_dir: Path) -> None:
    url = await embedded.attach(data_dir)
    await store(url, "order", "kept")
    os.kill(server_pid(data_dir), signal.SIGKILL)
    again = await embedded.attach(data_dir)
    assert again != url
    assert await stored(again, "order") == b"kept"
    await embedded.release(data_dir)
    await embedded.release(data_dir)
    assert not running(data_dir)


async def test_nothing_in_it_is_for_other_accounts(data_dir: Path) -> None:
    await embedded.attach(data_dir)
    await embedded.release(data_dir)
    names = {path.name for path in everything(data_dir)}
    assert {"server.json", "valkey.conf", "valkey.log", "appendonlydir"} <= names
    assert [path for path in everything(data_dir) if path.stat().st_mode & 0o077] == []


async def test_the_password_is_asked_for(data_dir: Path) -> None:
    url = await embedded.attach(data_dir)
    with pytest.raises(RedisError, match="Authentication required"):
        await stored(f"redis://{url.rpartition('@')[2]}", "order")
    await embedded.release(data_dir)


async def test_a_start_that_fails_tells_the_end_of_the_log(data_dir: Path) -> None:
    await embedded.attach(data_dir)
    await embedded.release(data_dir)
    for path in everything(data_dir):
        if path.suffix == ".manifest":
            path.write_text("spoilt")
    with pytest.raises(StoreUnavailable, match=r"(?s)does not start.*AOF manifest"):
        await embedded.attach(data_dir)
    assert not running(data_dir)


async def test_a_silent_server_is_left_alone(data_dir: Path) -> None:
    await embedded.attach(data_dir)
    pid = server_pid(data_dir)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(StoreUnavailable, match=r"did not answer in 0\.1 s"):
        await embedded.attach(data_dir, timeout_s=0.1)
    os.kill(pid, signal.SIGCONT)
    assert server_pid(data_dir) == pid
    await embedded.release(data_dir)
    assert not running(data_dir)


async def test_a_data_dir_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"data_dir .*file cannot be used"):
        await embedded.attach(tmp_path / "file")
