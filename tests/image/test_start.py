"""The steps of the Dockerfile without an engine: install, then one walk-in as another user."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.compose import Loopback, Service, services
from tests.image.contained import USER, WORLD, contained, python_for_all, why_not
from tests.image.dockerfile import build, inherited, stages, within
from tests.image.programs import Program, bill_of, running
from tests.valkey import free_port

FINAL = stages()[-1]

WRITES = """
import json, os, sys, tempfile
def writes(folder):
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
print(json.dumps([folder for folder in sys.argv[1:] if writes(folder)]))
"""
"""Prints those of the folders named that can be written to."""

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """Give a folder that stands for the image's root, with what its build puts there."""
    # Not below pytest's own folder: that one is closed to other users.
    place = Path(tempfile.mkdtemp(prefix="bridge-image-"))
    place.chmod(0o755)
    try:
        python = python_for_all()
        assert python is not None
        build(place, python)
        yield place
    finally:
        shutil.rmtree(place)


@pytest.fixture
def loopback() -> Loopback:
    """Give each service of compose.yaml a port."""
    return Loopback({name: free_port() for name in ("bridge", "cpo", "bap")})


def program(root: Path, service: Service, loopback: Loopback, *more: str) -> Program:
    """Return a service as the image starts it: entry point, command, environment, user."""
    data = root / f"data-{service.name}"
    data.mkdir()
    os.chown(data, int(USER), int(USER))
    environment = {
        **inherited(),
        **image_environment(root),
        **loopback.environment(service),
        "BRIDGE_REDIS_URL": "embedded",
        "BRIDGE_DATA_DIR": str(data),
        "BRIDGE_DRAIN_GRACE_S": "0",
    }
    given = loopback.command(service) or FINAL.one("CMD").words
    return Program(
        contained(data, *FINAL.one("ENTRYPOINT").words, *given, *more),
        f"{loopback.url(service.name)}/health/{'ready' if service.name == 'bridge' else 'live'}",
        environment,
        root,
        root / f"{service.name}.log",
    )


def image_environment(root: Path) -> dict[str, str]:
    """Return what the image's ENV sets, its own paths below the root."""
    return within(root, FINAL.environment)


def write(config: Path, loopback: Loopback) -> None:
    """Write the configuration of compose.yaml, its services moved to this machine."""
    config.parent.mkdir(parents=True)
    config.write_text(loopback.configuration(loopback.ports["bridge"]))


def status_of(pid: int) -> str:
    """Return what Linux tells of a process."""
    return Path(f"/proc/{pid}/status").read_text()


async def test_a_walk_in_as_a_user_who_can_write_nowhere_but_the_data_directory(
    root: Path, loopback: Loopback
) -> None:
    found = services()
    write(Path(image_environment(root)["BRIDGE_CONFIG"]), loopback)
    bridge = program(root, found["bridge"], loopback)
    cpo = program(root, found["cpo"], loopback, "--session-s", "0.5")
    bap = program(root, found["bap"], loopback)

    async with running(cpo, bridge, bap):
        order = await bill_of(loopback.url("bap"))
        assert order["quote"]["price"] == {"value": "76.60", "currency": "INR"}

        assert bridge.process is not None
        status = status_of(bridge.process.pid)
        assert f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}" in status
        assert "CapEff:\t0000000000000000" in status
        healthy = FINAL.one("HEALTHCHECK").rest.removeprefix("CMD ")
        assert await output(bridge, *json.loads(healthy)) == "ok\n"
        data = bridge.environment["BRIDGE_DATA_DIR"]
        places = (data, str(root), str(Path.home()), *WORLD)
        assert json.loads(await output(bridge, "python", "-c", WRITES, *places)) == [data]

    assert bridge.process.returncode == 0, bridge.log.read_text()


def test_nothing_in_the_environment_installs_packages(root: Path) -> None:
    names = {each.name.partition("-")[0] for each in (root / "opt/bridge").rglob("*")}
    assert "bridge" in names
    assert names.isdisjoint({"pip", "setuptools", "wheel", "hatchling", "ensurepip"})


async def output(program: Program, *command: str) -> str:
    """Run a command beside a program, contained in the same way; return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *contained(Path(program.environment["BRIDGE_DATA_DIR"]), *command),
        cwd=program.folder,
        env=program.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    return out.decode()
