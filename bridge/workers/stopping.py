"""Ends workers: also one that was cancelled while a library was not looking."""

from __future__ import annotations

import asyncio


def stop_if_cancelled() -> None:
    """Raise CancelledError when this task was asked to end; call it once in every round.

    Up to Python 3.11, ``asyncio.wait_for`` returns a result that is just there instead of the
    cancellation, and redis-py sends its commands through it: a worker that only awaits would miss
    its end now and then, and hold up the shutdown for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def ended(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they are done: a library may swallow one cancellation, not all."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=1)
