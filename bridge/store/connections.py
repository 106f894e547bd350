"""Connections to CPO platforms in Redis, and who may call us."""

from __future__ import annotations

import asyncio
import enum
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from bridge.errors import StoreUnavailable
from bridge.flows.register import Claim
from bridge.ocpi.connection import Connection, Presented, TokenUse
from bridge.store.database import Command, Database, Guard, key, packed
from bridge.store.inbound import (
    Limited,
    Row,
    Tokens,
    for_a_while,
    hash_of,
    place_of,
    promoted,
    read_tokens,
    rewritten,
    row_of,
    without,
)
from bridge.store.objects import CHANGES, CHANGES_KEPT
from bridge.store.sealed import OPEN, Seal

PENDING_S = 600
"""How long a TOKEN_B is good while our POST is open; it ends by itself should we die."""

GRACE_S = 600
"""How long the token that a PUT replaced is good at most; OCPI leaves it open (its issue 568)."""

PATIENCE_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits between tries to store a TOKEN_C: the CPO has thrown TOKEN_A away, there is no other."""

CONNECTION = "connection"
"""Announced when anything about a connection has changed."""

CLIENTS = "clients"
"""Announced when all that has changed is whom a hub reaches."""


class Progress(enum.StrEnum):
    """Where the registration with a CPO stands."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    REGISTERED = "REGISTERED"
    FAILED = "FAILED"
    SPENT = "SPENT"
    """TOKEN_A was used before, and the connection ended: an operator has to act."""
    REFUSED = "REFUSED"
    """The connection stands, but the CPO refuses our token: an operator has to act."""


class RegistrationState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last word on the registration with a CPO.

    Args:
        error: name of the error, with ``reason`` the sentence for the operator; of a registered
            CPO that of a renewal.
        retry_at: when the bridge tries again by itself.
    """

    progress: Progress = Progress.WAITING
    at: datetime | None = None
    tries: int = 0
    error: str = ""
    reason: str = ""
    retry_at: datetime | None = None


ENDED = RegistrationState(
    progress=Progress.SPENT,
    reason="the connection was ended, and token_a is used up: ask the CPO for a new one, or run "
    "`bridge cpo register` if it accepts the old one again",
)
"""How a connection stands that one of the sides has ended."""


def standing_of(
    connection: Connection, state: RegistrationState, *, spent: bool
) -> RegistrationState:
    """Return how a connection stands, of what was last said about it and what is stored of it.

    Args:
        spent: whether TOKEN_A is used up.
    """
    since = connection.tokens_since
    if connection.registered:
        # What was said of older tokens is over.
        over = state.at is None or (since is not None and state.at < since)
        told = state.progress in (Progress.REGISTERED, Progress.REFUSED) and not over
        return state if told else RegistrationState(progress=Progress.REGISTERED)
    failed = state.progress is Progress.FAILED
    if spent:
        return replace(state, progress=Progress.SPENT) if failed else ENDED
    return state if failed else RegistrationState()


class ConnectionStore:
    """Fits flows.ports.Connections and flows.register.Registrations.

    Args:
        tokens_a: TOKEN_A of each CPO, from the configuration; good until it was used once. One
            that the operator changed since then allows a new registration.
        seal: encrypts what we present to CPOs.
        patience_s: waits before a transaction is tried again that must not get lost.
    """

    def __init__(
        self,
        database: Database,
        tokens_a: Mapping[str, str],
        *,
        seal: Seal = OPEN,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience_s: Sequence[float] = PATIENCE_S,
    ) -> None:
        self._db = database
        self._hashes_a = {cpo_id: hash_of(token) for cpo_id, token in tokens_a.items()}
        self._seal = seal
        self._now = now
        self._patience_s = patience_s

    async def get(self, cpo_id: str) -> Connection:
        """Return the connection; an unregistered one when nothing is stored."""
        return self._seal.read(cpo_id, await self._db.do("GET", key("connection", cpo_id)))

    async def save(self, connection: Connection) -> None:
        """Store the connection and announce it; one that is registered has used up TOKEN_A."""
        await self._db.commit(self._saved(connection))

    async def change(
        self, cpo_id: str, change: Callable[[Connection], Connection]
    ) -> tuple[Connection, Connection]:
        """Compare and set; return what was stored and what is, announced if it differs.

        When nothing but the parties of a hub have changed, only that is announced.
        """
        place = key("connection", cpo_id)
        while True:
            found = await self._db.do("GET", place)
            before = self._seal.read(cpo_id, found)
            after = change(before)
            if after == before:
                return before, after
            only_clients = replace(before, clients=after.clients) == after
            commands = self._saved(after, CLIENTS if only_clients else CONNECTION)
            if await self._db.commit(commands, [Guard(("GET", place), found)]):
                return before, after

    async def reseal(self, cpo_id: str) -> None:
        """Encrypt a token with the first key that is not yet; nothing else changes."""
        place = key("connection", cpo_id)
        found = await self._db.do("GET", place)
        if found is not None and self._seal.is_stale(found):
            anew = self._seal.packed(self._seal.read(cpo_id, found))
            # Who was faster has written it with the first key.
            await self._db.commit([("SET", place, anew)], [Guard(("GET", place), found)])

    async def present(self, candidates: Sequence[str]) -> Presented | None:
        """Recognise an inbound token, among the readings of one Authorization header."""
        if not candidates:
            return None
        hashes = [hash_of(candidate) for candidate in candidates]
        rows = await self._db.do("MGET", *map(row_of, hashes))
        for candidate, hashed, found in zip(candidates, hashes, rows, strict=True):
            if found is not None:
                row = msgspec.json.decode(found, type=Row)
                if row.until is None or row.until > self._now():
                    return Presented(row.cpo_id, await self._used(row, hashed), candidate)
        for candidate, hashed in zip(candidates, hashes, strict=True):
            for cpo_id, token_a in self._hashes_a.items():
                if hmac.compare_digest(hashed, token_a) and await self._invites(cpo_id):
                    return Presented(cpo_id, TokenUse.REGISTER, candidate)
        return None

    async def _used(self, row: Row, hashed: str) -> TokenUse:
        """Return what a token is good for; the first use of a new one ends the one before."""
        if row.use is TokenUse.FRESH:
            await self._change(row.cpo_id, lambda old: promoted(old, hashed))
        if row.use in (TokenUse.FRESH, TokenUse.RETIRING):
            return TokenUse.REGISTERED
        return row.use

    async def _invites(self, cpo_id: str) -> bool:
        """Whether TOKEN_A is good: unused, or used again by our POST that is open just now.

        Some platforms call us back with TOKEN_A instead of TOKEN_B (Q3).
        """
        if not await self.spent(cpo_id):
            return True
        tokens = read_tokens(await self._db.do("GET", place_of(cpo_id)), self._now())
        uses = (each.use for each in tokens.values() if isinstance(each, Limited))
        return TokenUse.PENDING in uses

    async def spent(self, cpo_id: str) -> bool:
        """Return whether the configured TOKEN_A has been used for a registration."""
        found = await self._db.do("GET", key("spent-token", cpo_id))
        return found is not None and bytes(found).decode() == self._hashes_a.get(cpo_id)

    async def offer(self, cpo_id: str, token: str) -> None:
        """Accept our TOKEN_B for as long as a POST may be open, besides the tokens there are."""
        pending = for_a_while(TokenUse.PENDING, self._now(), PENDING_S)
        await self._change(cpo_id, lambda old: {**old, hash_of(token): pending})

    async def accept(self, cpo_id: str, token: str) -> None:
        """Accept one more token of a registered CPO, besides those there are, without an end."""
        await self._change(cpo_id, lambda old: {**old, hash_of(token): TokenUse.REGISTERED})

    async def withdraw(self, cpo_id: str, token: str) -> None:
        """Accept a TOKEN_B no longer; other tokens of the CPO stay as they are."""
        await self._change(cpo_id, lambda old: without(old, hash_of(token)))

    async def complete(self, connection: Connection, token: str) -> Claim | None:
        """Store the connection and make the token its only inbound one, in one transaction.

        Raises:
            StoreUnavailable: after several tries; the CPO's new token is lost then.
        """
        only: Tokens = {hash_of(token): TokenUse.REGISTERED}
        for wait_s in self._patience_s:
            try:
                return await self._connect(connection, only)
            except StoreUnavailable:
                await asyncio.sleep(wait_s)
        return await self._connect(connection, only)

    async def hand_over(self, connection: Connection, token: str, old: str) -> Claim | None:
        """Store the connection; ``old`` is good until the first use of ``token``, or GRACE_S."""
        retiring = for_a_while(TokenUse.RETIRING, self._now(), GRACE_S)
        both: Tokens = {hash_of(token): TokenUse.FRESH, hash_of(old): retiring}
        return await self._connect(connection, both)

    async def end(self, cpo_id: str) -> None:
        """Forget the connection and all its inbound tokens, in one transaction."""
        commands = [*self._saved(Connection(cpo_id=cpo_id)), *self._spending(cpo_id)]
        await self._change(cpo_id, lambda _: {}, commands)

    async def state(self, cpo_id: str) -> RegistrationState:
        """Return the last word on the registration."""
        found = await self._db.do("GET", key("registration", cpo_id))
        if found is None:
            return RegistrationState()
        return msgspec.json.decode(found, type=RegistrationState)

    async def note(self, cpo_id: str, state: RegistrationState) -> None:
        """Store the last word on the registration."""
        await self._db.do("SET", key("registration", cpo_id), packed(state))

    def _saved(self, connection: Connection, kind: str = CONNECTION) -> list[Command]:
        cpo_id = connection.cpo_id
        commands: list[Command] = [
            ("SET", key("connection", cpo_id), self._seal.packed(connection)),
            (
                *("XADD", CHANGES, "MAXLEN", "~", CHANGES_KEPT, "*"),
                *("kind", kind, "cpo", cpo_id),
            ),
        ]
        return [*commands, *self._spending(cpo_id)] if connection.registered else commands

    def _spending(self, cpo_id: str) -> list[Command]:
        """Return what marks TOKEN_A as used up."""
        token_a = self._hashes_a.get(cpo_id)
        return [] if token_a is None else [("SET", key("spent-token", cpo_id), token_a)]

    async def _connect(self, connection: Connection, tokens: Tokens) -> Claim | None:
        """Store a connection with its tokens, unless another one has a party of it."""
        others = [each for each in self._hashes_a if each != connection.cpo_id]
        saved = self._saved(connection)
        while True:
            places = [("GET", key("connection", each)) for each in others]
            records = await self._db.do("MGET", *(place for _, place in places)) if places else []
            guards = [Guard(*pair) for pair in zip(places, records, strict=True)]
            for other in map(self._seal.read, others, records):
                for party in connection.own_parties() & other.own_parties():
                    return Claim(party, other.cpo_id)
            if await self._try(connection.cpo_id, lambda _: tokens, saved, guards):
                return None

    async def _change(
        self, cpo_id: str, change: Callable[[Tokens], Tokens], besides: Sequence[Command] = ()
    ) -> None:
        """Change the inbound tokens of a CPO; anew when another replica did so meanwhile."""
        while not await self._try(cpo_id, change, besides):
            pass

    async def _try(
        self,
        cpo_id: str,
        change: Callable[[Tokens], Tokens],
        besides: Sequence[Command] = (),
        guards: Sequence[Guard] = (),
    ) -> bool:
        """Change the inbound tokens of a CPO, unless somebody else was faster."""
        now, place = self._now(), place_of(cpo_id)
        record = await self._db.do("GET", place)
        old = read_tokens(record, now)
        commands = [*besides, *rewritten(cpo_id, old, change(old), now)]
        return await self._db.commit(commands, [Guard(("GET", place), record), *guards])
