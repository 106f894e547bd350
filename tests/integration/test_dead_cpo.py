"""A CPO that takes connections and never answers slows nobody else down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient
from bridge.clients.sender import CpoSender
from bridge.clients.wire import CONNECTIONS, cpo_session
from bridge.flows.jobs import CommandResponseJob, Job
from bridge.observability import Metrics
from bridge.ocpi.headers import Party
from bridge.orders.order import OrderState, order_key
from bridge.runners import PARALLEL_LANES
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.workers.commands import AT_ONCE, AT_ONCE_ALL, CommandWorker
from bridge.workers.inbox import CommandEntry, LaneSet
from bridge.workers.lane_runner import LaneRunner
from tests.contract.ocpi_client.fake import Asked, FakeCpo, always, serving
from tests.contract.ocpi_client.side import CPO_PARTY, OWN, connected
from tests.contract.ocpi_client.test_commands import ACCEPTED, RESPONSE_URL, START, plan
from tests.factories import BAP_ID, EMSP, attempt, order
from tests.fakes import MemoryObjects, MemoryOrders
from tests.guards import LOCAL
from tests.waiting import until

COMMANDS = 100
DEAD, FINE = "dead", "fine"
OTHER, WELL = Party("IN", "OTH"), Party("IN", "WEL")


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

    async def queue(self, cpo_id: str, transaction: str, party: Party = CPO_PARTY) -> None:
        """Queue a START of an order of its own."""
        lane = order_key(BAP_ID, transaction)
        command = replace(plan(), id=transaction, cpo_id=cpo_id, party=party, order_key=lane)
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

    async def was_told(self, transaction: str) -> bool:
        """Whether the order was told of its command."""
        return bool(await self.told(transaction))

    async def is_done(self) -> bool:
        """Whether no command waits."""
        return await self.lanes.command.depth() == 0


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


class Silent:
    """Takes commands and answers none until it is released."""

    def __init__(self, fake: FakeCpo) -> None:
        self.asked: list[str] = []
        self.released = asyncio.Event()
        fake.on("POST", START, self.answer)

    async def answer(self, asked: Asked) -> web.StreamResponse:
        """Answer late, but for those to a party that is well."""
        party = asked.headers["OCPI-to-party-id"]
        self.asked.append(party)
        if party != WELL.party_id:
            await self.released.wait()
        return await always(ACCEPTED)(asked)


async def test_commands_to_a_dead_cpo_hold_up_no_other(
    redis: Redis, dead: FakeCpo, fine: FakeCpo
) -> None:
    silent = Silent(dead)
    async with cpo_session(LOCAL) as http:
        replica = Replica(redis, OcpiClient(http, OWN, observe=lambda exchange: None))
        for cpo_id, fake in ((DEAD, dead), (FINE, fine)):
            await replica.connections.save(replace(connected(fake), cpo_id=cpo_id))
        async with working(replica):
            for number in range(COMMANDS):
                await replica.queue(DEAD, f"dead-{number}")
            await until(lambda: len(silent.asked) >= AT_ONCE)

            await replica.queue(FINE, "fine")
            await until(partial(replica.was_told, "fine"))

            # The dead one's time-out has ended none of its commands so far.
            for number in range(COMMANDS):
                assert await replica.told(f"dead-{number}") == []
            assert len(silent.asked) == AT_ONCE < PARALLEL_LANES

            silent.released.set()
            await until(replica.is_done, timeout_s=30)

    assert len(fine.asked) == 1
    assert len(silent.asked) == COMMANDS, "each left, once"


async def test_a_dead_party_holds_up_no_other_of_its_hub(redis: Redis, dead: FakeCpo) -> None:
    silent = Silent(dead)
    async with cpo_session(LOCAL) as http:
        replica = Replica(redis, OcpiClient(http, OWN, observe=lambda exchange: None))
        parties = (CPO_PARTY, OTHER, WELL)
        await replica.connections.save(replace(connected(dead, *parties), cpo_id=DEAD))
        async with working(replica):
            for number in range(COMMANDS):
                await replica.queue(DEAD, f"dead-{number}")
            await until(lambda: len(silent.asked) >= AT_ONCE)
            await replica.queue(DEAD, "well", WELL)
            await until(partial(replica.was_told, "well"))
            assert len(silent.asked) == AT_ONCE + 1

            for number in range(COMMANDS):
                await replica.queue(DEAD, f"other-{number}", OTHER)
            await until(lambda: silent.asked.count(OTHER.party_id) >= AT_ONCE_ALL - AT_ONCE)
            silent.released.set()
            await until(replica.is_done, timeout_s=60)

    assert len(silent.asked) == 2 * COMMANDS + 1


def test_there_are_more_connections_to_a_cpo_than_it_can_need() -> None:
    # Commands and tokens, a live status for every request of a BAP; the lists are the rest.
    assert CONNECTIONS >= AT_ONCE_ALL + PARALLEL_LANES + 4
