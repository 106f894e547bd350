"""How long a tariff says the same, and prices that are worked out once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.catalog.local_time import zone_of
from bridge.catalog.prices import NEVER, PriceBoard, next_change
from bridge.ocpi.tariffs import DayOfWeek
from tests.unit.catalog.world import EPOCH, NOW, energy, tariff

KOLKATA = ZoneInfo("Asia/Kolkata")
KEY = ("in", "abc", "t1")


def ist(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=KOLKATA)


def test_a_tariff_without_times_never_changes() -> None:
    assert next_change(tariff("T1", energy("18", min_kwh=Decimal(5))), KOLKATA, NOW) == NEVER


def test_a_tariff_changes_at_the_ends_of_its_validity() -> None:
    start, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    limited = tariff(start_date_time=start, end_date_time=end)
    assert next_change(limited, KOLKATA, NOW) == start
    assert next_change(limited, KOLKATA, start) == end
    assert next_change(limited, KOLKATA, end) == NEVER


def test_a_tariff_by_the_time_of_day_changes_at_its_wall_times() -> None:
    daily = tariff("T1", energy("25", start_time="18:00", end_time="22:00"), energy("18"))
    assert next_change(daily, KOLKATA, ist(4, 12)) == ist(4, 18)
    assert next_change(daily, KOLKATA, ist(4, 18)) == ist(4, 22)
    assert next_change(daily, KOLKATA, ist(4, 22)) == ist(5, 0)


def test_dates_and_weekdays_change_at_midnight() -> None:
    weekend = tariff("T1", energy("10", day_of_week=(DayOfWeek.SUNDAY,)), energy("18"))
    dated = tariff("T1", energy("10", start_date="2026-03-09"), energy("18"))
    for timed in (weekend, dated):
        assert next_change(timed, KOLKATA, ist(4, 12)) == ist(5, 0)


def test_the_price_is_that_of_the_place_and_the_time() -> None:
    board = PriceBoard()
    board.put(KEY, tariff("T1", energy("25", start_time="12:00", end_time="13:00"), energy("18")))
    here, there = board.price(KEY, "Asia/Kolkata", NOW), board.price(KEY, "Europe/Berlin", NOW)
    assert here is not None
    assert there is not None
    assert (here.kwh, there.kwh) == (Decimal(25), Decimal(18))
    later = board.price(KEY, "Asia/Kolkata", here.until)
    assert later is not None
    assert later.kwh == Decimal(18)


def test_a_price_is_worked_out_once_while_it_holds() -> None:
    board = PriceBoard()
    board.put(KEY, tariff())
    first = board.price(KEY, "Asia/Kolkata", NOW)
    assert board.price(KEY, "Asia/Kolkata", NOW + timedelta(days=400)) is first
    assert board.price(KEY, "Asia/Kolkata", NOW - timedelta(seconds=1)) is not first


def test_a_new_tariff_has_a_new_price_and_a_removed_one_none() -> None:
    board = PriceBoard()
    board.put(KEY, tariff("T1", energy("18")))
    assert board.price(KEY, "Asia/Kolkata", NOW) is not None
    board.put(KEY, tariff("T1", energy("19")))
    price = board.price(KEY, "Asia/Kolkata", NOW)
    assert price is not None
    assert price.kwh == Decimal(19)
    board.remove(KEY)
    assert board.price(KEY, "Asia/Kolkata", NOW) is None


def test_a_time_zone_that_does_not_exist_has_utc_prices() -> None:
    board = PriceBoard()
    board.put(KEY, tariff("T1", energy("25", start_time="06:00", end_time="07:00"), energy("18")))
    price = board.price(KEY, "Mars/Olympus", NOW)
    assert price is not None
    assert price.kwh == Decimal(25)
    assert zone_of("Mars/Olympus") is UTC


def test_a_tariff_without_an_energy_price_has_no_price_but_is_known() -> None:
    board = PriceBoard()
    board.put(KEY, tariff("T1", energy("25", start_date="2999-01-01")))
    price = board.price(KEY, "Asia/Kolkata", EPOCH)
    assert price is not None
    assert price.kwh is None
