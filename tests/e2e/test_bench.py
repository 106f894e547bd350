"""The benches run; what they measure on so little means nothing."""

from __future__ import annotations

import asyncio
import os
import sys

from tests.bench.__main__ import BENCHES
from tests.e2e.rig import ROOT

PATIENCE_S = 300


async def test_every_bench_runs() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench", "--small"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    printed = out.decode()
    for bench in BENCHES:
        assert f"\n{bench.name}: " in printed
        assert all(f"  {goal.figure} " in printed for goal in bench.goals)
