"""What a membership gives a customer who charges, and what is counted of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import Raw
from msgspec.structs import replace

from bridge.flows.discounts import discount_for
from bridge.flows.passes.tiers import risen, tier_above
from bridge.flows.passes.usage import member_use
from bridge.ocpi.tariffs import DayOfWeek, TariffRestrictions
from bridge.orders.customer import Customer
from bridge.orders.intents import Init
from bridge.orders.order import Bill, Line, LineKind, Order, OrderState, Quote
from bridge.orders.pass_order import Membership, SessionUse
from bridge.orders.terms import (
    Agreed,
    Agreement,
    Commercial,
    Discount,
    DiscountKind,
    Pass,
    Where,
)
from tests.factories import NOW, item, loyalty_pass, membership, order, pass_order
from tests.unit.flows.play import Play
from tests.unit.flows.world import wish

PHONE, EMAIL = "+919876543210", "asha@example.com"
ASHA = Customer(phone=PHONE, email=EMAIL)
BILLING = Raw(b'{"phone":"+91 98765 43210","email":"Asha@Example.com"}')
WEEKEND = TariffRestrictions(day_of_week=(DayOfWeek.SATURDAY, DayOfWeek.SUNDAY))


def play_with(*members: Membership) -> Play:
    """Make a world in which Asha has these."""
    play = Play()
    for number, member in enumerate(members):
        key = f"bap.example|p{number}"
        kept = replace(member, order_key=key)
        play.members.save(pass_order(key=key, billing=BILLING, membership=kept))
    return play


def holding(sold: Pass, **changes: object) -> Membership:
    return membership(held=sold, **changes)


async def share_of(play: Play, customer: Customer = ASHA, **when: object) -> Decimal | None:
    start = NOW + timedelta(**when) if when else None  # type: ignore[arg-type]
    found = await discount_for(play.world(), item(), customer, NOW, start)
    return None if found is None else found.share


async def test_a_member_gets_the_discount_of_his_pass() -> None:
    play = play_with(membership())
    found = await discount_for(play.world(), item(), ASHA, NOW)
    assert found == Discount(
        kind=DiscountKind.LOYALTY,
        id="MEMBER-1",
        share=Decimal("0.10"),
        title="Silver discount",
        held_by="bap.example|p0",
    )


@pytest.mark.parametrize(
    ("customer", "share"),
    [
        (Customer(phone=PHONE), "0.10"),
        (Customer(email=EMAIL), "0.10"),
        (Customer(phone="+911111111111", email=EMAIL), "0.10"),
        (Customer(phone="+911111111111", email="b@example.com"), None),
        (Customer(), None),
    ],
)
async def test_a_member_is_known_by_phone_else_by_mail(
    customer: Customer, share: str | None
) -> None:
    found = await share_of(play_with(membership()), customer)
    assert found == (None if share is None else Decimal(share))


async def test_the_start_of_charging_counts() -> None:
    play = play_with(membership())
    assert await share_of(play, days=29) == Decimal("0.10")
    assert await share_of(play, days=30) is None
    assert await share_of(play, days=-1) is None


async def test_at_init_the_slot_is_when_charging_starts() -> None:
    play = play_with(membership(valid_until=NOW + timedelta(hours=1)))
    await play.ask("init", Init(wish=wish(), billing=BILLING))
    discount = play.placed.agreed.discount
    assert discount is not None
    assert discount.kind == DiscountKind.LOYALTY
    later = wish(start=NOW + timedelta(hours=2), end=NOW + timedelta(hours=3))
    await play.ask("init", Init(wish=later, billing=BILLING))
    assert play.placed.agreed.discount is None


async def test_the_better_of_two_passes_counts() -> None:
    gold = loyalty_pass(id="gold", share=Decimal("0.15"))
    assert await share_of(play_with(membership(), holding(gold))) == Decimal("0.15")
    assert await share_of(play_with(holding(gold), membership())) == Decimal("0.15")
    over = holding(gold, valid_until=NOW)
    assert await share_of(play_with(over, membership())) == Decimal("0.10")


async def test_a_pass_for_that_time_goes_before_a_larger_one_that_is_not() -> None:
    at_weekends = holding(loyalty_pass(share=Decimal("0.5"), when=WEEKEND))
    play = play_with(at_weekends, membership())
    assert await share_of(play) == Decimal("0.10")
    assert await share_of(play, days=3) == Decimal("0.5")
    alone = await discount_for(play_with(at_weekends).world(), item(), ASHA, NOW)
    assert alone is not None
    assert alone.when == WEEKEND


async def test_a_pass_is_for_its_places() -> None:
    elsewhere = holding(loyalty_pass(where=Where(providers=("other.example",))))
    assert await share_of(play_with(elsewhere)) is None


async def test_the_larger_of_membership_and_agreement_counts() -> None:
    play = play_with(membership())
    for share, kind in (("0.2", "B2B"), ("0.10", "LOYALTY"), ("0.05", "LOYALTY")):
        agreement = Agreement(id="a", organization="Fleet", phones=(PHONE,), share=Decimal(share))
        play.commercial = Commercial(agreements=(agreement,))
        found = await discount_for(play.world(), item(), ASHA, NOW)
        assert found is not None
        assert found.kind == kind


LOYAL = Agreed(
    discount=Discount(
        kind=DiscountKind.LOYALTY, id="MEMBER-1", share=Decimal("0.1"), held_by="bap.example|p"
    )
)


def billed(*lines: Line, provisional: bool = False) -> Bill:
    price = sum((line.amount for line in lines), Decimal(0))
    quote = Quote(id="q", currency="INR", price=price, lines=lines, kwh=Decimal(5))
    return Bill(quote=quote, refund=Decimal(0), due=Decimal(0), provisional=provisional)


ENERGY = Line(kind=LineKind.ENERGY, amount=Decimal(100))
OFF = Line(kind=LineKind.LOYALTY, amount=Decimal(-10))


def settled(bill: Bill | None, **changes: object) -> Order:
    return order(OrderState.SETTLED, agreed=LOYAL, bill=bill, **changes)


def test_a_settled_order_counts_for_its_membership() -> None:
    found = member_use(order(OrderState.ENDED), settled(billed(ENERGY, OFF)))
    assert found is not None
    assert (found.held_by, found.order_key) == ("bap.example|p", order().key)
    assert found.use == SessionUse(saved=Decimal(10), spent=Decimal(90), currency="INR")


def test_a_session_without_discount_counts_too() -> None:
    found = member_use(order(OrderState.ENDED), settled(billed(ENERGY)))
    assert found is not None
    assert found.use == SessionUse(saved=Decimal(0), spent=Decimal(100), currency="INR")


def test_a_bill_that_was_taken_back_counts_no_more() -> None:
    credit = Line(kind=LineKind.CREDIT, amount=Decimal(-90))
    found = member_use(settled(billed(ENERGY, OFF)), settled(billed(ENERGY, OFF, credit)))
    assert found is not None
    assert found.use is None


@pytest.mark.parametrize(
    "after",
    [
        order(OrderState.SETTLED, bill=billed(ENERGY)),
        settled(None),
        settled(billed(ENERGY, OFF, provisional=True)),
        order(OrderState.ENDED, agreed=LOYAL, bill=billed(ENERGY, OFF)),
        settled(billed(ENERGY, OFF)),
        order(
            OrderState.SETTLED,
            agreed=Agreed(discount=Discount(kind=DiscountKind.B2B, id="a", share=Decimal("0.1"))),
            bill=billed(ENERGY),
        ),
    ],
)
def test_nothing_new_counts_for_nothing(after: Order) -> None:
    assert member_use(settled(billed(ENERGY, OFF)), after) is None


def tier(name: str, above: str | None = None, spend: str | None = None) -> Pass:
    return loyalty_pass(
        id=name,
        tier=name.title(),
        next_tier=above,
        next_tier_spend=None if spend is None else Decimal(spend),
    )


LADDER = (tier("silver", "gold", "100"), tier("gold", "platinum", "300"), tier("platinum"))


@pytest.mark.parametrize(
    ("spent", "reached"),
    [("99.99", None), ("100", ("silver", "gold")), ("300", ("gold", "platinum"))],
)
def test_tiers_follow_what_is_spent(spent: str, reached: tuple[str, str] | None) -> None:
    found = risen(LADDER, LADDER[0], Decimal(spent))
    assert (None if found is None else (found[0].id, found[1].id)) == reached


def test_a_chain_of_tiers_ends() -> None:
    ring = (tier("silver", "gold", "1"), tier("gold", "silver", "2"))
    found = risen(ring, ring[0], Decimal(1000))
    assert found is not None
    assert found[1].id == "gold"
    assert tier_above(ring, ring[0]) == "Gold"
    assert tier_above(LADDER, LADDER[2]) is None
    dollars = loyalty_pass(id="gold", currency="USD")
    assert risen((dollars,), LADDER[0], Decimal(1000)) is None
