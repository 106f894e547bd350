"""The bill: final at the CDR, provisional when the CDR is late (decisions 16, 17)."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from bridge.flows.decision import Decision, World, with_deadline
from bridge.flows.start import attempt_closed, is_left_over, no_longer_waiting, told
from bridge.ocpi.cdrs import CDR
from bridge.orders.intents import Verb
from bridge.orders.order import Bill, Order, OrderState
from bridge.orders.transitions import RUNNING, step
from bridge.pricing.settlement import bill, provisional_bill


def settled_by(world: World, order: Order, cdr: CDR) -> Decision:
    """Settle the order with its CDR and send the final bill, also when it equals the last one."""
    why_not = _no_bill(order, cdr)
    if why_not is not None:
        return Decision(order, notes=(f"CDR {cdr.id} {why_not}",))
    order = replace(
        attempt_closed(order), cdr=cdr, bill=final_bill(world, order, cdr), stop_requested=False
    )
    order = replace(step(order, OrderState.SETTLED, world.now), deadlines={})
    order, requests = no_longer_waiting(order, Verb.START, Verb.STOP)
    return Decision(order, told(world, order, requests, "on_update"))


def _no_bill(order: Order, cdr: CDR) -> str | None:
    """Return why a CDR does not bill the order; None when it does."""
    if order.state is OrderState.SETTLED:
        return "comes after the final bill"
    if cdr.credit:
        return f"is a credit: it takes {cdr.credit_reference_id} back"
    if _is_of_another_session(order, cdr):
        return f"is of session {cdr.session_id}, not of the order's own"
    if cdr.total_energy <= 0 and cdr.total_cost.excl_vat <= 0:
        if order.state is OrderState.CANCELLED:
            return "bills nothing, and the order is cancelled"
        if is_left_over(order, cdr.authorization_reference, cdr.session_id):
            return "bills nothing, and is of a start that was given up"
    return None


def _is_of_another_session(order: Order, cdr: CDR) -> bool:
    """Whether it bills a second session; once the own is over, only one that was told to stop."""
    if order.session is None or cdr.session_id is None:
        return False
    session_id = cdr.session_id.casefold()
    if session_id == order.session.id.casefold():
        return False
    return order.state in RUNNING or (order.state is OrderState.ENDED and session_id in order.told)


def final_bill(world: World, order: Order, cdr: CDR) -> Bill:
    """Cost the CDR with the tariff the driver agreed to."""
    if order.tariff is None:
        raise ValueError(f"order {order.id} has no tariff")
    return bill(
        order.tariff,
        cdr,
        order.item.location.time_zone,
        paid_of(order),
        tolerance=world.terms.bill_tolerance,
    )


def provisionally_billed(world: World, order: Order) -> Decision:
    """Bill what is known so far; the CDR will correct it."""
    order = with_deadline(billed_so_far(order), "cdr", None)
    order, requests = no_longer_waiting(order, Verb.START, Verb.STOP)
    return Decision(order, told(world, order, requests, "on_update"))


def billed_so_far(order: Order) -> Order:
    """Return the order with a provisional bill made from its session."""
    if order.tariff is None or order.session is None:
        return order
    return replace(
        order,
        bill=provisional_bill(
            order.tariff, order.session, order.item.location.time_zone, paid_of(order)
        ),
    )


def paid_of(order: Order) -> Decimal:
    """Return what counts as paid."""
    return Decimal(0) if order.payment is None else order.payment.paid
