"""The meta API: what may be said in cancel and rating (core meta 1.1.0)."""

from __future__ import annotations

from bridge.flows.decision import Decision, World, answer
from bridge.orders.intents import GetRatingCategories, Meta, Request


def meta(world: World, request: Request, intent: Meta) -> Decision:
    """Answer with the words of mappings/; no order is asked about, and none is touched."""
    dialect = world.dialects[request.dialect]
    if isinstance(intent, GetRatingCategories):
        return Decision(None, (answer(request, dialect.render_rating_categories()),))
    return Decision(None, (answer(request, dialect.render_cancellation_reasons()),))
