"""How spare-time work shares a process with what is more urgent; time is what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from bridge.workers.spare import SHARE, Rush, SpareTime


class Process:
    """An event loop whose time passes only while somebody works."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.others_s = 0.0
        self.spare = SpareTime(lambda: self.now_s)

    @asynccontextmanager
    async def busy(self, round_s: float) -> AsyncIterator[None]:
        """Have others work in every round of the loop."""

        async def others() -> None:
            while True:
                self.now_s += round_s
                self.others_s += round_s
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def work(self, pieces: int, piece_s: float) -> None:
        """Work in the spare time."""
        for _ in range(pieces):
            self.now_s += piece_s
            await self.spare.give_way()


async def test_all_the_time_is_spare_when_nobody_else_works() -> None:
    process = Process()
    await process.work(pieces=100, piece_s=0.01)
    assert process.now_s == pytest.approx(1.0)


@pytest.mark.parametrize("round_s", [0.001, 0.005])
async def test_a_busy_process_leaves_a_share(round_s: float) -> None:
    process = Process()
    async with process.busy(round_s):
        await process.work(pieces=50, piece_s=0.01)
    assert 0.5 / process.now_s == pytest.approx(SHARE, rel=0.1)


async def test_a_long_round_of_others_is_waited_for_once() -> None:
    process = Process()
    async with process.busy(10.0):
        await process.work(pieces=3, piece_s=0.001)
    assert process.others_s <= 40


async def test_rounds_of_next_to_nothing_are_idle() -> None:
    process = Process()
    async with process.busy(0.0001):
        await process.work(pieces=50, piece_s=0.01)
    assert process.others_s < 0.05


async def test_a_rush_is_over_when_the_last_of_them_is_through() -> None:
    rush = Rush(longest_s=60)
    await rush.over()

    with rush.on():
        with rush.on():
            assert rush.under_way == 2
        waiting = asyncio.create_task(rush.over())
        await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done()

    await asyncio.wait_for(waiting, 10)
    await rush.over()


async def test_a_rush_without_end_is_not_waited_for() -> None:
    rush = Rush(longest_s=0.01)
    with rush.on():
        await asyncio.wait_for(rush.over(), 10)


async def test_a_rush_that_fails_is_over() -> None:
    rush = Rush(longest_s=60)
    with suppress(ValueError), rush.on():
        raise ValueError
    await asyncio.wait_for(rush.over(), 10)
