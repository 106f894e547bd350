"""CommandResponse and CommandResult of an order's commands; docs/commands.md has the table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from bridge.flows.decision import Decision, Pull, World, with_deadline
from bridge.flows.jobs import CommandResponseJob, CommandResultJob
from bridge.flows.start import GRACE_S, start_failed, unanswered_until
from bridge.flows.stop import stop_failed
from bridge.ocpi.envelope import UNKNOWN_LOCATION
from bridge.ocpi.types import ModuleID
from bridge.orders.order import Order, OrderState
from bridge.orders.plans import CommandPlan

S = OrderState

Which = Literal["start", "stop"]
"""A command under way, by the name of its deadline."""

LONGEST_TIMEOUT_S = 600
"""A CommandResponse.timeout beyond this is not believed (O125)."""

LOOK_UP_S = 5
"""How long a session may take to turn out to be over that the CPO does not know any more."""


def still_wanted(order: Order | None, plan: CommandPlan, now: datetime) -> bool:
    """Tell whether a command may leave now; the order may have moved on while it waited."""
    if plan.until is None:
        return True
    return now < plan.until and order is not None and _which(order, plan.id) is not None


def command_response(world: World, order: Order, job: CommandResponseJob) -> Decision:
    """Take the CPO's own answer to a command; only ACCEPTED is followed by a result."""
    which = _which(order, job.command_id)
    if which is None:
        return Decision(order, notes=("answer to a command that is over",))
    if order.accepted == job.command_id:
        return Decision(order, notes=("the charge point has accepted it already",))
    if job.result is None:
        return _unanswered(world, order, which, job)
    match _outcome(world, "command_response", job.result):
        case "accepted":
            return _forwarded(world, order, which, job)
        case "unknown" if which == "stop":
            return _looked_up(world, order)
        case _:
            return _failed(world, order, which, f"the CPO answered {job.result}")


def command_result(world: World, order: Order, job: CommandResultJob) -> Decision:
    """Take the charge point's answer; ACCEPTED is no proof of charging, the Session is.

    A repeated yes says nothing new; a no counts even after a yes.
    """
    which = _which(order, job.command_id)
    if which is None:
        return Decision(order, notes=(f"result {job.result} of a command that is over",))
    if _outcome(world, "command_result", job.result) == "accepted":
        if order.accepted == job.command_id:
            return Decision(order, notes=("the charge point has accepted it already",))
        due = world.now + timedelta(seconds=world.terms.session_wait_s)
        return Decision(with_deadline(replace(order, accepted=job.command_id), which, due))
    reason = f"the charge point answered {job.result}" + (f": {job.reason}" if job.reason else "")
    return _failed(world, order, which, reason)


def _forwarded(world: World, order: Order, which: Which, job: CommandResponseJob) -> Decision:
    """Wait for the result as long as the CPO says, where that makes sense."""
    if order.deadlines.get(which) != unanswered_until(world, order):
        return Decision(order, notes=("a session came first",))
    timeout_s = job.timeout_s if 0 < job.timeout_s <= LONGEST_TIMEOUT_S else None
    wait_s = (timeout_s or world.terms.command_timeout_s) + GRACE_S
    return Decision(with_deadline(order, which, world.now + timedelta(seconds=wait_s)))


def _unanswered(world: World, order: Order, which: Which, job: CommandResponseJob) -> Decision:
    """Give up what never left; what may have arrived is told by a Session or by the deadline."""
    if not job.sent:
        return _failed(world, order, which, job.reason)
    if which == "start" and job.code == UNKNOWN_LOCATION:
        # What we sell is not what they have.
        decision = _failed(world, order, which, "the CPO does not know the location")
        return decision._replace(pulls=(Pull(order.item.cpo_id, ModuleID.LOCATIONS),))
    return Decision(order, notes=(f"{which}: outcome unknown: {job.reason}",))


def _looked_up(world: World, order: Order) -> Decision:
    """Find out whether the session is over that the CPO does not know: then nothing is to stop."""
    due = world.now + timedelta(seconds=LOOK_UP_S)
    return Decision(
        with_deadline(replace(order, stop_command=None), "stop", due),
        notes=("the CPO does not know the session",),
        pulls=(Pull(order.item.cpo_id, ModuleID.SESSIONS),),
    )


def _outcome(world: World, table: str, word: str) -> str:
    """Return what the mapping takes a CPO's word for: accepted, refused, unknown."""
    outcome = world.mappings.table(None, table).to_beckn(word)
    if outcome is None:
        raise ValueError(f"{table}: no outcome for {word}")
    return outcome


def _which(order: Order, command_id: str) -> Which | None:
    """Return the command under way that has this id."""
    if order.state is S.STARTING and any(
        attempt.open and attempt.command_id == command_id for attempt in order.attempts
    ):
        return "start"
    if order.state is S.STOPPING and order.stop_command == command_id:
        return "stop"
    return None


def _failed(world: World, order: Order, which: Which, reason: str) -> Decision:
    if which == "start":
        return start_failed(world, order, reason)
    return stop_failed(world, order, reason)
