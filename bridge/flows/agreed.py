"""What an order is promised beside its tariff: the operator's terms that are for its connector."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.flows.decision import World
from bridge.orders.item import ChargingItem
from bridge.orders.terms import Agreed, Discount, Offer
from bridge.orders.where import is_for


def agreed_terms(
    world: World,
    item: ChargingItem,
    offers: Sequence[Offer] = (),
    discount: Discount | None = None,
) -> Agreed:
    """Return the terms as they are now for this connector; on_init freezes them into the order.

    Args:
        offers: what the driver chose, or gets by itself (promotion.py).
        discount: what this customer gets by a membership or an agreement.
    """
    terms = world.commercial
    return Agreed(
        fees=tuple(fee for fee in terms.fees if is_for(fee.where, item)),
        surcharges=tuple(each for each in terms.surcharges if is_for(each.where, item)),
        offers=tuple(offers),
        discount=discount,
        overcharge_share=terms.overcharge_share,
        guard_share=terms.guard_share,
        price_source=terms.price_source,
        refunds=terms.refunds,
        grace_s=terms.grace_s,
    )
