"""``message.order``, from the order as it stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from bridge.dialects.v1.catalogue import Catalogue
from bridge.dialects.v1.money import MoneyRenderer
from bridge.dialects.v1.wording import directions
from bridge.mapping import Mappings
from bridge.mapping.formats import money, plain
from bridge.ocpi.cdrs import CdrDimensionType
from bridge.orders.intents import Measure
from bridge.orders.order import LineKind, Order, OrderState
from bridge.orders.transitions import OVER, PLACED
from bridge.pricing.progress import last_of, progress

LONGEST = timedelta(days=30)
"""Longest session that is planned for."""

BILLED = OVER - {OrderState.CANCELLED}
"""States in which a bill is about energy that was delivered."""


ASKING = frozenset({OrderState.INITIALISED, OrderState.CONFIRMED})
"""States in which an OTP may still be asked for."""


class OrderRenderer:
    """Renders an order; what is in it follows from what has happened."""

    open_end: str | None = None
    """Label of an end that nobody knows; None = there is no such stop then."""

    def __init__(
        self,
        mappings: Mappings,
        dialect: str,
        catalogue: Catalogue,
        money: MoneyRenderer,
        bpp_id: str,
    ) -> None:
        self._catalogue = catalogue
        self._money = money
        self._bpp_id = bpp_id
        self._order = mappings.fields(dialect, "order")
        self._item = mappings.fields(dialect, "ordered_item")
        self._measure = mappings.fields(dialect, "measure")
        self._fulfillment = mappings.fields(dialect, "fulfillment")
        self._stop = mappings.fields(dialect, "stop")
        self._states = mappings.table(dialect, "order_state")
        self._otp_sent = mappings.table(dialect, "otp_sent")
        self._otp_asked = mappings.table(dialect, "otp_asked")
        self._reasons = mappings.table(dialect, "cancellation_reasons")

    def render(self, action: str, order: Order, now: datetime) -> bytes:
        """Return ``{"order": ...}``, valid against core 1.1.0."""
        facts = self.facts(action, order, now)
        return msgspec.json.encode({"order": self._order.render({"order": order, "facts": facts})})

    def facts(self, action: str, order: Order, now: datetime) -> dict[str, object]:
        """Return what is worked out about an order."""
        provisional = order.bill is not None and order.bill.provisional
        reason_id, reason = self._reason(order)
        return {
            "provider": self._catalogue.provider(order.item.provider),
            "items": [self._rendered_item(order)],
            "fulfillments": [self._rendered_fulfillment(order)],
            "offers": self._rendered_offers(order),
            "quote": self._money.quote(order, now),
            "payments": self._money.payments(order),
            "refund_terms": self._money.refund_terms(order, now),
            "reason_id": reason_id,
            "reason": reason,
            "provisional": "true" if provisional else None,
        }

    def _reason(self, order: Order) -> tuple[str | None, str | None]:
        """Return why it was cancelled: our word for it, or the driver's own."""
        given = order.cancellation
        if given is None or given.reason_id is None or given.by != "PROVIDER":
            return (None, None) if given is None else (given.reason_id, given.reason)
        return self._reasons.to_beckn(given.reason_id), self._reasons.name_of(given.reason_id)

    def _rendered_offers(self, order: Order) -> list[dict[str, object]] | None:
        """Return the offers of the order, and what they take off as far as that is known."""
        shown = order.bill.quote if order.bill is not None else order.quote
        lines = () if shown is None else shown.lines
        taken = -sum((line.amount for line in lines if line.kind is LineKind.OFFER), Decimal(0))
        return [self._catalogue.offer(offer, taken) for offer in order.agreed.offers] or None

    def _rendered_item(self, order: Order) -> dict[str, object]:
        facts = self._catalogue.item_facts(order.item) | {
            "use": "ORDERED",
            "selected": self._selected(order),
            "allocated": self._allocated(order),
            "fulfillment_ids": [order.fulfillment_id],
        }
        return self._item.render({"item": order.item, "facts": facts}) | self._catalogue.item_tags(
            order.item, order.agreed.surcharges
        )

    def _selected(self, order: Order) -> dict[str, object] | None:
        """Return the amount as the BAP stated it, else the energy we assumed."""
        if order.quantity is not None:
            return self._measured(order.quantity.stated, order.quantity.unit)
        return None if order.quote is None else self._measured(plain(order.quote.kwh), "kWh")

    def _allocated(self, order: Order) -> dict[str, object] | None:
        """Return the energy that was delivered, once it is billed."""
        if order.bill is None or order.state not in BILLED:
            return None
        return self._measured(plain(order.bill.quote.kwh), "kWh")

    def _measured(self, value: str, unit: str) -> dict[str, object]:
        return self._measure.render({"facts": {"value": value, "unit": unit}})

    def _rendered_fulfillment(self, order: Order) -> dict[str, object]:
        facts = self.fulfillment_facts(order)
        return self._fulfillment.render({"order": order, "facts": facts})

    def fulfillment_facts(self, order: Order) -> dict[str, object]:
        """Return what is worked out about the fulfillment of an order."""
        placed, so_far = order.state in PLACED, progress(order)
        return {
            "kind": "CHARGING",
            "state_name": self._states.name_of(order.state),
            "state_at": (order.state_since or order.updated_at) if placed else None,
            "bpp_id": self._bpp_id if placed else None,
            "stops": self._stops(order),
            "soc": last_of(order.session, CdrDimensionType.STATE_OF_CHARGE),
            "current": last_of(order.session, CdrDimensionType.CURRENT),
            "power": last_of(order.session, CdrDimensionType.POWER),
            "cost": f"{money(so_far.cost.price)} {so_far.cost.currency}" if so_far else None,
            "ends_at": so_far.ends_at if so_far else None,
        }

    def _stops(self, order: Order) -> list[dict[str, object]]:
        """Return start and end; an end that is neither known nor can be told, by its label."""
        start = starts_at(order)
        end = ends_at(order, start)
        how = directions(order.item.location, order.item.evse)
        stops = [{"kind": "START", "at": start, "instructions": how} | self._otp(order)]
        if end is not None:
            stops.append({"kind": "END", "at": end})
        elif self.open_end is not None:
            stops.append({"kind": "END", "label": self.open_end})
        where = self._catalogue.place(order.item)
        return [
            self._stop.render({"location": order.item.location, "facts": where | stop})
            for stop in stops
        ]

    def _otp(self, order: Order) -> dict[str, object]:
        """Return what the first stop says of an OTP that is asked for; never whom it went to.

        Before the order is placed it stands where the directions are told afterwards.
        """
        otp = order.otp
        if otp is None or otp.proven or order.state not in ASKING:
            return {}
        facts: dict[str, object] = {"otp_sent": otp.medium, "otp_until": otp.expires_at}
        asked = self._otp_asked.name_of(otp.step)
        if order.state is OrderState.INITIALISED:
            facts |= {"instructions": self._otp_sent.name_of(otp.medium), "more": asked}
        else:
            facts["more"] = asked
        return facts


def starts_at(order: Order) -> datetime:
    """Return when charging started, else when it shall; a start in the past means at once."""
    if order.cdr is not None:
        return order.cdr.start_date_time
    if order.session is not None:
        return order.session.start_date_time
    if order.start is not None and order.start > order.created_at:
        return order.start
    return order.created_at


def ends_at(order: Order, start: datetime) -> datetime | None:
    """Return when charging ended, else the end of the slot, else of what was quoted."""
    if order.cdr is not None:
        return order.cdr.end_date_time
    if order.session is not None and order.session.end_date_time is not None:
        return order.session.end_date_time
    if order.state is OrderState.ENDED and order.state_since is not None:
        return order.state_since
    if order.end is not None and order.end > start:
        return order.end
    seconds = _planned_s(order)
    if seconds is None:
        return None
    return (start + min(LONGEST, timedelta(seconds=int(seconds)))).replace(microsecond=0)


def _planned_s(order: Order) -> Decimal | None:
    """Return how long the quoted energy takes at full power, unless a time was asked for."""
    longest = Decimal(int(LONGEST.total_seconds()))
    if order.quantity is not None and order.quantity.measure is Measure.DURATION:
        return min(longest, order.quantity.value)
    if order.quote is None or order.item.power_kw <= 0:
        return None
    return min(longest, order.quote.kwh * 3600 / order.item.power_kw)
