"""track: a page with live data, and a PATCH for each change (use case 1, 3.11)."""

from __future__ import annotations

import secrets

from msgspec.structs import replace

from bridge.errors import TrackingUnavailable
from bridge.flows.decision import Decision, World, answer
from bridge.orders.intents import Request, Track
from bridge.orders.order import Order


def track(world: World, request: Request, intent: Track, order: Order) -> Decision:
    """Answer with the address of the live page; the id in it is random, since it needs no login.

    Raises:
        TrackingUnavailable: the callback_url may not be called.
    """
    if intent.callback_url is not None:
        why = world.contacts.callback_allowed(intent.callback_url)
        if why is not None:
            raise TrackingUnavailable(f"callback_url: {why}")
        order = replace(order, callback_url=intent.callback_url)
    if order.tracking_id is None:
        order = replace(order, tracking_id=secrets.token_urlsafe(18))
    dialect = world.dialects[request.dialect]
    url = f"{world.public_url}/session/{order.tracking_id}"
    message = dialect.render_tracking(order, url)
    live = None
    if intent.callback_url is not None and order.session is not None:
        live = dialect.render_live(None, order)
    return Decision(order, (answer(request, message, url),), live=live)
