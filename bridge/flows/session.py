"""A Session of the order as the CPO pushed it (mapping 1.8)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from bridge.errors import StartFailed
from bridge.flows.bill import billed_so_far
from bridge.flows.cancel import cancelled_by_provider
from bridge.flows.decision import Decision, World, answer_order, refuse, with_deadline
from bridge.flows.guard import guarded
from bridge.flows.interruption import reconnected, resumed, watched
from bridge.flows.preferences import preferred
from bridge.flows.reserved import is_of_reservation, reservation_changed
from bridge.flows.start import attempt_closed, is_left_over, no_longer_waiting, told
from bridge.flows.stop import stop_plan, stopping
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.orders.intents import Verb
from bridge.orders.order import Order, OrderState
from bridge.orders.transitions import OVER, RUNNING, step

S = OrderState
LIVE = frozenset({SessionStatus.PENDING, SessionStatus.ACTIVE})
FINAL = frozenset({SessionStatus.COMPLETED, SessionStatus.INVALID})


def session_changed(world: World, order: Order, session: Session) -> Decision:
    """Bring the order in line with a Session, whatever came before it."""
    if is_of_reservation(order, session):
        return reservation_changed(world, order, session)
    if _is_stray(order, session):
        return _stray(order, session)
    if _came_to_nothing(order, session):
        return Decision(order, notes=(f"session {session.id} of a failed start: {session.status}",))
    before = order
    order = _heard(world, order, session)
    if order.state in OVER:
        return Decision(order, live=_live(before, order, world))
    match world.mappings.table(None, "session_state").to_beckn(session.status):
        case S.STARTING if order.state is S.STARTING:
            decision = _announced(world, before, order)
        case S.CHARGING:
            decision = _active(world, order)
        case S.ENDED:
            decision = session_over(world, order)
        case None:
            decision = _invalid(world, order, session)
        case _:
            decision = Decision(order)
    decision = guarded(world, decision)
    return decision._replace(live=_live(before, decision.order or order, world))


def _is_stray(order: Order, session: Session) -> bool:
    """Whether this is not the session the order lives on, or lived on."""
    if order.state is S.CANCELLED and session.status in LIVE:
        return True
    own = {
        known.casefold()
        for known in (
            None if order.session is None else order.session.id,
            None if order.cdr is None else order.cdr.session_id,
        )
        if known is not None
    }
    if own:
        return session.id.casefold() not in own and order.state in RUNNING | OVER
    return order.state in OVER and session.status in LIVE


def _stray(order: Order, session: Session) -> Decision:
    """Stop a session that nobody wants: the first one counts, a cancelled order has none.

    Once for each status: one that charges although it was told to stop is told again.
    """
    name = session.id.casefold()
    repeated = order.told.get(name) == session.status
    order = replace(order, told={**order.told, name: str(session.status)})
    if session.status not in LIVE or repeated:
        return Decision(order, notes=(f"second session {session.id} is {session.status}",))
    plan = stop_plan(order, session.id)
    return Decision(order, plans=(plan,), notes=(f"second session {session.id} is stopped",))


def _came_to_nothing(order: Order, session: Session) -> bool:
    """Whether it is of a START that failed, or was replaced by another, and bills nothing."""
    if session.status is SessionStatus.ACTIVE or _billable(session):
        return False
    if order.state in (S.CONFIRMED, S.STARTING) and session.status in FINAL:
        known = order.session
        if known is not None and known.id.casefold() != session.id.casefold():
            return True
    return is_left_over(order, session.authorization_reference, session.id)


def _heard(world: World, order: Order, session: Session) -> Order:
    """Keep the session, and how long this CPO keeps silent about it while it charges."""
    gap = order.session_gap_s
    if order.state is S.CHARGING and order.session_seen_at is not None:
        gap = max(gap or 0.0, (world.now - order.session_seen_at).total_seconds())
    return replace(
        order,
        session=session,
        session_seen_at=world.now,
        session_gap_s=gap,
        updated_at=world.now,
    )


def _announced(world: World, before: Order, order: Order) -> Decision:
    """A session that waits for its plug: the CPO has begun, and the driver gets time for it."""
    known, session = before.session, order.session
    if known is not None and session is not None and known.id == session.id:
        return Decision(order)
    due = world.now + timedelta(seconds=world.terms.session_wait_s)
    return Decision(with_deadline(order, "start", max(due, order.deadlines.get("start", due))))


def _active(world: World, order: Order) -> Decision:
    """Energy flows: the proof that the start worked."""
    if order.state in (S.CONFIRMED, S.STARTING):
        order = watched(world, step(attempt_closed(order), S.CHARGING, world.now))
        order, starters = no_longer_waiting(order, Verb.START)
        callbacks = told(world, order, starters, "on_update")
        if not order.stop_requested:
            return Decision(order, callbacks, preferred(world, order))
        order, plan = stopping(world, order)
        return Decision(order, callbacks, (plan,))
    if order.state is S.INTERRUPTED:
        return resumed(world, order)
    if order.state is S.CHARGING:
        order = watched(world, order)
    if order.state is S.STOPPING:
        order = reconnected(world, order)
    return Decision(order)


def session_over(world: World, order: Order) -> Decision:
    """No more energy: the bill waits for the CDR, but not for long (decisions 16)."""
    order = replace(attempt_closed(order), stop_command=None, stop_requested=False)
    for name in ("stop", "interruption", "outage"):
        order = with_deadline(order, name, None)
    order = billed_so_far(step(order, S.ENDED, world.now))
    due = world.now + timedelta(seconds=world.terms.cdr_wait_s)
    return Decision(with_deadline(order, "cdr", due))


def _invalid(world: World, order: Order, session: Session) -> Decision:
    """A void session: nothing to bill is a cancellation, else what was delivered (decisions 14)."""
    if _billable(session):
        return session_over(world, order)
    order, starters = no_longer_waiting(order, Verb.START)
    order, stoppers = no_longer_waiting(order, Verb.STOP)
    error = StartFailed(f"session {session.id} is invalid")
    callbacks = tuple(refuse(world, request, error) for request in starters)
    decision = cancelled_by_provider(world, order, "session-invalid", "The session is void")
    void = decision.order or order
    callbacks += tuple(answer_order(world, request, void) for request in stoppers)
    return decision._replace(callbacks=callbacks + decision.callbacks)


def _billable(session: Session) -> bool:
    cost = session.total_cost
    return session.kwh > 0 or (cost is not None and cost.excl_vat > Decimal(0))


def _live(before: Order, order: Order, world: World) -> bytes | None:
    """Return what a track callback_url is told."""
    if order.callback_url is None:
        return None
    return world.dialects[order.request.dialect].render_live(before, order)
