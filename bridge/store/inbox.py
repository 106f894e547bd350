"""Where events of orders come in: queued once, in the order's lane, before anyone is told ACK."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from bridge.flows.jobs import BecknJob, DeadlineJob, Job, PaymentJob
from bridge.orders.intents import Search
from bridge.store.database import Database, Guard, key, packed
from bridge.store.lanes import Lanes, now_ms
from bridge.store.orders import DEADLINES

REPEATS_KEPT_S = 24 * 3600
"""How long a repeated Beckn request is recognised (decisions 4)."""

SEARCHES_KEPT_S = 600
"""The same for a search: there are many, and one that is answered twice does no harm."""


PAYMENTS_KEPT_S = 30 * 24 * 3600
"""The same for the word of a payment gateway, which may tell again for days."""


def _kept_s(job: Job) -> int:
    if isinstance(job, PaymentJob):
        return PAYMENTS_KEPT_S
    search = isinstance(job, BecknJob) and isinstance(job.intent, Search)
    return SEARCHES_KEPT_S if search else REPEATS_KEPT_S


class Fired(NamedTuple):
    """A deadline that has become a job, and how late that was."""

    name: str
    lag_s: float


class Inbox:
    """Fits flows.ports.Inbox."""

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._db = database
        self._lanes = lanes

    async def queue(self, order_key: str, job: Job) -> None:
        """Queue a job of an order."""
        await self._db.commit(self._lanes.push(order_key, packed(job)))

    async def queue_once(self, order_key: str, job: Job, repeat_key: str) -> bool:
        """Queue what may come again unless it was queued before; False: it was."""
        seen = key("seen", repeat_key)
        kept_s = _kept_s(job)
        return await self._db.commit(
            [
                ("SET", seen, "1", "EX", kept_s),
                *self._lanes.push(order_key, packed(job)),
            ],
            [Guard(("GET", seen), None)],
        )

    async def was_queued(self, repeat_key: str) -> bool:
        """Return whether this was queued before."""
        return await self._db.do("GET", key("seen", repeat_key)) is not None

    async def pending(self) -> int:
        """Return how many deadlines orders wait for."""
        return int(await self._db.do("ZCARD", DEADLINES))

    async def overdue(self) -> int:
        """Return how many deadlines have passed and are no jobs yet."""
        return int(await self._db.do("ZCOUNT", DEADLINES, "-inf", now_ms()))

    async def queue_due(self, how_many: int = 100) -> list[Fired]:
        """Turn deadlines that have passed into jobs; each once, whichever replica comes first."""
        rows = await self._db.do(
            "ZRANGE", DEADLINES, "-inf", now_ms(), "BYSCORE", "LIMIT", 0, how_many
        )
        fired: list[Fired] = []
        for member in (bytes(row).decode() for row in rows):
            score = await self._db.do("ZSCORE", DEADLINES, member)
            if score is None:
                continue
            order_key, _, name = member.rpartition("\x1f")
            job = DeadlineJob(name=name, at=datetime.now(UTC))
            if await self._db.commit(
                [("ZREM", DEADLINES, member), *self._lanes.push(order_key, packed(job))],
                [Guard(("ZSCORE", DEADLINES, member), str(int(score)))],
            ):
                fired.append(Fired(name, (now_ms() - float(score)) / 1000))
        return fired
