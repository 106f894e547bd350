"""A CPO that takes connections and never answers slows nobody else down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.app import PARALLEL_LANES
from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient
from bridge.clients.sender import CpoSender
from bridge.clients.wire import CONNECTIONS, cpo_session
from bridge.flows.jobs import CommandResponseJob, Job
from bridge.observability import Metrics
from bridge.orders.order import OrderState, order_key
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.workers.commands import AT_ONCE, CommandWorker
from bridge.workers.inbox import CommandEntry, LaneSet
from bridge.workers.lane_runner import LaneRunner
from tests.contract.ocpi_client.fake import Asked, FakeCpo, always, serving
from tests.contract.ocpi_client.side import OWN, connected
from tests.contract.ocpi_client.test_commands import ACCEPTED, RESPONSE_URL, START, plan
from tests.factories import BAP_ID, EMSP, attempt, order
from tests.fakes import MemoryObjects, MemoryOrders
from tests.waiting import until

COMMANDS = 100
DEAD, FINE = "dead", "fine"


class Replica:
    """The command lanes of one process, between two CPOs and Redis."""

    def __init__(self, redis: Redis, client: OcpiClient) -> None:
        self.db = Database(redis)
        self.lanes = LaneSet(*(Lanes(self.db, kind) for kind in LaneSet._fields))
        self.connections = ConnectionStore(self.db, {})
        self.orders = MemoryOrders(MemoryObjects(), EMSP, "Bridge")
        worker = CommandWorker(
            database=self.db,
            lanes=self.lanes,
            orders=self.orders,
            send=CpoSender(
                client=client,
                connections=self.connections,
                cpos={cpo_id: Cpo(id=cpo_id) for cpo_id in (DEAD, FINE)},
                response_url=lambda _: RESPONSE_URL,
            ),
            metrics=Metrics(),
            wake=lambda: None,
        )
        self.runner = LaneRunner(self.lanes.command, worker.handle, parallel=PARALLEL_LANES)

    async def queue(self, cpo_id: str, transaction: str) -> None:
        """Queue a START of an order of its own."""
        lane = order_key(BAP_ID, transaction)
        command = replace(plan(), id=transaction, cpo_id=cpo_id, order_key=lane)
        attempts = (attempt(command_id=transaction),)
        self.orders.put(order(OrderState.STARTING, key=lane, attempts=attempts))
        entry = msgspec.json.encode(CommandEntry(plan=command))
        await self.db.commit(self.lanes.command.push(lane, entry))
        self.runner.wake()

    async def told(self, transaction: str) -> list[CommandResponseJob]:
        """Return what the order was told of its command."""
        entries = await self.lanes.inbox.entries(order_key(BAP_ID, transaction))
        jobs = [msgspec.json.decode(entry, type=Job) for entry in entries]
        return [job for job in jobs if isinstance(job, CommandResponseJob)]


@asynccontextmanager
async def working(replica: Replica) -> AsyncIterator[None]:
    """Let the replica work off its lanes."""
    run = asyncio.create_task(replica.runner.run())
    try:
        yield
    finally:
        replica.runner.stop()
        await run


@pytest.fixture
async def fine() -> AsyncIterator[FakeCpo]:
    async with serving() as fake:
        fake.on_data("POST", START, ACCEPTED)
        yield fake


@pytest.fixture
async def dead() -> AsyncIterator[FakeCpo]:
    async with serving() as fake:
        yield fake


async def test_commands_to_a_dead_cpo_hold_up_no_other(
    redis: Redis, dead: FakeCpo, fine: FakeCpo
) -> None:
    released = asyncio.Event()

    async def never(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return await always(ACCEPTED)(asked)

    dead.on("POST", START, never)
    async with cpo_session() as http:
        replica = Replica(redis, OcpiClient(http, OWN, observe=lambda exchange: None))
        for cpo_id, fake in ((DEAD, dead), (FINE, fine)):
            await replica.connections.save(replace(connected(fake), cpo_id=cpo_id))
        async with working(replica):
            for number in range(COMMANDS):
                await replica.queue(DEAD, f"dead-{number}")
            await until(lambda: len(dead.asked) >= AT_ONCE)

            await replica.queue(FINE, "fine")
            await until(lambda: bool(fine.asked))

            async def answered() -> bool:
                return bool(await replica.told("fine"))

            await until(answered)
            # The dead one's time-out has ended none of its commands so far.
            for number in range(COMMANDS):
                assert await replica.told(f"dead-{number}") == []
            assert len(dead.asked) == AT_ONCE < PARALLEL_LANES

            released.set()

            async def all_answered() -> bool:
                return await replica.lanes.command.depth() == 0

            await until(all_answered, timeout_s=30)

    [job] = await replica.told("fine")
    assert job.result is not None
    assert len(dead.asked) == COMMANDS, "each left, once"


def test_there_are_more_connections_to_a_cpo_than_it_can_need() -> None:
    # Commands and tokens, a live status for every request of a BAP, and four lists.
    assert CONNECTIONS > AT_ONCE + PARALLEL_LANES + 4
