"""Whether our clock is that of others: signatures, ttl and deadlines are compared with theirs."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from bridge.doctor.finding import Finding, failed, not_tried, ok, warned

REFUSED: Final = timedelta(seconds=5)
"""beckn-onix refuses a signature that is made further ahead of its clock than this."""

NOTICED: Final = timedelta(seconds=2)

_ADVICE: Final = "set the clocks by NTP: signatures, ttl and deadlines depend on them"


class Span(NamedTuple):
    """When something was asked and when it answered, by our clock."""

    asked: datetime
    answered: datetime


def clock_finding(whose: str, span: Span, earliest: datetime, latest: datetime) -> Finding:
    """Compare another's time, which lay between two instants, with ours at that moment.

    Only what cannot be the way of the answer, or the coarseness of its clock, counts.
    """
    check = f"clock of {whose}"
    ahead = span.asked - latest
    behind = earliest - span.answered
    off, where = (ahead, "ahead of") if ahead > behind else (behind, "behind")
    if off < NOTICED:
        return ok(check, "the same as ours, as far as can be seen")
    evidence = f"ours is {off.total_seconds():.0f} s {where} it"
    if off > REFUSED:
        return failed(check, evidence, advice=_ADVICE)
    return warned(check, evidence, advice=_ADVICE)


def date_finding(whose: str, span: Span, date: str | None) -> Finding:
    """Compare the Date header of an answer, which knows whole seconds only."""
    try:
        at = parsedate_to_datetime(date) if date is not None else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        return not_tried(f"clock of {whose}", "its answer has no Date")
    return clock_finding(whose, span, at, at + timedelta(seconds=1))
