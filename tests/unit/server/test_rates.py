"""A token bucket for each sender."""

from __future__ import annotations

import pytest

from bridge.errors import TooOften
from bridge.server.rates import KEPT, Limiter, Rate


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def passes(limiter: Limiter, sender: str = "bap.example") -> bool:
    """Whether one more request is taken."""
    try:
        limiter.take(sender)
    except TooOften:
        return False
    return True


def test_a_burst_passes_and_then_one_at_a_time() -> None:
    clock = Clock()
    limiter = Limiter(Rate(2, 3), clock)
    assert [passes(limiter) for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [passes(limiter), passes(limiter)] == [True, False]
    clock.now += 1000
    assert [passes(limiter) for _ in range(4)] == [True, True, True, False]


def test_it_says_when_one_more_is_taken() -> None:
    clock = Clock()
    limiter = Limiter(Rate(0.1, 1), clock)
    limiter.take("a")
    with pytest.raises(TooOften) as caught:
        limiter.take("a")
    assert caught.value.retry_after_s == 10
    clock.now += 10
    assert passes(limiter, "a")


def test_asking_in_vain_costs_nothing() -> None:
    clock = Clock()
    limiter = Limiter(Rate(1, 1), clock)
    assert passes(limiter)
    for _ in range(9):
        clock.now += 0.1
        assert not passes(limiter)
    clock.now += 0.1001
    assert passes(limiter)


def test_senders_do_not_count_for_each_other() -> None:
    limiter = Limiter(Rate(1, 1), Clock())
    assert passes(limiter, "a")
    assert passes(limiter, "b")
    assert not passes(limiter, "a")


def test_without_a_rate_everybody_passes() -> None:
    limiter = Limiter(None, Clock())
    assert all(passes(limiter) for _ in range(1000))


def test_memory_is_bounded() -> None:
    limiter = Limiter(Rate(1, 1), Clock())
    assert passes(limiter, "first")
    for number in range(KEPT - 1):
        limiter.take(str(number))
    assert not passes(limiter, "first")
    for number in range(KEPT):
        limiter.take(f"again-{number}")
    assert passes(limiter, "first")
