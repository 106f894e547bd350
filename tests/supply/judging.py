"""What is pinned for runtime, whether an audit looked at all of it, and whether an SBOM lists it.

An audit that could not look is a failure: pip-audit itself ends well when it skipped everything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

NOT_AUDITED: Final = "nothing was audited"

_PIN: Final = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)

Pins = Mapping[str, str]
"""Versions by normalized name."""


def pins(lock: str) -> dict[str, str]:
    """Return all that a lock file pins, for whatever platform.

    Raises:
        ValueError: that is nothing.
    """
    found = {_normal(name): version for name, version in _PIN.findall(lock)}
    if not found:
        raise ValueError("the lock file pins nothing")
    return found


def audit_faults(report: str | None, pinned: Pins) -> Iterator[str]:
    """Yield what is wrong by pip-audit's JSON; None = it wrote none, as without its database.

    A package that it skipped, or does not mention, counts as not audited.
    """
    if report is None or not report.strip():
        yield f"{NOT_AUDITED}: pip-audit wrote no report; was its database reachable?"
        return
    try:
        told: list[dict[str, Any]] = json.loads(report)["dependencies"]
        looked_at = {(_normal(each["name"]), each["version"]) for each in told if "vulns" in each}
    except (ValueError, KeyError, TypeError) as error:
        yield f"{NOT_AUDITED}: the report is not pip-audit's: {error!r}"
        return
    missed = sorted(pinned.items() - looked_at)
    if len(missed) == len(pinned):
        yield f"{NOT_AUDITED}: none of {len(pinned)} packages was looked up"
    else:
        yield from (f"{name} {version} was not audited" for name, version in missed)
    for each in told:
        for flaw in each.get("vulns", ()):
            mended = ", ".join(flaw.get("fix_versions", ())) or "no version"
            yield f"{each['name']} {each['version']}: {flaw['id']}, mended in {mended}"


def sbom_faults(sbom: str, pinned: Pins) -> Iterator[str]:
    """Yield where a CycloneDX document and what is pinned differ."""
    told = json.loads(sbom)
    if told.get("bomFormat") != "CycloneDX":
        yield "it is no CycloneDX document"
        return
    listed = {(_normal(each["name"]), each["version"]) for each in told.get("components", ())}
    for name, version in sorted(pinned.items() - listed):
        yield f"{name} {version} is pinned and not listed"
    for name, version in sorted(listed - pinned.items()):
        yield f"{name} {version} is listed and not pinned"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
