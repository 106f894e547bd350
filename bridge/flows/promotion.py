"""Which offer an order gets, and the price with it (use case 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from bridge.errors import OfferUnavailable, OfferUnknown
from bridge.flows.agreed import agreed_terms
from bridge.flows.decision import World
from bridge.flows.offer import priced, slot
from bridge.orders.customer import Customer
from bridge.orders.intents import Wish
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order, Quote
from bridge.orders.terms import Agreed, Discount, Offer
from bridge.orders.uses import Limit, Use, is_limited, uses_of
from bridge.pricing.offers import obstacle
from bridge.pricing.restrictions import zone


async def agreed_and_priced(
    world: World,
    wish: Wish,
    item: ChargingItem,
    known: Order | None,
    *,
    key: str,
    customer: Customer | None = None,
    discount: Discount | None = None,
) -> tuple[Agreed, Quote]:
    """Return the commercial terms for a wish, with the offer it gets, and the price.

    An order has one offer: the chosen one, else that automatic one which makes the lowest price.

    Args:
        key: of the order to be.
        customer: None = not known yet, and the uses of one customer do not matter.

    Raises:
        OfferUnknown, OfferUnavailable: the chosen offer cannot be had; naming it and the reason.
        QuoteUnavailable: see priced.
    """
    place = zone(item.location.time_zone)
    start = slot(world, wish)[0] or world.now
    if wish.offers:
        offers: Sequence[Offer] = [await _chosen(world, wish, item, start, place, key, customer)]
    else:
        offers = [
            offer
            for offer in world.commercial.offers
            if offer.automatic
            and obstacle(offer, item, start, place) is None
            and await _reached(world, offer, key, customer) is None
        ]
    variants = [agreed_terms(world, item, (offer,), discount) for offer in offers]
    quotes = [
        (agreed, priced(world, wish, item, agreed, known))
        for agreed in variants or [agreed_terms(world, item, (), discount)]
    ]
    return min(quotes, key=lambda each: each[1].price)


async def take_uses(world: World, order: Order) -> None:
    """Take the uses of limited offers that a placed order needs, all or none.

    Raises:
        OfferUnavailable: naming the offer that is used up.
    """
    taken: list[Use] = []
    for use in uses_of(order):
        unknown = use.offer.uses_per_customer is not None and not use.customers
        reached = Limit.USES_PER_CUSTOMER if unknown else await world.uses.take(use)
        if reached is None:
            taken.append(use)
            continue
        for each in taken:
            await world.uses.give_back(each)
        raise OfferUnavailable(f"offer {use.offer.id!r}: {_why(use.offer, reached)}")


async def give_back_uses(world: World, order: Order) -> None:
    """Let others have what an order that is not placed may have taken when it was confirmed."""
    for use in uses_of(order):
        await world.uses.give_back(use)


def refuse_other_offers(wish: Wish, order: Order) -> None:
    """Raise OfferUnavailable when confirm names other offers than were agreed; it need name none.

    That is when init is asked again: the price is another one.
    """
    agreed = {offer.id for offer in order.agreed.offers}
    for offer_id in wish.offers:
        if offer_id not in agreed:
            raise OfferUnavailable(f"offer {offer_id!r}: it is not what init agreed; init again")


def refuse_offers_for(wish: Wish, item_id: str) -> None:
    """Raise OfferUnavailable when offers are chosen for an item that none of them is for."""
    for offer_id in wish.offers:
        raise OfferUnavailable(f"offer {offer_id!r}: it is for charging, not for item {item_id}")


async def _chosen(
    world: World,
    wish: Wish,
    item: ChargingItem,
    start: datetime,
    place: tzinfo,
    key: str,
    customer: Customer | None,
) -> Offer:
    first, *others = wish.offers
    if others:
        names = ", ".join(repr(each) for each in wish.offers)
        raise OfferUnavailable(f"offers {names}: an order can have one of them only")
    offer = next((each for each in world.commercial.offers if each.id == first), None)
    if offer is None:
        raise OfferUnknown(f"offer {first!r} is not known")
    why = obstacle(offer, item, start, place)
    if why is None:
        reached = await _reached(world, offer, key, customer)
        if reached is not None:
            why = _why(offer, reached)
    if why is not None:
        raise OfferUnavailable(f"offer {first!r}: {why}")
    return offer


async def _reached(world: World, offer: Offer, key: str, customer: Customer | None) -> Limit | None:
    """Return the limit that is reached; a stranger gets nothing that is counted by customer."""
    if not is_limited(offer):
        return None
    customers = () if customer is None else customer.keys()
    if offer.uses_per_customer is not None and customer is not None and not customers:
        return Limit.USES_PER_CUSTOMER
    return await world.uses.reached(Use(offer, key, customers))


def _why(offer: Offer, reached: Limit) -> str:
    if reached is Limit.USES:
        return f"all its uses ({offer.uses}) are taken"
    return (
        f"a customer, known by billing.phone or billing.email, has it {offer.uses_per_customer}"
        " times at most"
    )
