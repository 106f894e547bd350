"""A CPO with many Locations is pulled in full, by a bridge that has just registered there.

The bridge is a real ``bridge serve`` on the embedded store. Its pull takes from the first page it
asks for to the note in the store that the list is complete; the limit program has the same pages
from the same server. Whatever else the bridge does meanwhile takes its time too: the catalogue
follows while the pull runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bridge.ocpi.types import ModuleID
from bridge.store.pulls import Pulls
from tests.bench.bench import Bench, Figure, Goal, Scale
from tests.bench.cpo import TOKEN
from tests.bench.plain_pull import Pulled
from tests.bench.processes import (
    CPO_ID,
    CpoProcess,
    Memory,
    at_rest,
    bridge_process,
    cpo_process,
    memory_of,
    output,
    store,
)
from tests.e2e.rig import BridgeProcess, cli
from tests.waiting import until

CONNECTORS = 3
"""Connectors of each Location."""

PULLED_S = 120.0
"""After so long a pull is given up."""

RATE = Goal("rate of the pull, the limit's being 1", "at least", 0.5, "")
MEMORY = Goal("memory of the bridge, at its highest", "less than", 300, "MiB")


class Turn(NamedTuple):
    """What one pair of runs took, in seconds."""

    limit_s: float
    first_s: float
    searchable_s: float
    again_s: float
    delta_s: float
    memory: Memory


async def run(folder: Path, scale: Scale) -> Sequence[Figure]:
    """Let limit and bridge take turns, each bridge on an empty store."""
    turns = []
    async with cpo_process(scale) as cpo:
        for number in range(scale.pairs):
            place = folder / str(number)
            place.mkdir()
            turns.append(await _turn(place, cpo, scale))
    return _figures(turns, scale)


def _figures(turns: Sequence[Turn], scale: Scale) -> list[Figure]:
    first_s = median(turn.first_s for turn in turns)
    limit_s = median(turn.limit_s for turn in turns)
    again_s = median(turn.again_s for turn in turns)
    return [
        Figure(
            RATE.figure,
            median(turn.limit_s / turn.first_s for turn in turns),
            "",
            f"bridge {first_s:.2f} s, limit {limit_s:.2f} s; of each pair: "
            + ", ".join(f"{turn.limit_s / turn.first_s:.2f}" for turn in turns),
        ),
        Figure(
            MEMORY.figure,
            max(turn.memory.peak for turn in turns),
            "MiB",
            f"afterwards {max(turn.memory.resident for turn in turns):.0f} MiB",
        ),
        Figure("Locations pulled", scale.locations / first_s, "per s"),
        Figure("until a search finds all of them", median(t.searchable_s for t in turns), "s"),
        Figure("full pull when nothing has changed", again_s, "s", f"{limit_s / again_s:.2f}"),
        Figure("delta when one in 100 has changed", median(t.delta_s for t in turns), "s"),
    ]


async def _turn(folder: Path, cpo: CpoProcess, scale: Scale) -> Turn:
    """Measure one pair: what the limit program needs, then what the bridge needs."""
    url = f"{cpo.url}/2.2.1/locations?offset=0&limit={scale.page}"
    limit = await output("plain_pull", url, TOKEN, type_=Pulled)
    assert limit.locations == scale.locations
    async with (
        store(folder / "data") as (redis_url, database),
        bridge_process(folder, cpo.url, redis_url) as bridge,
    ):
        pulls = Pulls(database)
        first_s = await _pull_s(pulls, cpo, bridge.start)
        searchable_s = await _searchable_s(bridge, cpo, scale.locations * CONNECTORS)
        assert bridge.process is not None
        await at_rest(bridge.process.pid)
        memory = memory_of(bridge.process.pid)
        again_s = await _pull_s(pulls, cpo, partial(_sync, bridge, "--full"))
        await cpo.change()
        delta_s = await _pull_s(pulls, cpo, partial(_sync, bridge))
    return Turn(limit.seconds, first_s, searchable_s, again_s, delta_s, memory)


async def _pull_s(
    pulls: Pulls, cpo: CpoProcess, begin: Callable[[], Coroutine[Any, Any, None]]
) -> float:
    """Have a pull begun; return the seconds from its first page to its end."""
    before = (await pulls.state(CPO_ID, ModuleID.LOCATIONS)).pulled_at

    async def ended() -> bool:
        return (await pulls.state(CPO_ID, ModuleID.LOCATIONS)).pulled_at != before

    async with asyncio.TaskGroup() as group:
        group.create_task(begin())
        await until(ended, PULLED_S)
        end = time.monotonic()
    return end - (await cpo.asked()).first


async def _sync(bridge: BridgeProcess, *options: str) -> None:
    """Have the lists pulled by hand, while the bridge runs."""
    code, _, said = await cli(bridge.config, "cpo", "sync", CPO_ID, *options)
    assert code == 0, said


async def _searchable_s(bridge: BridgeProcess, cpo: CpoProcess, connectors: int) -> float:
    """Wait until searches find so many connectors; return the seconds since the first page."""

    async def found() -> bool:
        return (await bridge.metrics())["bridge_catalogue_items"] == connectors

    await until(found, PULLED_S, pause_s=0.25)
    return time.monotonic() - (await cpo.asked()).first


BENCH = Bench(
    name="pull",
    measures="10,000 Locations of 3 kB in pages of 50, from the first page to the last one stored",
    limit="fetches the same pages one after the other and decodes them into the same types",
    goals=(RATE, MEMORY),
    run=run,
)
