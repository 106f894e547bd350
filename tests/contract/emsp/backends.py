"""What is behind the ports: memory, or the stores on a real Redis. One suite runs on both."""

from __future__ import annotations

from typing import Protocol

import msgspec
from redis.asyncio import Redis

from bridge.flows.jobs import Job
from bridge.flows.ports import Connections, Correlation, Inbox, ObjectStore, Orders, Tokens
from bridge.flows.register import Registrations
from bridge.ocpi.headers import Party
from bridge.orders.order import Order
from bridge.orders.plans import CommandPlan
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database
from bridge.store.inbox import Inbox as RedisInbox
from bridge.store.lanes import Lanes
from bridge.store.objects import ObjectStore as RedisObjects
from bridge.store.orders import OrderStore
from tests.clock import Clock
from tests.contract.emsp.samples import TOKENS_A
from tests.fakes import MemoryConnections, MemoryObjects, MemoryOrders

RETENTION_S = 3600


class ConnectionPorts(Connections, Registrations, Protocol):
    """Both sides of a handshake."""


class OrderPorts(Orders, Correlation, Protocol):
    """Orders, and what leads to them."""


class Backend(Protocol):
    """The ports, and what a test puts behind them or looks up there."""

    @property
    def objects(self) -> ObjectStore: ...
    @property
    def orders(self) -> OrderPorts: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def connections(self) -> ConnectionPorts: ...
    @property
    def clock(self) -> Clock: ...

    async def put_order(self, order: Order) -> None:
        """Store an order with all that leads to it."""
        ...

    async def put_command(self, plan: CommandPlan) -> None:
        """Write a command down."""
        ...

    async def jobs(self, order_key: str) -> list[Job]:
        """Return what is queued for an order, oldest first."""
        ...


class MemoryBackend:
    """Everything in this process."""

    def __init__(self, emsp: Party, issuer: str) -> None:
        self.objects = self.inbox = MemoryObjects()
        self.orders = self.tokens = MemoryOrders(self.objects, emsp, issuer)
        self.clock = Clock()
        self.connections = MemoryConnections(tokens_a=TOKENS_A, now=self.clock.now)

    async def put_order(self, order: Order) -> None:
        """Store an order."""
        self.orders.put(order)

    async def put_command(self, plan: CommandPlan) -> None:
        """Write a command down."""
        self.orders.plan(plan)

    async def jobs(self, order_key: str) -> list[Job]:
        """Return what is queued for an order."""
        return [job for key, job in self.objects.jobs if key == order_key]


class RedisBackend:
    """The stores of the bridge."""

    def __init__(self, redis: Redis, emsp: Party, issuer: str) -> None:
        self._db = Database(redis)
        self._lanes = Lanes(self._db, "inbox")
        self.objects = RedisObjects(self._db, self._lanes, retention_s=RETENTION_S)
        self.inbox = RedisInbox(self._db, self._lanes)
        self.orders = self.tokens = OrderStore(
            self._db, emsp=emsp, issuer=issuer, retention_s=RETENTION_S
        )
        self.clock = Clock()
        self.connections = ConnectionStore(self._db, TOKENS_A, now=self.clock.now)

    async def put_order(self, order: Order) -> None:
        """Store an order."""
        await self._db.commit(self.orders.saved(order, await self.orders.load(order.key)))

    async def put_command(self, plan: CommandPlan) -> None:
        """Write a command down."""
        await self._db.commit([self.orders.planned(plan)])

    async def jobs(self, order_key: str) -> list[Job]:
        """Return what is queued for an order."""
        entries = await self._lanes.entries(order_key)
        return [msgspec.json.decode(entry, type=Job) for entry in entries]
