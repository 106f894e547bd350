"""Sends what orders have for their CPOs. A command leaves at most once: a second START is a second
charge. A token may be sent again; but whoever does not take it at once does without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from bridge.flows.command import still_wanted
from bridge.flows.jobs import CommandResponseJob, Job, PreferencesJob, TokenJob
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Orders
from bridge.observability import Metrics, get_logger
from bridge.observability.metrics import NONE
from bridge.observability.tracing import called
from bridge.ocpi.commands import CommandResponse
from bridge.ocpi.envelope import FORWARD_TIMEOUT
from bridge.ocpi.sessions import ChargingPreferencesResponse
from bridge.orders.plans import CommandPlan, Plan, PreferencesPlan, TokenPlan
from bridge.store.database import Database, packed
from bridge.store.lanes import Claim
from bridge.workers.inbox import CommandEntry, LaneSet

log = get_logger()

RETRIES_S: Final = (1.0, 2.0)
"""Pauses before a command is tried again of which nothing left: there was no connection."""


AT_ONCE: Final = 16
"""Commands and tokens for one party that one process has under way; its lanes are for all."""

AT_ONCE_ALL: Final = 32
"""The same for all parties behind one connection."""

CROWDED_S: Final = 0.5
"""When a lane is looked at again whose CPO had too much under way."""


class Sender(Protocol):
    """Calls CPOs; all methods raise CallFailed."""

    async def command(self, plan: CommandPlan) -> CommandResponse:
        """Return the CPO's CommandResponse."""
        ...

    async def token(self, plan: TokenPlan) -> bool:
        """Return whether the CPO takes tokens; then it has this one now."""
        ...

    async def preferences(self, plan: PreferencesPlan) -> ChargingPreferencesResponse:
        """Return what the CPO makes of the driver's wishes."""
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
        send: Sender,
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
        self._under_way: Counter[str | tuple[str, str]] = Counter()

    async def handle(self, claim: Claim) -> None:
        """Send what the entry holds, and queue what came back.

        Where too much is under way already it waits: a CPO that does not answer must not hold
        every lane, nor a party behind a hub all those of the hub.
        """
        entry = msgspec.json.decode(claim.entry, type=CommandEntry)
        called(f"send {_word(entry.plan)}")
        platform, party = entry.plan.cpo_id, (entry.plan.cpo_id, str(entry.plan.party))
        if self._under_way[platform] >= AT_ONCE_ALL or self._under_way[party] >= AT_ONCE:
            await self._lanes.command.postpone(claim, claim.entry, CROWDED_S)
            return
        self._under_way.update((platform, party))
        try:
            await self._send_entry(claim, entry)
        finally:
            self._under_way.subtract((platform, party))

    async def _send_entry(self, claim: Claim, entry: CommandEntry) -> None:
        match entry.plan:
            case CommandPlan() as plan:
                await self._command(claim, entry, plan)
            case TokenPlan() as plan:
                await self._finish(claim, plan, await self._token(plan))
            case PreferencesPlan() as plan:
                await self._finish(claim, plan, await self._preferences(plan))

    async def _command(self, claim: Claim, entry: CommandEntry, plan: CommandPlan) -> None:
        """Send a command, unless it may have been sent before, or nobody waits for it any more."""
        if entry.sent:
            # Whoever sent it died before the answer: it may have arrived. Never send it again.
            outcome = self._unanswered(plan, "the sender was restarted")
        elif not still_wanted(await self._orders.load(plan.order_key), plan, self._now()):
            log.info("command.dropped", command=str(plan.type), cpo=plan.cpo_id)
            outcome = self._unanswered(plan, "it came too late to be sent", sent=False)
        elif not await self._lanes.command.rewrite(claim, packed(replace(entry, sent=True))):
            return
        else:
            outcome, again = await self._outcome(plan)
            if again and self._may_be_tried_again(entry, plan):
                pause_s = RETRIES_S[entry.tries]
                once_more = packed(replace(entry, tries=entry.tries + 1))
                await self._lanes.command.postpone(claim, once_more, pause_s)
                return
        await self._finish(claim, plan, outcome)

    async def _finish(self, claim: Claim, plan: Plan, outcome: Job | None) -> None:
        """Take the entry off its lane, and tell the order what came of it, if it cares."""
        told = [] if outcome is None else self._lanes.inbox.push(plan.order_key, packed(outcome))
        await self._db.commit(
            [*told, *self._lanes.command.finished(claim)], [self._lanes.command.held(claim)]
        )
        self._wake()

    def _may_be_tried_again(self, entry: CommandEntry, plan: CommandPlan) -> bool:
        """Whether a command that did not leave has a try left, within its time."""
        if entry.tries >= len(RETRIES_S):
            return False
        next_try = self._now() + timedelta(seconds=RETRIES_S[entry.tries])
        return plan.until is None or next_try < plan.until

    async def _outcome(self, plan: CommandPlan) -> tuple[CommandResponseJob, bool]:
        """Send; return what came of it, and whether the same command may leave later."""
        facts: dict[str, object] = {"command": str(plan.type), "cpo": plan.cpo_id}
        try:
            response = await self._send.command(plan)
        except CallFailed as error:
            log.warning("command.failed", **facts, error=str(error))
            self._metrics.commands.labels(plan.cpo_id, plan.type, NONE).inc()
            arrived = error.may_have_arrived
            outcome = self._unanswered(plan, str(error), sent=arrived, code=error.code)
            return outcome, error.nothing_left and error.retryable
        log.info("command.answered", **facts, result=str(response.result))
        self._metrics.commands.labels(plan.cpo_id, plan.type, response.result).inc()
        outcome = CommandResponseJob(
            command_id=plan.id,
            at=self._now(),
            result=response.result,
            timeout_s=response.timeout,
        )
        return outcome, False

    def _unanswered(
        self, plan: CommandPlan, reason: str, *, sent: bool = True, code: int | None = None
    ) -> CommandResponseJob:
        return CommandResponseJob(
            command_id=plan.id, at=self._now(), sent=sent, code=code, reason=reason
        )

    async def _token(self, plan: TokenPlan) -> TokenJob | None:
        """Push a token once; None: there is nothing that the order has to know."""
        valid = plan.token.valid
        try:
            if not await self._send.token(plan):
                return None
        except CallFailed as error:
            self._push_failed("token", plan, error)
            answered = error.http is not None and error.code != FORWARD_TIMEOUT
            may_have = error.may_have_arrived and not answered
            taken, reason = may_have, str(error)
        else:
            self._push_done("token", plan)
            taken, reason = True, ""
        return TokenJob(taken=taken, at=self._now(), reason=reason) if valid else None

    async def _preferences(self, plan: PreferencesPlan) -> PreferencesJob:
        """Push once what the driver wishes; whoever does not want to know it, does not."""
        try:
            result = await self._send.preferences(plan)
        except CallFailed as error:
            self._push_failed("preferences", plan, error)
            told = PreferencesJob(session_id=plan.session_id, at=self._now(), reason=str(error))
        else:
            self._push_done("preferences", plan)
            told = PreferencesJob(session_id=plan.session_id, at=self._now(), result=result)
        return told

    def _push_done(self, kind: str, plan: Plan) -> None:
        log.info("push.done", kind=kind, cpo=plan.cpo_id)
        self._metrics.pushes.labels(plan.cpo_id, kind, "done").inc()

    def _push_failed(self, kind: str, plan: Plan, error: CallFailed) -> None:
        log.warning("push.failed", kind=kind, cpo=plan.cpo_id, error=str(error))
        self._metrics.pushes.labels(plan.cpo_id, kind, "failed").inc()


def _word(plan: Plan) -> str:
    """Return what kind of plan it is, in one word."""
    return str(plan.type) if isinstance(plan, CommandPlan) else str(plan.__struct_config__.tag)
