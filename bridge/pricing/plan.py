"""A future session: which tariff, at what price, and the periods it will fall into."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from itertools import pairwise
from operator import itemgetter
from typing import Final

from bridge.errors import QuoteUnavailable
from bridge.ocpi.cdrs import ChargingPeriod
from bridge.ocpi.tariffs import Tariff, TariffDimensionType, TariffType
from bridge.pricing.clock import SECOND, Turns, shown_at
from bridge.pricing.conditions import in_time
from bridge.pricing.periods import Usage, seconds
from bridge.pricing.rates import first, rates
from bridge.pricing.restrictions import Moment, zone

_FOR_ALL: Final = (TariffType.REGULAR, None)
_DAY_S: Final = 24 * 60 * 60

# No session is that long; a tiny power must not make a plan of a million days.
LONGEST_S: Final = 7 * _DAY_S


def choose_tariff(tariffs: Iterable[Tariff], at: datetime) -> Tariff | None:
    """Return the tariff in force for a driver without preferences; None when there is none.

    REGULAR before one without type, then the latest ``last_updated``. AD_HOC_PAYMENT is for
    payment at the charger, PROFILE_x for drivers who chose that profile.
    """
    return max(
        (tariff for tariff in tariffs if tariff.type in _FOR_ALL and _in_force(tariff, at)),
        key=lambda tariff: (tariff.type is not None, tariff.last_updated, tariff.id),
        default=None,
    )


def tariffs_of(
    tariffs: Sequence[Tariff], periods: Iterable[ChargingPeriod], start: datetime
) -> list[Tariff]:
    """Return the tariff of each period of a session.

    It is the one that the period names, else the one in force for everybody at the session's
    start: a tariff stays for a session, whatever comes into force meanwhile. Where there is only
    one, it is for all. OCPI 2.2.1 mod_cdrs, ChargingPeriod class, ``tariff_id``.

    Raises:
        QuoteUnavailable: a period names none of them, or none is in force.
    """
    if len(tariffs) == 1:
        return [tariffs[0] for _ in periods]
    by_id = {tariff.id.casefold(): tariff for tariff in tariffs}
    found = []
    for period in periods:
        named = period.tariff_id
        tariff = choose_tariff(tariffs, start) if named is None else by_id.get(named.casefold())
        if tariff is None:
            missing = "in force" if named is None else f"called {named}"
            raise QuoteUnavailable(f"no tariff is {missing} at {start.isoformat()}")
        found.append(tariff)
    return found


def energy_price(
    tariff: Tariff, at: datetime, time_zone: str, power_kw: Decimal | None = None
) -> Decimal | None:
    """Return the price of a kWh, without VAT, for a session that starts now.

    None when energy costs nothing extra. Raises QuoteUnavailable for an unknown time zone.

    Args:
        power_kw: of the connector; what restrictions say of power holds when it is not known.
    """
    ready = rates(tariff)
    start = Moment(
        at.astimezone(zone(time_zone)), Decimal(0), 0, min_power=power_kw, max_power=power_kw
    )
    rate = first(ready.session[TariffDimensionType.ENERGY], start)
    return None if rate is None else rate.price


def planned_usages(
    tariff: Tariff, kwh: Decimal, power_kw: Decimal, start: datetime, time_zone: str
) -> tuple[Usage, ...]:
    """Return the periods of a session at constant power, split where a restriction may flip.

    ``power_kw`` is more than 0. Raises QuoteUnavailable for an unknown time zone.
    """
    return Plan(rates(tariff).turns, kwh, power_kw, start, zone(time_zone)).usages(kwh)


class Plan:
    """The course of a session at constant power, up to ``kwh``.

    Where it is split does not depend on how much is charged in the end: one plan serves a search
    over many amounts.
    """

    def __init__(
        self, turns: Turns, kwh: Decimal, power_kw: Decimal, start: datetime, place: tzinfo
    ) -> None:
        # Whole seconds: what follows is counted in them.
        self._start = start.astimezone(UTC).replace(microsecond=0)
        self._power_kw = power_kw
        self._flips = self._split(turns, kwh, place)

    def usages(self, kwh: Decimal, duration_s: int | None = None) -> tuple[Usage, ...]:
        """Return the periods of charging ``kwh``, at most the planned amount.

        Args:
            duration_s: exact length, where time was asked for and not energy.
        """
        number, rest = self.last(kwh, duration_s)
        bounds = ((Decimal(0), 0), *self._flips[:number])
        whole = (
            self._usage(from_s, to_s, to_kwh - from_kwh)
            for (from_kwh, from_s), (to_kwh, to_s) in pairwise(bounds)
        )
        return (*whole, rest)

    def last(self, kwh: Decimal, duration_s: int | None = None) -> tuple[int, Usage]:
        """Return only the last of those periods, and its index."""
        number = bisect_left(self._flips, kwh, key=itemgetter(0))
        from_kwh, from_s = self._flips[number - 1] if number else (Decimal(0), 0)
        end_s = self._seconds(kwh) if duration_s is None else duration_s
        return number, self._usage(from_s, end_s, kwh - from_kwh)

    def _usage(self, from_s: int, to_s: int, kwh: Decimal) -> Usage:
        return Usage(
            start=self._start + from_s * SECOND,
            end=self._start + to_s * SECOND,
            energy_kwh=kwh,
            charging_s=to_s - from_s,
            min_power=self._power_kw,
            max_power=self._power_kw,
        )

    def _seconds(self, kwh: Decimal) -> int:
        return seconds(kwh / self._power_kw)

    def _kwh(self, elapsed_s: int) -> Decimal:
        return round(self._power_kw * elapsed_s / 3600, 9)

    def _split(self, turns: Turns, kwh: Decimal, place: tzinfo) -> tuple[tuple[Decimal, int], ...]:
        """Return when a restriction may flip, in order, as kWh and seconds since the start."""
        end_s = self._seconds(kwh)
        moments = set(turns.durations)
        if turns.minutes:
            moments.update(shown_at(turns.minutes, self._start, min(end_s, LONGEST_S), place))
        points = {(volume, self._seconds(volume)) for volume in turns.volumes if 0 < volume < kwh}
        points.update((self._kwh(moment), moment) for moment in moments if 0 < moment <= end_s)
        return tuple(sorted(points))


def _in_force(tariff: Tariff, at: datetime) -> bool:
    return in_time(at, tariff.start_date_time, tariff.end_date_time)
