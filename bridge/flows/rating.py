"""rating: kept with the order; OCPI knows nothing of it (mapping 1.14)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from msgspec.structs import replace

from bridge.errors import RatingInvalid
from bridge.flows.decision import Callback, Decision, World, answer
from bridge.orders.intents import Rating, Request
from bridge.orders.order import Order

RATINGS_KEPT = 20
"""Ratings kept for an order; the newest win."""


def rating(world: World, request: Request, intent: Rating, order: Order) -> Decision:
    """Keep the ratings and thank for them. Raises RatingInvalid: see thanks."""
    callback = thanks(world, request, intent)
    order = replace(order, ratings=(*order.ratings, *intent.ratings)[-RATINGS_KEPT:])
    return Decision(order, (callback,))


def thanks(world: World, request: Request, intent: Rating) -> Callback:
    """Return the answer to ratings.

    Raises:
        RatingInvalid: a value is not a number from 0 to 5.
    """
    for given in intent.ratings:
        if not _valid(given.value):
            raise RatingInvalid(f"rating value {given.value!r} is not a number from 0 to 5")
    dialect = world.dialects[request.dialect]
    return answer(request, dialect.render_rating(world.contacts.feedback_url()))


def _valid(value: str) -> bool:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return number.is_finite() and 0 <= number <= 5
