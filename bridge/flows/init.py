"""init: billing in, payment terms out; tariff and terms are frozen here (use case 1, 3.5)."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from bridge.flows.decision import Decision, World, answer_order
from bridge.flows.discounts import discount_for
from bridge.flows.offer import available_item, slot
from bridge.flows.otp import issued, with_otp_of
from bridge.flows.payment import to_be_paid
from bridge.flows.promotion import agreed_and_priced
from bridge.flows.select import drafted, refuse_placed
from bridge.flows.slots import kept, timed_as_said, wants_slot
from bridge.orders.customer import customer_of
from bridge.orders.intents import Init, Request, Wish
from bridge.orders.order import Order, OrderState, order_key
from bridge.orders.transitions import step


async def init(world: World, request: Request, intent: Init, order: Order | None) -> Decision:
    """Answer with the terms of the order to be; a quote that still holds keeps its id.

    An init that names no offer has none, but an automatic one: select's choice is said again.
    A customer's discount is in the quote already; an order that needs an OTP has it sent.

    Raises:
        NotAuthorized: see issued.
        BusinessRefused: the transaction already has a placed order.
        Refused: see available_item, timed_as_said and agreed_and_priced.
    """
    refuse_placed(order)
    wish = intent.wish
    if order is not None and wish.item_id == order.item.id:
        wish = _as_before(wish, order)
    later = wants_slot(world, wish, order)
    item = await available_item(world, request, wish, ask=False, later=later)
    key = order_key(request.bap_id, request.transaction_id)
    wish, booked = await timed_as_said(world, wish, item, key, order)
    customer = customer_of(intent.billing, intent.customer)
    start, _ = slot(world, wish)
    agreed, price = await agreed_and_priced(
        world,
        wish,
        item,
        order,
        key=key,
        customer=customer,
        discount=await discount_for(world, item, customer, world.now, start),
    )
    draft = drafted(world, request, wish, item, agreed, price)
    draft = replace(
        draft,
        booked=booked,
        created_at=draft.created_at if order is None else order.created_at,
        vehicle=wish.vehicle or (order.vehicle if order else UNSET),
        tariff=item.tariff,
        billing=intent.billing,
        customer=intent.customer,
        payment=to_be_paid(world, key, price, None if order is None else order.payment),
    )
    draft, errands = issued(world, with_otp_of(draft, order))
    draft = step(draft, OrderState.INITIALISED, world.now)
    await kept(world, draft)
    return Decision(draft, (answer_order(world, request, draft),), errands=errands)


def _as_before(wish: Wish, order: Order) -> Wish:
    """Return a wish for the same connector, with what select said and init does not."""
    if wish.quantity is None:
        wish = replace(wish, quantity=order.quantity)
    if order.booked and wish.start is None and wish.end is None:
        wish = replace(wish, start=order.start, end=order.end)
    return wish
