"""How many requests one sender may make: a token bucket for each, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from bridge.errors import TooOften

KEPT: Final = 10_000
"""Senders that are remembered; who was silent longest is forgotten first, and starts anew."""


class Rate(NamedTuple):
    """So many requests a second on average, and so many at once."""

    per_s: float
    burst: int


class _Bucket(NamedTuple):
    left: float
    at: float


class Limiter:
    """Counts the requests of each sender.

    Args:
        rate: None = nobody is held back.
        clock: seconds that only grow.
    """

    def __init__(self, rate: Rate | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, sender: str) -> None:
        """Count a request. Raises TooOften with the time after which one more is taken."""
        if self._rate is None:
            return
        now = self._clock()
        full = float(self._rate.burst)
        before = self._buckets.pop(sender, _Bucket(full, now))
        left = min(full, before.left + (now - before.at) * self._rate.per_s)
        self._buckets[sender] = _Bucket(left - 1 if left >= 1 else left, now)
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        if left < 1:
            raise TooOften((1 - left) / self._rate.per_s)
