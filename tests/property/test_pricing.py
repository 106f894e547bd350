"""Laws of pricing, over tariffs of every shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import (
    DayOfWeek,
    PriceComponent,
    ReservationRestrictionType,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
)
from bridge.ocpi.types import Price
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import LineKind, Quote
from bridge.pricing.breakup import breakup
from bridge.pricing.money import minor_unit, rounded
from bridge.pricing.periods import Usage
from bridge.pricing.plan import planned_usages
from bridge.pricing.quote import quote
from bridge.pricing.restrictions import Moment, conditions, zone
from bridge.pricing.settlement import settled
from bridge.pricing.tariff import Cost, cost
from tests.unit.pricing.examples import component, element, tariff

D = Decimal
ZONES = st.sampled_from(["Asia/Kolkata", "Europe/Amsterdam", "Australia/Lord_Howe", "UTC"])
# Some starts are close to a change of the clock in Amsterdam, forward and back.
STARTS = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    st.datetimes(datetime(2026, 3, 28, 18), datetime(2026, 3, 29, 3)),
    st.datetimes(datetime(2026, 10, 24, 18), datetime(2026, 10, 25, 3)),
).map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC))


def numbers(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(D(low), D(high), places=places)


PRICES = numbers("0", "50", 4)
POWERS = st.sampled_from([D("3.3"), D("7.4"), D(22), D(60), D("149.9")])
ENERGIES = numbers("0.001", "120", 3)
CLOCKS = st.none() | st.builds(
    "{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 30, 59])
)
DATES = st.none() | st.dates(datetime(2026, 1, 1).date(), datetime(2026, 12, 31).date()).map(str)

COMPONENTS = st.builds(
    PriceComponent,
    type=st.sampled_from(TariffDimensionType),
    price=PRICES,
    vat=st.none() | st.sampled_from([D(0), D(5), D(18), D("5.2")]),
    step_size=st.sampled_from([-1, 0, 1, 60, 500, 900]),
)
RESTRICTIONS = st.builds(
    TariffRestrictions,
    start_time=CLOCKS,
    end_time=CLOCKS,
    start_date=DATES,
    end_date=DATES,
    min_kwh=st.none() | numbers("0", "60", 1),
    max_kwh=st.none() | numbers("0", "60", 1),
    min_current=st.none() | numbers("0", "60", 0),
    max_current=st.none() | numbers("0", "60", 0),
    min_power=st.none() | numbers("0", "60", 0),
    max_power=st.none() | numbers("0", "60", 0),
    min_duration=st.none() | st.integers(0, 7200),
    max_duration=st.none() | st.integers(0, 7200),
    day_of_week=st.lists(st.sampled_from(DayOfWeek), unique=True, max_size=3).map(tuple),
    reservation=st.none() | st.none() | st.sampled_from(ReservationRestrictionType),
)
ELEMENTS = st.builds(
    TariffElement,
    price_components=st.lists(COMPONENTS, min_size=1, max_size=4).map(tuple),
    restrictions=st.none() | RESTRICTIONS,
)
LIMITS = st.none() | st.builds(
    Price, excl_vat=numbers("0", "300", 2), incl_vat=st.none() | numbers("0", "300", 2)
)
TARIFFS = st.builds(
    lambda elements, currency, low, high: tariff(
        *elements, currency=currency, min_price=low, max_price=high
    ),
    st.lists(ELEMENTS, min_size=1, max_size=5),
    st.sampled_from(["INR", "JPY", "KWD"]),
    LIMITS,
    LIMITS,
)
PLAIN_TARIFFS = st.builds(
    lambda components, low: tariff(TariffElement(price_components=components), min_price=low),
    st.lists(COMPONENTS, min_size=1, max_size=4).map(tuple),
    LIMITS,
)


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Usage, ...]:
    """Give the periods of a session, one after the other; perhaps a reservation first."""
    moment = draw(STARTS)
    used = []
    for number in range(draw(st.integers(1, 5))):
        reserved = number == 0 and draw(st.booleans())
        charging_s, parking_s = draw(st.tuples(st.integers(0, 9000), st.integers(0, 9000)))
        length_s = charging_s + parking_s
        end = moment + timedelta(seconds=length_s)
        if reserved:
            used.append(Usage(start=moment, end=end, reservation_s=length_s))
        else:
            power = draw(st.none() | numbers("0", "60", 1))
            used.append(
                Usage(
                    start=moment,
                    end=end,
                    energy_kwh=draw(numbers("0", "40", 4)),
                    charging_s=charging_s,
                    parking_s=parking_s,
                    min_power=power,
                    max_power=power,
                )
            )
        moment = end
    return tuple(used)


def quoted(
    priced: Tariff,
    measure: Measure,
    value: Decimal,
    power: Decimal,
    start: datetime,
    place: str,
    end: datetime | None = None,
) -> Quote:
    wanted = Quantity(measure=measure, value=value, unit=priced.currency, stated=str(value))
    return quote(
        priced,
        wanted,
        power,
        start,
        end,
        place,
        now=start,
        ttl_s=60,
        default_kwh=D(5),
        max_kwh=D(100),
    )


@given(TARIFFS, sessions(), ZONES)
def test_lines_sum_to_the_price_in_whole_minor_units(
    priced: Tariff, used: tuple[Usage, ...], place: str
) -> None:
    total = cost(priced, used, place)
    price, lines = breakup(total, priced.currency)
    assert sum(line.amount for line in lines) == price
    unit = minor_unit(priced.currency)
    assert all(line.amount == line.amount.quantize(unit) for line in lines)
    assert abs(price - total.price) <= unit / 2
    assert price == rounded(total.price, priced.currency)


@given(TARIFFS, sessions(), ZONES, numbers("0", "500", 2))
def test_settling_moves_the_difference_and_nothing_else(
    priced: Tariff, used: tuple[Usage, ...], place: str, paid: Decimal
) -> None:
    price, lines = breakup(cost(priced, used, place), priced.currency)
    shown, refund, due = settled(lines, price, paid)
    assert sum(line.amount for line in shown) == price
    assert paid - refund + due == price
    assert min(refund, due) == 0
    returned = [line.amount for line in shown if line.kind is LineKind.REFUND]
    assert returned == ([-refund] if refund else [])


@given(TARIFFS, sessions(), ZONES)
def test_the_lines_explain_both_totals(priced: Tariff, used: tuple[Usage, ...], place: str) -> None:
    total = cost(priced, used, place)
    assert abs(sum(line.excl_vat for line in total.lines) - total.excl_vat) < D("1e-9")
    assert abs(sum(line.incl_vat for line in total.lines) - total.incl_vat) < D("1e-9")
    for line in total.lines:
        vat = line.vat or D(0)
        if line.period is not None:
            assert abs(line.excl_vat * (100 + vat) / 100 - line.incl_vat) < D("1e-9")
            chosen = priced.elements[line.element or 0].price_components[line.component or 0]
            assert (chosen.type, chosen.price, chosen.vat) == (
                line.dimension,
                line.unit_price,
                line.vat,
            )


@given(TARIFFS, sessions(), ZONES)
def test_limits_hold(priced: Tariff, used: tuple[Usage, ...], place: str) -> None:
    total = cost(priced, used, place)
    low, high = priced.min_price, priced.max_price
    assume(low is None or high is None or low.excl_vat <= high.excl_vat)
    assert low is None or total.excl_vat >= low.excl_vat
    assert high is None or total.excl_vat <= high.excl_vat
    assert high is None or high.incl_vat is None or total.incl_vat <= high.incl_vat


@given(TARIFFS, sessions(), ZONES)
def test_without_vat_there_is_one_total(
    priced: Tariff, used: tuple[Usage, ...], place: str
) -> None:
    untaxed = replace(
        priced,
        min_price=None,
        max_price=priced.max_price and Price(excl_vat=priced.max_price.excl_vat),
        elements=tuple(
            replace(
                one,
                price_components=tuple(replace(each, vat=None) for each in one.price_components),
            )
            for one in priced.elements
        ),
    )
    total = cost(untaxed, used, place)
    assert total.price == total.excl_vat
    assert all(line.kind is not LineKind.TAX for line in breakup(total, "INR")[1])


@given(TARIFFS, ENERGIES, POWERS, STARTS, ZONES, st.data())
def test_splitting_a_period_changes_nothing(
    priced: Tariff, kwh: Decimal, power: Decimal, start: datetime, place: str, data: st.DataObject
) -> None:
    planned = planned_usages(priced, kwh, power, start, place)
    index = data.draw(st.integers(0, len(planned) - 1))
    whole = planned[index]
    assume(whole.charging_s > 1)
    at_s = data.draw(st.integers(1, whole.charging_s - 1))
    part = (whole.energy_kwh * at_s / whole.charging_s).quantize(D("1e-9"), ROUND_DOWN)
    middle = whole.start + timedelta(seconds=at_s)
    halves = (
        replace(whole, end=middle, energy_kwh=part, charging_s=at_s),
        replace(
            whole,
            start=middle,
            energy_kwh=whole.energy_kwh - part,
            charging_s=whole.charging_s - at_s,
        ),
    )
    split = cost(priced, (*planned[:index], *halves, *planned[index + 1 :]), place)
    together = cost(priced, planned, place)
    assert (split.excl_vat, split.incl_vat, split.price) == (
        together.excl_vat,
        together.incl_vat,
        together.price,
    )


@given(TARIFFS, ENERGIES, POWERS, STARTS, ZONES)
def test_a_plan_is_whole_and_changes_in_no_period(
    priced: Tariff, kwh: Decimal, power: Decimal, start: datetime, place: str
) -> None:
    planned = planned_usages(priced, kwh, power, start, place)
    assert sum(usage.energy_kwh for usage in planned) == kwh
    assert planned[0].start == start
    assert abs((planned[-1].end - start).total_seconds() - float(kwh / power * 3600)) <= 0.5
    done = D(0)
    for number, usage in enumerate(planned):
        assert usage.end - usage.start == timedelta(seconds=usage.charging_s)
        assert number == 0 or usage.start == planned[number - 1].end
        for one in priced.elements:
            held = {
                all(condition(moment) for condition in conditions(one.restrictions))
                for moment in _moments(usage, done, start, place)
            }
            reservation = one.restrictions is not None and one.restrictions.reservation
            assert len(held) == 1 or reservation
        done += usage.energy_kwh


def _moments(usage: Usage, done: Decimal, start: datetime, place: str) -> list[Moment]:
    """Return states at the start of a period, within it and right before its end."""
    moments = []
    for elapsed_s in {0, usage.charging_s // 2, max(usage.charging_s - 1, 0)}:
        now = usage.start + timedelta(seconds=elapsed_s)
        share = D(elapsed_s) / max(usage.charging_s, 1)
        moments.append(
            Moment(
                now.astimezone(zone(place)),
                done + usage.energy_kwh * share,
                int((now - start).total_seconds()),
                min_power=usage.min_power,
                max_power=usage.max_power,
            )
        )
    return moments


def _planned_cost(priced: Tariff, kwh: Decimal, power: Decimal, start: datetime) -> Cost:
    return cost(priced, planned_usages(priced, kwh, power, start, "UTC"), "UTC")


@given(PLAIN_TARIFFS, ENERGIES, ENERGIES, POWERS, STARTS)
def test_more_energy_never_costs_less(
    priced: Tariff, one: Decimal, other: Decimal, power: Decimal, start: datetime
) -> None:
    less = _planned_cost(priced, min(one, other), power, start)
    more = _planned_cost(priced, max(one, other), power, start)
    assert less.excl_vat <= more.excl_vat
    assert less.incl_vat <= more.incl_vat


@given(TARIFFS, numbers("0", "600", 3), POWERS, STARTS, ZONES)
def test_a_budget_is_never_exceeded_and_one_wh_more_would_exceed_it(
    priced: Tariff, budget: Decimal, power: Decimal, start: datetime, place: str
) -> None:
    def price(kwh: Decimal) -> Decimal:
        return quoted(priced, Measure.ENERGY, kwh, power, start, place).price

    try:
        result = quoted(priced, Measure.AMOUNT, budget, power, start, place)
    except QuoteUnavailable:
        assert price(D("0.001")) > budget
        return
    assert result.price <= budget
    assert result.price == price(result.kwh) == sum(line.amount for line in result.lines)
    assert result.kwh == result.kwh.quantize(D("0.001"))
    assert result.kwh == 100 or price(result.kwh + D("0.001")) > budget


@given(TARIFFS, numbers("0", "600", 2), POWERS, STARTS, ZONES, st.integers(60, 20_000))
def test_a_budget_buys_no_more_than_the_slot_has_room_for(
    priced: Tariff, budget: Decimal, power: Decimal, start: datetime, place: str, slot_s: int
) -> None:
    def price(kwh: Decimal) -> Decimal:
        return quoted(priced, Measure.ENERGY, kwh, power, start, place).price

    end = start + timedelta(seconds=slot_s)
    most = (power * slot_s / 3600).quantize(D("0.001"), ROUND_DOWN)
    try:
        result = quoted(priced, Measure.AMOUNT, budget, power, start, place, end)
    except QuoteUnavailable:
        assert price(D("0.001")) > budget
        return
    assert result.kwh <= most
    assert result.price == price(result.kwh) <= budget
    assert result.kwh == most or price(result.kwh + D("0.001")) > budget


@given(PLAIN_TARIFFS, numbers("0", "600", 2), POWERS, STARTS, st.data())
def test_no_greater_amount_of_energy_is_affordable(
    priced: Tariff, budget: Decimal, power: Decimal, start: datetime, data: st.DataObject
) -> None:
    assume(priced.min_price is None or priced.min_price.incl_vat is not None)
    try:
        bought = quoted(priced, Measure.AMOUNT, budget, power, start, "UTC").kwh
    except QuoteUnavailable:
        bought = D(0)
    assume(bought < 100)
    more = data.draw(numbers(str(bought + D("0.001")), "100", 3))
    assert quoted(priced, Measure.ENERGY, more, power, start, "UTC").price > budget


@given(numbers("0", "1000000", 6), st.sampled_from(["INR", "JPY", "KWD"]))
def test_rounding_is_symmetric_to_the_nearest_and_settles(amount: Decimal, currency: str) -> None:
    once = rounded(amount, currency)
    assert abs(once - amount) <= minor_unit(currency) / 2
    assert rounded(once, currency) == once
    assert rounded(-amount, currency) == -once


@given(st.integers(1, 200_000), st.sampled_from([1, 25, 500]))
def test_energy_is_rounded_up_to_whole_steps(wh: int, step_size: int) -> None:
    stepped = tariff(element(component("ENERGY", "1", step_size=step_size)))
    used = Usage(
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=datetime(2026, 1, 1, tzinfo=UTC),
        energy_kwh=D(wh) / 1000,
    )
    billed_wh = cost(stepped, [used], "UTC").excl_vat * 1000
    assert billed_wh % step_size == 0
    assert 0 <= billed_wh - wh < step_size
