"""Waiting on a condition, never for a time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

_PAUSE_S = 0.01


async def until(
    condition: Callable[[], bool | Awaitable[bool]],
    timeout_s: float = 10,
    pause_s: float = _PAUSE_S,
) -> None:
    """Return once ``condition`` is true; raise TimeoutError when it does not come true in time."""
    async with asyncio.timeout(timeout_s):
        while True:
            state = condition()
            if await state if inspect.isawaitable(state) else state:
                return
            await asyncio.sleep(pause_s)
