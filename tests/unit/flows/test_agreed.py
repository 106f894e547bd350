"""Which commercial terms are for a connector, and that an order keeps those of its init."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.flows.agreed import agreed_terms
from bridge.ocpi.locations import PowerType
from bridge.orders.order import OrderState
from bridge.orders.terms import (
    Agreed,
    Commercial,
    Discount,
    DiscountKind,
    Fee,
    Offer,
    PriceSource,
    Refunds,
    RefundStep,
    Surcharge,
    Where,
)
from bridge.orders.where import is_for
from tests import factories
from tests.unit.flows.play import Play
from tests.unit.flows.world import ITEM_ID, PROVIDER_ID, paid

FEE = Fee(id="fee", amount=Decimal(10))
ELSEWHERE = Where(locations=("L2",))


@pytest.mark.parametrize(
    ("where", "is_here"),
    [
        (Where(), True),
        (Where(providers=("cpo2.example", PROVIDER_ID)), True),
        (Where(providers=("cpo2.example",)), False),
        (Where(locations=("l1",)), True),
        (Where(locations=("L2",)), False),
        (Where(items=(ITEM_ID.lower(),)), True),
        (Where(items=("IN*ABC*L1*E1*2",)), False),
        (Where(power_types=(PowerType.DC,)), True),
        (Where(power_types=(PowerType.AC_3_PHASE,)), False),
        (Where(min_power_kw=Decimal(50), max_power_kw=Decimal(50)), True),
        (Where(min_power_kw=Decimal("50.1")), False),
        (Where(max_power_kw=Decimal("49.9")), False),
        (Where(providers=(PROVIDER_ID,), locations=("L2",)), False),
    ],
)
def test_a_term_is_for_some_connectors(where: Where, is_here: bool) -> None:
    assert is_for(where, factories.item()) is is_here


def terms(play: Play, *chosen: Offer, discount: Discount | None = None) -> Agreed:
    return agreed_terms(play.world(), factories.item(), chosen, discount)


def test_what_is_for_this_connector_is_agreed() -> None:
    play = Play()
    refunds = Refunds(
        steps=(RefundStep(before_s=0, share=Decimal(1)),), no_show_share=Decimal(0), within="PT2H"
    )
    surge = Surcharge(id="surge", share=Decimal("0.2"))
    chosen = Offer(id="chosen", title="Early bird", share=Decimal("0.2"))
    member = Discount(kind=DiscountKind.LOYALTY, id="m1", share=Decimal("0.1"))
    play.commercial = Commercial(
        fees=(FEE, replace(FEE, id="other", where=ELSEWHERE)),
        surcharges=(surge, replace(surge, id="other", where=ELSEWHERE)),
        overcharge_share=Decimal("0.2"),
        guard_share=Decimal("0.9"),
        price_source=PriceSource.CDR,
        refunds=refunds,
    )
    assert terms(play, chosen, discount=member) == Agreed(
        fees=(FEE,),
        surcharges=(surge,),
        offers=(chosen,),
        discount=member,
        overcharge_share=Decimal("0.2"),
        guard_share=Decimal("0.9"),
        price_source=PriceSource.CDR,
        refunds=refunds,
    )


async def test_new_terms_are_a_new_quote_until_init() -> None:
    play = Play()
    await play.select()
    before = play.placed.quote
    play.commercial = Commercial(fees=(FEE,))
    await play.init()
    assert play.placed.quote != before
    assert play.placed.agreed.fees == (FEE,)

    kept = play.placed.quote
    await play.init()
    assert play.placed.quote == kept


async def test_after_init_the_terms_are_those_of_the_order() -> None:
    play = Play()
    play.commercial = Commercial(fees=(FEE,))
    await play.select()
    await play.init()
    play.commercial = Commercial()
    assert play.placed.quote is not None
    await play.confirm(paid(str(play.placed.quote.price)))
    assert play.state() is OrderState.CONFIRMED
    assert play.placed.agreed.fees == (FEE,)
