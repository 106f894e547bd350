"""Work that can wait, done in the time that requests and pulls leave over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

SHARE: Final = 0.1
"""Part of a busy process that spare-time work takes all the same: it must not starve."""

IDLE_S: Final = 0.0002
"""A round of the event loop that is shorter had nothing else to do."""


class SpareTime:
    """Has a worker give way: of an idle loop it gets everything, of a busy one its share.

    The worker calls ``give_way`` between small pieces of work; what it did since the last call
    counts as its work.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._resumed = clock()

    async def give_way(self) -> None:
        """Let others go first, at least for one round of the event loop."""
        worked_s = self._clock() - self._resumed
        until = self._clock() + worked_s * (1 / SHARE - 1)
        idle = False
        while not idle:
            begun = self._clock()
            await asyncio.sleep(0)
            now = self._clock()
            idle = now - begun < IDLE_S or now >= until
        self._resumed = now
