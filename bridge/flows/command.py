"""CommandResponse and CommandResult of an order's commands; docs/commands.md has the table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from bridge.flows.decision import Decision, Pull, World, with_deadline
from bridge.flows.jobs import CommandResponseJob, CommandResultJob
from bridge.flows.reservation import LIVE, RS
from bridge.flows.reserved import (
    reservation_taken_back,
    reserve_accepted,
    reserve_refused,
    waited_for,
)
from bridge.flows.start import GRACE_S, start_failed, unanswered_until
from bridge.flows.stop import stop_failed
from bridge.ocpi.envelope import UNKNOWN_LOCATION
from bridge.ocpi.types import ModuleID
from bridge.orders.order import Order, OrderState
from bridge.orders.plans import CommandPlan

S = OrderState

Which = Literal["start", "stop", "reserve", "release"]
"""A command under way; most by the name of its deadline."""

LONGEST_TIMEOUT_S = 600
"""A CommandResponse.timeout beyond this is not believed (O125)."""

LOOK_UP_S = 5
"""How long a session may take to turn out to be over that the CPO does not know any more."""

ACCEPTED_BEFORE = "the charge point has accepted it already"


def still_wanted(order: Order | None, plan: CommandPlan, now: datetime) -> bool:
    """Tell whether a command may leave now; the order may have moved on while it waited."""
    if plan.until is None:
        return True
    if order is None or now >= plan.until:
        return False
    which = _which(order, plan.id)
    return which is not None and (which != "reserve" or order.state is S.CONFIRMED)


def result_wait_s(timeout_s: int, default_s: float) -> float:
    """Return how long a result is waited for: as the CPO says, where that makes sense (O125)."""
    return (timeout_s if 0 < timeout_s <= LONGEST_TIMEOUT_S else default_s) + GRACE_S


def command_response(world: World, order: Order, job: CommandResponseJob) -> Decision:
    """Take the CPO's own answer to a command; only ACCEPTED is followed by a result."""
    which = _which(order, job.command_id)
    if which is None:
        return Decision(order, notes=("answer to a command that is over",))
    if which == "release":
        return Decision(order, notes=(f"reservation given back: {job.result or job.reason}",))
    if _is_accepted(order, which, job.command_id):
        return Decision(order, notes=(ACCEPTED_BEFORE,))
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
    if which == "release":
        return Decision(order, notes=(f"reservation given back: {job.result}",))
    outcome = _outcome(world, "command_result", job.result)
    if outcome == "cancelled" and which == "reserve":
        return reservation_taken_back(world, order)
    if outcome == "accepted":
        if _is_accepted(order, which, job.command_id):
            return Decision(order, notes=(ACCEPTED_BEFORE,))
        return _accepted(world, order, which, job)
    reason = f"the charge point answered {job.result}" + (f": {job.reason}" if job.reason else "")
    return _failed(world, order, which, reason)


def _forwarded(world: World, order: Order, which: Which, job: CommandResponseJob) -> Decision:
    """Wait for the result as long as the CPO says, where that makes sense."""
    wait_s = result_wait_s(job.timeout_s, world.terms.command_timeout_s)
    until = world.now + timedelta(seconds=wait_s)
    if which == "reserve":
        return waited_for(order, until)
    if order.deadlines.get(which) != unanswered_until(world, order):
        return Decision(order, notes=("a session came first",))
    return Decision(with_deadline(order, which, until))


def _accepted(world: World, order: Order, which: Which, job: CommandResultJob) -> Decision:
    """Wait for the session; a reservation has none that matters."""
    if which == "reserve":
        return reserve_accepted(order)
    due = world.now + timedelta(seconds=world.terms.session_wait_s)
    return Decision(with_deadline(replace(order, accepted=job.command_id), which, due))


def _unanswered(world: World, order: Order, which: Which, job: CommandResponseJob) -> Decision:
    """Give up what never left; what may have arrived is told by a Session or by the deadline."""
    if not job.sent:
        return _failed(world, order, which, job.reason)
    if which != "stop" and job.code == UNKNOWN_LOCATION:
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
        pulls=(Pull(order.item.cpo_id, ModuleID.SESSIONS, at_once=True),),
    )


def _outcome(world: World, table: str, word: str) -> str:
    """Return what the mapping takes a CPO's word for: accepted, refused, cancelled, unknown."""
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
    reservation = order.reservation
    if reservation is None:
        return None
    if reservation.cancel_id == command_id:
        return "release"
    if reservation.command_id == command_id and reservation.state in LIVE:
        return "reserve"
    return None


def _is_accepted(order: Order, which: Which, command_id: str) -> bool:
    """Tell whether the charge point has said yes to the command."""
    if which == "reserve":
        return order.reservation is not None and order.reservation.state is RS.HELD
    return order.accepted == command_id


def _failed(world: World, order: Order, which: Which, reason: str) -> Decision:
    if which == "start":
        return start_failed(world, order, reason)
    if which == "stop":
        return stop_failed(world, order, reason)
    return reserve_refused(order, reason)
