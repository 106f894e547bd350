"""A clock that goes when it is told to."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.factories import NOW


class Clock:
    """The time of now, in the two ways the bridge reads it."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the time, aware."""
        return self._now

    def ms(self) -> int:
        """Return the time in milliseconds, as lanes compare it."""
        return int(self._now.timestamp() * 1000)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
