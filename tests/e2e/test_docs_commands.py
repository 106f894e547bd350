"""Every command of the pages runs on loopback, and prints what the pages show.

``make run`` and ``make test`` are not run as such: the first is ``bridge demo``, which is, and the
second is what runs this. What needs a Docker engine is in tests/image/test_engine.py.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bridge.sandbox.drive import walk_in
from tests.e2e.rig import Rig, cli
from tests.pages import ROOT, Example, blocks, environment, examples, missing_line, read
from tests.valkey import free_port
from tests.waiting import until

PATIENCE_S = 60
BRIDGE = "http://127.0.0.1:8080"
"""Where the bridge of the pages is."""

EXAMPLES = examples()
SERVING = [
    (example, command)
    for example in EXAMPLES
    for command in example.commands
    if command.startswith("bridge serve")
]
MAKE = [example for example in EXAMPLES if example.commands[0].startswith("make ")]


def needs(example: Example, *words: str) -> bool:
    """Whether a command of the example begins with one of the words."""
    return any(command.startswith(words) for command in example.commands)


DOCKER = [example for example in EXAMPLES if needs(example, "docker ")]
CURL = [example for example in EXAMPLES if needs(example, "curl ") and example not in DOCKER]
LIVE = [
    example
    for example in EXAMPLES
    if needs(
        example,
        *("bridge cpo", "bridge trace", "bridge deadletters", "bridge orders"),
        "bridge beckn doctor",
    )
]
ALONE = [example for example in EXAMPLES if example not in [*MAKE, *DOCKER, *CURL, *LIVE]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a folder with what a clone has, the README's configuration, and ``bin/bridge``."""
    for name in ("config", "docs", "mappings"):
        (tmp_path / name).symlink_to(ROOT / name)
    (least,) = blocks(read("README.md"), "yaml")
    (tmp_path / "bridge.yaml").write_text(least)
    command = tmp_path / "bin" / "bridge"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bridge "$@"\n')
    command.chmod(0o755)
    return tmp_path


@asynccontextmanager
async def running(
    place: Path, *command: str, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command in the place; end it when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=place,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**20,
        env={
            **os.environ,
            "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            **variables,
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def follow(example: Example, place: Path, *, at: str = BRIDGE, **variables: str) -> None:
    """Type what an example shows, all but ``bridge serve``, and compare what comes.

    Args:
        at: where the bridge is in truth.
    """
    commands = [each for each in example.commands if not each.startswith("bridge serve")]
    script = "\n".join(commands).replace(BRIDGE, at)
    async with running(place, "sh", "-e", "-c", script, **variables) as process:
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    printed = out.decode()
    assert process.returncode == 0, printed
    missing = missing_line(example.shown, printed)
    assert missing is None, f"{example} never prints {missing!r}, but\n{printed}"


@pytest.mark.parametrize("example", ALONE, ids=str)
async def test_commands_that_need_nothing(example: Example, place: Path) -> None:
    await follow(example, place)


async def test_commands_on_a_running_bridge(world: Rig, place: Path) -> None:
    final = await walk_in(world.bap)
    transaction_id = final["context"]["transaction_id"]
    world.bap.refuses = frozenset({"on_support"})
    await world.bap.send("support", {"support": {}}, transaction_id)
    config = world.bridges[0].config
    letter_id = await first_dead_letter(config)
    world.bap.refuses = frozenset()

    assert LIVE
    for example in LIVE:
        if needs(example, "bridge cpo register"):
            # The CPO deletes the registration at its side, and takes TOKEN_A again.
            world.cpo.peer = world.cpo.token_c = None
        await follow(
            example,
            place,
            BRIDGE_CONFIG=str(config),
            TRANSACTION_ID=transaction_id,
            LETTER_ID=letter_id,
        )


async def first_dead_letter(config: Path) -> str:
    """Return the id of the first dead letter, once there is one."""
    found: list[str] = []

    async def listed() -> bool:
        code, out, err = await cli(config, "deadletters", "list")
        assert code == 0, err
        found.extend(line.split()[0] for line in out.splitlines()[1:] if line.strip())
        return bool(found)

    await until(listed, timeout_s=PATIENCE_S)
    return found[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
async def test_commands_with_curl(world: Rig, place: Path) -> None:
    assert CURL
    for example in CURL:
        await follow(example, place, at=world.bridges[0].url)


@pytest.mark.parametrize(("example", "command"), SERVING, ids=str)
async def test_serve_is_ready_and_ends_when_told(
    example: Example, command: str, place: Path, redis_url: str
) -> None:
    port, nobody = free_port(), free_port()
    variables = {
        **environment(example),
        "BRIDGE_LISTEN__HOST": "127.0.0.1",
        "BRIDGE_LISTEN__PORT": str(port),
        "BRIDGE_DRAIN_GRACE_S": "0",
        "BRIDGE_REDIS_URL": redis_url,
        "BRIDGE_CPOS__0__VERSIONS_URL": f"http://127.0.0.1:{nobody}/ocpi/versions",
    }
    async with running(place, *command.split(), **variables) as process:
        await until(lambda: is_ready(f"http://127.0.0.1:{port}"), timeout_s=PATIENCE_S)
        process.terminate()
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, out.decode()


async def is_ready(url: str) -> bool:
    """Ask for ``/health/ready``."""
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/health/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_the_demo_prints_what_the_readme_shows(place: Path) -> None:
    (example,) = (each for each in MAKE if each.commands == ("make run",))
    assert "bridge demo $(ARGS)" in read("Makefile")
    async with running(place, "bridge", "demo") as process:
        printed = await read_until(process, lambda line: line.startswith("curl "))
        missing = missing_line(example.shown, printed)
        assert missing is None, f"the demo never prints {missing!r}, but\n{printed}"
        if shutil.which("curl") is not None:
            await follow(Example("demo", (printed.splitlines()[-1],), ()), place)
            await read_until(process, lambda line: "on_search" in line)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


async def read_until(process: asyncio.subprocess.Process, wanted: Callable[[str], bool]) -> str:
    """Read what a process prints, up to and with the first line that is wanted."""
    assert process.stdout is not None
    printed = ""
    async with asyncio.timeout(PATIENCE_S):
        while line := (await process.stdout.readline()).decode():
            printed += line
            if wanted(line):
                return printed
    raise AssertionError(f"it ended without\n{printed}")


def test_make_is_named_for_what_it_does_only() -> None:
    assert [each.commands for each in MAKE] == [("make run",), ("make test",)]
