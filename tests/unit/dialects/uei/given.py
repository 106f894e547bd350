"""What the tests of ``uei`` start from: the orders of ``deg``, and more, worded otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from bridge.dialects.uei.dialect import Uei
from bridge.dialects.v1.settings import DialectSettings, PaymentOptions, RefundTerms
from bridge.orders.order import Bill, Cancellation, Line, LineKind, Order, OrderState, Quote
from bridge.orders.otp import IssuedOtp, OtpMedium, OtpStep
from bridge.orders.terms import Agreed, Offer, Refunds, RefundStep, Surcharge
from bridge.pricing.settlement import cancellation_bill, credited, settled
from tests.unit.dialects.deg.given import (
    LATER,
    ME,
    NOW,
    ZONE,
    due_bill,
    mappings,
    order,
    payment,
    quote,
    refund_bill,
)

PAYMENT = PaymentOptions(
    methods=("UPI-TRANSFER", "PAYMENT-LINK", "BANK-TRANSFER"),
    url="https://pay.example/now?transaction_id=$transaction_id&amount=$amount",
    bank_code="BANK0001",
    bank_account_number="0042",
    upi_address="bridge@upi",
)


def dialect(*, payment: PaymentOptions = PAYMENT, share: str = "1", profile: str = "3.1") -> Uei:
    """Make the dialect as an operator might set it up."""
    settings = DialectSettings(
        bpp_id=ME,
        bpp_name="Example Bridge",
        zone=ZONE,
        payment=payment,
        refund=RefundTerms(share=Decimal(share), within="PT2H"),
    )
    return Uei(mappings(), settings, profile)


def rendered(found: Order, action: str = "on_status", by: Uei | None = None) -> dict[str, Any]:
    """Return ``message.order``."""
    message = (by or dialect()).render_order(action, found, NOW)
    order_: dict[str, Any] = json.loads(message)["order"]
    return order_


def line(kind: str, amount: str, **more: Any) -> Line:
    """Return a line."""
    return replace(Line(kind=LineKind(kind), amount=Decimal(amount)), **more)


DEAR = (
    line("ENERGY", "90.00", quantity=Decimal(5), unit_price=Decimal(18)),
    line("PARKING_TIME", "3.10", quantity=Decimal("0.25")),
    line("SURCHARGE", "18.00", title="Peak hour", share=Decimal("0.2")),
    line("FEE", "10.00"),
    line("OVERCHARGE_ESTIMATION", "9.00", share=Decimal("0.1")),
    line("OFFER", "-18.00", title="A fifth off", share=Decimal("0.2")),
    line("LOYALTY", "-10.00", share=Decimal("0.1")),
    line("TAX", "18.38", vat=Decimal(18)),
)
"""One of everything that comes on top, and off."""


def quoted(*lines: Line, expires: bool = False) -> Quote:
    """Return a quote of these lines."""
    price = sum((each.amount for each in lines), Decimal(0))
    until = NOW + timedelta(minutes=15) if expires else None
    return replace(quote(), lines=lines, price=price, expires_at=until)


def billed(paid: str, *lines: Line, provisional: bool = False) -> Bill:
    """Return the bill of these lines when so much was paid."""
    shown = quoted(*lines)
    all_lines, refund, due = settled(shown.lines, shown.price, Decimal(paid))
    return Bill(
        quote=replace(shown, lines=all_lines), refund=refund, due=due, provisional=provisional
    )


def _with_id(bill: Bill) -> Bill:
    """Return a bill with an id that is always the same."""
    return replace(bill, quote=replace(bill.quote, id=quote().id))


AGREED = Agreed(
    surcharges=(Surcharge(id="peak", title="Peak hour", share=Decimal("0.2")),),
    offers=(Offer(id="fifth", title="A fifth off", share=Decimal("0.2"), automatic=True),),
    refunds=Refunds(
        steps=(
            RefundStep(before_s=14_400, share=Decimal("0.85")),
            RefundStep(before_s=0, share=Decimal("0.3333")),
        ),
        no_show_share=Decimal(0),
        within="P5D",
    ),
)

OTP = IssuedOtp(
    id="errand-1",
    step=OtpStep.CONFIRM,
    medium=OtpMedium.PHONE,
    sent_to="hash",
    salt="salt",
    digest="digest",
    expires_at=NOW + timedelta(minutes=10),
    attempts=3,
)


def _slot(state: str, **changes: Any) -> Order:
    start = NOW + timedelta(hours=6)
    times = {"booked": True, "start": start, "end": start + timedelta(hours=1)}
    return order(state, agreed=AGREED, **times, **changes)


def _by_provider(reason: str) -> Cancellation:
    return Cancellation(by="PROVIDER", at=LATER, reason_id=reason, reason="ignored")


ORDERS: Mapping[str, Order] = {
    "selected": order("SELECTED"),
    "selected-discounts": order("SELECTED", agreed=AGREED, quote=quoted(*DEAR, expires=True)),
    "initialised": order("INITIALISED"),
    "initialised-otp": order("INITIALISED", otp=OTP),
    "initialised-slot": _slot("INITIALISED", quote=quoted(*DEAR, expires=True)),
    "initialised-bap-collects": order(
        "INITIALISED", payment=replace(payment("NOT-PAID"), collected_by="BAP")
    ),
    "confirmed": order("CONFIRMED"),
    "confirmed-slot": _slot("CONFIRMED", quote=quoted(*DEAR)),
    "confirmed-mandate": order(
        "CONFIRMED", payment=replace(payment("NOT-PAID"), method="UPI-TRANSFER")
    ),
    "confirmed-to-be-collected": order("CONFIRMED", payment=payment("NOT-PAID")),
    "starting": order("STARTING"),
    "charging": order("CHARGING"),
    "interrupted": order("INTERRUPTED", bill=refund_bill(provisional=True)),
    "stopping": order("STOPPING"),
    "ended-provisional": order("ENDED"),
    "settled-refund": order("SETTLED"),
    "settled-refunded": order("SETTLED", payment=replace(payment(), refunded=Decimal("23.40"))),
    "settled-top-up": order("SETTLED", agreed=AGREED, bill=billed("100", *DEAR)),
    "settled-due": order("SETTLED", payment=payment("NOT-PAID"), bill=due_bill()),
    "settled-discounts": order("SETTLED", agreed=AGREED, bill=billed("150", *DEAR)),
    "settled-credited": order("SETTLED", bill=_with_id(credited(refund_bill(), Decimal(100)))),
    "cancelled-by-driver": order("CANCELLED"),
    "cancelled-fee": _slot(
        "CANCELLED", bill=_with_id(cancellation_bill("INR", Decimal(100), Decimal("0.85")))
    ),
    "cancelled-by-provider": order("CANCELLED", cancellation=_by_provider("hardware-failure")),
}

SENT: Mapping[OrderState, tuple[str, ...]] = {
    OrderState.SELECTED: ("on_select",),
    OrderState.INITIALISED: ("on_init",),
    OrderState.CANCELLED: ("on_status", "on_update", "on_cancel"),
} | {
    state: ("on_confirm", "on_status", "on_update")
    for state in OrderState
    if state not in (OrderState.SELECTED, OrderState.INITIALISED, OrderState.CANCELLED)
}
"""By what an order in a state is told."""
