"""Lanes: queues in Redis, in order within a lane, parallel across lanes, over all replicas.

A lane is a list of entries; a sorted set says when each lane is due. Whoever claims a due lane
holds it until it finishes or postpones the head entry, or until the lease runs out (the holder
died): then another replica takes it. Every change by a holder is guarded by its holder token, so
a holder that was too slow changes nothing.

An entry is stored behind a stamp, ``@{ms since the epoch} {JSON}`` and a line end: when it was
queued, and what log and trace of whoever works it off are to show besides.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from bridge.observability import handed_on
from bridge.store.database import Command, Database, Guard, key

LEASE_S = 15.0

FAILED = key("failed-entries")
"""Stream of entries that no worker could digest: a fault of ours, kept for whoever mends it."""

FAILED_KEPT = 10_000

FAILED_KEPT_S = 45 * 86_400
"""How long one is kept at least, and twice that at most: it may name a driver."""


class Claim(NamedTuple):
    """A lane that is held, with its head entry."""

    lane: str
    token: str
    entry: bytes
    queued_ms: int = 0
    facts: Mapping[str, str] = {}


def now_ms() -> int:
    """Return the wall clock in milliseconds; lanes of all replicas compare it."""
    return time.time_ns() // 1_000_000


class Lanes:
    """All lanes of one kind.

    Args:
        clock: the time of now, ms.
        failed_kept_s: how long entries are kept that nobody could digest; twice that at most.
    """

    def __init__(
        self,
        database: Database,
        kind: str,
        *,
        lease_s: float = LEASE_S,
        failed_kept_s: int = FAILED_KEPT_S,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.kind = kind
        self.lease_s = lease_s
        self._failed_kept_s = failed_kept_s
        self._db = database
        self._clock = clock
        self._queue = key("queue", kind)
        self._woken = key("woken", kind)
        self._since = key("since", kind)
        self._entries = key("lane", kind, "")
        self._holders = key("holder", kind, "")

    def push(self, lane: str, entry: bytes, *, wake: bool = False) -> list[Command]:
        """Return the commands that append an entry.

        ``wake`` makes the lane due at once even when its head waits for a retry, or is about to.
        """
        now = self._clock()
        commands: list[Command] = [
            ("RPUSH", self._entries + lane, stamped(now, handed_on(), entry)),
            ("ZADD", self._queue, "NX", now, lane),
            ("ZADD", self._since, "NX", now, lane),
        ]
        if wake:
            commands.append(("WAKE", self._queue, lane, self._holders + lane, self._woken, now))
        return commands

    async def claim(self, how_many: int) -> list[Claim]:
        """Take up to ``how_many`` lanes that are due."""
        rows = await self._db.claim(
            [self._queue, self._woken, self._since],
            [
                self._clock(),
                int(self.lease_s * 1000),
                how_many,
                secrets.token_hex(8),
                self._entries,
                self._holders,
            ],
        )
        return [
            Claim(lane.decode(), token.decode(), *unstamped(each)) for lane, token, each in rows
        ]

    def held(self, claim: Claim) -> Guard:
        """Return the guard that the claim still holds its lane."""
        return Guard(("GET", self._holders + claim.lane), claim.token)

    def finished(self, claim: Claim) -> list[Command]:
        """Return the commands that remove the head entry and let the lane go."""
        return [
            ("LPOP", self._entries + claim.lane),
            self._left(claim.lane, 0),
        ]

    async def postpone(self, claim: Claim, entry: bytes, delay_s: float) -> bool:
        """Put the head entry back, changed, to be tried again after a while."""
        return await self._db.commit(
            [
                self._rewritten(claim, entry),
                # Rounded up: a claim before the time of the next try would not count as one.
                self._left(claim.lane, math.ceil(delay_s * 1000)),
            ],
            [self.held(claim)],
        )

    def _left(self, lane: str, delay_ms: int) -> Command:
        """Return the command that lets a lane go until its next entry, if any, is due."""
        now = self._clock()
        places = (self._queue, lane, self._holders + lane, self._woken, self._entries + lane)
        return ("LEAVE", *places, self._since, now + delay_ms, now)

    async def rewrite(self, claim: Claim, entry: bytes) -> bool:
        """Change the head entry and keep the lane."""
        return await self._db.commit([self._rewritten(claim, entry)], [self.held(claim)])

    def _rewritten(self, claim: Claim, entry: bytes) -> Command:
        return ("LSET", self._entries + claim.lane, 0, stamped(claim.queued_ms, claim.facts, entry))

    async def renew(self, claims: Sequence[Claim]) -> None:
        """Extend the leases of lanes that are still held."""
        for claim in claims:
            await self._db.commit(
                [("ZADD", self._queue, "XX", self._clock() + int(self.lease_s * 1000), claim.lane)],
                [self.held(claim)],
            )

    async def bury(self, claim: Claim, error: str) -> None:
        """Move a head entry that nobody can digest out of the way; it is kept to be looked at.

        A stream has one end for all its entries, so each new one takes the old ones with it.
        """
        oldest_ms = self._clock() - self._failed_kept_s * 1000
        await self._db.commit(
            [
                (
                    *("XADD", FAILED, "MAXLEN", "~", FAILED_KEPT, "*", "lanes", self.kind),
                    *("lane", claim.lane, "entry", claim.entry, "error", error),
                ),
                ("XTRIM", FAILED, "MINID", max(0, oldest_ms)),
                ("EXPIRE", FAILED, self._failed_kept_s),
                *self.finished(claim),
            ],
            [self.held(claim)],
        )

    async def depth(self) -> int:
        """Return the number of lanes that have work."""
        return int(await self._db.do("ZCARD", self._queue))

    async def oldest_s(self) -> float:
        """Return for how long the head of a lane waits, of the one that waits longest."""
        first = await self._db.do("ZRANGE", self._since, 0, 0, "WITHSCORES")
        if not first:
            return 0.0
        # RESP2: member, score; RESP3: pairs of them.
        score = first[0][1] if isinstance(first[0], list) else first[1]
        return max(0.0, (self._clock() - float(score)) / 1000)

    async def entries(self, lane: str) -> list[bytes]:
        """Return the entries of a lane, head first."""
        return [unstamped(each)[0] for each in await self.stored(lane)]

    async def stored(self, lane: str) -> list[bytes]:
        """Return the entries of a lane with their stamps, as ``untouched`` compares them."""
        return list(await self._db.do("LRANGE", self._entries + lane, 0, -1))

    def untouched(self, lane: str, stored: Sequence[bytes]) -> list[Guard]:
        """Return the guards that nobody holds a lane, and that these are its entries, all of them.

        For a change by somebody who holds no lane: an operator.
        """
        listed = self._entries + lane
        guards = [
            Guard(("GET", self._holders + lane), None),
            Guard(("LINDEX", listed, len(stored)), None),
        ]
        if stored:
            guards.append(Guard(("LRANGE", listed, 0, len(stored) - 1), tuple(stored)))
        return guards

    def exchanged(self, lane: str, index: int, stored: bytes, entry: bytes | None) -> Command:
        """Return the command that puts ``entry`` in the place of a stored one, None: nothing.

        Of several that are taken out the last comes first. Needs ``untouched``.
        """
        listed = self._entries + lane
        if entry is None:
            return ("LREM", listed, -1, stored)
        _, queued_ms, facts = unstamped(stored)
        return ("LSET", listed, index, stamped(queued_ms, facts, entry))


def stamped(queued_ms: int, facts: Mapping[str, str], entry: bytes) -> bytes:
    """Return an entry as it is stored."""
    return b"@%d %s\n%s" % (queued_ms, msgspec.json.encode(facts), entry)


def unstamped(stored: bytes) -> tuple[bytes, int, dict[str, str]]:
    """Return an entry, when it was queued in ms, and what goes along with it.

    One without a stamp was stored by a bridge that had none yet.
    """
    if not stored.startswith(b"@"):
        return bytes(stored), 0, {}
    stamp, _, entry = bytes(stored).partition(b"\n")
    queued_ms, _, facts = stamp.removeprefix(b"@").partition(b" ")
    return entry, int(queued_ms), msgspec.json.decode(facts, type=dict[str, str])
