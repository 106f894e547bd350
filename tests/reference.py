"""The reference material beside the project, which the project never needs to run."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).resolve().parent.parent

VARIABLE = "BRIDGE_TEST_SHARED"


def shared_path(environ: Mapping[str, str], project: Path = PROJECT) -> Path | None:
    """Find the folder ``shared``: where the variable says, else beside the project; None if absent.

    Raises FileNotFoundError when the variable names a folder that is not there.
    """
    named = environ.get(VARIABLE)
    path = Path(named) if named else project.parent / "shared"
    if path.is_dir():
        return path
    if named:
        raise FileNotFoundError(f"{VARIABLE}={named}: no such folder")
    return None


def absence() -> str:
    """Say why a test that reads the reference material was skipped."""
    return f"no reference material: neither {VARIABLE} nor ../shared is a folder"


def load_tool(shared: Path, name: str) -> ModuleType:
    """Load a checker of the reference material as a module."""
    spec = importlib.util.spec_from_file_location(name, shared / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
