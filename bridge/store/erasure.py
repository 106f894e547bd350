"""Forgets a person in Redis: in the order, in what waits in its lanes, in what was kept of it.

An order has one writer, the holder of its lane. Whoever erases holds none: all is written in one
transaction, if nobody held a lane meanwhile and nothing in it has changed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from bridge.beckn.personal import impersonal
from bridge.errors import StoreUnavailable
from bridge.flows.jobs import BecknJob, Job
from bridge.orders.customer import Customer, customer_of
from bridge.orders.erasure import (
    Contacts,
    contacts_in,
    contacts_of,
    forgotten,
    intent_forgotten,
    is_unfinished,
    known_of,
    words_of,
)
from bridge.orders.errands import CollectErrand, Errand, OtpErrand
from bridge.orders.order import Order
from bridge.orders.pass_order import PassOrder
from bridge.orders.uses import uses_of
from bridge.store.database import Command, Database, Guard, key, packed
from bridge.store.journal import Journal
from bridge.store.lanes import FAILED, Lanes, unstamped
from bridge.store.orders import OrderStore
from bridge.store.outbox import CallbackEntry, DeadLetters

PATIENCE_S: Final = 15.0
"""How long to wait for a bridge that is at work on the order: longer than a callback takes."""

_PAUSE_S: Final = 0.1
_STEP: Final = 500
"""Keys that one step of a scan looks at."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a person by one order; nothing in it says who.

    Args:
        state: None = of the order itself nothing is kept any more.
        known: parts of the order's record.
        waiting: messages and errands under way that name the person.
        dead_letters: callbacks given up that do.
        failed: entries of its lanes that nobody could digest.
        unfinished: the order is placed or paid, and not over.
    """

    order_key: str
    transaction_id: str
    order_id: str | None
    state: str | None
    known: tuple[str, ...]
    waiting: int
    dead_letters: int
    failed: int
    unfinished: bool

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing to erase."""
        return not (self.known or self.waiting or self.dead_letters or self.failed)


class _Errand(msgspec.Struct):
    errand: Errand


class _Plan(NamedTuple):
    trace: Trace
    guards: list[Guard]
    commands: list[Command]


class Eraser:
    """Finds what is known of a person, and forgets it."""

    def __init__(
        self,
        database: Database,
        *,
        orders: OrderStore,
        inbox: Lanes,
        outbox: Lanes,
        errand: Lanes,
        dead: DeadLetters,
        journal: Journal,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._db = database
        self._orders = orders
        self._inbox = inbox
        self._outbox = outbox
        self._errand = errand
        self._dead = dead
        self._journal = journal
        self._patience_s = patience_s

    async def naming(self, contacts: Contacts) -> list[str]:
        """Return the keys of all orders that name one of these; reads every order there is."""
        found = set()
        async for record in self._records():
            if contacts.meet(contacts_of(record)):
                found.add(record.key)
        for letter in await self._dead.all():
            if contacts.meet(contacts_in(json.loads(bytes(letter.entry.body)))):
                found.add(letter.entry.order_key)
        for _, lane, entry in await self._failed():
            if contacts.meet(contacts_in(_document(entry))):
                found.add(lane)
        return sorted(found)

    async def trace(self, order_key: str, now: datetime) -> Trace:
        """Return what would be erased of an order."""
        return (await self._planned(order_key, now)).trace

    async def erase(self, order_key: str, now: datetime) -> Trace:
        """Forget the person of an order; return what was known.

        Raises:
            StoreUnavailable: somebody held a lane of the order all the time.
        """
        until = time.monotonic() + self._patience_s
        while True:
            plan = await self._planned(order_key, now)
            if plan.trace.is_bare or await self._db.commit(plan.commands, plan.guards):
                return plan.trace
            if time.monotonic() >= until:
                raise StoreUnavailable(
                    "a bridge is at work on the order, or died at it: try again while one runs"
                )
            await asyncio.sleep(_PAUSE_S)

    async def forget(self, contacts: Contacts) -> int:
        """Take away what is kept by the hash of a contact: uses of offers, memberships.

        Returns:
            how many keys there were, those of orders that are long gone among them.
        """
        customers = [Customer(phone=each) for each in contacts.phones]
        customers += [Customer(email=each) for each in contacts.emails]
        hashes = [hashed for each in customers for hashed in each.keys()]  # noqa: SIM118 - no dict
        names = [key("member", hashed) for hashed in hashes]
        for hashed in hashes:
            names += [name async for name in self._names(key("uses", "*", hashed))]
        return sum([int(await self._db.do("DEL", name)) for name in names])

    async def _planned(self, order_key: str, now: datetime) -> _Plan:
        place = key("order", order_key)
        raw = await self._db.do("GET", place)
        record = await self._orders.record(order_key) if raw is not None else None
        guards, commands = [Guard(("GET", place), raw)], list[Command]()
        waiting = 0
        for lanes, without in (
            (self._inbox, _job),
            (self._outbox, _callback),
            (self._errand, _undone),
        ):
            rows = await lanes.stored(order_key)
            guards += lanes.untouched(order_key, rows)
            for index, stored in reversed(list(enumerate(rows))):
                entry, *_ = unstamped(stored)
                stripped = without(entry)
                if stripped != entry:
                    waiting += 1
                    commands.append(lanes.exchanged(order_key, index, stored, stripped))
        letters, failed = 0, await self._failed()
        for letter in await self._dead.all():
            body = bytes(letter.entry.body)
            if letter.entry.order_key == order_key and (bare := impersonal(body)) != body:
                letters += 1
                callback = replace(letter.entry, body=Raw(bare))
                commands.append(self._dead.rewritten(replace(letter, entry=callback)))
        buried = [entry_id for entry_id, lane, _ in failed if lane == order_key]
        commands += [("XDEL", FAILED, *buried)] if buried else []
        if record is not None:
            commands.append(("SET", place, packed(forgotten(record)), "KEEPTTL"))
            commands += _links(record)
            commands += await self._unsaid(record)
            commands += self._journal.note(
                order_key, "operator", "bridge", "personal data erased", state=record.state
            )
        trace = Trace(
            order_key=order_key,
            transaction_id=order_key.partition("|")[2],
            order_id=None if record is None else record.id,
            state=None if record is None else str(record.state),
            known=() if record is None else known_of(record),
            waiting=waiting,
            dead_letters=letters,
            failed=len(buried),
            unfinished=record is not None and is_unfinished(record, now),
        )
        return _Plan(trace, guards, commands)

    async def _unsaid(self, record: Order | PassOrder) -> list[Command]:
        """Return the commands that take out of the journal what repeats a word of the person."""
        words = [packed(word)[1:-1] for word in words_of(record)]
        where = key("journal", record.key)
        rows = await self._db.do("XRANGE", where, "-", "+")
        said = [
            row_id for row_id, fields in rows if any(word in fields[b"entry"] for word in words)
        ]
        return [("XDEL", where, *said)] if said else []

    async def _failed(self) -> list[tuple[bytes, str, bytes]]:
        """Return id, lane and entry of what nobody could digest."""
        rows = await self._db.do("XRANGE", FAILED, "-", "+")
        return [(row_id, fields[b"lane"].decode(), fields[b"entry"]) for row_id, fields in rows]

    async def _records(self) -> AsyncIterator[Order | PassOrder]:
        prefix = key("order", "")
        async for name in self._names(key("order", "*")):
            record = await self._orders.record(name.removeprefix(prefix))
            if record is not None:
                yield record

    async def _names(self, pattern: str) -> AsyncIterator[str]:
        """Yield the keys of a pattern, in which nothing but ``*`` is special."""
        async for name in self._db.scan(pattern, _STEP):
            yield name


def _links(record: Order | PassOrder) -> list[Command]:
    """Return the commands that cut what leads from the person's hashes to the order."""
    hashes = customer_of(record.billing, record.customer).keys()
    if isinstance(record, PassOrder):
        cut: list[Command] = [("SREM", key("member", each), record.key) for each in hashes]
        places = (key("membership", record.key), key("member-use", record.key))
        return [*cut, ("DEL", *places)]
    return [
        ("SREM", key("uses", use.offer.id, each), record.key)
        for use in uses_of(record)
        for each in use.customers
    ]


def _job(entry: bytes) -> bytes:
    job = msgspec.json.decode(entry, type=Job)
    if not isinstance(job, BecknJob):
        return entry
    bare = intent_forgotten(job.intent)
    return entry if bare == job.intent else packed(replace(job, intent=bare))


def _callback(entry: bytes) -> bytes:
    callback = msgspec.json.decode(entry, type=CallbackEntry)
    body = bytes(callback.body)
    bare = impersonal(body)
    return entry if bare == body else packed(replace(callback, body=Raw(bare)))


def _undone(entry: bytes) -> bytes | None:
    """Return an errand as it stays; None = it goes to the person, and is given up."""
    errand = msgspec.json.decode(entry, type=_Errand).errand
    return None if isinstance(errand, OtpErrand | CollectErrand) else entry


def _document(text: bytes) -> Any:
    """Decode what should be JSON; what is none is one text."""
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")
