"""Sends OCPI commands: at most once each, since a second START is a second charge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from msgspec.structs import replace

from bridge.flows.jobs import CommandResponseJob
from bridge.flows.peer import CallFailed
from bridge.observability import Metrics, get_logger
from bridge.ocpi.commands import CommandResponse
from bridge.orders.order import CommandPlan
from bridge.store.database import Database, packed
from bridge.store.lanes import Claim
from bridge.workers.inbox import CommandEntry, LaneSet

log = get_logger()


class CommandSender(Protocol):
    """Posts one command; raises CallFailed."""

    async def __call__(self, plan: CommandPlan) -> CommandResponse:
        """Return the CPO's CommandResponse."""
        ...


class CommandWorker:
    """Handler of command lanes."""

    def __init__(
        self,
        *,
        database: Database,
        lanes: LaneSet,
        send: CommandSender,
        metrics: Metrics,
        wake: Callable[[], None],
    ) -> None:
        self._db = database
        self._lanes = lanes
        self._send = send
        self._metrics = metrics
        self._wake = wake

    async def handle(self, claim: Claim) -> None:
        """Send the command, unless it may have been sent before, and queue what came back."""
        entry = msgspec.json.decode(claim.entry, type=CommandEntry)
        if entry.sent:
            # Whoever sent it died before the answer: it may have arrived. Never send it again.
            outcome = CommandResponseJob(
                command_id=entry.plan.id, at=datetime.now(UTC), reason="the sender was restarted"
            )
        elif not await self._lanes.command.rewrite(claim, packed(replace(entry, sent=True))):
            return
        else:
            outcome = await self._outcome(entry.plan)
        await self._db.commit(
            [
                *self._lanes.inbox.push(entry.plan.order_key, packed(outcome)),
                *self._lanes.command.finished(claim),
            ],
            [self._lanes.command.held(claim)],
        )
        self._wake()

    async def _outcome(self, plan: CommandPlan) -> CommandResponseJob:
        """Send, and say what came of it."""
        facts: dict[str, object] = {"command": str(plan.type), "cpo": plan.cpo_id}
        try:
            response = await self._send(plan)
        except CallFailed as error:
            log.warning("command.failed", **facts, error=str(error))
            self._metrics.commands.labels(plan.type, "none").inc()
            return CommandResponseJob(
                command_id=plan.id,
                at=datetime.now(UTC),
                sent=not error.nothing_left,
                code=error.code,
                reason=str(error),
            )
        log.info("command.answered", **facts, result=str(response.result))
        self._metrics.commands.labels(plan.type, response.result).inc()
        return CommandResponseJob(
            command_id=plan.id,
            at=datetime.now(UTC),
            result=response.result,
            timeout_s=response.timeout,
        )
