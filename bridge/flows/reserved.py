"""What becomes of a reservation: the answers to it, its session, and its end (mapping 1.8, 1.13).

The order does not depend on it. One whose reservation was refused stays placed, and is started
like any other; only a driver who does not come, and a CPO that takes it back, end the order.
"""

from __future__ import annotations

from datetime import datetime

from bridge.flows.cancel import cancelled_by_provider
from bridge.flows.decision import Decision, World, with_deadline
from bridge.flows.reservation import LIVE, RS, changed, released, reserving
from bridge.ocpi.cdrs import NOT_APPLICABLE
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.orders.order import Order, OrderState
from bridge.orders.refunds import no_show_share
from bridge.orders.transitions import OVER

S = OrderState

FINAL = frozenset({SessionStatus.COMPLETED, SessionStatus.INVALID})


def waited_for(order: Order, until: datetime) -> Decision:
    """Wait for the result of a RESERVE_NOW that the CPO has passed on."""
    if "reserve" not in order.deadlines:
        return Decision(order, notes=("the order has moved on",))
    return Decision(with_deadline(order, "reserve", until))


def reserve_accepted(order: Order) -> Decision:
    """Take the connector as held; nobody coming is noticed at its expiry."""
    return Decision(_held(order))


def reserve_refused(order: Order, reason: str) -> Decision:
    """Go on without a reservation; a slot is kept for the driver all the same."""
    order = with_deadline(order, "reserve", None)
    if not order.booked:
        order = with_deadline(order, "no_show", None)
    return Decision(changed(order, state=RS.REFUSED), notes=(f"not reserved: {reason}",))


def reservation_taken_back(world: World, order: Order) -> Decision:
    """Cancel an order whose reservation the CPO has cancelled; one that has begun goes on."""
    reservation = order.reservation
    if reservation is None or world.now > reservation.expiry:
        return Decision(order, notes=("the CPO cancels a reservation that has expired",))
    order = changed(order, state=RS.OVER)
    if order.state is not S.CONFIRMED:
        return Decision(order, notes=("the CPO cancels a reservation that was used",))
    return cancelled_by_provider(
        world, order, "reservation-cancelled", "The operator cancelled the reservation"
    )


def reserve_due(world: World, order: Order) -> Decision:
    """Ask for the reservation when its time has come, or note that no answer came to it."""
    if order.reservation is None:
        order, plans = reserving(world, order)
        return Decision(order, plans=plans)
    return Decision(order, notes=("not reserved: no answer in time",))


def no_show(world: World, order: Order) -> Decision:
    """Cancel an order that nobody came for; where no terms are agreed, as if the driver did."""
    share = no_show_share(order, world.terms.refund_share)
    return cancelled_by_provider(world, order, "no-show", "Nobody came", refund_share=share)


def is_of_reservation(order: Order, session: Session) -> bool:
    """Tell whether a Session only stands for a connector that is held, or was.

    One that is over is known by its id, or, where it was never pushed before, by having no
    connector.
    """
    reservation = order.reservation
    if reservation is None:
        return False
    if session.status is SessionStatus.RESERVATION:
        return True
    if session.status not in FINAL or session.kwh > 0:
        return False
    if order.session is not None and order.session.id.casefold() == session.id.casefold():
        return False
    if reservation.session_id is None:
        return session.connector_id == NOT_APPLICABLE
    return reservation.session_id.casefold() == session.id.casefold()


def reservation_changed(world: World, order: Order, session: Session) -> Decision:
    """Take a Session of a reservation for what it says about that; it starts nothing."""
    if session.status is SessionStatus.RESERVATION:
        return _holding(order, session)
    was_live = order.reservation is not None and order.reservation.state in LIVE
    order = changed(order, state=RS.OVER)
    if order.state is not S.CONFIRMED or order.attempts or not was_live:
        return Decision(order, notes=(f"the reservation is over: {session.status}",))
    if session.status is SessionStatus.INVALID:
        return cancelled_by_provider(
            world, order, "session-invalid", "The operator declared the reservation void"
        )
    return no_show(world, order)


def _holding(order: Order, session: Session) -> Decision:
    """Believe the CPO that it holds the connector, whatever it answered; a late one is undone."""
    order = changed(order, session_id=session.id)
    reservation = order.reservation
    if reservation is None or reservation.cancel_id is not None:
        return Decision(order, notes=("a reservation that was given back",))
    if order.state in OVER:
        order, plans = released(changed(order, state=RS.HELD))
        return Decision(order, plans=plans, notes=("a reservation of an order that is over",))
    return Decision(order if reservation.state in (RS.HELD, RS.OVER) else _held(order))


def _held(order: Order) -> Order:
    order = with_deadline(changed(order, state=RS.HELD), "reserve", None)
    if order.reservation is None or order.state is not S.CONFIRMED or order.attempts:
        return order
    return with_deadline(order, "no_show", order.reservation.expiry)
