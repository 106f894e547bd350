"""What a doctor says: a check, its result, what it was seen by, and what to set."""

from __future__ import annotations

import enum

import msgspec


class Result(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    FORGIVEN = "forgiven"
    """A deviation that costs nothing."""
    FAILED = "failed"
    """Something does not work; ``setting``, if there is one, mends it."""
    NOT_TRIED = "not tried"


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row.

    Args:
        check: what was looked at.
        evidence: what was seen, where; never a token.
        setting: key and value for this CPO's entry in the configuration.
    """

    check: str
    result: Result
    evidence: str = ""
    setting: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All findings about one CPO."""

    cpo: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing failed."""
        return all(each.result is not Result.FAILED for each in self.findings)


def ok(check: str, evidence: str = "") -> Finding:
    """Return a check that found everything in order."""
    return Finding(check=check, result=Result.OK, evidence=evidence)


def failed(check: str, evidence: str, setting: str = "") -> Finding:
    """Return a check that found something that does not work."""
    return Finding(check=check, result=Result.FAILED, evidence=evidence, setting=setting)


def forgiven(check: str, evidence: str, setting: str = "") -> Finding:
    """Return a deviation that costs nothing."""
    return Finding(check=check, result=Result.FORGIVEN, evidence=evidence, setting=setting)


def not_tried(check: str, evidence: str, setting: str = "") -> Finding:
    """Return a check that was left out, and why."""
    return Finding(check=check, result=Result.NOT_TRIED, evidence=evidence, setting=setting)
