"""What a CPO asks the bridge for while drivers charge, and the bare handler that is the limit.

A registered ``bridge serve`` has orders in its store, each with a token and a START that waits for
its session. Both sides work on one store, and are asked by a few callers at a time, each of which
waits for its answer before it asks again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import aiohttp

from bridge.ocpi.headers import Party, authorization
from bridge.ocpi.types import ModuleID
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order, OrderState
from bridge.store.database import Database
from bridge.store.orders import OrderStore
from bridge.store.pulls import Pulls
from tests import factories
from tests.bench.bench import Figure, Scale
from tests.bench.locations import COUNTRY_CODE, PARTY_ID
from tests.bench.processes import CPO_ID, START_S, bridge_process, cpo_process, running, store
from tests.valkey import free_port
from tests.waiting import until

CALLERS = 8
"""Requests under way at a time."""

ORDERS = 160
"""Orders in the store."""

LOCATIONS = 50
"""Locations of the CPO: its list is not what is measured here."""

PARTY = Party(COUNTRY_CODE, PARTY_ID)


class Ask(NamedTuple):
    """A request, and what the bare handler has under the same name."""

    path: str
    body: bytes
    bare_key: str


class Took(NamedTuple):
    """How long a turn took.

    Args:
        each_s: every request, in seconds, smallest first.
    """

    whole_s: float
    each_s: Sequence[float]

    @property
    def per_s(self) -> float:
        """Requests answered per second."""
        return len(self.each_s) / self.whole_s

    @property
    def p99_s(self) -> float:
        """What 99 of 100 requests stay below."""
        return self.each_s[len(self.each_s) * 99 // 100]


class Scene(NamedTuple):
    """The bridge and the bare handler, both running; ``token`` is what the CPO shows."""

    http: aiohttp.ClientSession
    bridge_url: str
    bare_url: str
    token: str
    orders: Sequence[Order]
    database: Database

    async def bridge(self, method: str, asks: Sequence[Ask]) -> Took:
        """Ask the bridge."""
        headers = {"Authorization": authorization(self.token), "Content-Type": "application/json"}
        root = f"{self.bridge_url}/ocpi/2.2.1"
        return await self._took(
            method, [(f"{root}/{each.path}", each.body) for each in asks], headers
        )

    async def beckn(self, asks: Sequence[Ask], *, callers: int = CALLERS) -> Took:
        """Send the bridge what a BAP sends."""
        headers = {"Content-Type": "application/json"}
        pairs = [(f"{self.bridge_url}/{each.path}", each.body) for each in asks]
        return await self._took("POST", pairs, headers, said_well=b'"ACK"', callers=callers)

    async def bare(self, method: str, asks: Sequence[Ask]) -> Took:
        """Ask the bare handler."""
        return await self._took(
            method, [(f"{self.bare_url}/{each.bare_key}", each.body) for each in asks], {}
        )

    async def _took(
        self,
        method: str,
        asks: Sequence[tuple[str, bytes]],
        headers: Mapping[str, str],
        *,
        said_well: bytes = b'"status_code":1000',
        callers: int = CALLERS,
    ) -> Took:
        """Send everything; with 8 callers every eighth request is the same caller's."""
        each_s: list[float] = []

        async def caller(own: Sequence[tuple[str, bytes]]) -> None:
            for url, body in own:
                started = time.perf_counter()
                async with self.http.request(method, url, data=body, headers=headers) as answer:
                    said = await answer.read()
                each_s.append(time.perf_counter() - started)
                if said_well not in said:
                    raise RuntimeError(f"{method} {url}: HTTP {answer.status} {said[:300]!r}")

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(callers):
                group.create_task(caller(asks[number::callers]))
        return Took(time.perf_counter() - started, sorted(each_s))


def per_second(turns: Sequence[tuple[Took, Took]]) -> Figure:
    """Return how many requests were answered per second, from pairs of limit and bridge."""
    bare = median(bare.per_s for bare, _ in turns)
    bridge = median(bridge.per_s for _, bridge in turns)
    return Figure(
        "answers per second, the limit's being 1",
        median(bridge.per_s / bare.per_s for bare, bridge in turns),
        "",
        f"bridge {bridge:.0f} per s, limit {bare:.0f} per s",
    )


@asynccontextmanager
async def scene(folder: Path, scale: Scale) -> AsyncIterator[Scene]:
    """Run everything; give it when the bridge has registered and pulled what there is."""
    async with (
        aiohttp.ClientSession() as http,
        cpo_process(scale._replace(locations=LOCATIONS)) as cpo,
        store(folder / "data") as (redis_url, database),
        bridge_process(folder, cpo.url, redis_url) as bridge,
        running("bare", free_port(), redis_url) as bare_url,
    ):
        await bridge.start()
        pulls = Pulls(database)

        async def pulled() -> bool:
            return (await pulls.state(CPO_ID, ModuleID.LOCATIONS)).pulled_at is not None

        await until(pulled, START_S)
        orders = await _placed(database, bap_uri=f"{cpo.url}/bap")
        token = (await cpo.asked()).token
        yield Scene(http, bridge.url, bare_url, token, orders, database)


async def _placed(database: Database, bap_uri: str) -> list[Order]:
    """Store the orders."""
    orders = OrderStore(database, emsp=factories.EMSP, issuer="Bench", retention_s=86_400)
    placed = [_order(number, bap_uri) for number in range(ORDERS)]
    for order in placed:
        await database.commit(orders.saved(order, None))
    return placed


def _order(number: int, bap_uri: str) -> Order:
    """Make an order that has been told to start, at a Location of its own."""
    reference = f"REF-{number}"
    return factories.order(
        OrderState.STARTING,
        request=factories.request(transaction_id=f"t{number}", bap_uri=bap_uri),
        id=f"order-{number}",
        item=_item(number),
        token_uid=f"TOKEN-{number}",
        reference=None,
        attempts=(factories.attempt(authorization_reference=reference, command_id=reference),),
    )


def _item(number: int) -> ChargingItem:
    at = factories.location(
        country_code=PARTY.country_code, party_id=PARTY.party_id, id=f"LOC-{number:06}"
    )
    return factories.item(at)
