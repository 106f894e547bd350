"""The cost engine, one rule at a time (OCPI 2.2.1 mod_tariffs, mod_cdrs)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.errors import QuoteUnavailable
from bridge.ocpi.tariffs import (
    DayOfWeek,
    ReservationRestrictionType,
    Tariff,
    TariffDimensionType,
    TariffRestrictions,
)
from bridge.orders.order import LineKind
from bridge.pricing.periods import Usage
from bridge.pricing.tariff import Cost, CostLine, Reservation, cost
from tests.unit.pricing.examples import (
    EIGHTEEN_AND_TEN,
    INDIA,
    START,
    charging,
    component,
    element,
    limit,
    reserved,
    tariff,
)

R = TariffRestrictions
D = Decimal


def of(priced: Tariff, *used: Usage, reservation: Reservation | None = None) -> Cost:
    return cost(priced, used, INDIA, reservation)


def test_energy_time_parking_and_flat_are_priced_each_in_its_unit() -> None:
    four = tariff(
        element(
            component("ENERGY", "18"),
            component("TIME", "6"),
            component("PARKING_TIME", "60"),
            component("FLAT", "10"),
        )
    )
    result = of(four, charging("2", minutes=30, parked=10))
    assert {line.kind: line.excl_vat for line in result.lines} == {
        LineKind.ENERGY: D(36),
        LineKind.TIME: D(3),
        LineKind.PARKING_TIME: D(10),
        LineKind.FLAT: D(10),
    }
    assert result.excl_vat == result.incl_vat == result.price == D(59)


def test_a_line_says_where_it_comes_from() -> None:
    peak = tariff(
        element(component("FLAT", "5")),
        element(component("TIME", "1"), component("ENERGY", "20", vat="18")),
    )
    lines = of(peak, charging("1"), charging("2.5", after_min=60)).lines
    assert lines[-1] == CostLine(
        kind=LineKind.TIME,
        excl_vat=D(1),
        incl_vat=D(1),
        period=1,
        tariff_id="T1",
        element=1,
        component=0,
        dimension=TariffDimensionType.TIME,
        quantity=D(3600),
        unit_price=D(1),
    )
    assert lines[-2] == CostLine(
        kind=LineKind.ENERGY,
        excl_vat=D(50),
        incl_vat=D(59),
        period=1,
        tariff_id="T1",
        element=1,
        component=1,
        dimension=TariffDimensionType.ENERGY,
        quantity=D("2.5"),
        unit_price=D(20),
        vat=D(18),
    )


def test_each_dimension_takes_its_own_first_matching_element() -> None:
    mixed = tariff(
        element(component("ENERGY", "25"), when=R(min_kwh=D(5))),
        element(component("TIME", "6"), when=R(max_kwh=D(5))),
        element(component("ENERGY", "18"), component("TIME", "12")),
        element(component("ENERGY", "1"), component("FLAT", "3")),
    )
    lines = of(mixed, charging("5"), charging("1", after_min=60)).lines
    assert [(line.kind.value, line.element, line.unit_price) for line in lines] == [
        ("FLAT", 3, D(3)),
        ("ENERGY", 2, D(18)),
        ("TIME", 1, D(6)),
        ("ENERGY", 0, D(25)),
        ("TIME", 2, D(12)),
    ]


def test_a_dimension_without_a_matching_element_costs_nothing() -> None:
    sundays = tariff(element(component("ENERGY", "18"), when=R(day_of_week=(DayOfWeek.SUNDAY,))))
    assert of(sundays, charging("5")) == Cost(
        excl_vat=D(0), incl_vat=D(0), price=D(0), adjustment=D(0), lines=()
    )


def test_restrictions_use_the_time_of_the_location() -> None:
    noon = tariff(element(component("ENERGY", "30"), when=R(start_time="12:00", end_time="12:30")))
    assert cost(noon, [charging("1")], INDIA).excl_vat == D(30)
    assert cost(noon, [charging("1")], "UTC").excl_vat == D(0)


def test_daylight_saving_moves_the_restriction() -> None:
    night = tariff(element(component("ENERGY", "30"), when=R(start_time="03:00")))

    def at(hour: int, minute: int) -> Decimal:
        start = datetime(2026, 3, 29, hour, minute, tzinfo=UTC)
        used = Usage(start=start, end=start + timedelta(minutes=1), energy_kwh=D(1))
        return cost(night, [used], "Europe/Amsterdam").excl_vat

    assert at(0, 59) == D(0), "01:59, winter time"
    assert at(1, 0) == D(30), "03:00, summer time"


def test_flat_is_charged_once_when_it_first_applies() -> None:
    late = tariff(
        element(component("ENERGY", "1")),
        element(component("FLAT", "5"), when=R(min_kwh=D(2))),
        element(component("FLAT", "7"), when=R(min_kwh=D(1))),
    )
    lines = of(late, *(charging("1", after_min=60 * hour) for hour in range(4))).lines
    flats = [(line.period, line.excl_vat) for line in lines if line.kind is LineKind.FLAT]
    assert flats == [(1, D(7))]


class TestStepSize:
    def test_energy_is_rounded_up_once_at_the_price_of_the_last_period(self) -> None:
        two = tariff(
            element(component("ENERGY", "10", step_size=1000), when=R(max_kwh=D(1))),
            element(component("ENERGY", "20", step_size=500)),
        )
        lines = of(two, charging("1.2"), charging("1.1", after_min=60)).lines
        assert [line.quantity for line in lines] == [D("1.2"), D("1.3")]
        assert [line.excl_vat for line in lines] == [D(12), D(26)]

    def test_exact_multiples_stay(self) -> None:
        assert of(
            tariff(element(component("ENERGY", "10", step_size=500))), charging("2.5")
        ).excl_vat == D(25)

    def test_the_last_period_with_energy_counts_not_the_last_one(self) -> None:
        stepped = tariff(element(component("ENERGY", "10", step_size=1000)))
        lines = of(stepped, charging("1.5"), charging("0", after_min=60)).lines
        assert [(line.period, line.quantity) for line in lines] == [(0, D(2))]

    @pytest.mark.parametrize("step_size", [0, -5])
    def test_no_step_no_rounding(self, step_size: int) -> None:
        free = tariff(
            element(
                component("ENERGY", "10", step_size=step_size),
                component("TIME", "36", step_size=step_size),
            )
        )
        used = Usage(start=START, end=START, energy_kwh=D("0.12345"), charging_s=7)
        assert of(free, used).excl_vat == D("1.3045")

    def test_noise_below_a_micro_wh_costs_no_step(self) -> None:
        stepped = tariff(element(component("ENERGY", "10", step_size=1000)))
        assert of(stepped, charging("2.0000000001")).excl_vat == D(20)

    def test_only_the_last_time_dimension_is_rounded_by_its_own_total(self) -> None:
        timed = tariff(
            element(
                component("TIME", "60", step_size=600),
                component("PARKING_TIME", "60", step_size=900),
            )
        )
        lines = of(
            timed,
            charging("0", minutes=0, parked=7),
            charging("0", minutes=13, after_min=7),
            charging("0", minutes=0, parked=10, after_min=20),
        ).lines
        minutes = {kind: D(0) for kind in (LineKind.TIME, LineKind.PARKING_TIME)}
        for line in lines:
            assert line.quantity is not None
            minutes[line.kind] += line.quantity / 60
        assert minutes == {LineKind.TIME: D(13), LineKind.PARKING_TIME: D(30)}

    def test_parking_that_costs_nothing_is_not_the_last(self) -> None:
        timed = tariff(element(component("TIME", "60", step_size=600)))
        result = of(
            timed, charging("0", minutes=13), charging("0", minutes=0, parked=9, after_min=13)
        )
        assert result.excl_vat == D(20)

    def test_a_price_of_zero_is_billed_and_is_the_last(self) -> None:
        timed = tariff(
            element(component("TIME", "60", step_size=600), component("PARKING_TIME", "0"))
        )
        assert of(timed, charging("0", minutes=13, parked=9)).excl_vat == D(13)


class TestVat:
    def test_each_component_has_its_own(self) -> None:
        mixed = tariff(
            element(component("ENERGY", "10", vat="18"), component("FLAT", "10", vat="5"))
        )
        result = of(mixed, charging("2"))
        assert (result.excl_vat, result.incl_vat) == (D(30), D("34.1"))

    def test_missing_and_zero_add_nothing(self) -> None:
        untaxed = tariff(element(component("ENERGY", "10"), component("FLAT", "10", vat="0")))
        result = of(untaxed, charging("2"))
        assert result.incl_vat == result.excl_vat == D(30)
        assert {line.kind: line.vat for line in result.lines} == {
            LineKind.ENERGY: None,
            LineKind.FLAT: D(0),
        }


class TestLimits:
    TAXED = element(component("ENERGY", "10", vat="10"))

    def test_minimum_and_maximum_hold_for_each_total_by_itself(self) -> None:
        low = tariff(self.TAXED, min_price=limit("25", "22"))
        result = of(low, charging("2"))
        assert (result.excl_vat, result.incl_vat, result.price) == (D(25), D(22), D(22))
        high = tariff(self.TAXED, max_price=limit("25", "22"))
        result = of(high, charging("3"))
        assert (result.excl_vat, result.incl_vat, result.price) == (D(25), D(22), D(22))

    def test_a_limit_that_does_not_bind_leaves_no_line(self) -> None:
        wide = tariff(self.TAXED, min_price=limit("1", "1"), max_price=limit("99", "99"))
        result = of(wide, charging("2"))
        assert [line.kind for line in result.lines] == [LineKind.ENERGY]
        assert result.adjustment == D(0)

    def test_a_limit_has_a_line_of_its_own(self) -> None:
        line = of(tariff(self.TAXED, min_price=limit("30", "40")), charging("2")).lines[-1]
        assert (line.kind, line.excl_vat, line.incl_vat) == (LineKind.MINIMUM, D(10), D(18))
        line = of(tariff(self.TAXED, max_price=limit("15", "16")), charging("2")).lines[-1]
        assert (line.kind, line.excl_vat, line.incl_vat) == (LineKind.MAXIMUM, D(-5), D(-6))

    def test_a_limit_without_vat_clamps_the_price_in_proportion_and_incl_vat_not_at_all(
        self,
    ) -> None:
        result = of(tariff(self.TAXED, max_price=limit("15")), charging("2"))
        assert (result.excl_vat, result.incl_vat) == (D(15), D(22))
        assert (result.price, result.adjustment) == (D("16.5"), D("-5.5"))

    def test_a_limit_without_vat_is_the_price_where_there_is_no_vat(self) -> None:
        untaxed = tariff(element(component("ENERGY", "10")), min_price=limit("50"))
        assert of(untaxed, charging("2")).price == D(50)
        assert of(untaxed, charging("0", minutes=0)).price == D(50)


class TestReservation:
    USED = R(reservation=ReservationRestrictionType.RESERVATION)
    EXPIRED = R(reservation=ReservationRestrictionType.RESERVATION_EXPIRES)

    PRICED = tariff(
        element(component("TIME", "60", step_size=600), component("FLAT", "3"), when=USED),
        element(component("FLAT", "50"), when=EXPIRED),
        element(component("ENERGY", "10"), component("FLAT", "7"), component("TIME", "6")),
    )

    def test_used_then_charged(self) -> None:
        result = of(self.PRICED, reserved(minutes=13), charging("1"))
        assert [(line.kind.value, line.element, line.excl_vat) for line in result.lines] == [
            ("RESERVATION", 0, D(3)),
            ("RESERVATION", 0, D(20)),
            ("FLAT", 2, D(7)),
            ("ENERGY", 2, D(10)),
            ("TIME", 2, D(6)),
        ]

    def test_expired_when_nothing_else_happened(self) -> None:
        lines = of(self.PRICED, reserved(minutes=20)).lines
        assert [(line.element, line.excl_vat) for line in lines] == [(1, D(50)), (0, D(20))]

    def test_what_became_of_it_can_be_told(self) -> None:
        result = of(self.PRICED, reserved(minutes=20), reservation=Reservation.USED)
        assert result.excl_vat == D(23)
        result = of(
            self.PRICED, reserved(minutes=20), charging("1"), reservation=Reservation.EXPIRED
        )
        assert result.excl_vat == D(50 + 20 + 7 + 10 + 6)

    def test_a_reservation_of_no_length_has_its_fee_and_no_time(self) -> None:
        lines = of(self.PRICED, reserved(minutes=0), charging("0", minutes=0)).lines
        assert [(line.kind.value, line.excl_vat) for line in lines] == [
            ("RESERVATION", D(3)),
            ("FLAT", D(7)),
        ]

    def test_a_reservation_in_two_periods_has_one_fee(self) -> None:
        first, second = reserved(minutes=20), reserved(minutes=10)
        lines = of(self.PRICED, first, second, charging("1")).lines
        assert sum(line.excl_vat for line in lines if line.kind is LineKind.RESERVATION) == D(33)

    def test_its_time_does_not_count_as_duration_of_the_session(self) -> None:
        first_hour = tariff(
            element(component("ENERGY", "1"), when=R(max_duration=3600)),
            element(component("ENERGY", "9")),
        )
        used = (reserved(minutes=60), charging("1"), charging("1", after_min=60))
        assert of(first_hour, *used).excl_vat == D(10)

    def test_session_elements_price_no_reservation(self) -> None:
        assert of(EIGHTEEN_AND_TEN, reserved(minutes=60)).excl_vat == D(0)


def test_a_price_that_depends_on_an_unknown_power_is_marked() -> None:
    slow = tariff(element(component("ENERGY", "10"), when=R(max_power=D(16))))
    unknown = charging("1")
    known = Usage(start=START, end=START, energy_kwh=D(1), min_power=D(11), max_power=D(11))
    assert [line.unverified for line in of(slow, unknown).lines] == [True]
    assert [line.unverified for line in of(slow, known).lines] == [False]


def test_a_price_that_depends_on_an_unknown_current_is_marked() -> None:
    slow = tariff(element(component("ENERGY", "10"), when=R(min_current=D(16))))
    known = Usage(start=START, end=START, energy_kwh=D(1), min_current=D(16), max_current=D(16))
    assert [line.unverified for line in of(slow, charging("1")).lines] == [True]
    assert [line.unverified for line in of(slow, known).lines] == [False]


def test_tariffs_may_change_between_periods() -> None:
    other = tariff(element(component("ENERGY", "30"), component("FLAT", "99")), id_="T2")
    used = (charging("1"), charging("1", after_min=60))
    result = cost([EIGHTEEN_AND_TEN, other], used, INDIA)
    assert result.excl_vat == D(18 + 10 + 30), "FLAT is charged once per session"
    assert [line.tariff_id for line in result.lines] == ["T1", "T1", "T2"]


def test_energy_given_back_is_credited() -> None:
    assert of(EIGHTEEN_AND_TEN, charging("-2")).excl_vat == D(10 - 36)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(QuoteUnavailable):
        cost(EIGHTEEN_AND_TEN, [charging("1")], "Asia/Nowhere")


def test_a_place_without_a_time_for_a_period_is_refused() -> None:
    night = tariff(element(component("ENERGY", "1"), when=R(start_time="22:00")))
    first_day = datetime(1, 1, 1, tzinfo=UTC)
    with pytest.raises(QuoteUnavailable, match="0001-01-01"):
        cost(night, [Usage(start=first_day, end=first_day, energy_kwh=D(1))], "America/New_York")


def test_a_session_that_used_nothing_has_no_lines() -> None:
    assert of(EIGHTEEN_AND_TEN).lines == ()


def test_a_session_without_periods_costs_the_minimum() -> None:
    low = tariff(element(component("ENERGY", "10")), min_price=limit("5", "6"))
    result = of(low)
    assert (result.excl_vat, result.incl_vat, result.price) == (D(5), D(6), D(6))
    assert [line.kind for line in result.lines] == [LineKind.MINIMUM]
