"""The bill: final at the CDR, provisional when the CDR is late (decisions 16, 17)."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from bridge.flows.decision import Decision, Pull, World, with_deadline
from bridge.flows.payment import settled_with
from bridge.flows.start import attempt_closed, is_left_over, no_longer_waiting, told
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.types import ModuleID
from bridge.orders.intents import Verb
from bridge.orders.order import Bill, Order, OrderState
from bridge.orders.transitions import RUNNING, step
from bridge.pricing.settlement import bill, credited, provisional_bill

LATER_KEPT = 3
"""CDRs kept that came after the final bill."""


def settled_by(world: World, order: Order, cdr: CDR) -> Decision:
    """Settle the order with its CDR and send the final bill, also when it equals the last one.

    A credit CDR turns the bill back, and the CDR that replaces the first bills anew, in whatever
    order they come (OCPI 2.2.1 mod_cdrs, Credit CDRs).
    """
    if cdr.credit:
        return _taken_back(world, order, cdr)
    why_not = _no_bill(order, cdr)
    if why_not is not None:
        return Decision(order, notes=(f"CDR {cdr.id} {why_not}",))
    if order.state is not OrderState.SETTLED:
        return _billed_with(world, order, cdr)
    if order.cdr is None or _is_credited(order, order.cdr):
        return _billed_with(world, order, cdr)
    if cdr.id.casefold() != order.cdr.id.casefold():
        order = replace(order, later_cdrs=(*order.later_cdrs, cdr)[-LATER_KEPT:])
    return Decision(order, notes=(f"CDR {cdr.id} comes after the final bill",))


def _billed_with(world: World, order: Order, cdr: CDR) -> Decision:
    """Settle the order with a CDR; one that was taken back before it came bills nothing."""
    made = final_bill(world, order, cdr)
    if _is_credited(order, cdr):
        made = credited(made, paid_of(order))
    made = settled_with(made, order.payment)
    order = replace(attempt_closed(order), cdr=cdr, bill=made, stop_requested=False)
    order = replace(step(order, OrderState.SETTLED, world.now), deadlines={})
    order, requests = no_longer_waiting(order, Verb.START, Verb.STOP)
    notes = ("the CPO's total is another one than ours",) if made.deviates else ()
    return Decision(order, told(world, order, requests, "on_update"), notes=notes)


def _taken_back(world: World, order: Order, credit: CDR) -> Decision:
    """Take note that a CDR was taken back; if the bill was made of it, bill anew."""
    original = (credit.credit_reference_id or "").casefold()
    if original in order.credited:
        return Decision(order, notes=(f"CDR {credit.id} takes {original} back once more",))
    order = replace(order, credited=(*order.credited, original), updated_at=world.now)
    note = f"CDR {credit.id} takes {credit.credit_reference_id} back"
    if order.cdr is None or order.cdr.id.casefold() != original:
        return Decision(order, notes=(note,))
    instead = next((each for each in order.later_cdrs if not _is_credited(order, each)), order.cdr)
    return _billed_with(world, order, instead)._replace(notes=(note,))


def _is_credited(order: Order, cdr: CDR) -> bool:
    return cdr.id.casefold() in order.credited


def _no_bill(order: Order, cdr: CDR) -> str | None:
    """Return why a CDR does not bill the order; None when it does."""
    if _is_of_reservation(order, cdr):
        if cdr.total_cost.excl_vat <= 0:
            return "is of a reservation, and bills nothing"
        if order.session is not None or order.state is OrderState.STARTING:
            return "is of a reservation, and the order has a session of its own"
    if _is_of_another_session(order, cdr):
        return f"is of session {cdr.session_id}, not of the order's own"
    if order.state is OrderState.SETTLED and _is_credited(order, cdr):
        return "was taken back"
    if cdr.total_energy <= 0 and cdr.total_cost.excl_vat <= 0:
        if order.state is OrderState.CANCELLED:
            return "bills nothing, and the order is cancelled"
        if is_left_over(order, cdr.authorization_reference, cdr.session_id):
            return "bills nothing, and is of a start that was given up"
    return None


def _is_of_reservation(order: Order, cdr: CDR) -> bool:
    """Tell whether a CDR is of the time a connector was held, and of no charging.

    It may name the session of the reservation. One that names none, or another, is of the
    reservation as long as the order has had nothing else.
    """
    reservation = order.reservation
    if reservation is None or cdr.total_energy > 0:
        return False
    if cdr.session_id is not None and reservation.session_id is not None:
        named = cdr.session_id.casefold() == reservation.session_id.casefold()
        own = order.session is not None and order.session.id.casefold() == cdr.session_id.casefold()
        return named and not own
    return order.session is None and not order.attempts


def _is_of_another_session(order: Order, cdr: CDR) -> bool:
    """Whether it bills a second session; between end and bill, only one that was stopped."""
    if order.session is None or cdr.session_id is None:
        return False
    session_id = cdr.session_id.casefold()
    if session_id == order.session.id.casefold():
        return False
    if order.state is OrderState.ENDED:
        return session_id in order.told
    return order.state in RUNNING or order.state is OrderState.SETTLED


def final_bill(world: World, order: Order, cdr: CDR) -> Bill:
    """Cost the CDR with the tariff and the terms the driver agreed to."""
    if order.tariff is None:
        raise ValueError(f"order {order.id} has no tariff")
    return bill(
        order.tariff,
        cdr,
        order.item.location.time_zone,
        paid_of(order),
        tolerance=world.terms.bill_tolerance,
        agreed=order.agreed,
    )


def provisionally_billed(world: World, order: Order) -> Decision:
    """Bill what is known so far, and look for the CDR, which will correct it."""
    order = with_deadline(billed_so_far(order), "cdr", None)
    order, requests = no_longer_waiting(order, Verb.START, Verb.STOP)
    return Decision(order, told(world, order, requests, "on_update"), pulls=cdrs_of(order))


def cdrs_of(order: Order) -> tuple[Pull, ...]:
    """Return what has the CDRs of the order's CPO pulled; later they are on schedule."""
    return (Pull(order.item.cpo_id, ModuleID.CDRS),)


def billed_so_far(order: Order) -> Order:
    """Return the order with a provisional bill made from its session."""
    if order.tariff is None or order.session is None:
        return order
    return replace(
        order,
        bill=provisional_bill(
            order.tariff,
            order.session,
            order.item.location.time_zone,
            paid_of(order),
            agreed=order.agreed,
        ),
    )


def paid_of(order: Order) -> Decimal:
    """Return what counts as paid."""
    return Decimal(0) if order.payment is None else order.payment.paid
