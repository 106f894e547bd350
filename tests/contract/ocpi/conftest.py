"""The machine-readable form of the standard, which stands beside the project."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, cast

import pytest

Validate: TypeAlias = Callable[[object, str], list[str]]


@pytest.fixture(scope="session")
def validate(shared: Path) -> Validate:
    """Give the strict validator of OCPI 2.2.1: plain JSON and the name of its type, to faults."""
    spec = importlib.util.spec_from_file_location(
        "ocpi_validate", shared / "tools" / "ocpi_validate.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Validate, module.validate)


@pytest.fixture(scope="session")
def objects(shared: Path) -> dict[str, dict[str, object]]:
    """Give the standard's objects: type name to field name to what is said of the field."""
    tables = json.loads((shared / "data" / "ocpi" / "objects.json").read_text())
    return {
        name: {field["name"]: field for field in table["fields"]} for name, table in tables.items()
    }


@pytest.fixture(scope="session")
def enums(shared: Path) -> dict[str, list[str]]:
    """Give the standard's enums: type name to values."""
    tables = json.loads((shared / "data" / "ocpi" / "enums.json").read_text())
    return {name: [row["value"] for row in table["values"]] for name, table in tables.items()}
