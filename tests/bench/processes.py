"""The programs of a bench: each a process of its own, so that none takes time from another."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiohttp
import msgspec
import yaml

from bridge.store import embedded
from bridge.store.connect import connect
from bridge.store.database import Database
from tests.bench.bench import Scale
from tests.bench.cpo import Asked
from tests.e2e.rig import ROOT, BridgeProcess
from tests.valkey import free_port
from tests.waiting import until

T = TypeVar("T")

CPO_ID = "cpo1"
START_S = 60.0

REST = 0.1
"""Part of its time that a process at rest may work, counted over half a second."""

LOG_SHOWN = 2000
"""Characters of a bridge's log that are shown when its bench fails."""


async def output(module: str, *arguments: str, type_: type[T]) -> T:
    """Run a module of the benches to its end; return what it printed."""
    process = await _started(module, *arguments, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} ended with {process.returncode}")
    return msgspec.json.decode(printed, type=type_)


@asynccontextmanager
async def running(module: str, port: int, *arguments: str) -> AsyncIterator[str]:
    """Run a module that listens on a port; give its address, end it afterwards."""
    process = await _started(module, str(port), *arguments)
    try:
        await until(lambda: _listens(process, port), timeout_s=START_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _started(module: str, *arguments: str, **streams: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.bench.{module}", *arguments),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **streams,
    )


async def _listens(process: asyncio.subprocess.Process, port: int) -> bool:
    if process.returncode is not None:
        raise RuntimeError(f"the program on port {port} ended with {process.returncode}")
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


class CpoProcess(NamedTuple):
    """The CPO of the benches, running."""

    url: str
    http: aiohttp.ClientSession

    async def asked(self) -> Asked:
        """Return what the bridge has asked for."""
        async with self.http.get(f"{self.url}/asked") as answer:
            return msgspec.json.decode(await answer.read(), type=Asked)

    async def change(self) -> None:
        """Have one Location in a hundred changed."""
        async with self.http.post(f"{self.url}/change") as answer:
            answer.raise_for_status()


@asynccontextmanager
async def cpo_process(scale: Scale) -> AsyncIterator[CpoProcess]:
    """Run the CPO."""
    async with (
        aiohttp.ClientSession() as http,
        running("cpo", free_port(), str(scale.locations), str(scale.page)) as url,
    ):
        yield CpoProcess(url, http)


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[tuple[str, Database]]:
    """Run the embedded store in a folder; give its address, and a look inside."""
    url = await embedded.attach(folder)
    try:
        async with connect(url) as redis:
            yield url, Database(redis)
    finally:
        await embedded.release(folder)


@asynccontextmanager
async def bridge_process(
    folder: Path, cpo_url: str, redis_url: str
) -> AsyncIterator[BridgeProcess]:
    """Give a bridge that is yet to be started; stop it afterwards, and show its log if that failed.

    Its configuration is the least there can be.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config = {
        "public_url": url,
        "drain_grace_s": 0,
        "listen": {"host": "127.0.0.1", "port": port},
        "redis_url": redis_url,
        "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Bench"},
        "cpos": [
            {
                "id": CPO_ID,
                "versions_url": f"{cpo_url}/versions",
                "token_a": "token-a",
                "provider": {"id": "cpo1.example", "name": "CPO One"},
            }
        ],
        "beckn": {"subscriber_id": "bridge.example"},
        "allow_hosts": ["127.0.0.1"],
    }
    path = folder / "bridge.yaml"
    path.write_text(yaml.safe_dump(config))
    bridge = BridgeProcess(path, url, folder / "bridge.log")
    try:
        yield bridge
    except BaseException:
        if bridge.log.exists():
            print(bridge.log.read_text()[-LOG_SHOWN:], file=sys.stderr)
        raise
    finally:
        if bridge.process is not None:
            await bridge.stop()


async def at_rest(pid: int) -> None:
    """Wait until a process has nothing more to do; Linux only."""
    used_s = [0.0]

    def rests() -> bool:
        used_s.append(_cpu_s(pid))
        return used_s[-1] - used_s[-2] < REST / 2

    await until(rests, START_S, pause_s=0.5)


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Resident memory of a process in MiB, now and at its highest."""

    resident: float
    peak: float


def memory_of(pid: int) -> Memory:
    """Return the memory of a process; Linux only."""
    status = Path(f"/proc/{pid}/status").read_text()
    kib = dict(re.findall(r"^(\w+):\s+(\d+) kB$", status, re.MULTILINE))
    return Memory(int(kib["VmRSS"]) / 1024, int(kib["VmHWM"]) / 1024)
