"""The legal steps of an order, as a table."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bridge.orders.order import Order, OrderState

S = OrderState

# From each state to every state that may follow it. A CDR settles an order from wherever it
# stands: the CPO may never have pushed the session, and what was delivered must be billed.
STEPS: dict[OrderState, frozenset[OrderState]] = {
    S.SELECTED: frozenset({S.SELECTED, S.INITIALISED}),
    S.INITIALISED: frozenset({S.SELECTED, S.INITIALISED, S.CONFIRMED}),
    S.CONFIRMED: frozenset({S.STARTING, S.CHARGING, S.ENDED, S.SETTLED, S.CANCELLED}),
    S.STARTING: frozenset({S.CONFIRMED, S.CHARGING, S.STOPPING, S.ENDED, S.SETTLED, S.CANCELLED}),
    S.CHARGING: frozenset({S.INTERRUPTED, S.STOPPING, S.ENDED, S.SETTLED, S.CANCELLED}),
    S.INTERRUPTED: frozenset({S.CHARGING, S.STOPPING, S.ENDED, S.SETTLED, S.CANCELLED}),
    S.STOPPING: frozenset(
        {S.CONFIRMED, S.CHARGING, S.INTERRUPTED, S.ENDED, S.SETTLED, S.CANCELLED}
    ),
    S.ENDED: frozenset({S.SETTLED}),
    S.SETTLED: frozenset({S.SETTLED}),
    S.CANCELLED: frozenset({S.SETTLED}),
}

PLACED = frozenset(S) - {S.SELECTED, S.INITIALISED}
"""States of an order that was confirmed."""

RUNNING = frozenset({S.CHARGING, S.INTERRUPTED, S.STOPPING})
"""States in which the CPO's session is known and not over."""

OVER = frozenset({S.ENDED, S.SETTLED, S.CANCELLED})
"""States in which nothing can be started or stopped any more."""


def step(order: Order, state: OrderState, now: datetime) -> Order:
    """Return the order in another state.

    Raises:
        ValueError: the step is not in the table; a flow is wrong, not the input.
    """
    if state not in STEPS[order.state]:
        raise ValueError(f"no step from {order.state} to {state}")
    since = order.state_since if state is order.state else now
    return replace(order, state=state, state_since=since, updated_at=now)
