"""A cancellation that a library swallowed ends the worker all the same."""

from __future__ import annotations

import asyncio

from bridge.workers.stopping import stop_if_cancelled


async def test_a_task_that_nobody_cancelled_goes_on() -> None:
    stop_if_cancelled()


async def test_a_swallowed_cancellation_is_made_up_for() -> None:
    rounds: list[str] = []

    async def worker() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            rounds.append("swallowed")
        stop_if_cancelled()
        rounds.append("went on")

    task = asyncio.create_task(worker())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert rounds == ["swallowed"]


async def test_a_time_out_of_its_own_is_no_cancellation() -> None:
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(60)
    except TimeoutError:
        stop_if_cancelled()
