"""docs/security.md: each threat names a guard that is there and a test that is there."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.pages import ROOT, quoted, read, rows

THREATS = rows(read("docs/security.md"), "## Threats")


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, functions) and node.name.startswith("test_")
    )


def test_there_are_threats() -> None:
    assert len(THREATS) > 8
    assert len({threat for threat, _, _ in THREATS}) == len(THREATS)


@pytest.mark.parametrize(("threat", "guard", "test"), THREATS, ids=[row[0][:40] for row in THREATS])
def test_a_threat_has_its_guard_and_its_test(threat: str, guard: str, test: str) -> None:
    files = [name for name in quoted(guard) if name.startswith(("bridge/", "charts/"))]
    assert files, threat
    assert all((ROOT / name).is_file() for name in files)
    named = quoted(test)
    assert named, threat
    for each in named:
        path, _, name = each.partition("::")
        assert name in names_in(path), each
