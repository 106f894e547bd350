"""A Session of the order as the CPO pushed it (mapping 1.8)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from bridge.errors import StartFailed
from bridge.flows.bill import settled_by
from bridge.flows.cancel import cancelled_by_provider
from bridge.flows.decision import (
    Decision,
    World,
    notify,
    refuse,
    with_deadline,
)
from bridge.flows.start import attempt_closed, no_longer_waiting, told
from bridge.flows.stop import stop_plan, stopping
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.orders.intents import Verb
from bridge.orders.order import Order, OrderState
from bridge.orders.transitions import OVER, RUNNING, step

S = OrderState
LIVE = frozenset({SessionStatus.PENDING, SessionStatus.ACTIVE})


def session_changed(world: World, order: Order, session: Session) -> Decision:
    """Bring the order in line with a Session, whatever came before it."""
    if _is_stray(order, session):
        return _stray(order, session)
    before = order
    order = _heard(world, order, session)
    if order.state in OVER:
        return Decision(order, live=_live(before, order, world))
    match world.mappings.table(None, "session_state").to_beckn(session.status):
        case S.CHARGING:
            decision = _active(world, order)
        case S.ENDED:
            decision = session_over(world, order)
        case None:
            decision = _invalid(world, order, session)
        case _:
            decision = Decision(order)
    return decision._replace(live=_live(before, decision.order or order, world))


def _is_stray(order: Order, session: Session) -> bool:
    """Whether this is not the session the order lives on."""
    if order.state in OVER and session.status in LIVE:
        return order.session is None or order.session.id != session.id or order.state is S.CANCELLED
    return (
        order.session is not None
        and order.session.id != session.id
        and (order.state in RUNNING or order.state in OVER)
    )


def _stray(order: Order, session: Session) -> Decision:
    """Stop a session that nobody wants: the first one counts, a cancelled order has none."""
    if session.status not in LIVE or session.id in order.told.get("stray", "").split():
        return Decision(order, notes=(f"second session {session.id} is {session.status}",))
    plan = stop_plan(order, session.id)
    known = f"{order.told.get('stray', '')} {session.id}".strip()
    order = replace(order, told={**order.told, "stray": known})
    return Decision(order, commands=(plan,), notes=(f"second session {session.id} is stopped",))


def _heard(world: World, order: Order, session: Session) -> Order:
    """Keep the session, and how often this CPO speaks of it."""
    gap = order.session_gap_s
    if order.session is not None and order.session_seen_at is not None:
        gap = max(gap or 0.0, (world.now - order.session_seen_at).total_seconds())
    return replace(
        order,
        session=session,
        session_seen_at=world.now,
        session_gap_s=gap,
        updated_at=world.now,
    )


def watched(world: World, order: Order) -> Order:
    """Set the deadline of an interruption, if this CPO speaks more often (decisions 15)."""
    limit_s = world.terms.interruption_s
    regular = order.session_gap_s is not None and order.session_gap_s < limit_s
    due = world.now + timedelta(seconds=limit_s) if regular else None
    return with_deadline(order, "interruption", due)


def _active(world: World, order: Order) -> Decision:
    """Energy flows: the proof that the start worked."""
    if order.state in (S.CONFIRMED, S.STARTING):
        order = watched(world, step(attempt_closed(order), S.CHARGING, world.now))
        order, starters = no_longer_waiting(order, Verb.START)
        callbacks = told(world, order, starters, "on_update")
        if not order.stop_requested:
            return Decision(order, callbacks)
        order, plan = stopping(world, order)
        return Decision(order, callbacks, (plan,))
    if order.state is S.INTERRUPTED:
        return resumed(world, order)
    if order.state is S.CHARGING:
        order = watched(world, order)
    return Decision(order)


def resumed(world: World, order: Order) -> Decision:
    """Tell that a lost connection is back; the bill of the interruption is void."""
    order = replace(with_deadline(order, "outage", None), bill=None)
    order = watched(world, step(order, S.CHARGING, world.now))
    return Decision(order, (notify(world, order, "on_status"),))


def session_over(world: World, order: Order) -> Decision:
    """No more energy: the bill waits for the CDR, but not for long (decisions 16)."""
    order = replace(attempt_closed(order), stop_command=None, stop_requested=False)
    for name in ("stop", "interruption", "outage"):
        order = with_deadline(order, name, None)
    order = step(order, S.ENDED, world.now)
    if order.cdr is not None:
        return settled_by(world, order, order.cdr)
    due = world.now + timedelta(seconds=world.terms.cdr_wait_s)
    return Decision(with_deadline(order, "cdr", due))


def _invalid(world: World, order: Order, session: Session) -> Decision:
    """A void session: nothing to bill is a cancellation, else what was delivered (decisions 14)."""
    if _billable(session):
        return session_over(world, order)
    order, requests = no_longer_waiting(order, Verb.START, Verb.STOP)
    error = StartFailed(f"session {session.id} is invalid")
    callbacks = tuple(refuse(world, request, error) for request in requests)
    decision = cancelled_by_provider(world, order, "session-invalid", "The session is void")
    return decision._replace(callbacks=callbacks + decision.callbacks)


def _billable(session: Session) -> bool:
    cost = session.total_cost
    return session.kwh > 0 or (cost is not None and cost.excl_vat > Decimal(0))


def _live(before: Order, order: Order, world: World) -> bytes | None:
    """Return what a track callback_url is told."""
    if order.callback_url is None:
        return None
    return world.dialects[order.request.dialect].render_live(before, order)
