"""bridge status: CPOs, orders, queues, deadlines and replicas at a glance."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from rich.table import Table
from rich.text import Text

from bridge.cli.context import ConfigOption, JsonOption, out, settings_of, stores_open
from bridge.settings import Settings
from bridge.store.connections import standing_of
from bridge.store.deviations import Kind
from bridge.store.lanes import Lanes
from bridge.store.presence import Replica
from bridge.wiring import Stores
from bridge.workers.sources import SOURCES


class CpoGlance(msgspec.Struct, frozen=True, kw_only=True):
    """One CPO.

    Args:
        pulled_at: the oldest of the last whole pulls of its lists; those never pulled do not count.
        quirks: kinds of deviations that were met: forgiven, and refused for want of a flag.
        problem: what is wrong now; empty when nothing is.
    """

    id: str
    registration: str
    pulled_at: datetime | None
    pushed_at: datetime | None
    quirks: dict[str, int]
    problem: str


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """Lanes of one kind.

    Args:
        lanes: how many have work.
        oldest_s: for how long the entry that waits longest has waited.
    """

    lanes: int
    oldest_s: float


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """What orders wait for.

    Args:
        overdue: how many have passed that no bridge has looked at yet.
    """

    pending: int
    overdue: int


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown; orders are by state, queues by kind."""

    at: datetime
    replicas: list[Replica]
    cpos: list[CpoGlance]
    orders: dict[str, int]
    queues: dict[str, Queue]
    dead_letters: int
    deadlines: Deadlines


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show at a glance how the bridges of a configuration are doing.

    Example: bridge status
    """
    settings = settings_of(config)

    async def look() -> Glance:
        async with stores_open(settings) as stores:
            return await glance(settings, stores, datetime.now(UTC))

    _show(asyncio.run(look()), as_json)


async def glance(settings: Settings, stores: Stores, now: datetime) -> Glance:
    """Look at everything once. Raises StoreUnavailable."""
    return Glance(
        at=now,
        replicas=await stores.presence.replicas(now),
        cpos=[await cpo_glance(stores, cpo.id) for cpo in settings.cpos],
        orders={str(state): count for state, count in (await stores.orders.counts(now)).items()},
        queues={lanes.kind: await _queue(lanes) for lanes in stores.lanes},
        dead_letters=await stores.dead.count(),
        deadlines=Deadlines(
            pending=await stores.inbox.pending(), overdue=await stores.inbox.overdue()
        ),
    )


async def _queue(lanes: Lanes) -> Queue:
    return Queue(lanes=await lanes.depth(), oldest_s=round(await lanes.oldest_s(), 1))


async def cpo_glance(stores: Stores, cpo_id: str) -> CpoGlance:
    """Look at one CPO. Raises StoreUnavailable."""
    connection = await stores.connections.get(cpo_id)
    state = await stores.connections.state(cpo_id)
    pulls = [await stores.pulls.state(cpo_id, source.module) for source in SOURCES]
    pulled = [pull.pulled_at for pull in pulls if pull.pulled_at is not None]
    standing = standing_of(connection, state, spent=await stores.connections.spent(cpo_id))
    met = await stores.deviations.of(cpo_id)
    return CpoGlance(
        id=cpo_id,
        registration=str(standing.progress),
        pulled_at=min(pulled, default=None),
        pushed_at=await stores.presence.pushed_at(cpo_id),
        quirks={kind: sum(each.kind is kind for each in met) for kind in Kind},
        problem="; ".join(filter(None, (standing.reason, *(pull.error for pull in pulls)))),
    )


def _show(seen: Glance, as_json: bool) -> None:
    if as_json:
        out.print_json(msgspec.json.encode(seen).decode())
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in _rows(seen):
        table.add_row(Text(name, style="bold"), value)
    out.print(table)


def _rows(seen: Glance) -> Iterator[tuple[str, Text | str]]:
    """Yield a name and what is to be said of it; what needs a look is red."""
    hosts = ", ".join(
        f"{each.host} ({each.version}, up {_length(seen.at - each.started_at)})"
        for each in seen.replicas
    )
    yield "replicas", f"{len(seen.replicas)}: {hosts}" if hosts else Text("none runs", "red")
    for cpo in seen.cpos:
        quirks = ", ".join(f"{count} {kind}" for kind, count in cpo.quirks.items() if count)
        words = (
            f"{cpo.registration.lower()}, pulled {_ago(seen, cpo.pulled_at)}, "
            f"pushed {_ago(seen, cpo.pushed_at)}, quirks: {quirks or 'none'}"
        )
        yield f"CPO {cpo.id}", Text.assemble(words, (f"\n{cpo.problem}" * bool(cpo.problem), "red"))
    states = ", ".join(f"{count} {state.lower()}" for state, count in seen.orders.items() if count)
    yield "orders", states or "none"
    for kind, queue in seen.queues.items():
        words = f"{queue.lanes}, the oldest waits {_length(timedelta(seconds=queue.oldest_s))}"
        yield f"queue {kind}", words if queue.lanes else "empty"
    yield "dead letters", Text(str(seen.dead_letters), "red" if seen.dead_letters else "")
    behind = f", {seen.deadlines.overdue} overdue" if seen.deadlines.overdue else ""
    yield "deadlines", Text.assemble(str(seen.deadlines.pending), (behind, "red"))


def _ago(seen: Glance, at: datetime | None) -> str:
    return "never" if at is None else f"{_length(seen.at - at)} ago"


def _length(span: timedelta) -> str:
    """Return a stretch of time in its largest unit."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
