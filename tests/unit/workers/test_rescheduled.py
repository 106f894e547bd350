"""When a callback that failed is tried again (decisions 8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from bridge.store.outbox import CallbackEntry
from bridge.workers.outbox import rescheduled
from tests.factories import NOW

SOLICITED = (0.2, 0.5, 1.0)
UNSOLICITED = (1.0, 5.0, 25.0, 120.0, 600.0, 1800.0)


def entry(**changes: Any) -> CallbackEntry:
    """Make an unsolicited callback that was not tried yet."""
    fields: dict[str, Any] = {
        "order_key": "bap.example|t1",
        "url": "https://bap.example/on_update",
        "action": "on_update",
        "transaction_id": "t1",
        "message_id": "m1",
        "body": Raw(b"{}"),
        "solicited": False,
        "created_at": NOW,
    }
    return CallbackEntry(**(fields | changes))


def pauses(first: CallbackEntry) -> list[float]:
    """Return the pauses between tries when each fails as soon as it is made."""
    seen, now, left = [], NOW, rescheduled(first, NOW)
    while left is not None:
        assert left.next_at is not None
        seen.append((left.next_at - now).total_seconds())
        now = left.next_at
        left = rescheduled(left, now)
    return seen


def test_the_schedules() -> None:
    assert pauses(entry()) == list(UNSOLICITED)
    assert pauses(entry(solicited=True)) == list(SOLICITED)


@pytest.mark.parametrize(
    ("limit_s", "tries"), [(0.19, 0), (0.2, 1), (0.69, 1), (0.7, 2), (1.69, 2), (1.7, 3), (30, 3)]
)
def test_an_answer_is_retried_within_its_deadline_only(limit_s: float, tries: int) -> None:
    until = NOW + timedelta(seconds=limit_s)

    assert pauses(entry(solicited=True, until=until)) == list(SOLICITED[:tries])


def test_a_slow_failure_counts_from_its_end() -> None:
    later = NOW + timedelta(seconds=8)
    left = rescheduled(entry(), later)

    assert left is not None
    assert left.next_at == later + timedelta(seconds=1)


@given(tries=st.integers(0, 5), early_s=st.floats(0.001, 10_000))
def test_a_try_before_its_time_changes_nothing(tries: int, early_s: float) -> None:
    waiting = entry(tries=tries, next_at=NOW + timedelta(seconds=early_s))

    assert rescheduled(waiting, NOW) == waiting


def test_only_the_schedule_changes() -> None:
    left = rescheduled(entry(tries=2), NOW)

    assert left == entry(tries=3, next_at=NOW + timedelta(seconds=25))
