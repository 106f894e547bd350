"""What a customer gets off energy and fees: by an agreement of a company, or by a membership."""

from __future__ import annotations

from datetime import datetime

from bridge.flows.decision import World
from bridge.orders.customer import Customer, regular_email, regular_phone
from bridge.orders.item import ChargingItem
from bridge.orders.terms import Agreement, Discount, DiscountKind
from bridge.orders.where import is_for


async def discount_for(
    world: World, item: ChargingItem, customer: Customer, at: datetime
) -> Discount | None:
    """Return the largest discount of a customer at a connector; only one counts (decisions 18).

    Of two that are equal the membership: an agreement asks for an OTP.

    Args:
        at: when it has to hold: the time of the init or confirm.
    """
    agreement = agreement_for(world, item, customer, at)
    found = [] if agreement is None else [discount_by(agreement)]
    return max(found, key=lambda each: each.share, default=None)


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
    return (agreement.valid_from is None or agreement.valid_from <= at) and (
        agreement.valid_until is None or at < agreement.valid_until
    )


def knows_phone(agreement: Agreement, customer: Customer) -> bool:
    """Tell whether the customer's phone is one that may use the agreement."""
    return customer.phone is not None and customer.phone in map(regular_phone, agreement.phones)


def knows_email(agreement: Agreement, customer: Customer) -> bool:
    """Tell whether the customer's e-mail address is one that may use the agreement."""
    return customer.email is not None and customer.email in map(regular_email, agreement.emails)
