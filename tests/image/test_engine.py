"""Where a Docker engine answers: the image is built, and compose.yaml plays a walk-in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.pages import ROOT, Example, examples, missing_line
from tests.redis_source import docker_answers

BUILD_S = 1200

SHOWN = [each for each in examples() if any(c.startswith("docker ") for c in each.commands)]


@pytest.fixture(scope="module")
def engine() -> Iterator[None]:
    """Skip where no engine answers, or it has no compose; forget afterwards what it ran."""
    if not docker_answers():
        pytest.skip("no Docker engine answers")
    if docker("compose", "version").returncode:
        pytest.skip("this Docker has no compose")
    yield
    docker("compose", "down", "--volumes", "--timeout", "60")


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a docker command beside the Dockerfile."""
    return shell(" ".join(["docker", *words]))


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command beside the Dockerfile; what it says on either stream is one text."""
    return subprocess.run(
        ["sh", "-e", "-c", command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_S,
        check=False,
    )


def test_the_pages_show_how() -> None:
    assert any("docker compose up" in command for each in SHOWN for command in each.commands)


@pytest.mark.parametrize("example", SHOWN, ids=str)
@pytest.mark.usefixtures("engine")
def test_the_pages_commands_run(example: Example) -> None:
    done = shell("\n".join(example.commands))
    assert done.returncode == 0, done.stdout
    missing = missing_line(example.shown, done.stdout)
    assert missing is None, f"{example} never prints {missing!r}, but\n{done.stdout}"


@pytest.mark.usefixtures("engine")
def test_nothing_in_the_image_installs_packages() -> None:
    tried = docker(
        *("compose", "run", "--rm", "--no-deps", "--entrypoint", "sh", "bridge", "-c"),
        "'command -v pip apt apt-get dpkg; id -u; touch /x'",
    )
    assert tried.returncode != 0, tried.stdout
    assert "Read-only" in tried.stdout
    assert "10001" in tried.stdout.split()
    assert not any(f"/{name}" in tried.stdout for name in ("pip", "apt", "dpkg"))
