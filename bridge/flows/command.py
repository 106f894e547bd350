"""CommandResponse and CommandResult of an order's commands (OCPI 2.2.1 mod_commands)."""

from __future__ import annotations

from datetime import timedelta

from bridge.flows.decision import Decision, World, with_deadline
from bridge.flows.jobs import CommandResponseJob, CommandResultJob
from bridge.flows.start import GRACE_S, start_failed, unanswered_until
from bridge.flows.stop import stop_failed
from bridge.orders.order import Order, OrderState

S = OrderState

LONGEST_TIMEOUT_S = 600
"""A CommandResponse.timeout beyond this is not believed (O125)."""


def command_response(world: World, order: Order, job: CommandResponseJob) -> Decision:
    """Take the CPO's own answer to a command; only ACCEPTED is followed by a result."""
    which = _which(order, job.command_id)
    if which is None:
        return Decision(order, notes=("answer to a command that is over",))
    if job.result is not None and _accepted(world, "command_response", job.result):
        if order.deadlines.get(which) != unanswered_until(world, order):
            return Decision(order, notes=("a result or session came first",))
        timeout_s = job.timeout_s if 0 < job.timeout_s <= LONGEST_TIMEOUT_S else None
        wait_s = (timeout_s or world.terms.command_timeout_s) + GRACE_S
        return Decision(with_deadline(order, which, world.now + timedelta(seconds=wait_s)))
    if job.result is None and job.sent:
        # It may have arrived: a Session or the deadline will tell, a second START never is sent.
        return Decision(order, notes=(f"{which}: outcome unknown: {job.reason}",))
    reason = job.reason or f"the CPO answered {job.result}"
    return _failed(world, order, which, reason)


def command_result(world: World, order: Order, job: CommandResultJob) -> Decision:
    """Take the charge point's answer; ACCEPTED is no proof of charging, the Session is."""
    which = _which(order, job.command_id)
    if which is None:
        return Decision(order, notes=(f"result {job.result} of a command that is over",))
    if _accepted(world, "command_result", job.result):
        due = world.now + timedelta(seconds=world.terms.session_wait_s)
        return Decision(with_deadline(order, which, due))
    reason = f"the charge point answered {job.result}" + (f": {job.reason}" if job.reason else "")
    return _failed(world, order, which, reason)


def _accepted(world: World, table: str, word: str) -> bool:
    """Whether the mapping takes the CPO's word for a yes."""
    return world.mappings.table(None, table).to_beckn(word) == "accepted"


def _which(order: Order, command_id: str) -> str | None:
    """Return the deadline name of the command under way: start, stop, or None."""
    if order.state is S.STARTING and any(
        attempt.open and attempt.command_id == command_id for attempt in order.attempts
    ):
        return "start"
    if order.state is S.STOPPING and order.stop_command == command_id:
        return "stop"
    return None


def _failed(world: World, order: Order, which: str, reason: str) -> Decision:
    if which == "start":
        return start_failed(world, order, reason)
    return stop_failed(world, order, reason)
