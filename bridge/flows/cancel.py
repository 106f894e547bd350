"""cancel: the driver gives the order up before charging (mapping 1.12, decisions 14)."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from bridge.errors import CancellationImpossible, UpdateImpossible
from bridge.flows.decision import Decision, World, answer_order, notify, refuse
from bridge.flows.reservation import released
from bridge.flows.start import attempt_closed, no_longer_waiting
from bridge.orders.intents import Cancel, Request, Verb
from bridge.orders.order import Bill, Cancellation, Order, OrderState
from bridge.orders.refunds import share_back
from bridge.orders.transitions import OVER, RUNNING, step
from bridge.pricing.settlement import cancellation_bill

S = OrderState


def cancel(world: World, request: Request, intent: Cancel, order: Order) -> Decision:
    """Cancel a placed order; a repeated cancel gets the same answer again.

    A start under way is left to its fate: a session that still appears is stopped. Whoever only
    asks gets the order as it stands with the bill that cancelling now would bring.

    Raises:
        CancellationImpossible: it is charging, or over.
    """
    if order.state is S.CANCELLED:
        return Decision(order, (answer_order(world, request, order),))
    if order.state in RUNNING:
        raise CancellationImpossible(f"order {order.id} is charging: stop it first")
    if order.state in OVER:
        raise CancellationImpossible(f"order {order.id} is {order.state}")
    share = share_back(order, world.now, world.terms.refund_share)
    if intent.only_asks:
        foreseen = replace(order, bill=_bill(order, share))
        return Decision(order, (answer_order(world, request, foreseen),))
    order, requests = no_longer_waiting(order, Verb.START, Verb.STOP)
    order, plans = released(order)
    order = cancelled(
        world,
        order,
        Cancellation(by="CONSUMER", at=world.now, reason_id=intent.reason_id, reason=intent.reason),
        refund_share=share,
    )
    error = UpdateImpossible("the order was cancelled meanwhile")
    waiting = tuple(refuse(world, waiter, error) for waiter in requests)
    return Decision(order, (*waiting, answer_order(world, request, order)), plans)


def cancelled(
    world: World, order: Order, cancellation: Cancellation, *, refund_share: Decimal
) -> Order:
    """Return the order in state CANCELLED, with the bill of the cancellation."""
    order = step(attempt_closed(order), S.CANCELLED, world.now)
    bill = _bill(order, refund_share)
    return replace(order, cancellation=cancellation, bill=bill, stop_requested=False, deadlines={})


def _bill(order: Order, refund_share: Decimal) -> Bill | None:
    """Return what cancelling costs, and what goes back; nothing without a payment."""
    payment = order.payment
    if payment is None:
        return None
    return cancellation_bill(payment.currency, payment.paid, refund_share)


def cancelled_by_provider(
    world: World,
    order: Order,
    reason_id: str,
    reason: str,
    *,
    refund_share: Decimal = Decimal(1),
) -> Decision:
    """Cancel what the CPO cannot fulfil, or nobody came for (mapping 3, C1-C5)."""
    order, plans = released(order)
    order = cancelled(
        world,
        order,
        Cancellation(by="PROVIDER", at=world.now, reason_id=reason_id, reason=reason),
        refund_share=refund_share,
    )
    return Decision(order, (notify(world, order, "on_cancel"),), plans, notes=(reason,))
