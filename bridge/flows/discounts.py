"""What a customer gets off energy and fees: by an agreement of a company, or by a membership."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET

from bridge.errors import QuoteUnavailable
from bridge.flows.decision import World
from bridge.orders.customer import Customer, customer_of, regular_email, regular_phone
from bridge.orders.intents import Echo
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order
from bridge.orders.pass_order import Membership
from bridge.orders.terms import Agreement, Discount, DiscountKind
from bridge.orders.where import is_for
from bridge.pricing.conditions import holds_at, in_time
from bridge.pricing.restrictions import zone


async def discount_for(
    world: World,
    item: ChargingItem,
    customer: Customer,
    at: datetime,
    start: datetime | None = None,
) -> Discount | None:
    """Return the largest discount of a customer at a connector; only one counts (decisions 18).

    Of two that are equal the membership: an agreement asks for an OTP.

    Args:
        at: when an agreement has to hold: the time of the init or confirm.
        start: when charging starts, which is when a membership has to hold; None = at once.
    """
    found = []
    membership = await membership_for(world, item, customer, start or at)
    if membership is not None:
        found.append(discount_of(membership))
    agreement = agreement_for(world, item, customer, at)
    if agreement is not None:
        found.append(discount_by(agreement))
    return max(found, key=lambda each: each.share, default=None)


async def membership_for(
    world: World, item: ChargingItem, customer: Customer, start: datetime
) -> Membership | None:
    """Return the best membership that is known by a customer's phone, else his e-mail address.

    Of several that hold then: one whose discount is for that time, and of those the largest.

    Raises:
        QuoteUnavailable: the time zone of the Location does not exist.
    """
    for key in customer.keys():  # noqa: SIM118 - no dict
        holding = [
            member
            for member in await world.members.of(key)
            if member.holds(start) and is_for(member.held.where, item)
        ]
        if holding:
            place = zone(item.location.time_zone)
            return max(
                holding,
                key=lambda each: (holds_at(each.held.when, start, place), each.held.share),
            )
    return None


def discount_of(membership: Membership) -> Discount:
    """Return what a membership gives."""
    held = membership.held
    return Discount(
        kind=DiscountKind.LOYALTY,
        id=membership.id,
        share=held.share,
        title=f"{held.tier} discount",
        when=held.when,
        held_by=membership.order_key,
    )


def agreement_for(
    world: World, item: ChargingItem, customer: Customer, at: datetime
) -> Agreement | None:
    """Return the best agreement that knows a customer's phone, else his e-mail address.

    None: he has none that is for this connector and holds at that time (use case 5).
    """
    holding = [
        agreement
        for agreement in world.commercial.agreements
        if holds(agreement, at) and is_for(agreement.where, item)
    ]
    by_phone = [each for each in holding if knows_phone(each, customer)]
    known = by_phone or [each for each in holding if knows_email(each, customer)]
    return max(known, key=lambda each: each.share, default=None)


def discount_by(agreement: Agreement) -> Discount:
    """Return what an agreement gives."""
    return Discount(
        kind=DiscountKind.B2B, id=agreement.id, share=agreement.share, title=agreement.title
    )


def holds(agreement: Agreement, at: datetime) -> bool:
    """Tell whether an order that is confirmed then falls into an agreement's time."""
    return in_time(at, agreement.valid_from, agreement.valid_until)


def knows_phone(agreement: Agreement, customer: Customer) -> bool:
    """Tell whether the customer's phone is one that may use the agreement."""
    return customer.phone is not None and customer.phone in map(regular_phone, agreement.phones)


def knows_email(agreement: Agreement, customer: Customer) -> bool:
    """Tell whether the customer's e-mail address is one that may use the agreement."""
    return customer.email is not None and customer.email in map(regular_email, agreement.emails)


def check_discount(world: World, order: Order, billing: Echo) -> None:
    """Let a confirm pass whose discount still is its customer's.

    Args:
        billing: as confirm has it; it may be left out, but not be somebody else's.

    Raises:
        QuoteUnavailable: what was quoted does not hold any more.
    """
    discount = order.agreed.discount
    if discount is None:
        return
    before, now = customer_of(order.billing, order.customer), customer_of(billing, UNSET)
    pairs = ((before.phone, now.phone), (before.email, now.email))
    named = [old == new for old, new in pairs if old is not None and new is not None]
    if named and not named[0]:
        raise QuoteUnavailable("billing names another customer than at init; send init again")
    if discount.kind is DiscountKind.B2B:
        of_order = (each for each in world.commercial.agreements if each.id == discount.id)
        agreement = next(of_order, None)
        if agreement is None or not holds(agreement, world.now):
            raise QuoteUnavailable("the agreement does not hold any more; send init again")
