"""A running bridge between a sandbox CPO and a sandbox BAP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.rig import Rig, rig


@pytest.fixture
async def world(tmp_path: Path, redis_url: str) -> AsyncIterator[Rig]:
    """Give one bridge, registered at the CPO, its catalogue loaded; short waits."""
    terms = {"cdr_wait_s": 3, "session_wait_s": 10, "command_timeout_s": 4}
    async with rig(tmp_path, redis_url, terms=terms) as running:
        yield running
