"""Draws docs/pictures/ from a real run: python -m tests.pictures

Two bridges, a sandbox CPO and a sandbox BAP, walk-ins for two minutes. Not all goes well: the BAP
is away for a while, sends odd and faulty requests, and the CPO keeps some CDRs back. A Prometheus
watches, and the spans are kept.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import walk_in
from tests.e2e.collector import Collector, Span
from tests.e2e.rig import ROOT, Rig, Site, rig
from tests.pictures import dashboard, trace
from tests.pictures.prometheus import prometheus
from tests.redis_source import choose, docker_answers, serving

FOLDER: Final = ROOT / "docs" / "pictures"
LASTS_S: Final = 120
EVERY_S: Final = 1.5
"""Pause between the begins of two walk-ins."""

AWAY_S: Final = (60, 68)
"""When the BAP is away."""

NO_CDRS_S: Final = (85, 100)
"""When the CPO sends CDRs later than they are waited for."""

STEP_S: Final = 2.0
LARGEST: Final = 150_000

DRAWN: Final = "Drawn by our script (make pictures) from a real run on one busy machine: "


async def main(folder: Path, redis_url: str) -> None:
    """Play, look, draw."""
    collector = Collector()
    site = Site(collector.app)
    await site.start()
    traces = {"endpoint": f"{site.url}/v1/traces"}
    try:
        async with rig(
            folder, redis_url, cpo_of=busy_cpo, tracing=traces, terms={"cdr_wait_s": 3}
        ) as world:
            await world.add_bridge(tracing=traces).start()
            urls = [each.url for each in world.bridges]
            async with prometheus(folder, urls, every_s=1) as watching:
                begin = time.time()
                played = await play(world)
                drawn = dashboard.Span(begin, time.time(), STEP_S)
                found = await dashboard.answers(watching, drawn)
    finally:
        await site.stop()
    captions = (
        f"{DRAWN}what a Prometheus that watched answers to the dashboard's own queries.",
        f"Two bridges, {played} walk-ins to their bill; the BAP was away from second {AWAY_S[0]} "
        f"to {AWAY_S[1]} and sent odd and faulty requests; CDRs were late from {NO_CDRS_S[0]} to "
        f"{NO_CDRS_S[1]}.",
    )
    save("dashboard.svg", dashboard.picture(found, drawn, captions))
    told = "the spans of two bridges, as they were exported over OTLP."
    save("trace.svg", trace.picture(chosen(collector), DRAWN + told))


async def play(world: Rig) -> int:
    """Have drivers come, one after the other; return how many got their bill."""
    loop = asyncio.get_running_loop()
    begin, came = loop.time(), 0
    drivers: set[asyncio.Task[object]] = set()
    others: set[asyncio.Task[None]] = set()
    trouble = asyncio.gather(be_away(world), keep_cdrs_back(world))
    while (now := loop.time() - begin) < LASTS_S:
        drivers.add(asyncio.create_task(walk_in(world.bap)))
        came += 1
        others.add(asyncio.create_task(be_odd(world, came)))
        # A walk-in begins by the clock, however long the others take.
        await asyncio.sleep(max(0.0, came * EVERY_S - now))
    await trouble
    # Whoever has to do with a BAP that is away gets nothing, and that is how it is.
    await asyncio.gather(*others, return_exceptions=True)
    done = await asyncio.gather(*drivers, return_exceptions=True)
    return sum(not isinstance(each, BaseException) for each in done)


def busy_cpo(token_a: str) -> SandboxCpo:
    """Return a CPO with room for all drivers."""
    return SandboxCpo(token_a, more_evses=40)


async def be_odd(world: Rig, number: int) -> None:
    """Have the BAP send, now and then, what is forgiven, and what is not."""
    if number % 4 == 0:
        await world.bap.send("search", {"intent": {}}, f"odd-{number}", ttl="30S")
    if number % 10 == 0:
        await world.bap.send("select", {}, f"faulty-{number}")


async def keep_cdrs_back(world: Rig) -> None:
    """Have CDRs come late for a while."""
    begin, end = NO_CDRS_S
    await asyncio.sleep(begin)
    world.cpo.behaviour.cdr_after_s = 5
    await asyncio.sleep(end - begin)
    world.cpo.behaviour.cdr_after_s = 0


async def be_away(world: Rig) -> None:
    """Have the BAP go away for a while."""
    gone, back = AWAY_S
    await asyncio.sleep(gone)
    await world.bap_site.stop()
    await asyncio.sleep(back - gone)
    await world.bap_site.start()


def chosen(collector: Collector) -> list[Span]:
    """Return the trace of a start that led to a bill, the one of middle length."""
    begun = [each for each in collector.spans if each.name == "Beckn update"]
    traces = [collector.trace(each.trace_id) for each in begun]
    whole = [
        each
        for each in traces
        if {"decide cdr", "decide command_result"} <= {span.name for span in each}
        and not any(span.failed for span in each)
    ]
    return sorted(whole, key=len)[len(whole) // 2]


def save(name: str, picture: str) -> None:
    """Write a picture."""
    assert len(picture.encode()) < LARGEST, f"{name} has {len(picture.encode())} bytes"
    (FOLDER / name).write_text(picture, "utf-8")
    print(f"{FOLDER / name}: {len(picture.encode())} bytes")


if __name__ == "__main__":
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = choose(os.environ, docker_answers)
        url = stack.enter_context(serving(source, os.environ, place, 0))
        sys.exit(asyncio.run(main(place, url)))
