"""Environments of programs that tests drive but cannot live with: made once, then kept."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

READY = ".ready"
"""File in a finished environment; it holds what the environment was made of."""

INSTALL_S = 300.0
"""Longest an installation may take: it is a matter of seconds where a package index is near."""

ASKED_FOR = "pytest"
"""A package that every index has that the project itself could be installed from."""


class NoPackageIndex(Exception):
    """No package index can be reached, so nothing can be installed."""


def interpreter(requirements: Path, home: Path) -> Path:
    """Return the Python of an environment that has exactly what the requirements say.

    It is made at the first call, and again when the requirements or our own Python change. Other
    processes that want it wait meanwhile.

    Raises:
        NoPackageIndex
        RuntimeError: the installation failed otherwise; says what pip said.
    """
    python = home / "bin" / "python"
    made_of = f"{sys.version}\n{requirements.read_text()}"
    with requirements.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = home / READY
        if not ready.exists() or ready.read_text() != made_of:
            shutil.rmtree(home, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(home))
            _install(python, requirements)
            ready.write_text(made_of)
    return python


def _install(python: Path, requirements: Path) -> None:
    """Install what is listed and nothing else; nothing is built, so nothing needs a compiler."""
    pip = (str(python), "-m", "pip", "--disable-pip-version-check", "--quiet")
    exactly = ("--no-deps", "--only-binary", ":all:", "--retries", "2", "--timeout", "15")
    said = _run(*pip, "install", *exactly, "-r", str(requirements), check=False)
    if said.returncode == 0:
        return
    # Is it the requirements, or is there nobody to ask? pip's words differ, its exit code does not.
    index = _run(*pip, "index", "versions", ASKED_FOR, "--retries", "0", check=False)
    if index.returncode != 0:
        raise NoPackageIndex(f"no package index can be reached for {requirements.parent.name}")
    raise RuntimeError(f"{requirements} cannot be installed: {said.stderr}")


def _run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=check, timeout=INSTALL_S, capture_output=True, text=True)
