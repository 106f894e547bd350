"""The cost engine against a second calculation of the same bill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.ocpi.cdrs import CdrDimension, CdrDimensionType, ChargingPeriod
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
from bridge.pricing.breakup import breakup
from bridge.pricing.money import minor_unit
from bridge.pricing.periods import Usage, usages
from bridge.pricing.tariff import Reservation, cost
from tests.property.examples import examples
from tests.property.oracle import applicable, totals
from tests.property.test_pricing import ZONES
from tests.unit.pricing.examples import tariff

D = Decimal
CLOSE = Fraction(1, 10**9)
END = datetime(2026, 12, 31, tzinfo=UTC)

# Few values, and the same ones in tariffs and sessions: so that bounds are met exactly.
VOLUMES = st.sampled_from([D("0"), D("2.5"), D("5"), D("7.5"), D("10"), D("3.3333"), D("0.1152")])
LEVELS = st.sampled_from([D(0), D(11), D(16), D(22), D(50)])
DURATIONS = st.sampled_from([0, 900, 1800, 3600, 5400])
HOURS = st.sampled_from([D("0"), D("0.25"), D("0.5"), D("1"), D("0.1167"), D("0.3667"), D("1.973")])
DAYS = st.sampled_from(["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-25"])
CLOCKS = st.sampled_from(["00:00", "01:30", "02:00", "03:00", "06:00", "22:00", "23:00"])
# Close to midnight, and to the changes of the clock in Amsterdam.
STARTS = st.builds(
    lambda day, quarters: day + timedelta(minutes=15 * quarters),
    st.sampled_from([datetime(2026, *day, 18, tzinfo=UTC) for day in ((3, 28), (10, 24))]),
    st.integers(0, 48),
)


def some(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Give one of the fields, or more."""
    return st.sets(st.sampled_from(sorted(fields)), min_size=1).flatmap(
        lambda names: st.fixed_dictionaries({name: fields[name] for name in sorted(names)})
    )


# Mostly one restriction each: of many together, hardly ever all hold.
RESTRICTED = st.one_of(
    some(start_time=CLOCKS, end_time=CLOCKS),
    some(start_date=DAYS, end_date=DAYS),
    some(day_of_week=st.sets(st.sampled_from(DayOfWeek), min_size=1).map(tuple)),
    some(min_kwh=VOLUMES, max_kwh=VOLUMES),
    some(min_power=LEVELS, max_power=LEVELS),
    some(min_current=LEVELS, max_current=LEVELS),
    some(min_duration=DURATIONS, max_duration=DURATIONS),
)
RESERVING = some(reservation=st.sampled_from(ReservationRestrictionType))
COMPONENTS = st.builds(
    PriceComponent,
    type=st.sampled_from(TariffDimensionType),
    price=st.integers(0, 9).map(lambda tenths: D(tenths) / 10),
    vat=st.sampled_from([None, D(0), D(20), D("5.2")]),
    step_size=st.sampled_from([0, 1, 300, 500, 900]),
)
NOTHING = st.just(dict[str, object]())
ELEMENTS = st.builds(
    lambda prices, reserving, others: TariffElement(
        price_components=prices, restrictions=TariffRestrictions(**reserving, **others)
    ),
    st.lists(COMPONENTS, min_size=2, max_size=4).map(tuple),
    NOTHING | RESERVING,
    NOTHING | RESTRICTED,
)
LIMITS = st.builds(
    Price,
    excl_vat=st.integers(0, 12).map(Decimal),
    incl_vat=st.none() | st.integers(0, 12).map(Decimal),
)
PRICED = st.builds(
    lambda elements, low, high: tariff(*elements, min_price=low, max_price=high),
    st.lists(ELEMENTS, min_size=3, max_size=8),
    st.none() | st.none() | LIMITS,
    st.none() | st.none() | LIMITS,
)


@st.composite
def charging_periods(draw: st.DrawFn) -> list[ChargingPeriod]:
    """Give the periods of a CDR, in any order; some are empty, some of no length."""
    moment = draw(STARTS)
    found = []
    reserved = draw(st.integers(0, 2))
    for number in range(reserved + draw(st.integers(0, 4))):
        volumes: dict[str, Decimal] = {}
        if number < reserved:
            volumes["RESERVATION_TIME"] = draw(HOURS)
        else:
            for name in draw(
                st.sampled_from(["TIME", "PARKING_TIME", "TIME PARKING_TIME"])
            ).split():
                volumes[name] = draw(HOURS)
            volumes["ENERGY"] = draw(VOLUMES)
            for unit in ("POWER", "CURRENT"):
                measured = sorted(draw(st.tuples(LEVELS, LEVELS, LEVELS)))
                named = draw(st.sampled_from([(0, 2), (1,), (0,), (2,), (0, 1, 2), ()]))
                for which in named:
                    volumes[f"{('MIN_', '', 'MAX_')[which]}{unit}"] = measured[which]
        found.append(_period(moment, volumes))
        moment += timedelta(seconds=draw(DURATIONS))
    return draw(st.permutations(found))


def _period(start: datetime, volumes: dict[str, Decimal]) -> ChargingPeriod:
    return ChargingPeriod(
        start_date_time=start,
        dimensions=tuple(
            CdrDimension(type=CdrDimensionType(name), volume=volume)
            for name, volume in volumes.items()
        ),
    )


@examples(300)
@given(PRICED, charging_periods(), ZONES, st.sampled_from(Reservation))
def test_both_calculations_come_to_the_same(
    priced: Tariff, periods: list[ChargingPeriod], place: str, became: Reservation
) -> None:
    total = cost(priced, usages(periods, END), place, became)
    excl, incl = totals(priced, periods, place, became is Reservation.EXPIRED)
    assert abs(Fraction(total.excl_vat) - excl) < CLOSE
    assert abs(Fraction(total.incl_vat) - incl) < CLOSE


@examples(150)
@given(PRICED, charging_periods(), ZONES, st.sampled_from(Reservation), st.data())
def test_splitting_any_period_changes_nothing(
    priced: Tariff,
    periods: list[ChargingPeriod],
    place: str,
    became: Reservation,
    data: st.DataObject,
) -> None:
    assume(periods)
    used = usages(periods, max(each.start_date_time for each in periods) + timedelta(hours=1))
    index = data.draw(st.integers(0, len(used) - 1))
    halves = _halves(used[index], data.draw(st.integers(1, 9)))
    # Decisions 24: volumes in proportion, in whole seconds, where no restriction changes.
    assume(halves is not None)
    assert halves is not None
    split = (*used[:index], *halves, *used[index + 1 :])
    states = _states(priced, split, place)
    assume(states[index] == states[index + 1])
    together = cost(priced, used, place, became)
    apart = cost(priced, split, place, became)
    assert (apart.excl_vat, apart.incl_vat, apart.price) == (
        together.excl_vat,
        together.incl_vat,
        together.price,
    )


def _halves(whole: Usage, tenths: int) -> tuple[Usage, Usage] | None:
    """Split a period; None where the parts would not be whole seconds."""
    volumes = ("charging_s", "parking_s", "reservation_s")
    seconds = {name: getattr(whole, name) or 0 for name in volumes}
    length_s = sum(seconds.values())
    if not length_s or any(each * tenths % 10 for each in seconds.values()):
        return None
    first = {name: each * tenths // 10 for name, each in seconds.items()}
    rest = {name: each - first[name] for name, each in seconds.items()}
    if whole.reservation_s is None:
        first["reservation_s"] = rest["reservation_s"] = None
    middle = whole.start + timedelta(seconds=length_s * tenths // 10)
    energy = whole.energy_kwh * tenths / 10
    return (
        replace(whole, end=middle, energy_kwh=energy, **first),
        replace(whole, start=middle, energy_kwh=whole.energy_kwh - energy, **rest),
    )


def _states(priced: Tariff, used: Sequence[Usage], place: str) -> list[list[bool]]:
    """Return for each period which elements apply when it starts."""
    kwh = D(0)
    begin: datetime | None = None
    found = []
    for usage in used:
        if usage.reservation_s is None:
            begin = begin or usage.start
        since = usage.start - (begin or usage.start)
        found.append(applicable(priced, usage.start, place, Fraction(kwh), since))
        if usage.reservation_s is None:
            kwh += usage.energy_kwh
    return found


@given(PRICED, charging_periods(), ZONES, st.sampled_from(["0", "5.2", "18", "100"]))
def test_one_vat_for_all_is_a_factor(
    priced: Tariff, periods: list[ChargingPeriod], place: str, vat: str
) -> None:
    taxed = replace(
        priced,
        min_price=None,
        max_price=None,
        elements=tuple(
            replace(
                one,
                price_components=tuple(replace(each, vat=D(vat)) for each in one.price_components),
            )
            for one in priced.elements
        ),
    )
    total = cost(taxed, usages(periods, END), place)
    assert (
        abs(Fraction(total.incl_vat) - Fraction(total.excl_vat) * (100 + Fraction(vat)) / 100)
        < CLOSE
    )
    # Each line of VAT is rounded by itself; what they come to is rounded from the exact total.
    price, lines = breakup(total, "INR")
    assert price == total.incl_vat.quantize(D("0.01"), ROUND_HALF_UP)
    assert sum(line.amount for line in lines) == price


@given(st.integers(0, 10**9), st.sampled_from(["INR", "JPY", "KWD"]), st.booleans())
def test_half_of_the_smallest_unit_is_rounded_up_once(
    units: int, currency: str, more: bool
) -> None:
    # One kWh at so many units and a half, or a hair less.
    unit = minor_unit(currency)
    once = tariff(
        TariffElement(
            price_components=(
                PriceComponent(
                    type=TariffDimensionType.ENERGY,
                    price=unit * units + unit / 2 - (0 if more else unit / 1000),
                    step_size=1,
                ),
            )
        )
    )
    used = Usage(start=END, end=END, energy_kwh=D(1))
    price, lines = breakup(cost(once, [used], "UTC"), currency)
    assert price == unit * (units + more)
    assert [line.amount for line in lines] == [price]
