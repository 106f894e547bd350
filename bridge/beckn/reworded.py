"""Another wording of a callback of ours that could not be delivered as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from bridge.beckn.shape import encode_json

_decoder = msgspec.json.Decoder(float_hook=Decimal)

JsonObject = dict[str, Any]

NOTHING: Final = {"currency": "INR", "value": "0.00"}

LINES: Final = ("WHEELING_CHARGE", "PLATFORM_CHARGE")
"""Lines that layer 2 of uei wants in every quote."""


def renewed(body: bytes, message_id: str) -> bytes:
    """Return a callback under another message_id: it answers nothing any more."""
    message = _decoder.decode(body)
    return encode_json(message | {"context": message["context"] | {"message_id": message_id}})


def halves(body: bytes) -> tuple[bytes, bytes] | None:
    """Return an on_search as two, the better hits first; None when it has one item.

    Providers stay whole where there are several. Of one alone the items are shared out, each half
    with the Locations and fulfillments that it speaks of.
    """
    message = _decoder.decode(body)
    catalog = message["message"]["catalog"]
    shares = _shared_out(catalog["providers"])
    if shares is None:
        return None
    first, second = (
        encode_json(message | {"message": {"catalog": catalog | {"providers": share}}})
        for share in shares
    )
    return first, second


def _shared_out(providers: list[JsonObject]) -> tuple[list[JsonObject], list[JsonObject]] | None:
    middle = (len(providers) + 1) // 2
    if len(providers) > 1:
        return providers[:middle], providers[middle:]
    items = providers[0].get("items", []) if providers else []
    if len(items) < 2:
        return None
    middle = (len(items) + 1) // 2
    return [_with(providers[0], items[:middle])], [_with(providers[0], items[middle:])]


def _with(provider: JsonObject, items: list[JsonObject]) -> JsonObject:
    """Return a provider that sells these items only."""
    part = provider | {"items": items}
    for kept, reference in (("locations", "location_ids"), ("fulfillments", "fulfillment_ids")):
        named = {each for item in items for each in item.get(reference, ())}
        if kept in part and named:
            part[kept] = [each for each in part[kept] if each["id"] in named]
    return part


def echoing(body: bytes, order: bytes) -> bytes:
    """Return an error callback with the request's order beside it (decisions 9).

    Layer 2 of uei wants an order in on_select, on_init and on_confirm, an error or not. What it
    wants in there and the request has not says that nothing is sold: a quote of zero.

    Args:
        order: ``message.order`` of the request.
    """
    message = _decoder.decode(body)
    asked = _decoder.decode(order)
    context = message["context"]
    fulfillments = [
        _fulfillment(each, str(place), context["action"])
        for place, each in enumerate(_objects(asked.get("fulfillments")) or [{}], 1)
    ]
    named = [each["id"] for each in fulfillments]
    whole = asked | {
        "items": [_item(each, named) for each in _objects(asked.get("items"))],
        "fulfillments": fulfillments,
        "quote": {"price": NOTHING, "breakup": [{"title": t, "price": NOTHING} for t in LINES]},
    }
    if context["action"] == "on_confirm":
        whole = {"id": context["transaction_id"], "status": "ACTIVE"} | whole
    return encode_json(message | {"message": {"order": whole}})


def _objects(part: object) -> list[JsonObject]:
    """Return the entries of a list, as far as they are objects; a request may have null there."""
    return [each for each in part if isinstance(each, dict)] if isinstance(part, list) else []


def _item(item: JsonObject, fulfillment_ids: list[str]) -> JsonObject:
    name = item.get("id", "unknown")
    return {
        "id": name,
        "descriptor": {"code": "ENERGY", "name": name},
        "price": NOTHING,
        "fulfillment_ids": fulfillment_ids,
        "location_ids": [name],
    } | item


def _fulfillment(fulfillment: JsonObject, name: str, action: str) -> JsonObject:
    whole: JsonObject = {"id": name} | fulfillment
    if action == "on_confirm":
        # The first of the four words that layer 2 has; none of them says that there is no order.
        state = {"descriptor": {"code": "ORDER_PLACED", "name": "Order not accepted"}}
        whole = {"state": state} | whole
    return whole
