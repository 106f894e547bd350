"""The offers that a BAP names: in the order, or inside its item as the first edition has them."""

from __future__ import annotations

import pytest

from bridge.beckn.quirks import Quirk
from bridge.errors import BecknInvalid
from bridge.orders.intents import Confirm, Init, Select
from tests.unit.dialects.deg.given import dialect

ITEM = {"id": "IN*SUN*PUNE-7*E1*1"}
NESTED = {"items": [{**ITEM, "offers": [{"id": "in-item", "price": {"value": "13"}}]}]}


def chosen(action: str, order: dict[str, object]) -> tuple[tuple[str, ...], list[str]]:
    """Return the offers of a request, and the quirks it took to read them."""
    quirks: list[str] = []
    whole = {"provider": {"id": "sun.example"}, "items": [ITEM], **order}
    intent = dialect().parse(action, {"order": whole}, quirks.append)
    assert isinstance(intent, Select | Init | Confirm)
    return intent.wish.offers, quirks


@pytest.mark.parametrize("action", ["select", "init", "confirm"])
@pytest.mark.parametrize(
    ("order", "offers", "quirks"),
    [
        ({}, (), []),
        ({"offers": []}, (), []),
        ({"offers": None}, (), []),
        ({"offers": [{"id": "a", "descriptor": {"name": "A"}}]}, ("a",), []),
        ({"offers": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}, ("a", "b"), []),
        ({"offers": [{"id": 7}]}, ("7",), [Quirk.NUMBER_FOR_STRING]),
        (NESTED, ("in-item",), [Quirk.OFFER_IN_ITEM]),
        ({**NESTED, "offers": [{"id": "in-item"}]}, ("in-item",), [Quirk.OFFER_IN_ITEM]),
    ],
)
def test_offers_are_named_once_each(
    action: str, order: dict[str, object], offers: tuple[str, ...], quirks: list[str]
) -> None:
    assert chosen(action, order) == (offers, quirks)


@pytest.mark.parametrize(
    ("order", "path"),
    [
        ({"offers": {"id": "a"}}, "message.order.offers"),
        ({"offers": ["a"]}, "message.order.offers[0]"),
        ({"offers": [{"descriptor": {"name": "A"}}]}, "message.order.offers[0].id"),
        ({"items": [{**ITEM, "offers": [{}]}]}, "message.order.items[0].offers[0].id"),
    ],
)
def test_an_offer_without_an_id_is_none(order: dict[str, object], path: str) -> None:
    with pytest.raises(BecknInvalid) as caught:
        chosen("select", order)
    assert caught.value.path == path
