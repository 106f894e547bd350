"""What commercial terms add and take off: figures worked out on paper (decisions 18, 21, 22)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import DayOfWeek, ReservationRestrictionType, Tariff, TariffRestrictions
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import LineKind, Quote
from bridge.orders.terms import Agreed, Discount, DiscountKind, Fee, Offer, Surcharge
from bridge.pricing.adjustments import discounts, extras
from bridge.pricing.periods import Usage
from bridge.pricing.quote import quote
from bridge.pricing.restrictions import zone
from bridge.pricing.settlement import so_far
from bridge.pricing.tariff import cost
from tests.unit.pricing.examples import (
    EIGHTEEN_AND_TEN,
    INDIA,
    START,
    component,
    element,
    limit,
    period,
    session,
    tariff,
)

D = Decimal
K = LineKind
R = TariffRestrictions

FIFTH = D("0.2")
TENTH = D("0.1")
SIXTEEN = tariff(element(component("ENERGY", "16")))
TAXED = tariff(
    element(component("ENERGY", "10", vat="18"), component("FLAT", "10", vat="5")),
)
EVENING = Surcharge(id="evening", per_kwh=D(1), when=R(start_time="18:00", end_time="21:00"))
SIX = START + timedelta(hours=6)
"""18:00 in India."""

SURGE = Surcharge(id="surge", share=FIFTH)
FEE = Fee(id="fee", amount=D(10))
EARLY = Offer(id="early", title="Early bird", share=FIFTH)
MEMBER = Discount(kind=DiscountKind.LOYALTY, id="m", share=TENTH)


def quoted(
    priced: Tariff,
    agreed: Agreed,
    value: str = "5",
    measure: Measure = Measure.ENERGY,
    **changes: Any,
) -> Quote:
    wanted = Quantity(measure=measure, value=D(value), unit="INR", stated=value)
    facts = {"power_kw": D(30), "start": None, "end": None, "time_zone": INDIA, **changes}
    return quote(
        priced,
        wanted,
        now=START,
        ttl_s=900,
        default_kwh=D(5),
        max_kwh=D(100),
        agreed=agreed,
        **facts,
    )


def used(
    priced: Tariff, agreed: Agreed, kwh: str, *, after_min: int = 0, minutes: int = 60
) -> Quote:
    """Price a session that has used so much, in one charging period of so many minutes."""
    told = session(kwh, [period(after_min, ENERGY=kwh)], minutes=after_min + minutes)
    return so_far(priced, told, INDIA, agreed=agreed)


def lines(found: Quote) -> list[tuple[LineKind, Decimal]]:
    return [(line.kind, line.amount) for line in found.lines]


def test_the_order_of_application() -> None:
    found = quoted(
        EIGHTEEN_AND_TEN,
        Agreed(
            fees=(FEE,),
            surcharges=(SURGE,),
            offers=(EARLY,),
            discount=MEMBER,
            overcharge_share=TENTH,
        ),
    )
    assert lines(found) == [
        (K.ENERGY, D("90.00")),
        (K.FLAT, D("10.00")),
        (K.SURCHARGE, D("18.00")),
        (K.FEE, D("10.00")),
        (K.OVERCHARGE_ESTIMATION, D("9.00")),
        (K.OFFER, D("-18.00")),
        (K.LOYALTY, D("-9.20")),  # of 90 - 18, and of the two fees
    ]
    assert found.price == D("109.80")


@pytest.mark.parametrize(
    ("agreed", "price"),
    [
        (Agreed(), "100"),
        (Agreed(overcharge_share=FIFTH), "118"),
        (Agreed(surcharges=(SURGE,)), "118"),
        (Agreed(offers=(EARLY,)), "82"),
        (Agreed(discount=MEMBER), "90"),
        (Agreed(discount=replace(MEMBER, kind=DiscountKind.B2B)), "90"),
    ],
)
def test_the_figures_of_the_pages(agreed: Agreed, price: str) -> None:
    """5 kWh at 18 and 10: use cases 3, 7, 6, 4 and 5."""
    assert quoted(EIGHTEEN_AND_TEN, agreed).price == D(price)


def test_a_provision_is_of_a_quote_only() -> None:
    agreed = Agreed(overcharge_share=FIFTH)
    assert used(EIGHTEEN_AND_TEN, agreed, "5.5").price == D("109")


class TestBudget:
    def test_surcharges_and_fees_are_within(self) -> None:
        agreed = Agreed(surcharges=(SURGE,), fees=(FEE,))
        found = quoted(EIGHTEEN_AND_TEN, agreed, "100", Measure.AMOUNT)
        assert found.kwh == D("3.703")  # (100.005 - 20) / 21.6 = 3.70393
        assert found.price == D("99.98")

    def test_a_provision_comes_on_top_and_a_discount_buys_no_more(self) -> None:
        agreed = Agreed(overcharge_share=FIFTH, offers=(EARLY,), discount=MEMBER)
        found = quoted(EIGHTEEN_AND_TEN, agreed, "100", Measure.AMOUNT)
        assert found.kwh == 5
        assert found.price == D(100) + 18 - 18 - D("8.20")

    def test_a_surcharge_that_begins_while_charging(self) -> None:
        """At 30 kW there are 2.5 kWh until 18:00; 40 + 17 x 2.647 = 84.999."""
        found = quoted(
            SIXTEEN,
            Agreed(surcharges=(EVENING,)),
            "85",
            Measure.AMOUNT,
            start=SIX - timedelta(minutes=5),
        )
        assert (found.kwh, found.price) == (D("5.147"), D("85.00"))

    def test_energy_that_is_free_counts_by_its_surcharge(self) -> None:
        """An hour at 60 and 30 kWh at 1: 90 INR an hour; 1800 s and 15.004 kWh are 45.004."""
        by_time = tariff(element(component("TIME", "60", step_size=0)))
        always = replace(EVENING, when=None)
        found = quoted(by_time, Agreed(surcharges=(always,)), "45", Measure.AMOUNT)
        assert (found.kwh, found.price) == (D("15.004"), D("45.00"))

    def test_too_little_for_the_fee_is_said(self) -> None:
        agreed = Agreed(fees=(replace(FEE, amount=D(200)),), offers=(EARLY,))
        with pytest.raises(QuoteUnavailable, match=r"the minimum is 210.02 INR"):
            quoted(EIGHTEEN_AND_TEN, agreed, "100", Measure.AMOUNT)

    def test_the_slot_is_a_limit_as_before(self) -> None:
        found = quoted(
            EIGHTEEN_AND_TEN,
            Agreed(fees=(FEE,)),
            "500",
            Measure.AMOUNT,
            end=START + timedelta(minutes=10),
        )
        assert (found.kwh, found.price) == (D(5), D(110))


class TestSurcharge:
    @pytest.mark.parametrize(
        ("kwh", "after_min", "minutes", "price", "surge"),
        [
            ("5.2", 360, 60, "88.40", "5.20"),
            ("3.4", 360, 30, "57.80", "3.40"),
            ("5", 360, 60, "85.00", "5.00"),
            ("10", 330, 60, "165.00", "5.00"),  # half an hour of an hour until 18:30
            ("10", 530, 60, "161.67", "1.67"),  # ten minutes of an hour until 21:00
            ("10", 300, 60, "160.00", None),
            ("10", 540, 60, "160.00", None),
        ],
    )
    def test_one_rupee_more_in_the_evening(
        self, kwh: str, after_min: int, minutes: int, price: str, surge: str | None
    ) -> None:
        agreed = Agreed(surcharges=(EVENING,))
        found = used(SIXTEEN, agreed, kwh, after_min=after_min, minutes=minutes)
        assert found.price == D(price)
        more = [amount for kind, amount in lines(found) if kind is K.SURCHARGE]
        assert more == ([] if surge is None else [D(surge)])

    def test_a_plan_is_split_where_it_flips(self) -> None:
        found = quoted(
            SIXTEEN, Agreed(surcharges=(EVENING,)), "10", start=SIX - timedelta(minutes=5)
        )
        assert lines(found) == [(K.ENERGY, D("160.00")), (K.SURCHARGE, D("7.50"))]
        (surge,) = (line for line in found.lines if line.kind is K.SURCHARGE)
        assert (surge.quantity, surge.unit_price) == (D("7.5"), D(1))

    def test_a_preview_is_at_the_price_of_the_evening(self) -> None:
        assert quoted(SIXTEEN, Agreed(surcharges=(EVENING,)), start=SIX).price == D(85)

    def test_several_add_up(self) -> None:
        """18 x 1.2 + 2 = 23.60 (use cases 13)."""
        place = Surcharge(id="airport", per_kwh=D(2), title="Airport")
        eighteen = tariff(element(component("ENERGY", "18")))
        found = quoted(eighteen, Agreed(surcharges=(SURGE, place)), "1")
        assert found.price == D("23.60")
        assert [line.title for line in found.lines] == [None, None, "Airport"]

    PEAK = tariff(
        element(component("ENERGY", "20"), when=R(start_time="18:00", end_time="21:00")),
        element(component("ENERGY", "16")),
    )

    def test_a_price_that_is_for_that_time_already_is_not_raised_again(self) -> None:
        """Decisions 22: half of it at 20 already; the surcharge begins at 17:00."""
        from_five = replace(EVENING, when=R(start_time="17:00", end_time="21:00"))
        found = quoted(
            self.PEAK, Agreed(surcharges=(from_five,)), "10", start=SIX - timedelta(minutes=10)
        )
        assert lines(found) == [
            (K.ENERGY, D("80.00")),
            (K.ENERGY, D("100.00")),
            (K.SURCHARGE, D("5.00")),
        ]

    def test_a_surcharge_on_the_place_is_for_any_time(self) -> None:
        found = quoted(self.PEAK, Agreed(surcharges=(SURGE,)), start=SIX)
        assert found.price == D(120)

    def test_a_price_by_volume_is_no_price_by_time(self) -> None:
        stepped = tariff(
            element(component("ENERGY", "16"), when=R(max_kwh=D(100))),
        )
        assert quoted(stepped, Agreed(surcharges=(EVENING,)), start=SIX).price == D(85)

    def test_energy_that_is_free_has_a_price_per_kwh_added(self) -> None:
        parking = tariff(element(component("TIME", "60")))
        found = quoted(parking, Agreed(surcharges=(EVENING, SURGE)), start=SIX)
        assert lines(found) == [(K.TIME, D("10.00")), (K.SURCHARGE, D("5.00"))]

    def test_it_is_on_what_is_billed_and_not_capped(self) -> None:
        """500 Wh a step: 5.2 kWh are billed as 5.5; the cap binds the tariff alone."""
        capped = tariff(
            element(component("ENERGY", "16", step_size=500)), max_price=limit("50", "50")
        )
        found = quoted(capped, Agreed(surcharges=(EVENING,)), "5.2", start=SIX)
        assert lines(found) == [
            (K.ENERGY, D("88.00")),
            (K.SURCHARGE, D("5.50")),
            (K.MAXIMUM, D("-38.00")),
        ]

    def test_it_has_the_vat_of_energy(self) -> None:
        found = quoted(TAXED, Agreed(surcharges=(SURGE,)))
        assert lines(found) == [
            (K.ENERGY, D("50.00")),
            (K.FLAT, D("10.00")),
            (K.SURCHARGE, D("10.00")),
            (K.TAX, D("0.50")),
            (K.TAX, D("10.80")),
        ]

    def test_per_kwh_it_has_the_vat_of_energy_too(self) -> None:
        found = quoted(TAXED, Agreed(surcharges=(EVENING,)), start=SIX)
        assert lines(found)[2:] == [
            (K.SURCHARGE, D("5.00")),
            (K.TAX, D("0.50")),
            (K.TAX, D("9.90")),
        ]

    def test_a_plan_knows_the_energy_of_its_boundary(self) -> None:
        """Five minutes at 22 kW are 1.8333 kWh, though the whole takes 818.18 seconds."""
        lunch = Surcharge(id="lunch", per_kwh=D(100), when=R(end_time="12:05"))
        found = quoted(SIXTEEN, Agreed(surcharges=(lunch,)), power_kw=D(22))
        assert lines(found) == [(K.ENERGY, D("80.00")), (K.SURCHARGE, D("183.33"))]


class TestFee:
    def test_it_has_its_own_vat(self) -> None:
        found = quoted(TAXED, Agreed(fees=(replace(FEE, vat=D(5), title="Desk"),)))
        assert lines(found)[2:] == [
            (K.FEE, D("10.00")),
            (K.TAX, D("1.00")),
            (K.TAX, D("9.00")),
        ]
        assert found.lines[2].title == "Desk"

    def test_no_session_no_fee(self) -> None:
        agreed = Agreed(fees=(FEE,))
        assert used(SIXTEEN, agreed, "0").price == 0
        assert used(SIXTEEN, agreed, "0.001").price == D("10.02")
        assert used(EIGHTEEN_AND_TEN, agreed, "0").price == D(20), "the CPO has one as well"


class TestOffer:
    TWENTY = Offer(id="20", title="20 off", amount=D(20), min_kwh=D(5))
    TWELVE = tariff(element(component("ENERGY", "12")))

    def test_it_is_judged_by_what_was_delivered(self) -> None:
        agreed = Agreed(offers=(self.TWENTY,))
        assert quoted(self.TWELVE, agreed).price == D(40)
        assert lines(used(self.TWELVE, agreed, "5")) == [
            (K.ENERGY, D("60.00")),
            (K.OFFER, D("-20.00")),
        ]
        assert lines(used(self.TWELVE, agreed, "3.2")) == [(K.ENERGY, D("38.40"))]

    @pytest.mark.parametrize(
        ("offer", "off"),
        [
            (Offer(id="o", title="o", share=FIFTH), "18"),
            (Offer(id="o", title="o", share=FIFTH, max_amount=D(15)), "15"),
            (Offer(id="o", title="o", share=FIFTH, max_amount=D(18)), "18"),
            (Offer(id="o", title="o", per_kwh=D(2)), "10"),
            (Offer(id="o", title="o", amount=D(95)), "90"),
            (Offer(id="o", title="o", amount=D(95), max_amount=D(93)), "90"),
            (Offer(id="o", title="o", amount=D(20), min_value=D(90)), "20"),
            (Offer(id="o", title="o", amount=D(20), min_value=D("90.01")), None),
            (Offer(id="o", title="o", amount=D(20), min_kwh=D("5.001")), None),
            (Offer(id="o", title="o", amount=D(20), valid_from=START), "20"),
            (Offer(id="o", title="o", amount=D(20), valid_until=START), None),
            (Offer(id="o", title="o", amount=D(20), when=R(start_time="12:01")), None),
            (Offer(id="o", title="o", amount=D(20), when=R(end_time="12:01")), "20"),
        ],
    )
    def test_its_conditions_and_bounds(self, offer: Offer, off: str | None) -> None:
        found = quoted(EIGHTEEN_AND_TEN, Agreed(offers=(offer,)))
        less = [amount for kind, amount in lines(found) if kind is K.OFFER]
        assert less == ([] if off is None else [-D(off)])
        assert found.price == 100 - D(off or 0)

    def test_a_share_that_was_cut_short_is_not_called_by_it(self) -> None:
        shares = []
        for cap in ("15", "18"):
            offer = Offer(id="o", title="o", share=FIFTH, max_amount=D(cap))
            shares.append(quoted(EIGHTEEN_AND_TEN, Agreed(offers=(offer,))).lines[-1].share)
        assert shares == [None, FIFTH]

    def test_several_never_take_more_than_there_is(self) -> None:
        offers = (EARLY, replace(self.TWENTY, amount=D(80)), self.TWENTY)
        found = quoted(EIGHTEEN_AND_TEN, Agreed(offers=offers, discount=MEMBER))
        assert lines(found)[2:] == [
            (K.OFFER, D("-18.00")),
            (K.OFFER, D("-72.00")),
            (K.LOYALTY, D("-1.00")),
        ]

    def test_surcharges_are_no_part_of_its_base(self) -> None:
        assert quoted(EIGHTEEN_AND_TEN, Agreed(offers=(EARLY,), surcharges=(SURGE,))).price == 100

    def test_it_takes_the_vat_with_it(self) -> None:
        found = quoted(TAXED, Agreed(offers=(EARLY,)))
        assert lines(found)[2:] == [
            (K.OFFER, D("-10.00")),
            (K.TAX, D("0.50")),
            (K.TAX, D("7.20")),
        ]

    def test_what_a_cap_took_off_is_not_taken_off_again(self) -> None:
        """90 + 10 are capped at 50: of that, 45 are for energy."""
        capped = replace(EIGHTEEN_AND_TEN, max_price=limit("50", "50"))
        all_off = Offer(id="o", title="o", amount=D(90))
        found = quoted(capped, Agreed(offers=(all_off,), discount=replace(MEMBER, share=D(1))))
        assert found.price == 0
        assert lines(found)[2:] == [
            (K.OFFER, D("-45.00")),
            (K.LOYALTY, D("-5.00")),
            (K.MAXIMUM, D("-50.00")),
        ]


class TestDiscount:
    def test_it_is_of_energy_and_fees_and_of_nothing_else(self) -> None:
        full = tariff(
            element(
                component("ENERGY", "18"),
                component("FLAT", "10"),
                component("TIME", "60"),
            )
        )
        found = quoted(full, Agreed(discount=MEMBER, fees=(FEE,), surcharges=(SURGE,)))
        assert found.price == D(90 + 10 + 10 + 10 + 18) - D(11)

    @pytest.mark.parametrize(
        ("day", "price"), [(DayOfWeek.WEDNESDAY, "90"), (DayOfWeek.SUNDAY, "100")]
    )
    def test_it_may_be_for_some_days(self, day: DayOfWeek, price: str) -> None:
        some = replace(MEMBER, when=R(day_of_week=(day,)))
        assert quoted(EIGHTEEN_AND_TEN, Agreed(discount=some)).price == D(price)

    def test_each_part_keeps_its_vat(self) -> None:
        """50 at 18 %, 10 at 5 % and a fee of 10 at 5 %: a tenth less of each."""
        found = quoted(TAXED, Agreed(discount=MEMBER, fees=(replace(FEE, vat=D(5)),)))
        assert lines(found)[3:] == [
            (K.LOYALTY, D("-7.00")),
            (K.TAX, D("0.90")),
            (K.TAX, D("8.10")),
        ]
        assert found.price == D("72.00")

    def test_its_line_says_which_and_how_much(self) -> None:
        deal = replace(MEMBER, kind=DiscountKind.B2B, title="Fleet")
        line = quoted(EIGHTEEN_AND_TEN, Agreed(discount=deal)).lines[-1]
        assert (line.kind, line.title, line.share) == (K.B2B, "Fleet", TENTH)


def test_only_what_was_reserved_has_no_terms() -> None:
    held: Sequence[Usage] = (
        Usage(start=START, end=START + timedelta(minutes=30), reservation_s=1800),
    )
    expired = R(reservation=ReservationRestrictionType.RESERVATION_EXPIRES)
    priced = tariff(element(component("TIME", "60"), when=expired))
    agreed = Agreed(fees=(FEE,), surcharges=(SURGE, EVENING), offers=(EARLY,), discount=MEMBER)
    bill = cost(priced, held, INDIA)
    assert bill.price == 30
    assert extras(priced, bill, held, zone(INDIA), agreed) == ()
    assert discounts(bill, (), held, zone(INDIA), agreed) == ()
