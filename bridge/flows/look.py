"""Looking for an order's session at its CPO, when nobody pushes it (mapping 1.9; R3).

One deadline, ``session``, of every order that waits for news of one: when it passes, the CPO's
sessions are pulled. What that finds comes as an event of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bridge.flows.decision import STORE_TICK, Decision, Pull, World, with_deadline
from bridge.ocpi.types import ModuleID
from bridge.orders.order import Order, OrderState

S = OrderState

LOOK: Final = "session"
"""The deadline."""

LOOK_S: Final = 20
"""How long before silence is taken for an answer the CPO is asked: a pull that is asked for may
have to wait for the one before (``ASKED_GAP_S`` of the puller), and takes its time."""

CONCLUSIONS: Final = {
    S.STARTING: "start",
    S.CHARGING: "interruption",
    S.INTERRUPTED: "outage",
    S.STOPPING: "stop",
}
"""The deadline at which silence is taken for an answer, by state."""

HURRIED: Final = frozenset({S.STARTING, S.STOPPING})
"""States that a command has brought about: the session is about to change."""


def looked_for(world: World, before: Order | None, order: Order) -> Order:
    """Return the order with the time at which its session is looked for unless it is heard of.

    Set anew when it was heard of, when the order has come into another state, and after each
    look: so a silent CPO is asked again and again, and one that pushes never.
    """
    if order.state not in CONCLUSIONS:
        return _with_look(order, None)
    news = _is_news(before, order)
    due = order.deadlines.get(LOOK)
    if due is None or news:
        due = world.now + _pause(world, order)
    concluded = order.deadlines.get(CONCLUSIONS[order.state])
    if concluded is not None:
        last = concluded - _ahead(concluded - world.now, first=news)
        due = min(due, last) if last > world.now else max(due, concluded + STORE_TICK)
    return _with_look(order, due)


def look(order: Order) -> Decision:
    """Have the sessions of the order's CPO pulled."""
    return Decision(order, pulls=(Pull(order.item.cpo_id, ModuleID.SESSIONS),))


def _is_news(before: Order | None, order: Order) -> bool:
    return (
        before is None
        or before.state is not order.state
        or before.session_seen_at != order.session_seen_at
    )


def _ahead(left: timedelta, *, first: bool) -> timedelta:
    """Return how long before a conclusion the last look is: later ones find nothing in time."""
    ahead = timedelta(seconds=LOOK_S)
    return min(ahead, left / 2) if first else ahead


def _pause(world: World, order: Order) -> timedelta:
    stale_s = world.terms.session_stale_s
    return timedelta(seconds=min(stale_s, LOOK_S) if order.state in HURRIED else stale_s)


def _with_look(order: Order, due: datetime | None) -> Order:
    return order if order.deadlines.get(LOOK) == due else with_deadline(order, LOOK, due)
