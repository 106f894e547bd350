"""support: where the driver gets help (mapping 1.14)."""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from bridge.errors import ActionUnsupported
from bridge.flows.decision import Callback, Decision, World, answer
from bridge.orders.intents import Request, Support
from bridge.orders.order import Order

TICKETS_KEPT = 20
"""Tickets kept for an order."""


def support(world: World, request: Request, intent: Support, order: Order | None) -> Decision:
    """Answer with the CPO's contact, else our own; the ticket is kept with the order.

    Raises:
        ActionUnsupported: the operator configured no contact.
    """
    cpo_id = None if order is None else order.item.cpo_id
    ref_id, callback = helped(world, request, intent, cpo_id)
    if order is not None:
        order = replace(order, tickets=(*order.tickets, ref_id)[-TICKETS_KEPT:])
    return Decision(order, (callback,))


def helped(
    world: World, request: Request, intent: Support, cpo_id: str | None
) -> tuple[str, Callback]:
    """Return a ticket and the answer that names who helps.

    Raises:
        ActionUnsupported: the operator configured no contact.
    """
    contact = world.contacts.support(cpo_id)
    if contact is None:
        raise ActionUnsupported("no support contact is configured")
    ref_id = intent.ref_id or str(uuid.uuid4())
    message = world.dialects[request.dialect].render_support(
        ref_id, contact.phone, contact.email, contact.url
    )
    return ref_id, answer(request, message, ref_id)
