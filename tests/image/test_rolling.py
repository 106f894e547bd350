"""A rolling restart loses nothing: a short one; `make rolling` plays the long one."""

from __future__ import annotations

from pathlib import Path

from bridge.sandbox.calls import IDLE_S
from tests.image.rolling import fleet, roll


async def test_both_bridges_restart_under_load_and_nothing_is_lost(tmp_path: Path) -> None:
    async with fleet(tmp_path, crowd=8, session_s=2, grace_s=IDLE_S + 1) as whole:
        outcome = await roll(whole, seconds=10, per_second=5)

    assert outcome.faults == []
    assert len(outcome.restarts) >= len(whole.bridges)
    assert set(outcome.ends) == {0}
    assert len(outcome.bills) >= 10
