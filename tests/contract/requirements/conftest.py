"""A running bridge between a CPO and a BAP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.requirements.scene import Scene, scene


@pytest.fixture
async def play(redis_url: str) -> AsyncIterator[Scene]:
    """Give the three of them; every wait that can be short is."""
    async with scene(redis_url) as playing:
        yield playing
