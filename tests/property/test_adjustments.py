"""Laws of commercial terms, over tariffs and terms of every shape."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import DayOfWeek, Tariff, TariffRestrictions
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import LineKind, Quote
from bridge.orders.terms import Agreed, Discount, DiscountKind, Fee, Offer, Surcharge
from bridge.pricing.adjustments import discounts, energy_of, extras
from bridge.pricing.breakup import breakup, gross
from bridge.pricing.money import rounded
from bridge.pricing.periods import Usage
from bridge.pricing.plan import planned_usages
from bridge.pricing.quote import quote
from bridge.pricing.restrictions import zone
from bridge.pricing.tariff import cost
from tests.property.test_pricing import (
    CLOCKS,
    ENERGIES,
    PLAIN_TARIFFS,
    POWERS,
    PRICES,
    STARTS,
    TARIFFS,
    ZONES,
    numbers,
    sessions,
)

D = Decimal
SHARES = numbers("0", "1", 2)
VATS = st.none() | st.sampled_from([D(0), D(5), D(18), D("5.2")])

TIMES = st.none() | st.builds(
    TariffRestrictions,
    start_time=CLOCKS,
    end_time=CLOCKS,
    day_of_week=st.lists(st.sampled_from(DayOfWeek), unique=True, max_size=3).map(tuple),
)
ANY_TIMES = st.none() | st.builds(
    TariffRestrictions,
    start_time=CLOCKS,
    end_time=CLOCKS,
    min_kwh=st.none() | numbers("0", "60", 1),
    max_kwh=st.none() | numbers("0", "60", 1),
    min_duration=st.none() | st.integers(0, 7200),
    max_duration=st.none() | st.integers(0, 7200),
    min_power=st.none() | numbers("0", "60", 0),
)


SURCHARGES = st.one_of(
    st.builds(Surcharge, id=st.just("s"), share=SHARES, when=ANY_TIMES),
    st.builds(Surcharge, id=st.just("k"), per_kwh=PRICES, when=ANY_TIMES),
)
FEES = st.builds(Fee, id=st.just("f"), amount=PRICES, vat=VATS)
BOUNDS = {
    "max_amount": st.none() | PRICES,
    "min_kwh": st.none() | ENERGIES,
    "min_value": st.none() | PRICES,
}
OFFERS = st.one_of(
    st.builds(Offer, id=st.just("a"), title=st.just("a"), share=SHARES, **BOUNDS),
    st.builds(Offer, id=st.just("b"), title=st.just("b"), per_kwh=PRICES, **BOUNDS),
    st.builds(Offer, id=st.just("c"), title=st.just("c"), amount=numbers("0", "900", 2), **BOUNDS),
)
DISCOUNTS = st.builds(
    Discount, kind=st.sampled_from(DiscountKind), id=st.just("d"), share=SHARES, when=TIMES
)


TERMS = st.builds(
    Agreed,
    fees=st.lists(FEES, max_size=2).map(tuple),
    surcharges=st.lists(SURCHARGES, max_size=2).map(tuple),
    offers=st.lists(OFFERS, max_size=2).map(tuple),
    discount=st.none() | DISCOUNTS,
    overcharge_share=SHARES,
)


def quoted(
    priced: Tariff, agreed: Agreed, wanted: Quantity, power: Decimal, start: datetime, place: str
) -> Quote:
    return quote(
        priced,
        wanted,
        power,
        start,
        None,
        place,
        now=start,
        ttl_s=60,
        default_kwh=D(5),
        max_kwh=D(100),
        agreed=agreed,
    )


@given(TARIFFS, sessions(), ZONES, TERMS)
def test_lines_sum_to_the_price_and_nothing_is_below_zero(
    priced: Tariff, used: Sequence[Usage], place: str, agreed: Agreed
) -> None:
    total = cost(priced, used, place)
    more = extras(priced, total, used, zone(place), agreed)
    less = discounts(total, more, used, zone(place), agreed)
    price, lines = breakup(total, priced.currency, (*more, *less))
    assert price == sum(line.amount for line in lines)
    assert all(line.amount == rounded(line.amount, priced.currency) for line in lines)
    assert price == rounded(gross(total, (*more, *less)), priced.currency)
    assert price >= 0
    assert all(each.excl_vat >= 0 for each in more)
    assert all(each.excl_vat < 0 for each in less)


@given(TARIFFS, sessions(), ZONES, TERMS)
def test_discounts_stay_within_their_base(
    priced: Tariff, used: Sequence[Usage], place: str, agreed: Agreed
) -> None:
    total = cost(priced, used, place)
    more = extras(priced, total, used, zone(place), agreed)
    less = discounts(total, more, used, zone(place), agreed)
    noise = D("1e-9")
    offered = -sum(each.excl_vat for each in less if each.kind is LineKind.OFFER)
    energy = sum(part.excl_vat for part in energy_of(total))
    assert offered <= energy + noise
    flat = sum(line.excl_vat for line in total.lines if line.kind is LineKind.FLAT)
    fees = sum(each.excl_vat for each in more if each.kind is LineKind.FEE)
    taken = -sum(each.excl_vat for each in less)
    assert taken <= energy + flat + fees + noise
    for each in less:
        assert each.incl_vat <= 0
        limit = next((o.max_amount for o in agreed.offers if o.title == each.title), None)
        assert limit is None or -each.excl_vat <= limit or len(agreed.offers) > 1


@given(PLAIN_TARIFFS, TERMS, POWERS, numbers("1", "900", 2), STARTS, ZONES)
def test_a_budget_with_surcharges_and_fees_is_never_exceeded_and_1_wh_more_would(
    priced: Tariff, agreed: Agreed, power: Decimal, budget: Decimal, start: datetime, place: str
) -> None:
    before_the_rest = replace(agreed, offers=(), discount=None, overcharge_share=D(0))
    money = Quantity(measure=Measure.AMOUNT, value=budget, unit="INR", stated=str(budget))
    try:
        found = quoted(priced, agreed, money, power, start, place)
    except QuoteUnavailable:
        return
    kwh = Quantity(measure=Measure.ENERGY, value=found.kwh, unit="kWh", stated="")
    assert quoted(priced, before_the_rest, kwh, power, start, place).price <= budget
    assume(found.kwh < 100)
    more = replace(kwh, value=found.kwh + D("0.001"))
    assert quoted(priced, before_the_rest, more, power, start, place).price > budget


@given(TARIFFS, ENERGIES, STARTS, ZONES, TERMS, st.data())
def test_where_a_period_is_cut_changes_nothing(
    priced: Tariff,
    kwh: Decimal,
    start: datetime,
    place: str,
    agreed: Agreed,
    data: st.DataObject,
) -> None:
    """Cut in proportion to whole seconds (decisions 24); at 3.6 kW each second is a Wh."""
    whole = planned_usages(priced, kwh, D("3.6"), start, place)
    index = data.draw(st.integers(0, len(whole) - 1))
    one = whole[index]
    assume(one.charging_s > 1)
    at_s = data.draw(st.integers(1, one.charging_s - 1))
    middle = one.start + timedelta(seconds=at_s)
    part = one.energy_kwh * at_s / one.charging_s
    cut = (
        *whole[:index],
        replace(one, end=middle, energy_kwh=part, charging_s=at_s),
        replace(
            one,
            start=middle,
            energy_kwh=one.energy_kwh - part,
            charging_s=one.charging_s - at_s,
        ),
        *whole[index + 1 :],
    )
    prices = []
    for used in (whole, cut):
        total = cost(priced, used, place)
        more = extras(priced, total, used, zone(place), agreed)
        less = discounts(total, more, used, zone(place), agreed)
        prices.append(breakup(total, priced.currency, (*more, *less))[0])
    assert prices[0] == prices[1]
