"""What a message of ``uei`` has to pass: layer 2 of 3.1 (corrected), of 3.0, and core 1.1.0."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.reference import load_tool

ALL = frozenset({"3.1", "3.0", "core"})

Faults = dict[str, list[str]]
"""What is wrong with a message, by whose word."""

VALID: Faults = {spec: [] for spec in ALL}

_MARKS = {True: "yes", False: "NO "}


class Published:
    """The published files, and the reference's own checker."""

    def __init__(self, shared: Path) -> None:
        self._tool = load_tool(shared, "validate_layer2")
        corrected = shared / "data/layer2/ev-charging_uei_1.1.0.corrected.yaml"
        specs = self._tool.SPECS
        self._specs = {"3.1": str(corrected), "3.0": specs["3.0"], "core": specs["core"]}

    def faults(self, message: Mapping[str, Any]) -> Faults:
        """Return what is wrong with a whole message; formats count, but that of ttl."""
        return {name: self._tool.validate(message, spec=spec) for name, spec in self._specs.items()}


def accepted(found: Faults) -> frozenset[str]:
    """Return under what a message is valid."""
    return frozenset(name for name, faults in found.items() if not faults)


def show(capsys: pytest.CaptureFixture[str], table: Mapping[str, frozenset[str]]) -> None:
    """Print what is valid under which."""
    with capsys.disabled():
        print()
        for name, under in table.items():
            marks = "  ".join(f"{spec} {_MARKS[spec in under]}" for spec in sorted(ALL))
            print(f"{name:45} {marks}")
