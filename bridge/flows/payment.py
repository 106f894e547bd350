"""Money that moves outside: what a gateway tells, what is collected, what goes back (3.7)."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.flows.decision import Decision, World, notify
from bridge.flows.jobs import PaymentJob
from bridge.orders.errands import CollectErrand, RefundErrand
from bridge.orders.order import Bill, Order, OrderState, Payment, PaymentStatus
from bridge.orders.payments import (
    PaymentEvent,
    PaymentEventKind,
    all_paid,
    objection_to,
    received,
    refund_left,
)
from bridge.pricing.settlement import resettled

COLLECTED_LATER = frozenset({"UPI-TRANSFER"})
"""Payment methods that the BPP collects after confirm (decisions 19)."""


def payment_told(world: World, order: Order, job: PaymentJob) -> Decision:
    """Take note of what the gateway says, and tell the BAP by an on_status what is new for it.

    What was looked at when the event came in may be otherwise by now: then nothing changes.
    """
    event = job.event
    objection = objection_to(order, event)
    if objection is not None or order.payment is None:
        why = "" if objection is None else f": {objection.field} {objection.why}"
        return Decision(order, notes=(f"event {event.id} does not fit{why}",))
    note = f"{event.kind} {event.amount} {event.currency}"
    match event.kind:
        case PaymentEventKind.FAILED:
            return Decision(order, notes=(note,))
        case PaymentEventKind.PAID:
            after = _paid(order, order.payment, event)
        case PaymentEventKind.REFUNDED:
            after = _refunded(order, order.payment, event)
    after = replace(after, updated_at=world.now)
    # on_select says nothing of payments, so there is nothing to correct before init.
    shown = order.state is not OrderState.SELECTED and _seen(order) != _seen(after)
    callbacks = (notify(world, after, "on_status"),) if shown else ()
    return Decision(after, callbacks, notes=(note,))


def _paid(order: Order, before: Payment, event: PaymentEvent) -> Order:
    payment = received(before, event)
    if order.bill is None:
        return replace(order, payment=payment)
    bill = settled_with(order.bill, payment)
    return replace(order, payment=payment if bill.due else all_paid(payment), bill=bill)


def _refunded(order: Order, before: Payment, event: PaymentEvent) -> Order:
    return replace(order, payment=replace(before, refunded=before.refunded + event.amount))


def _seen(order: Order) -> tuple[object, ...]:
    """Return what a BAP is told of an order's money."""
    payment, bill = order.payment, order.bill
    if payment is None:
        return ()
    money = (payment.status, payment.amount, payment.paid)
    return (*money, payment.refunded, payment.transaction_id, None if bill is None else bill.due)


def settled_with(bill: Bill, payment: Payment | None) -> Bill:
    """Return a bill as it is after all payments and refunds."""
    if payment is None:
        return bill
    return resettled(bill, payment.paid, payment.refund_asked)


def collected(order: Order) -> tuple[CollectErrand, ...]:
    """Return the request to collect what a placed order is paid with, where it is ours to ask."""
    payment = order.payment
    if (
        payment is None
        or payment.collected_by != "BPP"
        or payment.status is PaymentStatus.PAID
        or payment.method not in COLLECTED_LATER
        or payment.amount <= payment.paid
    ):
        return ()
    errand = CollectErrand(
        id=f"{payment.id}-collect",
        order_key=order.key,
        transaction_id=order.request.transaction_id,
        payment_id=payment.id,
        amount=payment.amount - payment.paid,
        currency=payment.currency,
        source_address=payment.source_address or "",
    )
    return (errand,)


def paid_back(decision: Decision) -> Decision:
    """Return a decision that sends back what its order's bill says, as far as it was not before.

    Of a bill that is corrected the difference only: what was asked for stands in the payment.
    """
    order = decision.order
    if order is None or order.payment is None:
        return decision
    left = refund_left(order)
    if left <= 0:
        return decision
    payment = order.payment
    asked = payment.refund_asked + left
    errand = RefundErrand(
        id=f"{payment.id}-refund-{asked}",
        order_key=order.key,
        transaction_id=order.request.transaction_id,
        payment_id=payment.id,
        amount=left,
        currency=payment.currency,
        paid_with=payment.transaction_id,
    )
    order = replace(order, payment=replace(payment, refund_asked=asked))
    return decision._replace(order=order, errands=(*decision.errands, errand))
