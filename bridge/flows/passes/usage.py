"""What the settled order of a member counts for (use case 4)."""

from __future__ import annotations

from decimal import Decimal

from bridge.orders.order import LineKind, Order, OrderState
from bridge.orders.pass_order import MemberUse, SessionUse


def member_use(before: Order | None, order: Order) -> MemberUse | None:
    """Return what a new final bill says about the use of a membership; None = nothing new.

    A session counts also when nothing was taken off: at a time that the pass is not for.
    """
    discount, bill = order.agreed.discount, order.bill
    if discount is None or discount.held_by is None or bill is None:
        return None
    known = before.bill if before is not None and before.state is OrderState.SETTLED else None
    if order.state is not OrderState.SETTLED or bill.provisional or bill == known:
        return None
    quote = bill.quote
    taken_back = any(line.kind is LineKind.CREDIT for line in quote.lines)
    off = (line.amount for line in quote.lines if line.kind is LineKind.LOYALTY)
    use = SessionUse(saved=-sum(off, Decimal(0)), spent=quote.price, currency=quote.currency)
    return MemberUse(held_by=discount.held_by, order_key=order.key, use=None if taken_back else use)
