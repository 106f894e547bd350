"""The tariffs in the catalogue: what a kWh costs now, and how long that stays true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, tzinfo
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from bridge.catalog.local_time import next_strike, zone_of
from bridge.catalog.offers import ObjectKey
from bridge.ocpi.tariffs import Tariff, TariffRestrictions
from bridge.orders.terms import Surcharge
from bridge.pricing.plan import energy_price
from bridge.pricing.restrictions import is_local

NEVER = datetime.max.replace(tzinfo=UTC)


_Where: TypeAlias = tuple[str, Decimal | None]


class Price(NamedTuple):
    """A tariff at some place, from ``since`` to right before ``until``.

    Args:
        kwh: its ENERGY price without VAT, None without one. In force or not: not said here.
    """

    tariff: Tariff
    kwh: Decimal | None
    since: datetime
    until: datetime


class PriceBoard:
    """All known tariffs by key.

    A price is worked out once for all connectors of one power in a time zone.

    Args:
        surcharges: the operator's, as they are now; the same tuple until they change.
    """

    def __init__(self, surcharges: Callable[[], tuple[Surcharge, ...]] = tuple) -> None:
        self.surcharges = surcharges
        self._tariffs: dict[ObjectKey, Tariff] = {}
        self._prices: defaultdict[ObjectKey, dict[_Where, Price]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._tariffs)

    def put(self, key: ObjectKey, tariff: Tariff) -> None:
        """Add a tariff, or replace it."""
        self._tariffs[key] = tariff
        self._prices.pop(key, None)

    def remove(self, key: ObjectKey) -> None:
        """Take a tariff out; nothing happens when it is not there."""
        self._tariffs.pop(key, None)
        self._prices.pop(key, None)

    def keys_of(self, party_key: tuple[str, str]) -> list[ObjectKey]:
        """Return the keys of a party's tariffs."""
        return [key for key in self._tariffs if key[:2] == party_key]

    def price(
        self, key: ObjectKey, time_zone: str, now: datetime, power_kw: Decimal | None = None
    ) -> Price | None:
        """Return a tariff with its price at a place; None for an unknown tariff.

        A time zone that does not exist counts as UTC. Without power, no restriction looks at it.
        """
        tariff = self._tariffs.get(key)
        if tariff is None:
            return None
        price = self._prices[key].get((time_zone, power_kw))
        if price is None or not price.since <= now < price.until:
            zone = zone_of(time_zone)
            kwh = energy_price(tariff, now, str(zone), power_kw)
            price = Price(tariff, kwh, now, next_change(tariff, zone, now))
            self._prices[key][time_zone, power_kw] = price
        return price


def next_change(tariff: Tariff, zone: tzinfo, now: datetime) -> datetime:
    """Return an instant after ``now`` until which a tariff says the same; NEVER if always.

    It may say something else from the ends of its validity on, from the wall times its restrictions
    name, from midnight (dates, weekdays), and when the clock is put forward or back. It may turn
    out to say the same then; it never says something else before.
    """
    return min(_changes(tariff, zone, now), default=NEVER)


def _changes(tariff: Tariff, zone: tzinfo, now: datetime) -> Iterator[datetime]:
    for end_of_validity in (tariff.start_date_time, tariff.end_date_time):
        if end_of_validity is not None and end_of_validity > now:
            yield end_of_validity
    timed = [
        element.restrictions
        for element in tariff.elements
        if element.restrictions is not None and is_local(element.restrictions)
    ]
    if timed:
        strikes = {strike for restrictions in timed for strike in _strikes(restrictions)}
        yield next_strike(zone, now, strikes)


def _strikes(restrictions: TariffRestrictions) -> Iterator[time]:
    for wall_time in (restrictions.start_time, restrictions.end_time):
        if wall_time is not None:
            yield time.fromisoformat(wall_time)
