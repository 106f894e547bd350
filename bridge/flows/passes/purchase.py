"""select, init and confirm of a pass (use case 4, 05 to 10)."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from bridge.errors import BusinessRefused, ItemUnknown, PaymentUnsupported, QuoteUnavailable
from bridge.flows.confirm import agreed_payment, refuse_expired
from bridge.flows.decision import Decision, World, answer_order
from bridge.flows.passes.tiers import tier_above
from bridge.flows.payment import to_be_paid
from bridge.flows.promotion import refuse_offers_for
from bridge.orders.customer import customer_of
from bridge.orders.intents import Confirm, Echo, Init, Request, Select, Wish
from bridge.orders.order import Line, LineKind, Order, PaymentStatus, Quote, order_key
from bridge.orders.pass_order import Membership, PassOrder, PassState
from bridge.orders.terms import Pass
from bridge.orders.transitions import PLACED
from bridge.pricing.money import rounded


def pass_named(world: World, wish: Wish) -> Pass | None:
    """Return the pass on sale that a wish names; None when it names none of this provider."""
    provider = wish.provider_id.casefold()
    for each in world.commercial.passes:
        if each.id == wish.item_id and provider in ("", each.provider.casefold()):
            return each
    return None


def select(
    world: World, request: Request, intent: Select, record: Order | PassOrder | None
) -> Decision:
    """Quote a pass: it has one price, whatever quantity is named.

    Raises:
        BusinessRefused: the transaction already has a placed order.
        ItemUnknown: the pass is not on sale any more.
        OfferUnavailable: an offer is chosen; those are for charging.
        ProviderUnknown: nothing of its provider is on offer.
    """
    order = _drafted(world, request, intent.wish, record)
    return Decision(None, (answer_order(world, request, order),), pass_order=order)


def init(
    world: World, request: Request, intent: Init, record: Order | PassOrder | None
) -> Decision:
    """Answer with how to pay, and with the terms of cancellation; the pass is frozen here.

    Raises:
        BusinessRefused: nobody is named whose the pass will be, or see select.
        Refused: see select.
    """
    order = _drafted(world, request, intent.wish, record)
    _require_customer(intent.billing, intent.customer)
    order = replace(
        order,
        state=PassState.INITIALISED,
        billing=intent.billing,
        customer=intent.customer,
        payment=to_be_paid(world, order.key, order.quote, order.payment),
    )
    return Decision(None, (answer_order(world, request, order),), pass_order=order)


def confirm(
    world: World, request: Request, intent: Confirm, record: Order | PassOrder | None
) -> Decision:
    """Let the membership begin; a repeated confirm gets the same answer again.

    Raises:
        QuoteUnavailable: there was no init, or its quote has expired.
        BusinessRefused: the order was cancelled, or nobody is named whose the pass will be.
        ItemUnknown: another item than in init.
        PaymentUnsupported: it is not paid, or what is said about the payment does not fit.
    """
    order = record if isinstance(record, PassOrder) else None
    if order is not None and order.state is PassState.CANCELLED:
        raise BusinessRefused(f"order {order.id} is cancelled")
    if order is not None and order.placed:
        return Decision(None, (answer_order(world, request, order),), pass_order=order)
    if order is None or order.state is not PassState.INITIALISED:
        raise QuoteUnavailable("no quote is agreed in this transaction; send init first")
    if intent.wish.item_id != order.sold.id:
        raise ItemUnknown(f"init was for item {order.sold.id}, not {intent.wish.item_id}")
    refuse_expired(world, order.quote)
    payment = agreed_payment(order.payment, order.quote, intent.payment)
    if payment.status is not PaymentStatus.PAID:
        raise PaymentUnsupported("payments[0].status must be PAID: a pass is paid beforehand")
    billing = intent.billing or order.billing
    customer = intent.customer or order.customer
    _require_customer(billing, customer)
    order = replace(
        order,
        request=request,
        state=PassState.ACTIVE,
        id=str(uuid.uuid4()),
        updated_at=world.now,
        billing=billing,
        customer=customer,
        payment=payment,
        membership=Membership(
            id=f"MEMBER-{secrets.token_hex(5).upper()}",
            order_key=order.key,
            held=order.sold,
            valid_from=world.now,
            valid_until=world.now + timedelta(days=order.sold.valid_days),
            above=tier_above(world.commercial.passes, order.sold),
        ),
    )
    return Decision(None, (answer_order(world, request, order),), pass_order=order)


def _drafted(
    world: World, request: Request, wish: Wish, record: Order | PassOrder | None
) -> PassOrder:
    """Return a new order in state SELECTED; a quote of the same that still holds is kept."""
    known = record if isinstance(record, PassOrder) else None
    if (isinstance(record, Order) and record.state in PLACED) or (known and known.placed):
        raise BusinessRefused(f"this transaction already has the order {record and record.id}")
    sold = pass_named(world, wish)
    paid = None if record is None else record.payment
    if paid is not None and paid.confirmed and (known is None or sold is None):
        raise BusinessRefused(f"in this transaction {paid.paid} {paid.currency} are paid already")
    shown = world.dialects[request.dialect].passes
    if sold is None or shown is None:
        raise ItemUnknown(f"item {wish.item_id!r} is not on sale any more")
    refuse_offers_for(wish, sold.id)
    cpo_id, provider = world.catalog.provider(sold.provider)
    return PassOrder(
        key=order_key(request.bap_id, request.transaction_id),
        request=request,
        state=PassState.SELECTED,
        provider=provider,
        cpo_id=cpo_id,
        sold=sold,
        quote=_quoted(world, sold, known),
        created_at=world.now if known is None else known.created_at,
        updated_at=world.now,
        payment=None if known is None else known.payment,
        fulfillment_id=shown.fulfillment_id(provider.id),
    )


def _quoted(world: World, sold: Pass, known: PassOrder | None) -> Quote:
    if known is not None and known.sold == sold:
        expires_at = known.quote.expires_at
        if expires_at is not None and expires_at > world.now:
            return known.quote
    price = rounded(sold.price, sold.currency)
    return Quote(
        id=str(uuid.uuid4()),
        currency=sold.currency,
        price=price,
        lines=(Line(kind=LineKind.PASS, amount=price),),
        kwh=Decimal(0),
        expires_at=world.now + timedelta(seconds=world.terms.quote_ttl_s),
    )


def _require_customer(billing: Echo, customer: Echo) -> None:
    """Raise BusinessRefused when nothing says whose the pass is."""
    if not customer_of(billing, customer).keys():
        raise BusinessRefused(
            "message.order.billing.phone is missing, and so is billing.email: "
            "a pass belongs to one of them"
        )
