"""A change of status of the EVSE an order stands on (decisions 15; mapping 3, C1 and C5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bridge.flows.cancel import cancelled_by_provider
from bridge.flows.decision import Decision, World, with_deadline
from bridge.flows.interruption import interrupted, reconnected, resumed
from bridge.ocpi.locations import Status
from bridge.orders.order import Order, OrderState

S = OrderState
LOST = frozenset({Status.UNKNOWN, Status.OUTOFORDER, Status.INOPERATIVE})
BROKEN = frozenset({Status.OUTOFORDER, Status.INOPERATIVE})


def evse_changed(world: World, order: Order, status: Status) -> Decision:
    """Interrupt, resume or cancel, by what the EVSE says about itself."""
    order = replace(order, item=replace(order.item, evse=replace(order.item.evse, status=status)))
    if order.state is S.CHARGING and status in LOST:
        return interrupted(world, order)
    if order.state is S.INTERRUPTED and status is Status.CHARGING:
        return resumed(world, order)
    if order.state is S.STOPPING and status is Status.CHARGING:
        return Decision(reconnected(world, order))
    if order.state is S.CONFIRMED and status in (Status.REMOVED, Status.PLANNED):
        return cancelled_by_provider(
            world, order, "charger-removed", "The charger is no longer there"
        )
    if order.state is S.CONFIRMED:
        known = order.deadlines.get("fault")
        due = known or _given_up_at(world, order)
        return Decision(with_deadline(order, "fault", due if status in BROKEN else None))
    return Decision(order)


def _given_up_at(world: World, order: Order) -> datetime:
    """Return when an order on a broken EVSE is given up.

    A flap must not cost anybody the order: broken has to last, and where a slot is ahead, until
    shortly before it.
    """
    soon = world.now + timedelta(seconds=world.terms.fault_hold_s)
    if not order.booked or order.start is None:
        return soon
    return max(soon, order.start - timedelta(seconds=world.terms.reserve_lead_s))
