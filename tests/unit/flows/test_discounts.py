"""Who gets a discount: the agreement is found by phone, second by e-mail address."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.flows.discounts import discount_for
from bridge.orders.customer import STRANGER, Customer, regular_phone
from bridge.orders.terms import Agreement, Commercial, Discount, DiscountKind, Where
from tests import factories
from tests.factories import NOW
from tests.unit.flows.play import Play

PHONE = "+91-98877 66554"
FLEET = Agreement(
    id="fleet",
    organization="Green Wheels",
    title="fleet discount",
    phones=(PHONE,),
    emails=("Fleet@GreenWheels.example",),
    share=Decimal("0.1"),
)
FLEETS = Discount(kind=DiscountKind.B2B, id="fleet", share=Decimal("0.1"), title="fleet discount")
DRIVER = Customer(phone=regular_phone(PHONE))


def like_fleet(**changes: object) -> Agreement:
    """Make another agreement for the same people."""
    fields = {name: getattr(FLEET, name) for name in FLEET.__struct_fields__}
    return Agreement(**(fields | changes))


async def given(customer: Customer, *agreements: Agreement) -> Discount | None:
    """Return what a customer gets at the connector of ``factories.item()``, now."""
    play = Play()
    play.commercial = Commercial(agreements=agreements)
    return await discount_for(play.world(), factories.item(), customer, NOW)


@pytest.mark.parametrize(
    "customer",
    [
        DRIVER,
        Customer(email="fleet@greenwheels.example"),
        Customer(phone="+910000000", email="fleet@greenwheels.example"),
    ],
    ids=["phone", "e-mail", "e-mail, though the phone is another"],
)
async def test_an_agreement_is_found_however_its_contacts_are_written(customer: Customer) -> None:
    assert await given(customer, FLEET) == FLEETS


@pytest.mark.parametrize(
    "customer", [STRANGER, Customer(phone="+919887766555"), Customer(email="x@greenwheels.example")]
)
async def test_a_stranger_gets_nothing(customer: Customer) -> None:
    assert await given(customer, FLEET) is None


async def test_nobody_agreed_on_anything() -> None:
    assert await given(DRIVER) is None


async def test_whoever_names_nothing_is_not_known_by_a_contact_that_is_none() -> None:
    assert await given(STRANGER, like_fleet(phones=("-",), emails=(" ",))) is None


async def test_the_phone_comes_before_the_address() -> None:
    by_address = like_fleet(id="office", phones=(), share=Decimal("0.5"))
    both = Customer(phone=DRIVER.phone, email="fleet@greenwheels.example")

    assert await given(both, by_address, FLEET) == FLEETS


async def test_the_larger_share_counts() -> None:
    better = like_fleet(id="better", share=Decimal("0.15"))

    found = await given(DRIVER, FLEET, better)

    assert found is not None
    assert (found.id, found.share) == ("better", Decimal("0.15"))


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [(0, 1, True), (1, None, False), (None, 0, False), (None, 1, True), (-2, -1, False)],
)
async def test_an_agreement_has_its_time(since: int | None, until: int | None, holds: bool) -> None:
    def day(number: int | None) -> object:
        return None if number is None else NOW + timedelta(days=number)

    found = await given(DRIVER, like_fleet(valid_from=day(since), valid_until=day(until)))

    assert (found is not None) is holds


async def test_an_agreement_is_for_its_places_only() -> None:
    assert await given(DRIVER, like_fleet(where=Where(locations=("L2",)))) is None
    assert await given(DRIVER, like_fleet(where=Where(locations=("L1",)))) == FLEETS
