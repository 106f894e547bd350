"""Sends OCPI commands: each leaves at most once, since a second START is a second charge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from bridge.flows.command import still_wanted
from bridge.flows.jobs import CommandResponseJob
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Orders
from bridge.observability import Metrics, get_logger
from bridge.ocpi.commands import CommandResponse
from bridge.orders.order import CommandPlan
from bridge.store.database import Database, packed
from bridge.store.lanes import Claim
from bridge.workers.inbox import CommandEntry, LaneSet

log = get_logger()

RETRIES_S: Final = (1.0, 2.0)
"""Pauses before a command is tried again of which nothing left: there was no connection."""


class CommandSender(Protocol):
    """Posts one command; raises CallFailed."""

    async def __call__(self, plan: CommandPlan) -> CommandResponse:
        """Return the CPO's CommandResponse."""
        ...


class CommandWorker:
    """Handler of command lanes.

    Args:
        orders: whoever gave a command up in the meantime does not want it sent.
    """

    def __init__(
        self,
        *,
        database: Database,
        lanes: LaneSet,
        orders: Orders,
        send: CommandSender,
        metrics: Metrics,
        wake: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = database
        self._lanes = lanes
        self._orders = orders
        self._send = send
        self._metrics = metrics
        self._wake = wake
        self._now = now

    async def handle(self, claim: Claim) -> None:
        """Send the command, unless it may have been sent before, and queue what came back."""
        entry = msgspec.json.decode(claim.entry, type=CommandEntry)
        plan = entry.plan
        if entry.sent:
            # Whoever sent it died before the answer: it may have arrived. Never send it again.
            outcome = self._unanswered(plan, "the sender was restarted")
        elif not still_wanted(await self._orders.load(plan.order_key), plan, self._now()):
            log.info("command.dropped", command=str(plan.type), cpo=plan.cpo_id)
            outcome = self._unanswered(plan, "it came too late to be sent", sent=False)
        elif not await self._lanes.command.rewrite(claim, packed(replace(entry, sent=True))):
            return
        else:
            outcome = await self._outcome(plan)
            if not outcome.sent and self._may_be_tried_again(entry):
                pause_s = RETRIES_S[entry.tries]
                again = packed(replace(entry, tries=entry.tries + 1))
                await self._lanes.command.postpone(claim, again, pause_s)
                return
        await self._db.commit(
            [
                *self._lanes.inbox.push(plan.order_key, packed(outcome)),
                *self._lanes.command.finished(claim),
            ],
            [self._lanes.command.held(claim)],
        )
        self._wake()

    def _may_be_tried_again(self, entry: CommandEntry) -> bool:
        """Whether a command that did not leave has a try left, within its time."""
        if entry.tries >= len(RETRIES_S):
            return False
        next_try = self._now() + timedelta(seconds=RETRIES_S[entry.tries])
        return entry.plan.until is None or next_try < entry.plan.until

    async def _outcome(self, plan: CommandPlan) -> CommandResponseJob:
        """Send, and say what came of it."""
        facts: dict[str, object] = {"command": str(plan.type), "cpo": plan.cpo_id}
        try:
            response = await self._send(plan)
        except CallFailed as error:
            log.warning("command.failed", **facts, error=str(error))
            self._metrics.commands.labels(plan.type, "none").inc()
            return self._unanswered(plan, str(error), sent=not error.nothing_left, code=error.code)
        log.info("command.answered", **facts, result=str(response.result))
        self._metrics.commands.labels(plan.type, response.result).inc()
        return CommandResponseJob(
            command_id=plan.id,
            at=self._now(),
            result=response.result,
            timeout_s=response.timeout,
        )

    def _unanswered(
        self, plan: CommandPlan, reason: str, *, sent: bool = True, code: int | None = None
    ) -> CommandResponseJob:
        return CommandResponseJob(
            command_id=plan.id, at=self._now(), sent=sent, code=code, reason=reason
        )
