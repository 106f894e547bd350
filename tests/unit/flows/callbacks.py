"""Reading callbacks: what holds for every one of them, and what a test asks of one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bridge.beckn.actions import META_CALLBACKS, callback_of
from bridge.flows.decision import Callback
from bridge.orders.order import Quote


def check(callback: Callback) -> None:
    """Check what holds for every callback: its parts, and that each price is its lines' sum."""
    if callback.solicited:
        assert callback.action == callback_of(callback.request.action)
        assert callback.message_id == callback.request.message_id
    else:
        assert callback.action in ("on_update", "on_status", "on_cancel")
        assert callback.message_id != callback.request.message_id
    if callback.error is not None:
        error = json.loads(callback.error)
        assert error["code"].isdigit()
        assert error["message"]
        assert callback.message == (b"{}" if callback.action == "on_rating" else None)
        return
    assert callback.message is not None
    message = json.loads(callback.message)
    assert "context" not in message
    order = message.get("order")
    if order is None:
        assert callback.action in {
            *("on_search", "on_track", "on_rating", "on_support"),
            *META_CALLBACKS,
        }
        return
    assert {"provider", "items", "fulfillments", "quote"} <= order.keys()
    lines = [Decimal(line["price"]["value"]) for line in order["quote"]["breakup"]]
    assert Decimal(order["quote"]["price"]["value"]) == sum(lines)
    for entry in order.get("payments", ()):
        assert Decimal(entry["params"]["amount"]) >= 0


def shown(callback: Callback) -> dict[str, Any]:
    """Return the order that a callback shows."""
    assert callback.message is not None, callback.summary
    order: dict[str, Any] = json.loads(callback.message)["order"]
    return order


def wire(callback: Callback) -> str:
    """Return the fulfillment state that a callback shows."""
    state: str = shown(callback)["fulfillments"][0]["state"]["descriptor"]["code"]
    return state


def code(callback: Callback) -> str:
    """Return the error code of a callback."""
    assert callback.error is not None, callback.summary
    error: dict[str, str] = json.loads(callback.error)
    return error["code"]


def codes(callbacks: Iterable[Callback]) -> list[str]:
    """Return the error codes of callbacks, all of which carry one."""
    return [code(each) for each in callbacks]


def lines_of(quote: Quote | None) -> list[tuple[str, Decimal]]:
    """Return kind and amount of each line."""
    assert quote is not None
    return [(str(line.kind), line.amount) for line in quote.lines]


def provisional(callback: Callback) -> bool:
    """Whether a callback shows a bill without CDR."""
    groups = {group["descriptor"]["code"]: group for group in shown(callback).get("tags", ())}
    return "bill" in groups and groups["bill"]["list"][0]["value"] == "true"
