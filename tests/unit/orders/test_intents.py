"""What names an order in a request."""

from __future__ import annotations

import pytest

from bridge.orders.intents import (
    Cancel,
    GetRatingCategories,
    Intent,
    Rating,
    RatingItem,
    Search,
    Status,
    Support,
    Track,
    Update,
    Verb,
    named_by,
)

FIRST = RatingItem(id="o-1", category="Order", value="5")
SECOND = RatingItem(id="p-1", category="Provider", value="4")


@pytest.mark.parametrize(
    ("intent", "name"),
    [
        (Update(verb=Verb.STOP, order_id="o-1"), "o-1"),
        (Update(verb=Verb.STOP), None),
        (Status(order_id="o-1"), "o-1"),
        (Track(order_id="o-1"), "o-1"),
        (Cancel(order_id="o-1"), "o-1"),
        (Support(ref_id="o-1"), "o-1"),
        (Support(), None),
        (Rating(ratings=(FIRST, SECOND)), "o-1"),
        (Rating(ratings=()), None),
        (Search(), None),
        (GetRatingCategories(), None),
    ],
)
def test_what_names_an_order(intent: Intent, name: str | None) -> None:
    assert named_by(intent) == name
