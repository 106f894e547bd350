"""Deadlines of an order: what happens when nothing happens (decisions 7, 14, 15, 16)."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bridge.flows.bill import cdrs_of, provisionally_billed
from bridge.flows.cancel import cancelled_by_provider
from bridge.flows.decision import STORE_TICK, Decision, World, answer_order, with_deadline
from bridge.flows.interruption import given_up, interrupted
from bridge.flows.look import LOOK, look
from bridge.flows.reserved import no_show, reserve_due
from bridge.flows.start import start_failed
from bridge.flows.stop import stop_failed
from bridge.orders.order import Order, OrderState

S = OrderState


def deadline_passed(world: World, order: Order, name: str) -> Decision:
    """Act on a deadline; one that was moved or cleared meanwhile means nothing."""
    due = order.deadlines.get(name)
    if due is None or not _past(world, due):
        return Decision(order)
    order = with_deadline(order, name, None)
    if name == "reply":
        return _late(world, order)
    if name == "start" and order.state is S.STARTING:
        return start_failed(world, order, "no session appeared in time")
    if name == "stop" and order.state is S.STOPPING:
        return stop_failed(world, order, "the session did not end in time")
    if name == "interruption" and order.state is S.CHARGING:
        return interrupted(world, order)
    if name == "outage" and order.state in (S.INTERRUPTED, S.STOPPING):
        return given_up(world, order)
    if name == "cdr" and order.state is S.ENDED:
        return provisionally_billed(world, order)
    if name == LOOK:
        return look(order)
    if name == "fault" and order.state is S.CONFIRMED:
        return cancelled_by_provider(
            world, order, "hardware-failure", "The charger is out of order"
        )
    if name == "reserve" and order.state is S.CONFIRMED:
        return reserve_due(world, order)
    if name == "no_show" and order.state is S.CONFIRMED:
        return no_show(world, order)
    return Decision(order)


def _late(world: World, order: Order) -> Decision:
    """Answer what waits too long with the state reached; the rest comes unasked later."""
    late = tuple(entry for entry in order.waiting if _past(world, entry.until))
    left = tuple(entry for entry in order.waiting if not _past(world, entry.until))
    if order.state is S.ENDED:
        # The answer has the provisional bill: it is not sent a second time.
        order = with_deadline(order, "cdr", None)
    order = replace(order, waiting=left)
    order = with_deadline(order, "reply", min((entry.until for entry in left), default=None))
    callbacks = tuple(answer_order(world, entry.request, order) for entry in late)
    return Decision(order, callbacks, pulls=cdrs_of(order) if order.state is S.ENDED else ())


def _past(world: World, due: datetime) -> bool:
    return due < world.now + STORE_TICK
