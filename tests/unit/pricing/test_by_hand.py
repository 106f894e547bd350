"""Sessions whose cost was worked out on paper: the sum is in each test."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bridge.ocpi.cdrs import CdrDimension, CdrDimensionType, ChargingPeriod
from bridge.ocpi.tariffs import (
    DayOfWeek,
    ReservationRestrictionType,
    Tariff,
    TariffRestrictions,
)
from bridge.pricing.periods import usages
from bridge.pricing.tariff import Reservation, cost
from tests.unit.pricing.examples import component, element, limit, tariff

R = TariffRestrictions
D = Decimal
AMSTERDAM = "Europe/Amsterdam"
RESERVED = R(reservation=ReservationRestrictionType.RESERVATION)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(start: str, **volumes: str) -> ChargingPeriod:
    """Return a period, e.g. ``at("2026-03-04T08:00", ENERGY="3")``; times are hours, in UTC."""
    return ChargingPeriod(
        start_date_time=utc(start),
        dimensions=tuple(
            CdrDimension(type=CdrDimensionType(name), volume=D(volume))
            for name, volume in volumes.items()
        ),
    )


def billed(
    priced: Tariff,
    *periods: ChargingPeriod,
    time_zone: str = AMSTERDAM,
    reservation: Reservation | None = None,
) -> tuple[Decimal, Decimal]:
    """Return what it costs without and with VAT."""
    end = max(each.start_date_time for each in periods)
    total = cost(priced, usages(periods, end), time_zone, reservation)
    assert sum(line.excl_vat for line in total.lines) == pytest.approx(
        total.excl_vat, abs=D("1e-9")
    )
    return round(total.excl_vat, 12), round(total.incl_vat, 12)


NIGHT = tariff(
    element(component("ENERGY", "0.10"), when=R(start_time="22:00", end_time="06:00")),
    element(component("ENERGY", "0.40")),
)


def test_a_night_when_the_clock_is_put_forward() -> None:
    # Amsterdam, 29 March: 01:00Z is 03:00, one hour sooner than on other days.
    # 21:30 (day) 3 kWh, 22:00 (night) 5 kWh, 05:30 summer time = 03:30Z (night) 2 kWh,
    # 06:00 = 04:00Z (day) 4 kWh: 3 x 0.40 + 5 x 0.10 + 2 x 0.10 + 4 x 0.40 = 3.50
    assert billed(
        NIGHT,
        at("2026-03-28T20:30", ENERGY="3"),
        at("2026-03-28T21:00", ENERGY="5"),
        at("2026-03-29T03:30", ENERGY="2"),
        at("2026-03-29T04:00", ENERGY="4"),
    ) == (D("3.5"), D("3.5"))


def test_a_night_when_the_clock_is_put_back() -> None:
    # Amsterdam, 25 October: 01:00Z is 02:00 for the second time; 04:30Z is 05:30, 05:00Z is 06:00.
    # 1 x 0.10 + 2 x 0.40 = 0.90
    assert billed(
        NIGHT, at("2026-10-25T04:30", ENERGY="1"), at("2026-10-25T05:00", ENERGY="2")
    ) == (D("0.9"), D("0.9"))


def test_an_hour_that_comes_twice_is_priced_twice() -> None:
    # 02:00 to 03:00 costs 1, else 9; 00:30Z and 01:30Z are both 02:30, 01:59Z is 02:59,
    # 02:00Z is 03:00: 1 + 1 + 1 + 9 = 12
    early = tariff(
        element(component("ENERGY", "1"), when=R(start_time="02:00", end_time="03:00")),
        element(component("ENERGY", "9")),
    )
    moments = ("00:30", "01:30", "01:59", "02:00")
    assert billed(early, *(at(f"2026-10-25T{each}", ENERGY="1") for each in moments)) == (
        D(12),
        D(12),
    )


def test_an_hour_that_is_left_out_is_never_priced() -> None:
    # 00:59Z is 01:59 and 01:00Z is 03:00: 9 + 9 = 18
    early = tariff(
        element(component("ENERGY", "1"), when=R(start_time="02:00", end_time="03:00")),
        element(component("ENERGY", "9")),
    )
    moments = ("00:59", "01:00")
    assert billed(early, *(at(f"2026-03-29T{each}", ENERGY="1") for each in moments)) == (
        D(18),
        D(18),
    )


def test_after_midnight_it_is_the_next_weekday_and_date() -> None:
    # Fridays from 22:00 to 06:00 cost 1, from Saturday 7 March on it is 2, else 5.
    # 6 March 2026 is a Friday. India is 5:30 ahead: 16:29Z 21:59 -> 5; 16:30Z 22:00 -> 1;
    # 18:29Z 23:59 -> 1; 18:30Z Saturday 00:00 -> 2. Together 9.
    friday = tariff(
        element(
            component("ENERGY", "1"),
            when=R(start_time="22:00", end_time="06:00", day_of_week=(DayOfWeek.FRIDAY,)),
        ),
        element(component("ENERGY", "2"), when=R(start_date="2026-03-07", end_date="2026-03-08")),
        element(component("ENERGY", "5")),
    )
    moments = ("16:29", "16:30", "18:29", "18:30")
    used = [at(f"2026-03-06T{each}", ENERGY="1") for each in moments]
    assert billed(friday, *used, time_zone="Asia/Kolkata") == (D(9), D(9))


def test_each_dimension_has_an_element_and_a_vat_of_its_own() -> None:
    # Energy: second element (over 10 kWh) for the second period, third for the first.
    # Time: first element, only up to one hour; then the third.
    # 10 kWh x 0.30 at 21% = 3.00 / 3.63; 4 kWh x 0.20 at 10% = 0.80 / 0.88
    # 1 h x 1.20 without VAT = 1.20; 0.5 h x 3.00 at 21% = 1.50 / 1.815
    # once 0.50 at 0%. Together 7.00 / 8.025
    mixed = tariff(
        element(component("TIME", "1.20"), when=R(max_duration=3600)),
        element(component("ENERGY", "0.20", vat="10"), when=R(min_kwh=D(10))),
        element(
            component("ENERGY", "0.30", vat="21"),
            component("TIME", "3.00", vat="21"),
            component("FLAT", "0.50", vat="0"),
        ),
    )
    assert billed(
        mixed,
        at("2026-03-04T08:00", ENERGY="10", TIME="1"),
        at("2026-03-04T09:00", ENERGY="4", TIME="0.5"),
    ) == (D("7"), D("8.025"))


def test_a_step_of_energy_is_that_of_the_last_price() -> None:
    # 3.3 + 0.3 kWh = 3600 Wh, steps of 1000 (the last one's) -> 4000 Wh: 400 Wh more at 0.50.
    # 3.3 x 0.10 + 0.7 x 0.50 = 0.68. By steps of 250, the first one's, it would be 3750 Wh.
    stepped = tariff(
        element(component("ENERGY", "0.10", step_size=250), when=R(max_kwh=D("3.3"))),
        element(component("ENERGY", "0.50", step_size=1000)),
    )
    assert billed(
        stepped, at("2026-03-04T08:00", ENERGY="3.3"), at("2026-03-04T09:00", ENERGY="0.3")
    ) == (D("0.68"), D("0.68"))


def test_parking_before_and_after_charging_is_one_total() -> None:
    # Parked 7 min, charged 13 min, parked 4 min: 11 min parked -> 15 min (steps of 5), the surplus
    # at the price of the last parking: 7/60 x 6 + 8/60 x 12 = 0.70 + 1.60. Charged: 13/60 x 3.
    timed = tariff(
        element(component("PARKING_TIME", "6", step_size=600), when=R(max_duration=420)),
        element(
            component("TIME", "3", step_size=1800), component("PARKING_TIME", "12", step_size=300)
        ),
    )
    assert billed(
        timed,
        at("2026-03-04T08:00", PARKING_TIME="0.1167"),
        at("2026-03-04T08:07", TIME="0.2167"),
        at("2026-03-04T08:20", PARKING_TIME="0.0667"),
    ) == (D("2.95"), D("2.95"))


def test_charging_again_after_parking_rounds_the_charging() -> None:
    # Charged 13 min, parked 4 min, charged 4 min: 17 min -> 20 min at 3/h = 1.00; parked 4 min
    # at 12/h = 0.80.
    timed = tariff(
        element(
            component("TIME", "3", step_size=600), component("PARKING_TIME", "12", step_size=300)
        )
    )
    assert billed(
        timed,
        at("2026-03-04T08:00", TIME="0.2167"),
        at("2026-03-04T08:13", PARKING_TIME="0.0667"),
        at("2026-03-04T08:17", TIME="0.0667"),
    ) == (D("1.8"), D("1.8"))


def test_periods_in_any_order_empty_ones_and_those_of_no_length() -> None:
    # 8 kWh up to 10 kWh at 0.50, 4 kWh from 12 kWh on at 0.10, 4 kWh in between at 0.30; the start
    # 1.00, once: 4.00 + 1.20 + 0.40 + 1.00 = 6.60. The third period is of no length, the fourth
    # has nothing in it.
    tiers = tariff(
        element(component("ENERGY", "0.50"), when=R(max_kwh=D(8))),
        element(component("ENERGY", "0.10"), when=R(min_kwh=D(12))),
        element(component("ENERGY", "0.30"), component("FLAT", "1.00")),
    )
    assert billed(
        tiers,
        at("2026-03-04T11:00", ENERGY="4"),
        at("2026-03-04T08:00", ENERGY="8"),
        at("2026-03-04T10:00"),
        at("2026-03-04T11:00", ENERGY="0", TIME="0"),
        at("2026-03-04T09:00", ENERGY="4"),
    ) == (D("6.6"), D("6.6"))


@pytest.mark.parametrize(
    ("volumes", "price"),
    [
        ({"MIN_CURRENT": "32", "MAX_CURRENT": "40"}, 2),
        ({"MIN_CURRENT": "31.9", "MAX_CURRENT": "40"}, 3),
        ({"MIN_CURRENT": "10", "MAX_CURRENT": "31.9"}, 1),
        ({"CURRENT": "32"}, 2),
        ({"MAX_CURRENT": "31.9"}, 1),
        ({"MIN_CURRENT": "32"}, 2),
        ({"MIN_POWER": "50", "MAX_POWER": "50"}, 1),
    ],
)
def test_the_current_of_a_period(volumes: dict[str, str], price: int) -> None:
    # Below 32 A 1, from 32 A on 2, else 3. Where nothing is said of the current, the first.
    by_current = tariff(
        element(component("ENERGY", "1"), when=R(max_current=D(32))),
        element(component("ENERGY", "2"), when=R(min_current=D(32))),
        element(component("ENERGY", "3")),
    )
    used = at("2026-03-04T08:00", ENERGY="1", **volumes)
    assert billed(by_current, used) == (D(price), D(price))


def test_limits_bind_by_themselves() -> None:
    # 10 kWh x 0.30 at 20% = 3.00 / 3.60. At least 2.00 / 4.00 and at most 2.50: 2.50 / 4.00.
    limited = tariff(
        element(component("ENERGY", "0.30", vat="20")),
        min_price=limit("2.00", "4.00"),
        max_price=limit("2.50"),
    )
    assert billed(limited, at("2026-03-04T08:00", ENERGY="10")) == (D("2.5"), D("4"))


class TestReservation:
    PRICED = tariff(
        element(
            component("FLAT", "5.00", vat="10"),
            when=R(reservation=ReservationRestrictionType.RESERVATION_EXPIRES, start_time="18:00"),
        ),
        element(
            component("FLAT", "1.00", vat="10"),
            component("TIME", "4.00", step_size=900),
            when=RESERVED,
        ),
        element(component("FLAT", "0.50"), component("TIME", "2.00", step_size=60)),
    )

    def test_that_expires_by_day_has_the_price_of_any_other(self) -> None:
        # 20 min -> 30 min x 4.00 = 2.00; the fee for those that expire is due from 18:00 on,
        # at 10:00 it is the other one: 1.00 / 1.10
        assert billed(self.PRICED, at("2026-03-04T09:00", RESERVATION_TIME="0.3333")) == (
            D("3"),
            D("3.1"),
        )

    def test_that_expires_in_the_evening(self) -> None:
        # 5.00 / 5.50 and 2.00
        assert billed(self.PRICED, at("2026-03-04T17:00", RESERVATION_TIME="0.3333")) == (
            D("7"),
            D("7.5"),
        )

    def test_its_time_is_rounded_by_itself(self) -> None:
        # Reserved 20 min -> 30 min x 4.00 = 2.00 and 1.00 / 1.10; charged 10 min 30 s -> 11 min
        # x 2.00 = 0.366666666667, and 0.50.
        assert billed(
            self.PRICED,
            at("2026-03-04T17:00", RESERVATION_TIME="0.3333"),
            at("2026-03-04T17:20", TIME="0.175"),
        ) == (D("3.866666666667"), D("3.966666666667"))

    def test_in_two_periods_is_rounded_once(self) -> None:
        # 10 + 10 min -> 30 min
        assert billed(
            self.PRICED,
            at("2026-03-04T17:00", RESERVATION_TIME="0.1667"),
            at("2026-03-04T17:10", RESERVATION_TIME="0.1667"),
            reservation=Reservation.USED,
        ) == (D("3"), D("3.1"))


def test_a_session_over_two_tariffs_has_one_step_and_one_start() -> None:
    # 4.3 kWh of the one and 1.1 of the other, steps of 500 Wh: 5.5 kWh; the start fee is that of
    # the first, so are the limits: 4.3 x 0.20 + 1.2 x 0.27 + 1.00 = 2.184, at most 2.00.
    def priced(price: str, fee: str, most: str) -> Tariff:
        return tariff(
            element(component("ENERGY", price, step_size=500), component("FLAT", fee)),
            max_price=limit(most, most),
        )

    used = usages(
        [at("2026-03-04T08:00", ENERGY="4.3"), at("2026-03-04T09:00", ENERGY="1.1")],
        utc("2026-03-04T10:00"),
    )
    total = cost([priced("0.20", "1.00", "2"), priced("0.27", "3", "9")], used, AMSTERDAM)
    assert (total.excl_vat, total.incl_vat) == (D(2), D(2))
    assert [line.excl_vat for line in total.lines] == [D(1), D("0.86"), D("0.324"), D("-0.184")]
