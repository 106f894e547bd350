"""select: a quote for what is wished, at the price and status of now (use case 1, 3.3)."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.errors import BusinessRefused
from bridge.flows.decision import Decision, World, answer_order
from bridge.flows.offer import available_item, slot
from bridge.flows.otp import with_otp_of
from bridge.flows.promotion import agreed_and_priced
from bridge.flows.slots import timed, wants_slot
from bridge.orders.intents import Request, Select, Wish
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order, OrderState, Quote, order_key
from bridge.orders.terms import Agreed
from bridge.orders.transitions import PLACED


async def select(world: World, request: Request, intent: Select, order: Order | None) -> Decision:
    """Quote a wish; no search needs to come first.

    Raises:
        BusinessRefused: the transaction already has a placed order.
        Refused: see available_item, timed and agreed_and_priced.
    """
    refuse_placed(order)
    later = wants_slot(world, intent.wish, None)
    item = await available_item(world, request, intent.wish, ask=False, later=later)
    key = order_key(request.bap_id, request.transaction_id)
    wish, booked = await timed(world, intent.wish, item, key, None)
    agreed, price = await agreed_and_priced(world, wish, item, None, key=key)
    draft = replace(drafted(world, request, wish, item, agreed, price), booked=booked)
    draft = replace(draft, payment=None if order is None else order.payment)
    order = with_otp_of(draft, order)
    return Decision(order, (answer_order(world, request, order),))


def refuse_placed(order: Order | None) -> None:
    """Raise BusinessRefused when the order is placed: what is agreed is not selected anew."""
    if order is not None and order.state in PLACED:
        raise BusinessRefused(f"this transaction already has the order {order.id}")


def drafted(
    world: World, request: Request, wish: Wish, item: ChargingItem, agreed: Agreed, price: Quote
) -> Order:
    """Return a new order in state SELECTED."""
    dialect = world.dialects[request.dialect]
    start, end = slot(world, wish)
    return Order(
        key=order_key(request.bap_id, request.transaction_id),
        request=request,
        state=OrderState.SELECTED,
        item=item,
        created_at=world.now,
        updated_at=world.now,
        state_since=world.now,
        fulfillment_id=dialect.fulfillment_id(item.location),
        quantity=wish.quantity,
        start=start,
        end=end,
        vehicle=wish.vehicle,
        tags=wish.tags,
        agreed=agreed,
        quote=price,
    )
