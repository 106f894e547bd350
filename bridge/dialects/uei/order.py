"""``message.order`` of ``ev-charging:uei``: valid under its layer 2, of 3.1 as of 3.0, and core."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Raw

from bridge.dialects.uei.catalogue import UeiCatalogue
from bridge.dialects.uei.money import UeiMoney
from bridge.dialects.uei.profile import Profile
from bridge.dialects.v1.order import OrderRenderer
from bridge.mapping import Mappings
from bridge.orders.order import Order, OrderState
from bridge.orders.transitions import PLACED


class UeiOrders(OrderRenderer):
    """Renders an order."""

    open_end = "open"

    def __init__(
        self,
        mappings: Mappings,
        catalogue: UeiCatalogue,
        money: UeiMoney,
        bpp_id: str,
        profile: Profile,
    ) -> None:
        super().__init__(mappings, "uei", catalogue, money, bpp_id)
        self._terms = money.cancellation_terms
        self._profile = profile
        self._status = mappings.table("uei", "order_status")

    def facts(self, action: str, order: Order, now: datetime) -> dict[str, object]:
        """Return what is worked out about an order."""
        return super().facts(action, order, now) | {
            "status": self._status_in(action, order),
            "cancellation_terms": self._terms(order, now) or None,
        }

    def _status_in(self, action: str, order: Order) -> str | None:
        """Return the status; two actions are about one only.

        on_confirm says that the order was taken, also when it is asked for again later. on_cancel
        of an order that is not cancelled says what that would cost; only layer 2 3.1 has a word.
        """
        if action == "on_confirm" and order.state in PLACED:
            return self._status.to_beckn(OrderState.CONFIRMED)
        if action == "on_cancel" and order.state is not OrderState.CANCELLED:
            return self._profile.cancel_asked or self._status.to_beckn(order.state)
        return self._status.to_beckn(order.state)

    def fulfillment_facts(self, order: Order) -> dict[str, object]:
        """Return what is worked out about the fulfillment of an order."""
        return super().fulfillment_facts(order) | {"customer": _customer(order)}


class _Payer(msgspec.Struct):
    name: str | None = None
    phone: str | None = None


def _customer(order: Order) -> dict[str, dict[str, object]] | None:
    """Return the customer as told; a name or phone that is missing is that of the billing."""
    told: dict[str, dict[str, object]] = {}
    payer = _Payer()
    if isinstance(order.customer, Raw):
        told = msgspec.json.decode(order.customer, type=dict[str, dict[str, object]])
    if isinstance(order.billing, Raw):
        payer = msgspec.json.decode(order.billing, type=_Payer)
    paid_by = {"person": ("name", payer.name), "contact": ("phone", payer.phone)}
    whole = {
        part: ({} if word is None else {key: word}) | told.get(part, {})
        for part, (key, word) in paid_by.items()
    }
    return {part: fields for part, fields in whole.items() if fields} or None
