"""Guarding what was paid: STOP_SESSION when it is used up (decisions 21; mapping H24)."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from bridge.flows.bill import paid_of
from bridge.flows.decision import Decision, World
from bridge.flows.stop import stopping
from bridge.orders.order import Order, OrderState


def guarded(world: World, decision: Decision) -> Decision:
    """Stop a session that has used up what was paid; once, whatever becomes of it.

    If the CPO charges on, the end is as always, and what is due is said.
    """
    order = decision.order
    if order is None or order.state is not OrderState.CHARGING or order.guarded:
        return decision
    session, limit = order.session, guarded_kwh(order)
    if session is None or limit is None or session.kwh < limit:
        return decision
    order, plan = stopping(world, replace(order, guarded=True))
    note = f"stopped by the bridge: {session.kwh} kWh delivered, {limit} kWh are paid"
    return decision._replace(
        order=order, plans=(*decision.plans, plan), notes=(*decision.notes, note)
    )


def guarded_kwh(order: Order) -> Decimal | None:
    """Return the energy at which an order is stopped; None when nothing is paid or guarded.

    That is ``guard_share`` of what was quoted, the provision for an overcharge included.
    """
    share = order.agreed.guard_share
    if share is None or order.quote is None or paid_of(order) <= 0:
        return None
    return share * order.quote.kwh * (1 + order.agreed.overcharge_share)
