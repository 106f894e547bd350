"""confirm: the order is placed, its id and its token are minted (use case 1, 3.8)."""

from __future__ import annotations

import secrets
import uuid

from msgspec.structs import replace

from bridge.errors import (
    BusinessRefused,
    ItemUnknown,
    PaymentUnsupported,
    QuoteUnavailable,
)
from bridge.flows.decision import Decision, World, answer_order, refuse, with_deadline
from bridge.flows.discounts import check_discount
from bridge.flows.offer import available_item
from bridge.flows.otp import proven
from bridge.flows.payment import COLLECTED_LATER, collected
from bridge.flows.promotion import refuse_other_offers, take_uses
from bridge.flows.reservation import missed_at, reserved
from bridge.flows.slots import kept, not_in_the_way
from bridge.orders.intents import Confirm, PaymentClaim, Request
from bridge.orders.order import Order, OrderState, Payment, PaymentStatus, Quote
from bridge.orders.otp import OtpStep
from bridge.orders.transitions import PLACED, step

POSTPAID = frozenset({"POST-FULFILLMENT", "ON-FULFILLMENT"})
"""Payment types that are due after confirm."""


async def confirm(world: World, request: Request, intent: Confirm, order: Order | None) -> Decision:
    """Place the order; a repeated confirm gets the same answer again.

    An OTP that the order needs is looked at before the CPO is asked: a wrong one is counted, and
    the order stays as init left it.

    Raises:
        QuoteUnavailable: there was no init, or its quote has expired, or its discount has.
        BusinessRefused: the order was cancelled.
        ItemUnknown: another item than in init.
        PaymentUnsupported: what is said about the payment does not fit the terms.
        OfferUnavailable: the offer is used up by now, or is another one than in init.
        Refused: see available_item, kept and not_in_the_way.
    """
    if order is not None and order.state is OrderState.CANCELLED:
        raise BusinessRefused(f"order {order.id} is cancelled")
    if order is not None and order.state in PLACED:
        return Decision(order, (answer_order(world, request, order),))
    if order is None or order.state is not OrderState.INITIALISED or order.quote is None:
        raise QuoteUnavailable("no quote is agreed in this transaction; send init first")
    refuse_expired(world, order.quote)
    wished = world.catalog.find(intent.wish.provider_id, intent.wish.item_id)
    if wished.id != order.item.id:
        raise ItemUnknown(f"init was for item {order.item.id}, not {wished.id}")
    refuse_other_offers(intent.wish, order)
    check_discount(world, order, intent.billing)
    payment = agreed_payment(order.payment, order.quote, intent.payment)
    token = intent.authorization_token
    order, refusal, errands = proven(world, order, OtpStep.CONFIRM, token)
    if refusal is not None:
        return Decision(order, (refuse(world, request, refusal),), errands=errands)
    item = await available_item(world, request, intent.wish, ask=True, later=order.booked)
    if order.booked:
        await kept(world, order)
    else:
        await not_in_the_way(world, order)
    order = replace(
        order,
        request=request,
        item=replace(item, tariff=order.tariff, price_kwh=order.item.price_kwh),
        id=str(uuid.uuid4()),
        billing=intent.billing or order.billing,
        customer=intent.customer or order.customer,
        vehicle=intent.wish.vehicle or order.vehicle,
        payment=payment,
        token_uid=secrets.token_hex(10).upper(),
        reference=str(uuid.uuid4()),
    )
    await take_uses(world, order)
    order = step(order, OrderState.CONFIRMED, world.now)
    if order.booked:
        order = with_deadline(order, "no_show", missed_at(world, order))
    order, plans = reserved(world, order)
    answered = (answer_order(world, request, order),)
    return Decision(order, answered, plans, errands=collected(order))


def refuse_expired(world: World, price: Quote) -> None:
    """Raise QuoteUnavailable when a quote does not hold any more."""
    if price.expires_at is None or price.expires_at <= world.now:
        raise QuoteUnavailable(f"the quote expired at {price.expires_at}; send init again")


def agreed_payment(offered: Payment | None, price: Quote, claim: PaymentClaim | None) -> Payment:
    """Return the payment as claimed, if the terms allow it (decisions 19).

    PAID must be the whole quote; NOT-PAID is accepted when it is collected later, or when the
    gateway said that it is paid.

    Raises:
        PaymentUnsupported: naming what does not fit.
    """
    if offered is None or claim is None:
        raise PaymentUnsupported("payments[0] is missing: say PAID, or how it is paid later")
    if claim.id is not None and claim.id != offered.id:
        raise PaymentUnsupported(f"payments[0].id is {claim.id}, on_init said {offered.id}")
    if claim.collected_by not in (None, offered.collected_by):
        raise PaymentUnsupported(f"payments[0].collected_by must be {offered.collected_by}")
    if claim.currency is not None and claim.currency != price.currency:
        raise PaymentUnsupported(f"payments[0].params.currency must be {price.currency}")
    if claim.amount is not None and claim.amount != price.price:
        raise PaymentUnsupported(
            f"payments[0].params.amount is {claim.amount}, the quote is {price.price}"
        )
    if offered.status is PaymentStatus.PAID:
        return replace(offered, method=claim.method)
    if claim.paid:
        if claim.amount is None:
            raise PaymentUnsupported("payments[0].params.amount is missing")
        return replace(
            offered,
            status=PaymentStatus.PAID,
            paid=claim.amount,
            method=claim.method,
            transaction_id=claim.transaction_id,
        )
    if claim.method not in COLLECTED_LATER and claim.type not in POSTPAID:
        raise PaymentUnsupported(
            "payments[0].status is NOT-PAID, and neither its method nor its type is paid later"
        )
    return replace(offered, method=claim.method, source_address=claim.source_address)
