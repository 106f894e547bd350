"""Stretches of time against a line of minutes, each of which is in or out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.catalog.spans import Span, common, cut, merged, nearest, without

ORIGIN = datetime(2026, 3, 29, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LAST = 60

minutes = st.integers(0, LAST)
spans = st.lists(
    st.tuples(minutes, st.integers(1, 20)).map(lambda pair: span(pair[0], pair[0] + pair[1])),
    max_size=6,
)
lengths = st.integers(1, 15)


def span(first: int, last: int) -> Span:
    return ORIGIN + first * MINUTE, ORIGIN + last * MINUTE


def inside(some: Iterable[Span]) -> set[int]:
    """Return the minutes that lie in one of the spans."""
    return {
        minute
        for opens, closes in some
        for minute in range((opens - ORIGIN) // MINUTE, (closes - ORIGIN) // MINUTE)
    }


def are_in_order(some: Sequence[Span]) -> bool:
    """Tell whether spans are in order, apart from each other, and none is empty."""
    ends = [instant for each in some for instant in each]
    return ends == sorted(set(ends))


@given(spans)
def test_joining_changes_no_minute(some: list[Span]) -> None:
    joined = merged(some)
    assert inside(joined) == inside(some)
    assert are_in_order(joined)


@given(spans, minutes, minutes)
def test_cutting_leaves_what_lies_between(some: list[Span], first: int, last: int) -> None:
    between = list(cut(some, *span(first, last)))
    assert inside(between) == inside(some) & set(range(first, last))


@given(spans, spans)
def test_what_is_taken_is_not_left(some: list[Span], taken: list[Span]) -> None:
    left = without(merged(some), taken)
    assert inside(left) == inside(some) - inside(taken)
    assert are_in_order(left)


@given(st.lists(spans, max_size=4))
def test_common_is_what_lies_in_all(several: list[list[Span]]) -> None:
    shared = common(several)
    everywhere = [inside(some) for some in several]
    assert inside(shared) == (set.intersection(*everywhere) if everywhere else set())
    assert are_in_order(shared)


@given(spans, spans, minutes, lengths)
def test_the_nearest_stretch_is_free_and_none_is_nearer(
    open_: list[Span], taken: list[Span], wished: int, length: int
) -> None:
    free = without(merged(open_), taken)
    found = nearest(free, ORIGIN + wished * MINUTE, length * MINUTE)

    room = inside(free)
    fits = [
        first
        for first in range(LAST + 20)
        if all(minute in room for minute in range(first, first + length))
    ]
    best = min(fits, key=lambda first: (abs(first - wished), first), default=None)
    assert found == (None if best is None else span(best, best + length))
