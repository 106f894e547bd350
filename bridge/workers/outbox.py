"""Delivers callbacks: in order for each order, again and again for a while (decisions 8)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from bridge.beckn.layer2 import Layer2Files
from bridge.beckn.reworded import echoing, halves, renewed
from bridge.errors import CallbackFailed, CallbackInvalid, CallbackRefused, CallbackTooLarge
from bridge.observability import Metrics, bound, get_logger
from bridge.observability.tracing import OFF, Tracing, called
from bridge.store.database import Database, packed
from bridge.store.journal import Journal
from bridge.store.lanes import Claim, Lanes
from bridge.store.outbox import CallbackEntry, DeadLetters

log = get_logger()

SOLICITED_RETRIES_S = (0.2, 0.5, 1.0)
"""Pauses before the further tries of an answer, all within its deadline."""

UNSOLICITED_RETRIES_S = (1.0, 5.0, 25.0, 120.0, 600.0, 1800.0)
"""Pauses before the further tries of what the BAP must learn in any case."""


MUST_BE_KNOWN: Final = frozenset({"on_confirm", "on_update", "on_cancel"})
"""What changed an order: it is told late rather than never, but not as an answer."""

NO_FILES: Final[Layer2Files] = {}


class Post(Protocol):
    """Posts one on_* message; raises CallbackFailed or CallbackRefused."""

    async def __call__(self, url: str, body: bytes) -> None:
        """Deliver the message."""
        ...


def utc_now() -> datetime:
    """Return the time of now, aware."""
    return datetime.now(UTC)


class OutboxWorker:
    """Handler of outbox lanes.

    Args:
        layer2: what messages are checked with before their first try.
        withhold: bury what fails that check, instead of sending it all the same.
        clock: the time of now; the one the lanes go by.
    """

    def __init__(
        self,
        *,
        database: Database,
        outbox: Lanes,
        dead: DeadLetters,
        journal: Journal,
        post: Post,
        metrics: Metrics,
        layer2: Layer2Files = NO_FILES,
        withhold: bool = False,
        clock: Callable[[], datetime] = utc_now,
        tracing: Tracing = OFF,
    ) -> None:
        self._tracing = tracing
        self._db = database
        self._layer2 = layer2
        self._withhold = withhold
        self._outbox = outbox
        self._dead = dead
        self._journal = journal
        self._post = post
        self._metrics = metrics
        self._clock = clock

    async def handle(self, claim: Claim) -> None:
        """Try to deliver; then let it go, put it off, or bury it."""
        entry = msgspec.json.decode(claim.entry, type=CallbackEntry)
        called(f"deliver {entry.action}")
        with bound(transaction_id=entry.transaction_id, message_id=entry.message_id):
            if entry.lapses_at is not None and self._clock() > entry.lapses_at:
                await self._tell_late(claim, entry)
                return
            try:
                self._check(entry)
                await self._try(entry)
            except CallbackInvalid as error:
                await self._bury(claim, entry, error, "withheld")
            except CallbackRefused as error:
                if not await self._reworded(claim, entry, error):
                    await self._bury(claim, entry, error, "refused")
            except CallbackFailed as error:
                now = self._clock()
                later = rescheduled(entry, now)
                if later is None or later.next_at is None:
                    await self._bury(claim, entry, error, "given up")
                else:
                    pause_s = (later.next_at - now).total_seconds()
                    await self._outbox.postpone(claim, packed(later), pause_s)
                    self._metrics.callbacks.labels(entry.action, "retried").inc()
                    log.info(
                        "callback.postponed",
                        action=entry.action,
                        pause_s=round(pause_s, 1),
                        error=str(error),
                    )
            else:
                await self._db.commit(self._outbox.finished(claim), [self._outbox.held(claim)])
                self._metrics.callbacks.labels(entry.action, "delivered").inc()
                waited_s = (self._clock() - entry.created_at).total_seconds()
                self._metrics.callback_seconds.labels(entry.action).observe(waited_s)
                log.info("callback.delivered", action=entry.action, tries=entry.tries + 1)

    async def _try(self, entry: CallbackEntry) -> None:
        """Post it once. Raises CallbackFailed or CallbackRefused."""
        peer = urlsplit(entry.url).hostname
        with (
            self._metrics.callback_post_seconds.labels(entry.action).time(),
            self._tracing.span(f"Beckn POST {entry.action}", "client", method="POST", peer=peer),
        ):
            await self._post(entry.url, bytes(entry.body))

    def _check(self, entry: CallbackEntry) -> None:
        """Look at a message that was not tried yet.

        Raises:
            CallbackInvalid: it breaks layer 2, and such messages are withheld.
        """
        if entry.tries or not self._layer2:
            return
        message = msgspec.json.decode(entry.body)
        context = message["context"]
        layer2 = self._layer2.get((context["domain"], context["version"]))
        violation = None if layer2 is None else layer2.violation(entry.action, message)
        if violation is None:
            return
        self._metrics.layer2.labels("out", entry.action).inc()
        log.warning("callback.invalid", action=entry.action, **violation._asdict())
        if self._withhold:
            raise CallbackInvalid(f"layer 2: {violation.path}: {violation.reason}")

    async def _tell_late(self, claim: Claim, entry: CallbackEntry) -> None:
        """Send what its BAP does not wait for any more: as news if it must be known, else not."""
        log.warning("callback.late", action=entry.action, tries=entry.tries)
        self._metrics.callbacks.labels(entry.action, "late").inc()
        if entry.action in MUST_BE_KNOWN:
            await self._outbox.postpone(claim, packed(as_news(entry, str(uuid.uuid4()))), 0)
            return
        commands = self._outbox.finished(claim)
        if entry.action != "on_search":
            commands += self._journal.note(
                entry.order_key, "bridge > BAP", "Beckn", f"{entry.action} too late"
            )
        await self._db.commit(commands, [self._outbox.held(claim)])

    async def _reworded(self, claim: Claim, entry: CallbackEntry, error: CallbackRefused) -> bool:
        """Put something in the place of what was refused; False when there is nothing."""
        parts = reworded(entry, error)
        if not parts:
            return False
        how = "split" if len(parts) > 1 else "echoed"
        commands = self._outbox.finished(claim)
        for part in parts:
            commands += self._outbox.push(claim.lane, packed(part))
        await self._db.commit(commands, [self._outbox.held(claim)])
        self._metrics.callbacks.labels(entry.action, how).inc()
        log.warning("callback.reworded", action=entry.action, how=how, error=str(error))
        return True

    async def _bury(
        self, claim: Claim, entry: CallbackEntry, error: CallbackFailed, why: str
    ) -> None:
        commands = self._dead.buried(replace(entry, echo=UNSET), str(error))
        if entry.action != "on_search":
            commands += self._journal.note(
                entry.order_key, "bridge > BAP", "Beckn", f"{entry.action} {why}", error=error
            )
        commands += self._outbox.finished(claim)
        await self._db.commit(commands, [self._outbox.held(claim)])
        self._metrics.callbacks.labels(entry.action, "dead").inc()
        log.warning("callback.dead", action=entry.action, why=why, error=str(error))


def as_news(entry: CallbackEntry, message_id: str) -> CallbackEntry:
    """Return a callback as one that nobody asked for, under a message_id of its own."""
    return replace(
        entry,
        message_id=message_id,
        body=Raw(renewed(bytes(entry.body), message_id)),
        solicited=False,
        until=None,
        lapses_at=None,
        tries=0,
        next_at=None,
    )


def reworded(entry: CallbackEntry, error: CallbackRefused) -> list[CallbackEntry]:
    """Return what may be taken in place of a callback that was refused; nothing if nothing may.

    An on_search that is too large: its halves. An error alone that breaks the receiver's schema:
    the error with the request's order beside it, once.
    """
    body = bytes(entry.body)
    if isinstance(error, CallbackTooLarge):
        parts = halves(body) if entry.action == "on_search" else None
        return [replace(entry, body=Raw(part), tries=0, next_at=None) for part in parts or ()]
    if error.status == 400 and not isinstance(entry.echo, UnsetType):
        whole = Raw(echoing(body, bytes(entry.echo)))
        return [replace(entry, body=whole, echo=UNSET, tries=0, next_at=None)]
    return []


def rescheduled(entry: CallbackEntry, now: datetime) -> CallbackEntry | None:
    """Return the entry with its next try after a failed one; None when there is none left."""
    if entry.next_at is not None and now < entry.next_at:
        return entry
    pauses = SOLICITED_RETRIES_S if entry.solicited else UNSOLICITED_RETRIES_S
    if entry.tries >= len(pauses):
        return None
    next_at = now + timedelta(seconds=pauses[entry.tries])
    if entry.until is not None and entry.until < next_at:
        return None
    return replace(entry, tries=entry.tries + 1, next_at=next_at)
