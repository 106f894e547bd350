"""One walk-in as a driver lives it, from search to the final bill (use case 1)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.bap import Message, SandboxBap

GPS = "12.97838,77.64087"

BILLING: Message = {
    "name": "Asha Rao",
    "address": "12 Residency Road, Bengaluru",
    "email": "asha@example.com",
    "phone": "+918000000001",
}


@dataclass(frozen=True)
class Choice:
    """What the driver found: the ids that all later messages repeat."""

    provider_id: str
    item_id: str

    def order(self, **parts: object) -> Message:
        """Return ``message.order`` with provider and item."""
        item: Message = {"id": self.item_id}
        if "amount" in parts:
            measure = {"type": "CONSTANT", "value": parts.pop("amount"), "unit": parts.pop("unit")}
            item["quantity"] = {"selected": {"measure": measure}}
        return {"order": {"provider": {"id": self.provider_id}, "items": [item], **parts}}


async def find(bap: SandboxBap, transaction_id: str) -> Choice:
    """Search around the driver and take the nearest item."""
    stop = {
        "location": {"circle": {"gps": GPS, "radius": {"value": "5", "unit": "km"}}},
    }
    intent = {"fulfillment": {"type": "CHARGING", "stops": [stop]}}
    found = await bap.ask("search", {"intent": intent}, transaction_id)
    provider = found["message"]["catalog"]["providers"][0]
    return Choice(provider["id"], provider["items"][0]["id"])


async def book(bap: SandboxBap, transaction_id: str, choice: Choice, amount: str) -> Message:
    """Select, init and confirm for an amount in INR; return on_confirm."""
    size: dict[str, Any] = {"amount": amount, "unit": "INR"}
    await bap.ask("select", choice.order(**size), transaction_id)
    person = {"customer": {"person": {"name": "Asha Rao"}, "contact": {"phone": "+918000000001"}}}
    offered = await bap.ask(
        "init",
        choice.order(**size, billing=BILLING, fulfillments=[{"id": "1", **person}]),
        transaction_id,
    )
    order = offered["message"]["order"]
    payment = {**order["payments"][0], "status": "PAID"}
    payment["params"] = {**payment["params"], "transaction_id": f"pay-{uuid.uuid4().hex[:8]}"}
    return await bap.ask(
        "confirm",
        choice.order(
            **size,
            billing=BILLING,
            fulfillments=[{"id": order["fulfillments"][0]["id"], **person}],
            payments=[payment],
        ),
        transaction_id,
    )


def update(order: Message, code: str) -> Message:
    """Return the ``message`` of update: start-charging or end-charging."""
    fulfillment = {
        "id": order["fulfillments"][0]["id"],
        "type": "CHARGING",
        "state": {"descriptor": {"code": code}},
    }
    return {
        "update_target": "order.fulfillments[0].state",
        "order": {"id": order["id"], "fulfillments": [fulfillment]},
    }


def state_of(message: Message) -> str:
    """Return the fulfillment state of a callback; empty when it has none."""
    fulfillments = message.get("message", {}).get("order", {}).get("fulfillments", [{}])
    return str(fulfillments[0].get("state", {}).get("descriptor", {}).get("code", ""))


def is_final(message: Message) -> bool:
    """Whether a callback is the final bill."""
    return (
        message["context"]["action"] == "on_update"
        and state_of(message) == "COMPLETED"
        and "provisional" not in str(message)
    )


async def walk_in(bap: SandboxBap, *, amount: str = "100") -> Message:
    """Play the whole walk-in; return the final on_update.

    Raises:
        TimeoutError: a step did not happen.
    """
    transaction_id = str(uuid.uuid4())
    choice = await find(bap, transaction_id)
    confirmed = await book(bap, transaction_id, choice, amount)
    order = confirmed["message"]["order"]
    await bap.ask("update", update(order, "start-charging"), transaction_id)
    await bap.wait_for(
        lambda message: (
            message["context"]["transaction_id"] == transaction_id and state_of(message) == "ACTIVE"
        )
    )
    tracking = {"order_id": order["id"], "callback_url": f"{bap.url}/live"}
    await bap.ask("track", tracking, transaction_id)
    await bap.ask("status", {"order_id": order["id"]}, transaction_id)
    final = await bap.wait_for(
        lambda message: (
            message["context"]["transaction_id"] == transaction_id and is_final(message)
        ),
        within_s=60,
    )
    ratings = [{"id": order["id"], "rating_category": "Order", "value": "5"}]
    await bap.ask("rating", {"ratings": ratings}, transaction_id)
    await bap.ask("support", {"support": {"ref_id": order["id"]}}, transaction_id)
    return final
