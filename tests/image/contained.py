"""Runs a program as an engine runs a hardened container: another user, nothing to write to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

USER = "10001"

WORLD = ("/", "/tmp", "/var/tmp", "/dev/shm", "/run")
"""Places where any user may write, those of them that are mounts."""

BECOME = (
    *("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"),
    *("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--", "env"),
)
"""Root's capabilities end with the next program, env; what env then runs it may not just open."""

CONTAIN = f"""
data=$1
shift
mount --bind "$data" "$data"
for place in {" ".join(WORLD)}; do
  if mountpoint -q "$place"; then mount -o remount,bind,ro "$place"; fi
done
exec {" ".join(BECOME)} "$@"
"""
"""In a mount namespace of its own, so that nobody else sees any of it."""


def contained(data: Path, *command: str) -> list[str]:
    """Return a command that runs another one contained; only ``data`` can be written."""
    inside = ["sh", "-e", "-c", CONTAIN, "contained", str(data)]
    return ["unshare", "--mount", "--propagation", "private", *inside, *command]


@cache
def why_not() -> str | None:
    """Return why nothing can be run contained on this machine; None: it can."""
    if os.geteuid() != 0:
        return "only root can become another user"
    missing = [name for name in ("setpriv", "unshare", "mountpoint") if shutil.which(name) is None]
    if missing:
        return f"no {missing[0]} on this machine"
    tried = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "true"], capture_output=True, check=False
    )
    if tried.returncode:
        return "no mount namespaces on this machine"
    return None if python_for_all() else "no Python that other users can run"


@cache
def python_for_all() -> str | None:
    """Return a Python 3.11 or newer that any user can run: the one of the tests may be at home."""
    names = ("python3", *(f"python3.{minor}" for minor in (13, 12, 11)))
    places = {Path(getattr(sys, "_base_executable", sys.executable)).resolve()}
    places |= {Path("/usr/bin", name).resolve() for name in names}
    places |= {Path("/usr/local/bin", name).resolve() for name in names}
    check = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
    for python in sorted(map(str, places)):
        command = [*BECOME, python, "-c", check]
        tried = subprocess.run(command, capture_output=True, cwd="/", check=False)
        if tried.returncode == 0:
            return python
    return None
