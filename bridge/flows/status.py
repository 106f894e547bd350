"""status: the order as it stands (mapping 1.9)."""

from __future__ import annotations

from bridge.flows.decision import Decision, World, answer_order
from bridge.orders.intents import Request
from bridge.orders.order import Order


def status(world: World, request: Request, order: Order) -> Decision:
    """Answer with the last known facts; money is shown as it was last agreed or billed."""
    return Decision(order, (answer_order(world, request, order),))
