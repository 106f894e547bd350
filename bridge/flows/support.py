"""support: where the driver gets help (mapping 1.14)."""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from bridge.errors import ActionUnsupported
from bridge.flows.decision import Decision, World, answer
from bridge.orders.intents import Request, Support
from bridge.orders.order import Order

TICKETS_KEPT = 20
"""Tickets kept for an order."""


def support(world: World, request: Request, intent: Support, order: Order | None) -> Decision:
    """Answer with the CPO's contact, else our own; the ticket is kept with the order.

    Raises:
        ActionUnsupported: the operator configured no contact.
    """
    contact = world.contacts.support(None if order is None else order.item.cpo_id)
    if contact is None:
        raise ActionUnsupported("no support contact is configured")
    ref_id = intent.ref_id or str(uuid.uuid4())
    message = world.dialects[request.dialect].render_support(
        ref_id, contact.phone, contact.email, contact.url
    )
    if order is not None:
        order = replace(order, tickets=(*order.tickets, ref_id)[-TICKETS_KEPT:])
    return Decision(order, (answer(request, message, ref_id),))
