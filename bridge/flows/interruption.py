"""A connection that is lost for a while, and comes back or does not (decisions 15)."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bridge.flows.bill import billed_so_far, provisionally_billed
from bridge.flows.decision import Decision, World, notify, with_deadline
from bridge.orders.order import Order, OrderState
from bridge.orders.transitions import step

S = OrderState


def watched(world: World, order: Order) -> Order:
    """Set the deadline of an interruption, if this CPO speaks more often."""
    limit_s = world.terms.interruption_s
    regular = order.session_gap_s is not None and order.session_gap_s < limit_s
    due = world.now + timedelta(seconds=limit_s) if regular else None
    return with_deadline(order, "interruption", due)


def interrupted(world: World, order: Order) -> Decision:
    """Tell once that the connection is lost; it may come back (use case 1, 3.12)."""
    due = world.now + timedelta(seconds=world.terms.interruption_limit_s)
    order = with_deadline(with_deadline(order, "interruption", None), "outage", due)
    order = billed_so_far(step(order, S.INTERRUPTED, world.now))
    return Decision(order, (notify(world, order, "on_status"),))


def reconnected(world: World, order: Order) -> Order:
    """Return the order without its outage: the bill so far is void, the silence was no habit."""
    return replace(with_deadline(order, "outage", None), bill=None, session_seen_at=world.now)


def resumed(world: World, order: Order) -> Decision:
    """Tell that a lost connection is back."""
    order = watched(world, step(reconnected(world, order), S.CHARGING, world.now))
    return Decision(order, (notify(world, order, "on_status"),))


def given_up(world: World, order: Order) -> Decision:
    """Take a long outage for the end so far; the CDR settles it."""
    order = with_deadline(replace(order, stop_command=None), "stop", None)
    return provisionally_billed(world, step(order, S.ENDED, world.now))
