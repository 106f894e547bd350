"""Programs as processes, and the walk-ins that the sandbox BAP plays when asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.waiting import until

START_S = 60.0
END_S = 60.0


@dataclass
class Program:
    """A command that can be started, stopped and started again.

    Args:
        at: an address of it that answers 200 as soon as it works.
        environment: all of it.
    """

    command: Sequence[str]
    at: str
    environment: Mapping[str, str]
    folder: Path
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it works; fails at once when it has ended."""
        with self.log.open("ab") as out:
            process = self.process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

        async def works() -> bool:
            assert process.returncode is None, self.log.read_text()[-3000:]
            return await answers(self.at)

        await until(works, timeout_s=START_S, pause_s=0.05)

    async def stop(self) -> int:
        """SIGTERM, and wait for the end."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), END_S)


@asynccontextmanager
async def running(*programs: Program) -> AsyncIterator[None]:
    """Start programs one after the other; stop them in reverse."""
    started: list[Program] = []
    try:
        for each in programs:
            started.append(each)
            await each.start()
        yield
    finally:
        for each in reversed(started):
            if each.process is not None:
                await each.stop()


async def answers(url: str) -> bool:
    """Ask once whether an address answers 200."""
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def bill_of(bap_url: str, **query: str) -> Mapping[str, Any]:
    """Have a driver charge; return the order of the final bill. Fails with what went wrong."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{bap_url}/walk-in", params=query) as answer,
    ):
        said = await answer.json()
    assert answer.status == 200, said
    order: Mapping[str, Any] = said["message"]["order"]
    return order
