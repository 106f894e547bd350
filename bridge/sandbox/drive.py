"""A driver with an app, from search to the final bill."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bridge.beckn.times import format_instant
from bridge.sandbox.bap import Message, SandboxBap

GPS = "12.97838,77.64087"
"""Where drivers are who are not told where: among the stations of the sandbox CPO."""

UPI = "asha@upi"

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


async def find(bap: SandboxBap, transaction_id: str, *, within_s: float = 15.0) -> Choice:
    """Search around the driver and take the nearest item; see find_all."""
    return (await find_all(bap, transaction_id, within_s=within_s))[0]


async def find_all(
    bap: SandboxBap, transaction_id: str, *, gps: str = GPS, within_s: float = 15.0
) -> list[Choice]:
    """Search around the driver; return what the first answer lists, the nearest item first.

    From then on the BAP names in ``context.bpp_id`` who answered.

    Args:
        gps: where the driver is, ``latitude,longitude``.

    Raises:
        TimeoutError: there is no answer, which is how ``uei`` says that nothing is there.
    """
    stop = {
        "location": {"circle": {"gps": gps, "radius": {"value": "5", "unit": "km"}}},
    }
    intent = {"fulfillment": {"type": "CHARGING", "stops": [stop]}}
    message_id = await bap.acked("search", {"intent": intent}, transaction_id)
    found = await bap.answer_to(message_id, within_s=within_s)
    bap.bpp_id = found["context"]["bpp_id"]
    choices = [
        Choice(provider["id"], item["id"])
        for provider in found["message"]["catalog"]["providers"]
        for item in provider["items"]
    ]
    if not choices:
        raise LookupError("nothing is on offer here")
    return choices


def update(order: Message, code: str, token: str | None = None) -> Message:
    """Return the ``message`` of update: start-charging, with its OTP if any, or end-charging."""
    fulfillment: Message = {
        "id": order["fulfillments"][0]["id"],
        "type": "CHARGING",
        "state": {"descriptor": {"code": code}},
    }
    if token is not None:
        fulfillment["stops"] = [{"authorization": {"type": "OTP", "token": token}}]
    return {
        "update_target": "order.fulfillments[0].state",
        "order": {"id": order["id"], "fulfillments": [fulfillment]},
    }


CHARGING = frozenset({"ACTIVE", "ORDER_PROCESSING"})
"""States of a fulfillment while energy flows, of ``deg`` and of ``uei``."""

OVER = frozenset({"COMPLETED", "ORDER_FULFILLED", "ORDER_PARTIALLY_FULFILLED"})
"""States of one that has ended."""


def state_of(message: Message) -> str:
    """Return the fulfillment state of a callback; empty when it has none."""
    fulfillments = message.get("message", {}).get("order", {}).get("fulfillments", [{}])
    return str(fulfillments[0].get("state", {}).get("descriptor", {}).get("code", ""))


def is_final(message: Message) -> bool:
    """Whether a callback is the final bill."""
    return (
        message["context"]["action"] == "on_update"
        and state_of(message) in OVER
        and "provisional" not in str(message)
    )


@dataclass
class Driver:
    """Plays a transaction step by step; each step returns the callback that answers it.

    Args:
        choice: the item; None = the nearest one is looked for.
        amount, unit: as ``INR``, ``kWh`` or ``MINUTES``; no amount for a pass.
        offers: ids of offers that the driver chose.
        start, end: the wanted slot; None = now.
    """

    bap: SandboxBap
    choice: Choice | None = None
    amount: str | None = "100"
    unit: str = "INR"
    phone: str = BILLING["phone"]
    offers: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    transaction_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    order: Message = field(default_factory=dict)

    async def ask(self, action: str, message: Message) -> Message:
        """Send a request of this transaction and keep the order that comes back, if any does."""
        answer = await self.bap.ask(action, message, self.transaction_id)
        self.order = answer.get("message", {}).get("order", self.order)
        return answer

    async def selects(self) -> Message:
        """Ask for a quote; return on_select."""
        self.choice = self.choice or await find(self.bap, self.transaction_id)
        return await self.ask("select", self.wish())

    async def inits(self) -> Message:
        """Give name and phone; return on_init."""
        return await self.ask("init", self.wish(billing=self._billing()))

    async def confirms(self, *, token: str | None = None, paid: bool = True) -> Message:
        """Pay what on_init says and place the order; return on_confirm.

        Args:
            token: the one-time password, where one is asked for.
            paid: False = it is collected at the driver's UPI address.
        """
        payment = dict(self.order["payments"][0])
        if paid:
            payment["status"] = "PAID"
            receipt = {"transaction_id": f"pay-{uuid.uuid4().hex[:8]}"}
            payment["params"] = {**payment["params"], **receipt}
        else:
            payment["params"] = {**payment["params"], "source_virtual_payment_address": UPI}
        wish = self.wish(token=token, billing=self._billing(), payments=[payment])
        return await self.ask("confirm", wish)

    async def books(self, *, token: str | None = None) -> Message:
        """Select, init and confirm; return on_confirm."""
        await self.selects()
        await self.inits()
        return await self.confirms(token=token)

    async def starts(self, *, token: str | None = None) -> Message:
        """Plug in and start; return the callback that says that energy flows."""
        await self.ask("update", update(self.order, "start-charging", token))
        return await self.hears(lambda message: state_of(message) in CHARGING)

    async def charges(self) -> Message:
        """Start, and charge to the end; return the final bill."""
        await self.starts()
        return await self.is_billed()

    async def is_billed(self, *, within_s: float = 60) -> Message:
        """Return the final bill."""
        return await self.hears(is_final, within_s=within_s)

    async def hears(self, wanted: Callable[[Message], bool], *, within_s: float = 15) -> Message:
        """Return the first callback of this transaction that fits.

        Raises:
            TimeoutError: none came in time.
        """
        own = self.transaction_id
        return await self.bap.wait_for(
            lambda message: message["context"]["transaction_id"] == own and wanted(message),
            within_s=within_s,
        )

    def wish(self, *, token: str | None = None, **parts: object) -> Message:
        """Return the ``message`` that select, init and confirm share."""
        assert self.choice is not None
        if self.offers:
            parts["offers"] = [{"id": offer} for offer in self.offers]
        if self.amount is not None:
            parts |= {"amount": self.amount, "unit": self.unit}
        return self.choice.order(fulfillments=[self._fulfillment(token)], **parts)

    def _fulfillment(self, token: str | None) -> Message:
        start: Message = {"type": "START"}
        if self.start is not None:
            start["time"] = {"timestamp": format_instant(self.start)}
        if token is not None:
            start["authorization"] = {"type": "OTP", "token": token}
        stops = [start]
        if self.end is not None:
            stops.append({"type": "STOP", "time": {"timestamp": format_instant(self.end)}})
        known = self.order.get("fulfillments", [{"id": "1"}])[0]["id"]
        customer = {"person": {"name": BILLING["name"]}, "contact": {"phone": self.phone}}
        return {"id": known, "stops": stops, "customer": customer}

    def _billing(self) -> Message:
        return {**BILLING, "phone": self.phone}


async def book(bap: SandboxBap, transaction_id: str, choice: Choice, amount: str) -> Message:
    """Select, init and confirm for an amount in INR; return on_confirm."""
    return await Driver(bap, choice, amount, transaction_id=transaction_id).books()


async def walk_in(bap: SandboxBap, *, amount: str = "100") -> Message:
    """Play the whole walk-in; return the final on_update.

    Raises:
        TimeoutError: a step did not happen.
    """
    return await play_walk_in(Driver(bap, amount=amount))


async def play_walk_in(driver: Driver, *, stops: bool = False) -> Message:
    """Play a driver's walk-in; return the final on_update.

    Args:
        stops: the driver ends the session, else the vehicle is full at some time.

    Raises:
        TimeoutError: a step did not happen.
    """
    await driver.books()
    await driver.starts()
    order_id = driver.order["id"]
    live = f"{driver.bap.url}/live"
    await driver.ask("track", {"order_id": order_id, "callback_url": live})
    await driver.ask("status", {"order_id": order_id})
    if stops:
        await driver.ask("update", update(driver.order, "end-charging"))
    final = await driver.is_billed()
    ratings = [{"id": order_id, "rating_category": "Order", "value": "5"}]
    await driver.ask("rating", {"ratings": ratings})
    await driver.ask("support", {"support": {"ref_id": order_id}})
    return final
