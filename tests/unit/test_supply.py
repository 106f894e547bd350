"""What make audit and make sbom call good: judged on what pip-audit and cyclonedx-py write."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from tests.pages import ROOT
from tests.supply.judging import NOT_AUDITED, audit_faults, pins, sbom_faults

LOCK = """\
aiohttp==3.14.5 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:01
redis[hiredis]==8.1.0
typing_extensions==4.16.0 \\
"""
PINNED = {
    "aiohttp": "3.14.5",
    "colorama": "0.4.6",
    "redis": "8.1.0",
    "typing-extensions": "4.16.0",
}


def report(**changes: dict[str, Any]) -> str:
    """Return pip-audit's report on PINNED; changes replace rows by name."""
    rows = {
        name: {"name": name, "version": version, "vulns": []} for name, version in PINNED.items()
    }
    return json.dumps({"dependencies": list((rows | changes).values()), "fixes": []})


def skipped(name: str) -> dict[str, Any]:
    """Return a row of a package that was not found, as where the index does not answer."""
    return {"name": name, "skip_reason": f"Dependency not found on PyPI: {name}"}


def test_pins_are_read_with_and_without_markers_and_hashes() -> None:
    assert pins(LOCK) == PINNED
    with pytest.raises(ValueError, match="pins nothing"):
        pins("# nothing\n")


def test_the_lock_pins_what_the_bridge_needs() -> None:
    pinned = pins((ROOT / "requirements.lock").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[\[>=<;]", each)[0] for each in project["dependencies"]}
    assert needed <= pinned.keys()
    constraints = pins((ROOT / "constraints.txt").read_text())
    assert {name for name in pinned if constraints.get(name, pinned[name]) != pinned[name]} == set()


def test_a_clean_audit_has_no_fault() -> None:
    assert list(audit_faults(report(), PINNED)) == []


def test_a_flaw_is_named_with_what_mends_it() -> None:
    flaw = {"id": "PYSEC-1", "fix_versions": ["3.14.6"], "aliases": [], "description": "…"}
    row = {"name": "aiohttp", "version": "3.14.5", "vulns": [flaw, flaw | {"fix_versions": []}]}
    assert list(audit_faults(report(aiohttp=row), PINNED)) == [
        "aiohttp 3.14.5: PYSEC-1, mended in 3.14.6",
        "aiohttp 3.14.5: PYSEC-1, mended in no version",
    ]


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "Traceback",
        "{}",
        "[]",
        '{"dependencies": []}',
        json.dumps({"dependencies": [skipped(name) for name in PINNED], "fixes": []}),
    ],
    ids=["unreachable", "empty", "no JSON", "no list", "a list", "of nothing", "all skipped"],
)
def test_an_audit_of_nothing_fails(said: str | None) -> None:
    (fault,) = audit_faults(said, PINNED)
    assert fault.startswith(NOT_AUDITED)


def test_what_was_skipped_or_is_of_another_version_was_not_audited() -> None:
    other = {"name": "redis", "version": "8.0.0", "vulns": []}
    said = report(aiohttp=skipped("aiohttp"), redis=other)
    assert list(audit_faults(said, PINNED)) == [
        "aiohttp 3.14.5 was not audited",
        "redis 8.1.0 was not audited",
    ]


def test_an_sbom_lists_exactly_what_is_pinned() -> None:
    parts = [{"name": name, "version": version} for name, version in PINNED.items()]
    whole = {"bomFormat": "CycloneDX", "components": parts}
    assert list(sbom_faults(json.dumps(whole), PINNED)) == []
    other = whole | {"components": [*parts[1:], {"name": "pytest", "version": "9"}]}
    assert list(sbom_faults(json.dumps(other), PINNED)) == [
        "aiohttp 3.14.5 is pinned and not listed",
        "pytest 9 is listed and not pinned",
    ]
    assert list(sbom_faults("{}", PINNED)) == ["it is no CycloneDX document"]
