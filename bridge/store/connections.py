"""Connections to CPO platforms in Redis, and who may call us.

Inbound tokens are kept as SHA-256 hashes: reading Redis lets nobody in. What we present to a CPO
must be readable and is kept as it is.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from bridge.errors import StoreUnavailable
from bridge.ocpi.connection import Connection, Presented, TokenUse
from bridge.store.database import Command, Database, Guard, key, packed
from bridge.store.objects import CHANGES, CHANGES_KEPT

PENDING_S = 600
"""How long a TOKEN_B is good while our POST is open; it ends by itself should we die."""

PATIENCE_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits between tries to store a TOKEN_C: the CPO has thrown TOKEN_A away, there is no other."""

CONNECTION = "connection"
"""Announced when anything about a connection has changed."""

CLIENTS = "clients"
"""Announced when all that has changed is whom a hub reaches."""

Tokens = dict[str, TokenUse]
"""Inbound tokens of a CPO, by hash."""


class Progress(enum.StrEnum):
    """Where the registration with a CPO stands."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    REGISTERED = "REGISTERED"
    FAILED = "FAILED"
    SPENT = "SPENT"
    """TOKEN_A was used before, and the connection ended: an operator has to act."""


class RegistrationState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last word on the registration with a CPO.

    Args:
        error: name of the error, with ``reason`` the sentence for the operator.
        retry_at: when the bridge tries again by itself.
    """

    progress: Progress = Progress.WAITING
    at: datetime | None = None
    tries: int = 0
    error: str = ""
    reason: str = ""
    retry_at: datetime | None = None


class ConnectionStore:
    """Fits flows.ports.Connections and flows.register.Registrations.

    Args:
        tokens_a: TOKEN_A of each CPO, from the configuration; good until it was used once. One
            that the operator changed since then allows a new registration.
    """

    def __init__(
        self,
        database: Database,
        tokens_a: Mapping[str, str],
        *,
        patience_s: Sequence[float] = PATIENCE_S,
    ) -> None:
        self._db = database
        self._hashes_a = {cpo_id: _hash(token) for cpo_id, token in tokens_a.items()}
        self._patience_s = patience_s

    async def get(self, cpo_id: str) -> Connection:
        """Return the connection; an unregistered one when nothing is stored."""
        return _read(cpo_id, await self._db.do("GET", key("connection", cpo_id)))

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
            before = _read(cpo_id, found)
            after = change(before)
            if after == before:
                return before, after
            only_clients = replace(before, clients=after.clients) == after
            commands = self._saved(after, CLIENTS if only_clients else CONNECTION)
            if await self._db.commit(commands, [Guard(("GET", place), found)]):
                return before, after

    async def present(self, candidates: Sequence[str]) -> Presented | None:
        """Recognise an inbound token, among the readings of one Authorization header."""
        if not candidates:
            return None
        hashes = [_hash(candidate) for candidate in candidates]
        rows = await self._db.do("MGET", *(key("inbound-token", each) for each in hashes))
        for candidate, row in zip(candidates, rows, strict=True):
            if row is not None:
                cpo_id, use = msgspec.json.decode(row, type=tuple[str, TokenUse])
                return Presented(cpo_id, use, candidate)
        for candidate, hashed in zip(candidates, hashes, strict=True):
            for cpo_id, token_a in self._hashes_a.items():
                if hmac.compare_digest(hashed, token_a) and not await self.spent(cpo_id):
                    return Presented(cpo_id, TokenUse.REGISTER, candidate)
        return None

    async def spent(self, cpo_id: str) -> bool:
        """Return whether the configured TOKEN_A has been used for a registration."""
        found = await self._db.do("GET", key("spent-token", cpo_id))
        return found is not None and bytes(found).decode() == self._hashes_a.get(cpo_id)

    async def replace_tokens(self, cpo_id: str, tokens: Mapping[str, TokenUse]) -> None:
        """Make these the only inbound tokens of the CPO."""
        await self._change(cpo_id, lambda _: {_hash(each): use for each, use in tokens.items()})

    async def offer(self, cpo_id: str, token: str) -> None:
        """Accept our TOKEN_B for as long as a POST may be open, besides the tokens there are."""
        await self._change(cpo_id, lambda old: {**old, _hash(token): TokenUse.PENDING})

    async def withdraw(self, cpo_id: str, token: str) -> None:
        """Accept a TOKEN_B no longer; other tokens of the CPO stay as they are."""
        gone = _hash(token)
        await self._change(
            cpo_id, lambda old: {each: use for each, use in old.items() if each != gone}
        )

    async def complete(self, connection: Connection, token: str) -> None:
        """Store the connection and make TOKEN_B its only inbound token, in one transaction.

        Raises:
            StoreUnavailable: after several tries; the TOKEN_C is lost then.
        """
        cpo_id, only = connection.cpo_id, {_hash(token): TokenUse.REGISTERED}
        saved = self._saved(connection)
        for wait_s in self._patience_s:
            try:
                return await self._change(cpo_id, lambda _: only, saved)
            except StoreUnavailable:
                await asyncio.sleep(wait_s)
        return await self._change(cpo_id, lambda _: only, saved)

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
            ("SET", key("connection", cpo_id), packed(connection)),
            (
                *("XADD", CHANGES, "MAXLEN", "~", CHANGES_KEPT, "*"),
                *("kind", kind, "cpo", cpo_id),
            ),
        ]
        token_a = self._hashes_a.get(cpo_id)
        if connection.registered and token_a is not None:
            commands.append(("SET", key("spent-token", cpo_id), token_a))
        return commands

    async def _change(
        self, cpo_id: str, change: Callable[[Tokens], Tokens], besides: Sequence[Command] = ()
    ) -> None:
        """Change the inbound tokens of a CPO; anew when another replica did so meanwhile."""
        place = key("inbound-tokens", cpo_id)
        while True:
            record = await self._db.do("GET", place)
            old = {} if record is None else msgspec.json.decode(record, type=Tokens)
            new = change(old)
            commands = [*besides, *_replaced(cpo_id, old, new), ("SET", place, packed(new))]
            if await self._db.commit(commands, [Guard(("GET", place), record)]):
                return


def _read(cpo_id: str, found: bytes | None) -> Connection:
    """Return what is stored of a connection."""
    if found is None:
        return Connection(cpo_id=cpo_id)
    return msgspec.json.decode(found, type=Connection)


def _hash(token: str) -> str:
    """Return a token as it is kept; tokens are long and random, so no salt is needed."""
    # Any bytes may stand in a header; aiohttp hands them on as surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def _replaced(cpo_id: str, old: Tokens, new: Tokens) -> list[Command]:
    """Return the commands that make ``new`` the inbound tokens of the CPO."""
    commands: list[Command] = [
        ("DEL", key("inbound-token", each)) for each in old if each not in new
    ]
    for each, use in new.items():
        if old.get(each) != use:
            row = ("SET", key("inbound-token", each), packed((cpo_id, use)))
            commands.append((*row, "EX", PENDING_S) if use is TokenUse.PENDING else row)
    return commands
