"""Dockerfile, requirements.lock and compose.yaml say what the settings and the code say."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bridge.settings import load
from tests.image.compose import PORTS, configuration, services
from tests.image.contained import USER
from tests.image.dockerfile import stages
from tests.pages import ROOT, read

FINAL = stages()[-1]

PATIENCE_S = 35
"""Beside the grace: requests 10 s, work 20 s, and some to spare (docs/operations.md)."""


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned_by_a_digest_that_can_be_given() -> None:
    (given,) = re.findall(r"^ARG PYTHON=(.*)$", read("Dockerfile"), re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", given)
    assert [stage.base for stage in stages()] == ["${PYTHON}", "${PYTHON}", "scratch"]


def test_the_image_runs_as_a_numeric_user_and_stops_by_sigterm() -> None:
    assert FINAL.one("USER").rest == f"{USER}:{USER}"
    assert FINAL.one("STOPSIGNAL").rest == "SIGTERM"
    for keyword in ("ENTRYPOINT", "CMD", "VOLUME"):
        assert FINAL.one(keyword).rest.startswith("["), f"{keyword} in a shell"
    assert FINAL.one("HEALTHCHECK").rest.startswith('CMD ["bridge", "health"')


def test_data_dir_is_the_volume_wherever_the_file_does_not_say() -> None:
    settings = load(ROOT / "config" / "bridge.compose.yaml", services()["bridge"].environment)
    at = Path(FINAL.one("WORKDIR").rest)
    assert [str(at / settings.data_dir)] == FINAL.one("VOLUME").words


def locked() -> Iterator[Requirement]:
    """Yield what requirements.lock names."""
    for line in read("requirements.lock").splitlines():
        if not line.startswith((" ", "#")):
            yield Requirement(line.removesuffix("\\").strip())


def needed(name: str) -> Iterator[str]:
    """Yield what a package needs here, to the last."""
    seen: set[str] = set()
    wanted = [Requirement(name)]
    while wanted:
        asked = wanted.pop()
        key = canonicalize_name(asked.name)
        for text in importlib.metadata.requires(asked.name) or ():
            each = Requirement(text)
            extras = asked.extras or {""}
            if each.marker is None or any(each.marker.evaluate({"extra": e}) for e in extras):
                wanted += [each] if f"{key} {text}" not in seen else []
                seen.add(f"{key} {text}")
                yield canonicalize_name(each.name)


def test_the_lock_has_every_package_that_runs_at_the_version_of_the_tests() -> None:
    constraints = dict(
        line.split("==") for line in read("constraints.txt").splitlines() if "==" in line
    )
    tested = {canonicalize_name(name): version for name, version in constraints.items()}
    lock = {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in locked()
        if "win32" not in str(each.marker)
    }
    assert lock.items() <= tested.items(), "run `make lock`"
    assert lock.keys() >= set(needed("beckn-ocpi-bridge[otel]")), "run `make lock`"


def test_the_lock_names_no_registry() -> None:
    assert "://" not in read("requirements.lock")


def test_compose_gives_the_bridge_what_it_knows() -> None:
    bridge = services()["bridge"]
    settings = load(ROOT / "config" / "bridge.compose.yaml", bridge.environment)

    assert settings.redis_url.get_secret_value() == f"redis://valkey:{PORTS['valkey']}/0"
    assert settings.listen.port == PORTS["bridge"]
    assert str(PORTS["bridge"]) == FINAL.one("EXPOSE").rest
    assert settings.public_url == f"http://bridge:{PORTS['bridge']}"
    (mounted,) = bridge.given["volumes"]
    source, target, mode = mounted.split(":")
    assert yaml.safe_load(read(source.removeprefix("./"))) == yaml.safe_load(configuration())
    assert (target, mode) == (FINAL.environment["BRIDGE_CONFIG"], "ro")
    assert bridge.given["healthcheck"]["test"] == ["CMD", "bridge", "health"]
    stops_s = int(bridge.given["stop_grace_period"].removesuffix("s"))
    assert stops_s >= settings.drain_grace_s + PATIENCE_S


def test_compose_services_fit_together() -> None:
    found = services()
    assert found.keys() == PORTS.keys()
    cpo, bridge = found["cpo"].command, found["bridge"].environment
    assert cpo[cpo.index("--token-a") + 1] == bridge["BRIDGE_CPO_SANDBOX_TOKEN_A"]
    for name in ("cpo", "bap"):
        command = found[name].command
        assert command[:2] == ["sandbox", name]
        assert command[command.index("--url") + 1] == f"http://{name}:{PORTS[name]}"
        assert command[command.index("--port") + 1] == str(PORTS[name])
        assert str(PORTS[name]) in found[name].given["healthcheck"]["test"][-1]
    for name in ("bridge", "bap"):
        assert found[name].given["ports"] == [f"127.0.0.1:{PORTS[name]}:{PORTS[name]}"]


def test_compose_services_are_hardened() -> None:
    for each in services().values():
        assert each.given["read_only"] is True
        assert each.given["cap_drop"] == ["ALL"]
        assert each.given["security_opt"] == ["no-new-privileges:true"]
        assert "healthcheck" in each.given
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", services()["valkey"].given["image"])
