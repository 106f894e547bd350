"""What a doctor says: a check, its result, what it was seen by, and what to set."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec


class Result(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    FORGIVEN = "forgiven"
    """A deviation that costs nothing."""
    WARNING = "warning"
    """It works, but something is left open or will end soon."""
    FAILED = "failed"
    """Something does not work; ``setting``, if there is one, mends it."""
    NOT_TRIED = "not tried"


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row.

    Args:
        check: what was looked at.
        evidence: what was seen, where; never a token.
        setting: key and value for this CPO's entry in the configuration.
        advice: what to do, where a setting alone does not mend it.
    """

    check: str
    result: Result
    evidence: str = ""
    setting: str = ""
    advice: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All findings about one CPO."""

    cpo: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing failed."""
        return not failures(self.findings)


class NetworkReport(msgspec.Struct, frozen=True, kw_only=True):
    """All findings about the bridge as a participant of its Beckn network."""

    subscriber_id: str
    findings: tuple[Finding, ...]


def failures(findings: Sequence[Finding]) -> int:
    """Return how many checks failed."""
    return sum(each.result is Result.FAILED for each in findings)


def ok(check: str, evidence: str = "") -> Finding:
    """Return a check that found everything in order."""
    return Finding(check=check, result=Result.OK, evidence=evidence)


def failed(check: str, evidence: str, setting: str = "", *, advice: str = "") -> Finding:
    """Return a check that found something that does not work."""
    return Finding(
        check=check, result=Result.FAILED, evidence=evidence, setting=setting, advice=advice
    )


def warned(check: str, evidence: str, *, advice: str) -> Finding:
    """Return a check that found something that works and should not stay as it is."""
    return Finding(check=check, result=Result.WARNING, evidence=evidence, advice=advice)


def forgiven(check: str, evidence: str, setting: str = "") -> Finding:
    """Return a deviation that costs nothing."""
    return Finding(check=check, result=Result.FORGIVEN, evidence=evidence, setting=setting)


def not_tried(check: str, evidence: str, setting: str = "") -> Finding:
    """Return a check that was left out, and why."""
    return Finding(check=check, result=Result.NOT_TRIED, evidence=evidence, setting=setting)
