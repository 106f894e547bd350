"""The end of a bridge that loses nothing: it says so, its work ends, its port closes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bridge.workers.lane_runner import LaneRunner

DRAIN_S = 20
"""How long work under way may take when the bridge stops."""


class Drain:
    """The lanes of this process, from their start to their end.

    Whatever arrives after ``work_ends`` is stored and acknowledged as long as the port is open:
    another replica works it off, or the next start does.
    """

    def __init__(self, runners: Sequence[LaneRunner]) -> None:
        self._runners = runners
        self.begun = False
        self.tasks: set[asyncio.Task[None]] = set()

    def work_begins(self) -> None:
        """Run the lanes; call it once, in the loop that runs them."""
        self.tasks = {asyncio.create_task(runner.run()) for runner in self._runners}

    def begin(self) -> None:
        """Say that the bridge goes: it is not ready any more, and keeps no connection open."""
        self.begun = True

    async def work_ends(self) -> None:
        """Claim nothing more, and finish what is under way; calling it again changes nothing."""
        self.begin()
        for runner in self._runners:
            runner.stop()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=DRAIN_S)
