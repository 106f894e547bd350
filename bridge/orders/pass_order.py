"""The order of a loyalty pass, and the membership it brings (use case 4).

No connector, no OCPI: what OCPI knows nothing of stays with the bridge. It has a transaction, a
lane and an order id like a charging order, and the same place in the store.
"""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET

from bridge.orders.intents import Echo, RatingItem, Request
from bridge.orders.item import Provider
from bridge.orders.order import Bill, Cancellation, Payment, Quote
from bridge.orders.terms import Pass


class PassState(enum.StrEnum):
    """Where the order of a pass stands; that its time is over is told by ``valid_until``."""

    SELECTED = "SELECTED"
    INITIALISED = "INITIALISED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Membership(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a customer has by a pass: looked up by who he is, and nothing in it says who.

    Args:
        id: as the customer sees it.
        order_key: of the pass's order, in whose lane it changes.
        held: the pass that counts now: the one that was bought, or a higher tier.
        above: name of the tier that ``held`` may become.
        valid_from, valid_until: ``until`` is exclusive.
    """

    id: str
    order_key: str
    held: Pass
    valid_from: datetime
    valid_until: datetime
    above: str | None = None

    def holds(self, at: datetime) -> bool:
        """Tell whether charging that starts then falls into its time."""
        return self.valid_from <= at < self.valid_until


class SessionUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one settled charging order means for a membership.

    Args:
        saved: what the membership took off.
        spent: the whole price of the bill.
    """

    saved: Decimal
    spent: Decimal
    currency: str


class MemberUse(msgspec.Struct, frozen=True, kw_only=True):
    """That a membership was used: by which charging order.

    Args:
        held_by: key of the order of the pass.
        order_key: of the charging order; a later use of the same replaces this one.
        use: None = its bill was taken back.
    """

    held_by: str
    order_key: str
    use: SessionUse | None


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a membership was used for; money in the currency of the pass."""

    sessions: int = 0
    saved: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)


def usage_of(uses: tuple[SessionUse, ...], currency: str) -> Usage:
    """Return the sums; a session that was paid in another currency counts as a session only."""
    own = [use for use in uses if use.currency == currency]
    return Usage(
        sessions=len(uses),
        saved=sum((use.saved for use in own), Decimal(0)),
        spent=sum((use.spent for use in own), Decimal(0)),
    )


class PassOrder(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="pass", tag_field="kind"
):
    """The record behind one Beckn transaction that buys a pass.

    Args:
        key: as of a charging order: a transaction is about one or the other.
        request: the last request about the order's substance.
        cpo_id: whose support helps.
        sold: the pass as it was offered at on_init: later changes of the terms change nothing.
        membership: from on_confirm on.
        risen_from: the tier before the last rise.
        bill: of a cancellation; its ``refund`` is what goes back.
    """

    key: str
    request: Request
    state: PassState
    provider: Provider
    cpo_id: str
    sold: Pass
    quote: Quote
    created_at: datetime
    updated_at: datetime
    id: str | None = None
    fulfillment_id: str = ""
    billing: Echo = UNSET
    customer: Echo = UNSET
    payment: Payment | None = None
    membership: Membership | None = None
    risen_from: Pass | None = None
    usage: Usage = Usage()
    cancellation: Cancellation | None = None
    bill: Bill | None = None
    ratings: tuple[RatingItem, ...] = ()
    tickets: tuple[str, ...] = ()

    @property
    def placed(self) -> bool:
        """Whether it was confirmed."""
        return self.state not in (PassState.SELECTED, PassState.INITIALISED)

    @property
    def bound(self) -> bool:
        """Whether the transaction is about this and nothing else: it is placed, or paid."""
        return self.placed or (self.payment is not None and self.payment.confirmed)


def state_at(order: PassOrder, now: datetime) -> PassState:
    """Return where an order stands: one that is active ends by itself."""
    member = order.membership
    if order.state is PassState.ACTIVE and member is not None and member.valid_until <= now:
        return PassState.EXPIRED
    return order.state
