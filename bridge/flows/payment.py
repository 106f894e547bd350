"""Money that moves outside: what a gateway tells, what is collected, what goes back (3.7)."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from bridge.errors import PaymentUnsupported
from bridge.flows.decision import Decision, World, notify
from bridge.flows.jobs import PaymentJob
from bridge.orders.errands import CollectErrand, RefundErrand
from bridge.orders.order import Bill, Order, OrderState, Payment, PaymentStatus, Quote
from bridge.orders.pass_order import PassOrder, PassState
from bridge.orders.payments import (
    PaymentEvent,
    PaymentEventKind,
    all_paid,
    anew,
    objection_to,
    payment_id_of,
    received,
    refund_left,
)
from bridge.pricing.settlement import resettled

COLLECTED_LATER = frozenset({"UPI-TRANSFER"})
"""Payment methods that the BPP collects after confirm (decisions 19)."""


def to_be_paid(world: World, key: str, price: Quote, before: Payment | None) -> Payment:
    """Return what is to be paid; what was paid already stays so.

    Raises:
        PaymentUnsupported: that was in another currency.
    """
    if before is not None and before.confirmed and before.currency != price.currency:
        raise PaymentUnsupported(
            f"{before.paid} {before.currency} are paid: choose what costs such"
        )
    offered = Payment(
        id=payment_id_of(key),
        collected_by=world.terms.collected_by,
        amount=price.price,
        currency=price.currency,
        due_at=price.expires_at,
    )
    return anew(before, offered)


AnyOrder = TypeVar("AnyOrder", Order, PassOrder)


def payment_told(world: World, order: AnyOrder, job: PaymentJob) -> Decision:
    """Take note of what the gateway says, and tell the BAP by an on_status what is new for it.

    What was looked at when the event came in may be otherwise by now: then nothing changes.
    """
    event = job.event
    objection = objection_to(order, event)
    if objection is not None or order.payment is None:
        why = "" if objection is None else f": {objection.field} {objection.why}"
        return _with(order, f"event {event.id} does not fit{why}")
    note = f"{event.kind} {event.amount} {event.currency}"
    match event.kind:
        case PaymentEventKind.FAILED:
            return _with(order, note)
        case PaymentEventKind.PAID:
            after = _paid(order, order.payment, event)
        case PaymentEventKind.REFUNDED:
            after = _refunded(order, order.payment, event)
    after = replace(after, updated_at=world.now)
    # on_select says nothing of payments, so there is nothing to correct before init.
    drafted = order.state in (OrderState.SELECTED, PassState.SELECTED)
    shown = not drafted and _seen(order) != _seen(after)
    callbacks = (notify(world, after, "on_status"),) if shown else ()
    return _with(after, note)._replace(callbacks=callbacks)


def _with(order: Order | PassOrder, note: str) -> Decision:
    if isinstance(order, PassOrder):
        return Decision(None, pass_order=order, notes=(note,))
    return Decision(order, notes=(note,))


def _paid(order: AnyOrder, before: Payment, event: PaymentEvent) -> AnyOrder:
    payment = received(before, event)
    if order.bill is None:
        return replace(order, payment=payment)
    bill = settled_with(order.bill, payment)
    return replace(order, payment=payment if bill.due else all_paid(payment), bill=bill)


def _refunded(order: AnyOrder, before: Payment, event: PaymentEvent) -> AnyOrder:
    return replace(order, payment=replace(before, refunded=before.refunded + event.amount))


def _seen(order: Order | PassOrder) -> tuple[object, ...]:
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
    """Return the request to collect what a placed order is paid with, where it is ours to ask.

    Without the driver's address there is nobody to ask: what is owed is due in the end.
    """
    payment = order.payment
    if (
        payment is None
        or payment.collected_by != "BPP"
        or payment.status is PaymentStatus.PAID
        or payment.method not in COLLECTED_LATER
        or payment.source_address is None
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
        source_address=payment.source_address,
    )
    return (errand,)


def paid_back(decision: Decision) -> Decision:
    """Return a decision that sends back what its order's bill says, as far as it was not before.

    Of a bill that is corrected the difference only: what was asked for stands in the payment.
    """
    order = decision.order or decision.pass_order
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
    decision = decision._replace(errands=(*decision.errands, errand))
    if isinstance(order, PassOrder):
        return decision._replace(pass_order=order)
    return decision._replace(order=order)
