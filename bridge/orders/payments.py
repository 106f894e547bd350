"""What a payment gateway tells of a payment, what of it fits an order, and what it changes there.

No gateway is known here: the operator's own software speaks to it, and to the bridge by a webhook.
"""

from __future__ import annotations

import enum
import uuid
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from bridge.orders.order import Order, OrderState, Payment, PaymentStatus
from bridge.orders.pass_order import PassOrder, PassState

REFUNDABLE: frozenset[OrderState | PassState] = frozenset(
    {OrderState.SETTLED, OrderState.CANCELLED, PassState.CANCELLED}
)
"""States whose bill says what goes back."""


class PaymentEventKind(enum.StrEnum):
    """What became of money."""

    PAID = "PAID"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"


class PaymentEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One word of the gateway.

    Args:
        id: of the event; the same event may come again.
        payment_id: ours, as in on_init.
        amount: that was paid, or paid back, or was to be paid.
        transaction_id: the gateway's own word for it; PAID has one.
    """

    id: str
    payment_id: str
    kind: PaymentEventKind
    amount: Decimal
    currency: str
    transaction_id: str | None = None


class Objection(NamedTuple):
    """A field of an event that does not fit the order, and why."""

    field: str
    why: str


def objection_to(order: Order | PassOrder, event: PaymentEvent) -> Objection | None:
    """Return what does not fit; None: the event is about this order's money."""
    payment = order.payment
    if payment is None or payment.id != event.payment_id:
        return Objection("payment_id", "is unknown")
    if payment.collected_by != "BPP":
        return Objection("payment_id", "is of a payment that the BAP collects")
    if event.currency != payment.currency:
        return Objection("currency", f"must be {payment.currency}")
    if event.kind is PaymentEventKind.REFUNDED:
        left = payment.refund_asked - payment.refunded
        return None if event.amount <= left else Objection("amount", f"must be at most {left}")
    if event.kind is PaymentEventKind.PAID and not event.transaction_id:
        return Objection("transaction_id", "is missing")
    expected = expected_amounts(order, payment)
    if event.amount not in expected:
        words = " or ".join(str(amount) for amount in expected) or "nothing: all is paid"
        return Objection("amount", f"must be {words}")
    return None


def expected_amounts(order: Order | PassOrder, payment: Payment) -> tuple[Decimal, ...]:
    """Return what the gateway may say was paid: what was asked for, or what is due in the end."""
    asked = payment.amount if is_claimed(payment) else payment.amount - payment.paid
    due = Decimal(0) if order.bill is None else order.bill.due
    return tuple(dict.fromkeys(amount for amount in (asked, due) if amount > 0))


def is_claimed(payment: Payment) -> bool:
    """Tell whether it counts as paid by the word of the BAP, and the gateway said nothing yet."""
    return payment.status is PaymentStatus.PAID and not payment.confirmed


def received(payment: Payment, event: PaymentEvent) -> Payment:
    """Return a payment with money that has come in.

    What the BAP said to be paid is not paid twice when the gateway says so too.
    """
    payment = replace(payment, transaction_id=event.transaction_id)
    if is_claimed(payment) and event.amount == payment.amount:
        return replace(payment, confirmed=True)
    paid = payment.paid + event.amount
    done = paid >= payment.amount
    return replace(
        payment,
        paid=paid,
        confirmed=True,
        status=PaymentStatus.PAID if done else payment.status,
        amount=max(payment.amount, paid),
    )


def all_paid(payment: Payment) -> Payment:
    """Return a payment of which nothing is open any more: it was as much as was paid."""
    return replace(payment, status=PaymentStatus.PAID, amount=payment.paid)


def payment_id_of(order_key: str) -> str:
    """Return the id of an order's payment: one for each BAP and transaction, and always the same.

    It is no secret: whoever tells of a payment proves it by a signature.
    """
    return f"payment-{uuid.uuid5(uuid.NAMESPACE_URL, order_key)}"


def anew(before: Payment | None, offered: Payment) -> Payment:
    """Return the payment of a further init: what the gateway said was paid stays so.

    Both have one currency then.
    """
    if before is None or not before.confirmed:
        return offered
    done = before.paid >= offered.amount
    return replace(
        before,
        amount=offered.amount,
        due_at=offered.due_at,
        status=PaymentStatus.PAID if done else PaymentStatus.NOT_PAID,
    )


def refund_left(order: Order | PassOrder) -> Decimal:
    """Return what goes back to the driver and was not asked for yet; the BAP's money is its own."""
    payment, bill = order.payment, order.bill
    if payment is None or bill is None or bill.provisional or order.state not in REFUNDABLE:
        return Decimal(0)
    if payment.collected_by != "BPP" or payment.status is not PaymentStatus.PAID:
        return Decimal(0)
    return max(bill.refund - payment.refund_asked, Decimal(0))
