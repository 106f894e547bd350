"""For make audit and make sbom: python -m tests.supply pins | audit FILE | sbom FILE"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.supply.judging import audit_faults, pins, sbom_faults

ROOT = Path(__file__).resolve().parents[2]


def main(what: str, *file: str) -> int:
    """Print pins, or the faults of a file; return 1 when there are any."""
    pinned = pins((ROOT / "requirements.lock").read_text("utf-8"))
    if what == "pins":
        print("\n".join(f"{name}=={version}" for name, version in pinned.items()))
        return 0
    path = Path(file[0])
    text = path.read_text("utf-8") if path.exists() else None
    faults = list(
        audit_faults(text, pinned) if what == "audit" else sbom_faults(text or "{}", pinned)
    )
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if not faults:
        done = "audited, no known flaw" if what == "audit" else f"listed in {path}"
        print(f"ok: {len(pinned)} packages {done}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
