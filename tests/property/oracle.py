"""What a session costs, worked out once more, in fractions and without haste.

Nothing of ``bridge.pricing`` is used: each rule is written as the standard words it, one after the
other, so that a slip in the engine is no slip here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bridge.ocpi.cdrs import ChargingPeriod
from bridge.ocpi.tariffs import PriceComponent, Tariff, TariffRestrictions

WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
DAY = 24 * 60


class Due(NamedTuple):
    """A price and how much of it: kWh, hours or one."""

    sort: str
    price: PriceComponent
    amount: Fraction


def totals(
    tariff: Tariff, periods: Sequence[ChargingPeriod], time_zone: str, expired: bool
) -> tuple[Fraction, Fraction]:
    """Return the cost without and with VAT."""
    due = _rounded_up(_due(tariff, periods, time_zone, expired))
    excl = sum((Fraction(each.price.price) * each.amount for each in due), Fraction(0))
    incl = sum(
        (
            Fraction(each.price.price) * each.amount * (100 + Fraction(each.price.vat or 0)) / 100
            for each in due
        ),
        Fraction(0),
    )
    if tariff.min_price is not None:
        excl = max(excl, Fraction(tariff.min_price.excl_vat))
        if tariff.min_price.incl_vat is not None:
            incl = max(incl, Fraction(tariff.min_price.incl_vat))
    if tariff.max_price is not None:
        excl = min(excl, Fraction(tariff.max_price.excl_vat))
        if tariff.max_price.incl_vat is not None:
            incl = min(incl, Fraction(tariff.max_price.incl_vat))
    return excl, incl


def applicable(
    tariff: Tariff, start: datetime, time_zone: str, kwh: Fraction, since: timedelta
) -> list[bool]:
    """Tell for each element whether it applies, whatever current and power are."""
    local = start.astimezone(ZoneInfo(time_zone))
    return [
        _applies(each.restrictions or TariffRestrictions(), local, kwh, since, {})
        for each in tariff.elements
    ]


def _due(
    tariff: Tariff, periods: Sequence[ChargingPeriod], time_zone: str, expired: bool
) -> list[Due]:
    due: list[Due] = []
    kwh = Fraction(0)
    begin: datetime | None = None
    for period in sorted(periods, key=lambda each: each.start_date_time):
        volumes = {each.type.value: Fraction(each.volume) for each in period.dimensions}
        reserved = "RESERVATION_TIME" in volumes
        if not reserved and begin is None:
            begin = period.start_date_time
        since = period.start_date_time - begin if begin is not None else timedelta(0)
        local = period.start_date_time.astimezone(ZoneInfo(time_zone))
        wanted = {"FLAT": Fraction(1)}
        if reserved:
            wanted["TIME"] = _hours(volumes["RESERVATION_TIME"])
        else:
            wanted["ENERGY"] = volumes.get("ENERGY", Fraction(0))
            wanted["TIME"] = _hours(volumes.get("TIME", Fraction(0)))
            wanted["PARKING_TIME"] = _hours(volumes.get("PARKING_TIME", Fraction(0)))
        sort = "reserved " if reserved else ""
        for dimension, amount in wanted.items():
            before = any(each.sort == f"{sort}FLAT" for each in due)
            if amount == 0 or (dimension == "FLAT" and before):
                continue
            for restrictions, price in _candidates(tariff, reserved, expired):
                if price.type.value == dimension and _applies(
                    restrictions, local, kwh, since, volumes
                ):
                    due.append(Due(f"{sort}{dimension}", price, amount))
                    break
        if not reserved:
            kwh += wanted["ENERGY"]
    return due


def _hours(hours: Fraction) -> Fraction:
    """Bring hours to whole seconds."""
    return Fraction(floor(hours * 3600 + Fraction(1, 2)), 3600)


def _candidates(
    tariff: Tariff, reserved: bool, expired: bool
) -> list[tuple[TariffRestrictions, PriceComponent]]:
    def of(wanted: str | None) -> list[tuple[TariffRestrictions, PriceComponent]]:
        return [
            (restrictions, price)
            for element in tariff.elements
            for restrictions in [element.restrictions or TariffRestrictions()]
            for price in element.price_components
            if restrictions.reservation == wanted
        ]

    if not reserved:
        return of(None)
    return [*(of("RESERVATION_EXPIRES") if expired else []), *of("RESERVATION")]


def _applies(
    r: TariffRestrictions,
    local: datetime,
    kwh: Fraction,
    since: timedelta,
    volumes: dict[str, Fraction],
) -> bool:
    if r.start_time is not None or r.end_time is not None:
        first, last = _minute(r.start_time or "00:00"), _minute(r.end_time or "00:00")
        length = (last - first) % DAY or DAY
        if local.hour * 60 + local.minute not in {(first + n) % DAY for n in range(length)}:
            return False
    today = local.strftime("%Y-%m-%d")
    checks = [
        r.start_date is None or today >= r.start_date,
        r.end_date is None or today < r.end_date,
        not r.day_of_week or WEEK[local.weekday()] in list(r.day_of_week),
        r.min_kwh is None or kwh >= r.min_kwh,
        r.max_kwh is None or kwh < r.max_kwh,
        r.min_duration is None or since >= timedelta(seconds=r.min_duration),
        r.max_duration is None or since < timedelta(seconds=r.max_duration),
    ]
    for unit, least, most in (
        ("CURRENT", r.min_current, r.max_current),
        ("POWER", r.min_power, r.max_power),
    ):
        known = [volumes[name] for name in (f"MIN_{unit}", unit, f"MAX_{unit}") if name in volumes]
        if known:
            checks += [least is None or known[0] >= least, most is None or known[-1] < most]
    return all(checks)


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _rounded_up(due: list[Due]) -> list[Due]:
    """Round up energy once, the time dimension that came last once, a reservation once."""
    timed = [each.sort for each in due if each.sort in ("TIME", "PARKING_TIME")]
    for sort in ("ENERGY", "reserved TIME", *timed[-1:]):
        alike = [number for number, each in enumerate(due) if each.sort == sort]
        if not alike:
            continue
        last = due[alike[-1]]
        step = Fraction(last.price.step_size, 1000 if sort == "ENERGY" else 3600)
        total = sum((due[number].amount for number in alike), Fraction(0))
        if step > 0 and total > 0:
            more = ceil(total / step) * step - total
            due[alike[-1]] = last._replace(amount=last.amount + more)
    return due
