"""Stretches of time: joined, cut, taken out of each other; and the free one that is nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]
"""Start and end, aware, start before end; the end does not belong to it."""


def cut(spans: Iterable[Span], start: datetime, end: datetime) -> Iterator[Span]:
    """Yield what of each span lies between two instants; a span that ends first is nothing."""
    for opens, closes in spans:
        opens, closes = max(opens, start), min(closes, end)
        if opens < closes:
            yield opens, closes


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order; those that overlap or touch are joined."""
    joined: list[Span] = []
    for opens, closes in sorted(spans):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    return joined


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what others leave of spans; a taken one that ends first takes nothing."""
    left = list(spans)
    for each in taken:
        left = [rest for span in left for rest in _without(span, each)]
    return left


def common(several: Sequence[Iterable[Span]]) -> list[Span]:
    """Return the time that lies in a span of each of the lists; of no list, none."""
    if not several:
        return []
    first, *others = several
    shared = merged(first)
    for other in others:
        shared = [both for span in merged(other) for both in cut(shared, *span)]
    return shared


def nearest(free: Iterable[Span], start: datetime, length: timedelta) -> Span | None:
    """Return the stretch of this length within one of the spans that starts nearest to ``start``.

    Of two that are as near, the earlier one. None when none is long enough.
    """
    starts = [
        min(max(start, opens), closes - length)
        for opens, closes in free
        if closes - opens >= length
    ]
    found = min(starts, key=lambda begin: (abs(begin - start), begin), default=None)
    return None if found is None else (found, found + length)


def _without(span: Span, taken: Span) -> Iterator[Span]:
    if taken[0] >= taken[1] or taken[1] <= span[0] or span[1] <= taken[0]:
        yield span
        return
    if span[0] < taken[0]:
        yield span[0], taken[0]
    if taken[1] < span[1]:
        yield taken[1], span[1]
