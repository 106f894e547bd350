"""Work that can wait, done in the time that requests and pulls leave over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

SHARE: Final = 0.1
"""Part of a busy process that spare-time work takes all the same: it must not starve."""

IDLE_S: Final = 0.0002
"""A round of the event loop that is shorter had nothing else to do."""

RUSH_S: Final = 5.0
"""How long spare-time work waits for the end of a rush before it takes its share all the same."""


class Rush:
    """Work that is done sooner when nothing else goes on beside it.

    ``under_way``: how many are at it.
    """

    def __init__(self, longest_s: float = RUSH_S) -> None:
        self.under_way = 0
        self._longest_s = longest_s
        self._over = asyncio.Event()
        self._over.set()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Have spare-time work wait; several may be in a rush at the same time."""
        self.under_way += 1
        self._over.clear()
        try:
            yield
        finally:
            self.under_way -= 1
            if not self.under_way:
                self._over.set()

    async def over(self) -> None:
        """Wait until nobody is in a rush, for a limited time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._longest_s):
                await self._over.wait()


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
