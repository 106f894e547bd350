"""Orders in Redis: the record, and every key that leads from an OCPI fact back to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from bridge.flows.ports import CommandRecord
from bridge.observability.tracing import current
from bridge.ocpi.commands import CommandType
from bridge.ocpi.headers import Party
from bridge.ocpi.tokens import Token
from bridge.orders.order import Order, OrderState, SessionKey, references_of
from bridge.orders.pass_order import PassOrder
from bridge.orders.plans import CommandPlan
from bridge.orders.token import token_of
from bridge.orders.transitions import RUNNING
from bridge.store.database import Command, Database, key, packed
from bridge.store.members import pass_kept_s
from bridge.store.uses import brought

DEADLINES = key("deadlines")
"""Sorted set: ``{order key}\\x1f{name}`` -> due, ms."""

TOKENS_BY_AGE = key("tokens", "by-age")
"""Sorted set: token uid -> creation of its order, s; a token itself goes with its order."""

OF_A_PASS = b'{"kind":"pass",'
"""How the record of a pass's order begins: the tag comes first."""

STATES_BY_AGE = "orders"
"""First part of the key of a sorted set for each state: order key -> when it last changed, s."""

WATCHED = RUNNING | {OrderState.CONFIRMED}
"""States in which the status of the EVSE matters to the order."""


def evse_place(country_code: str, party_id: str, location_id: str, evse_uid: str) -> str:
    """Return an EVSE as part of a key."""
    return "\x1f".join((country_code, party_id, location_id, evse_uid)).casefold()


class _TokenRow(msgspec.Struct):
    token: Token
    order_key: str


class OrderStore:
    """Fits flows.ports Orders, Correlation and Tokens; gives workers the commands that save."""

    def __init__(self, database: Database, *, emsp: Party, issuer: str, retention_s: int) -> None:
        self._db = database
        self._emsp = emsp
        self._issuer = issuer
        self._retention_s = retention_s

    # Orders

    async def load(self, order_key: str) -> Order | None:
        """Return an order by its key; None also for that of a pass."""
        found = await self.record(order_key)
        return found if isinstance(found, Order) else None

    async def record(self, order_key: str) -> Order | PassOrder | None:
        """Return whatever order has a key: a transaction is about charging or about a pass."""
        found = await self._db.do("GET", key("order", order_key))
        if found is None:
            return None
        if bytes(found).startswith(OF_A_PASS):
            return msgspec.json.decode(found, type=PassOrder)
        return msgspec.json.decode(found, type=Order)

    async def key_of_order_id(self, order_id: str) -> str | None:
        """Return the key behind a Beckn order id."""
        return await self._text("GET", key("order-id", order_id))

    async def keys_of_transaction(self, transaction_id: str) -> list[str]:
        """Return the orders, of whichever BAP, under a transaction id."""
        found = await self._db.do("SMEMBERS", key("transaction", transaction_id))
        return sorted(bytes(name).decode() for name in found)

    async def key_of_payment(self, payment_id: str) -> str | None:
        """Return the order behind the id of a payment."""
        return await self._text("GET", key("payment", payment_id))

    async def key_of_tracking_id(self, tracking_id: str) -> str | None:
        """Return the order behind a tracking page."""
        return await self._text("GET", key("tracking", tracking_id))

    def saved(self, order: Order, before: Order | None) -> list[Command]:
        """Return the commands that store an order with its correlation keys, uses and deadlines."""
        ttl = self._retention_s
        commands: list[Command] = [
            ("SET", key("order", order.key), packed(order), "EX", ttl),
            ("SADD", key("transaction", order.request.transaction_id), order.key),
            ("EXPIRE", key("transaction", order.request.transaction_id), ttl),
        ]
        if order.id is not None:
            commands.append(("SET", key("order-id", order.id), order.key, "EX", ttl))
        if order.payment is not None:
            commands.append(("SET", key("payment", order.payment.id), order.key, "EX", ttl))
        if order.tracking_id is not None:
            commands.append(("SET", key("tracking", order.tracking_id), order.key, "EX", ttl))
        for reference in references_of(order):
            commands.append(("SET", key("reference", reference.casefold()), order.key, "EX", ttl))
        commands += self._counted(order, before)
        commands += self._token_saved(order)
        commands += self._place_saved(order)
        commands += brought(order, ttl)
        commands += _deadlines_saved(order, before)
        return commands

    def _counted(self, order: Order, before: Order | None) -> list[Command]:
        """Move an order to the set of its state; what is forgotten leaves its set as well."""
        here = key(STATES_BY_AGE, order.state)
        commands: list[Command] = [
            ("ZADD", here, order.updated_at.timestamp(), order.key),
            ("ZREMRANGEBYSCORE", here, "-inf", self._forgotten(order)),
            ("EXPIRE", here, self._retention_s),
        ]
        if before is not None and before.state is not order.state:
            commands.append(("ZREM", key(STATES_BY_AGE, before.state), order.key))
        return commands

    async def counts(self, now: datetime) -> dict[OrderState, int]:
        """Return how many orders are in each state, of those that are not forgotten yet."""
        since = now.timestamp() - self._retention_s
        return {
            state: int(await self._db.do("ZCOUNT", key(STATES_BY_AGE, state), since, "+inf"))
            for state in OrderState
        }

    def pass_saved(self, order: PassOrder) -> list[Command]:
        """Return the commands that store the order of a pass."""
        ttl = pass_kept_s(order, self._retention_s)
        transaction = key("transaction", order.request.transaction_id)
        commands: list[Command] = [
            ("SET", key("order", order.key), packed(order), "EX", ttl),
            ("SADD", transaction, order.key),
            ("KEEP", transaction, ttl),
        ]
        if order.id is not None:
            commands.append(("SET", key("order-id", order.id), order.key, "EX", ttl))
        if order.payment is not None:
            commands.append(("SET", key("payment", order.payment.id), order.key, "EX", ttl))
        return commands

    def _token_saved(self, order: Order) -> list[Command]:
        token = token_of(order, self._emsp, self._issuer)
        if token is None:
            return []
        uid = token.uid.casefold()
        row = packed(_TokenRow(token, order.key))
        return [
            ("SET", key("token", uid), row, "EX", self._retention_s),
            ("ZADD", TOKENS_BY_AGE, "NX", order.created_at.timestamp(), uid),
            ("ZREMRANGEBYSCORE", TOKENS_BY_AGE, "-inf", self._forgotten(order)),
        ]

    def _place_saved(self, order: Order) -> list[Command]:
        item = order.item.key
        place = evse_place(item.country_code, item.party_id, item.location_id, item.evse_uid)
        starting, watching = key("starting", place), key("watching", place)
        commands: list[Command] = []
        if order.state is OrderState.STARTING:
            commands.append(("HSET", starting, order.key, item.connector_id))
            commands.append(("EXPIRE", starting, self._retention_s))
        else:
            commands.append(("HDEL", starting, order.key))
        if order.state in WATCHED:
            # Many an order that is placed is never begun: it leaves the set by its age.
            commands.append(("ZADD", watching, order.updated_at.timestamp(), order.key))
            commands.append(("ZREMRANGEBYSCORE", watching, "-inf", self._forgotten(order)))
            commands.append(("EXPIRE", watching, self._retention_s))
        else:
            commands.append(("ZREM", watching, order.key))
        return commands

    def _forgotten(self, order: Order) -> float:
        """Return the time before which nothing is known any more, going by this order's clock."""
        return order.updated_at.timestamp() - self._retention_s

    def traced(self, order_key: str) -> list[Command]:
        """Return the commands that have later events of an order join the span around.

        Those that carry none themselves: pushes of a CPO, deadlines.
        """
        traceparent = current()
        if traceparent is None:
            return []
        return [("SET", key("trace", order_key), traceparent, "EX", self._retention_s)]

    async def trace_of(self, order_key: str) -> str | None:
        """Return that span's traceparent."""
        return await self._text("GET", key("trace", order_key))

    def planned(self, plan: CommandPlan) -> Command:
        """Return the command that writes an OCPI command down before it is sent."""
        record = packed((plan.order_key, plan.cpo_id, str(plan.type)))
        return ("SET", key("command", plan.id), record, "EX", self._retention_s)

    # Correlation

    async def by_reference(self, reference: str) -> str | None:
        """Return the order key of an authorization_reference."""
        return await self._text("GET", key("reference", reference.casefold()))

    async def by_token(self, uid: str) -> str | None:
        """Return the order key of a token uid."""
        row = await self._row(uid)
        return None if row is None else row.order_key

    async def by_session(self, session: SessionKey) -> str | None:
        """Return the order key a session was matched to before."""
        return await self._text("GET", key("session", str(session)))

    async def pending_starts(
        self, party: Party, location_id: str, evse_uid: str
    ) -> Sequence[tuple[str, str]]:
        """Return (order key, connector id) of every START without outcome on the EVSE."""
        place = evse_place(party.country_code, party.party_id, location_id, evse_uid)
        flat = await self._db.do("HGETALL", key("starting", place))
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        return [(bytes(k).decode(), bytes(v).decode()) for k, v in pairs]

    async def running_on(self, party: Party, location_id: str, evse_uid: str) -> Sequence[str]:
        """Return the order keys to which the status of the EVSE matters."""
        place = evse_place(party.country_code, party.party_id, location_id, evse_uid)
        found = await self._db.do("ZRANGE", key("watching", place), 0, -1)
        return sorted(bytes(name).decode() for name in found)

    async def by_command(self, command_id: str) -> CommandRecord | None:
        """Return what a response_url belongs to."""
        found = await self._db.do("GET", key("command", command_id))
        if found is None:
            return None
        order_key, cpo_id, command = msgspec.json.decode(found, type=tuple[str, str, CommandType])
        return CommandRecord(order_key, cpo_id, command)

    # Tokens

    async def get(self, uid: str) -> tuple[Token, str] | None:
        """Return a token by uid, and the key of its order."""
        row = await self._row(uid)
        return None if row is None else (row.token, row.order_key)

    async def all(self) -> Sequence[Token]:
        """Return every token, oldest first."""
        uids = await self._db.do("ZRANGE", TOKENS_BY_AGE, 0, -1)
        if not uids:
            return []
        rows = await self._db.do("MGET", *(key("token", bytes(uid).decode()) for uid in uids))
        return [msgspec.json.decode(row, type=_TokenRow).token for row in rows if row is not None]

    async def _row(self, uid: str) -> _TokenRow | None:
        found = await self._db.do("GET", key("token", uid.casefold()))
        return None if found is None else msgspec.json.decode(found, type=_TokenRow)

    async def _text(self, *command: str) -> str | None:
        found = await self._db.do(*command)
        return None if found is None else bytes(found).decode()


def deadline_member(order_key: str, name: str) -> str:
    """Return a deadline as a member of the sorted set."""
    return f"{order_key}\x1f{name}"


def _deadlines_saved(order: Order, before: Order | None) -> list[Command]:
    """Bring the sorted set in line with the order: what is new or moved, what is gone."""
    known = {} if before is None else before.deadlines
    commands: list[Command] = [
        ("ZADD", DEADLINES, int(due.timestamp() * 1000), deadline_member(order.key, name))
        for name, due in order.deadlines.items()
        if known.get(name) != due
    ]
    commands += [
        ("ZREM", DEADLINES, deadline_member(order.key, name))
        for name in known
        if name not in order.deadlines
    ]
    return commands
