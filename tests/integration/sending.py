"""The command lanes on a clock of the test's own, and a CPO that notes what reaches it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from redis.asyncio import Redis

from bridge.flows.jobs import CommandResponseJob, Job
from bridge.flows.peer import CallFailed
from bridge.observability import Metrics
from bridge.ocpi.commands import CommandResponse, CommandResponseType
from bridge.ocpi.sessions import ChargingPreferencesResponse
from bridge.orders.order import OrderState
from bridge.orders.plans import CommandPlan, Plan, PreferencesPlan, TokenPlan
from bridge.store.database import Database
from bridge.store.lanes import Claim, Lanes
from bridge.workers.commands import CommandWorker
from bridge.workers.inbox import CommandEntry, LaneSet
from tests.clock import Clock
from tests.factories import EMSP, attempt, command, order
from tests.fakes import MemoryObjects, MemoryOrders

ACCEPTED = CommandResponse(result=CommandResponseType.ACCEPTED, timeout=30)
LEASE_S = 10.0

Answer = Callable[[], Awaitable[CommandResponse]]


async def accepted() -> CommandResponse:
    """Answer as a CPO does that passes the command on."""
    return ACCEPTED


class Cpo:
    """Notes what reaches it, answers as told."""

    def __init__(self) -> None:
        self.got: list[Plan] = []
        self.takes_tokens: bool | CallFailed = True
        self.likes: ChargingPreferencesResponse | CallFailed = ChargingPreferencesResponse.ACCEPTED
        self.answer: Answer = accepted

    async def command(self, plan: CommandPlan) -> CommandResponse:
        """Fits Sender."""
        self.got.append(plan)
        return await self.answer()

    async def token(self, plan: TokenPlan) -> bool:
        """Fits Sender."""
        self.got.append(plan)
        if isinstance(self.takes_tokens, CallFailed):
            raise self.takes_tokens
        return self.takes_tokens

    async def preferences(self, plan: PreferencesPlan) -> ChargingPreferencesResponse:
        """Fits Sender."""
        self.got.append(plan)
        if isinstance(self.likes, CallFailed):
            raise self.likes
        return self.likes


class Side:
    """The command lanes on a clock of the test's own; each worker is one replica."""

    def __init__(self, redis: Redis) -> None:
        self.clock = Clock()
        self.cpo = Cpo()
        self.woken = 0
        self.metrics = Metrics()
        self.orders = MemoryOrders(MemoryObjects(), EMSP, "Bridge")
        self.db = Database(redis)
        self.lanes = self._lanes(self.db)
        self.worker = self.worker_on(self.db)

    def _lanes(self, database: Database) -> LaneSet:
        kinds = LaneSet._fields
        return LaneSet(
            *(Lanes(database, kind, lease_s=LEASE_S, clock=self.clock.ms) for kind in kinds)
        )

    def worker_on(self, database: Database) -> CommandWorker:
        """Make the worker of one replica."""
        return CommandWorker(
            database=database,
            lanes=self._lanes(database),
            orders=self.orders,
            send=self.cpo,
            metrics=self.metrics,
            wake=self._wake,
            now=self.clock.now,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def queue(self, *plans: Plan) -> None:
        """Queue plans as the inbox worker does; their order waits for each command."""
        commands = [plan for plan in plans if isinstance(plan, CommandPlan)]
        attempts = tuple(attempt(command_id=plan.id) for plan in commands)
        self.orders.put(order(OrderState.STARTING, attempts=attempts))
        for plan in plans:
            entry = msgspec.json.encode(CommandEntry(plan=plan))
            await self.db.commit(self.lanes.command.push(plan.order_key, entry))

    async def claim(self) -> Claim:
        """Claim the only command that is due."""
        [claim] = await self.lanes.command.claim(10)
        return claim

    async def outcomes(self) -> list[CommandResponseJob]:
        """Return what the order was told."""
        entries = await self.lanes.inbox.entries(command().order_key)
        jobs = [msgspec.json.decode(entry, type=Job) for entry in entries]
        return [job for job in jobs if isinstance(job, CommandResponseJob)]

    async def outcome(self) -> CommandResponseJob:
        """Return the only thing that the order was told."""
        [job] = await self.outcomes()
        return job
