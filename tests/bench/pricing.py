"""The cost engine: quotes by a tariff of ten elements, and the bill of a long session.

No other process takes part. What else the machine does only makes it slower, so that the best of
many turns counts, in time of the processor. The limit is what no program can leave out: a
multiplication for each price.
"""

from __future__ import annotations

import cProfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from bridge.ocpi.cdrs import CdrDimension, CdrDimensionType, ChargingPeriod
from bridge.ocpi.tariffs import (
    PriceComponent,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
)
from bridge.ocpi.types import Price
from bridge.orders.intents import Measure, Quantity
from bridge.pricing.periods import usages
from bridge.pricing.quote import quote
from bridge.pricing.tariff import cost
from tests.bench.bench import Bench, Figure, Goal, Scale

D = Decimal
START: Final = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
"""Noon in India."""

PERIODS: Final = 720
"""Minutes of twelve hours, each a period."""

TURNS: Final = 10
"""For each pair of another bench; a turn is short, and some fall into a quiet moment."""

TOP: Final = 5
"""Rows of the profile that are told."""

QUOTE = Goal("a quote for 20 kWh at 30 kW", "less than", 0.3, "ms")
BUDGET = Goal("a quote for a budget, 20.5 kWh at 30 kW", "less than", 0.3, "ms")
LONG_BUDGET = "a quote for a budget, 85 kWh at 3.3 kW"
COSTING = Goal("a session of 12 hours, 720 periods", "less than", 15, "ms")


def ten_elements() -> Tariff:
    """Return a tariff with a price for every two hours of the day, and one from 30 kWh on."""
    windows = [
        _element(
            TariffRestrictions(start_time=f"{hour:02}:00", end_time=f"{hour + 2:02}:00"),
            ENERGY=10 + hour / 2,
            TIME=1.5,
        )
        for hour in range(0, 16, 2)
    ]
    bulk = _element(TariffRestrictions(min_kwh=D(30)), ENERGY=20, PARKING_TIME=3)
    rest = _element(None, ENERGY=18, TIME=2, FLAT=10, PARKING_TIME=6)
    return Tariff(
        country_code="IN",
        party_id="ABC",
        id="TEN",
        currency="INR",
        elements=(*windows, bulk, rest),
        max_price=Price(excl_vat=D(5000)),
        last_updated=START,
    )


def _element(when: TariffRestrictions | None, **prices: float) -> TariffElement:
    return TariffElement(
        price_components=tuple(
            PriceComponent(
                type=TariffDimensionType(name),
                price=D(str(price)),
                vat=D(18),
                step_size=1 if name in ("ENERGY", "FLAT") else 60,
            )
            for name, price in prices.items()
        ),
        restrictions=when,
    )


def periods() -> tuple[ChargingPeriod, ...]:
    """Return the periods of a session as a CPO sends them that opens one every minute."""
    volumes = {"ENERGY": "0.1234", "TIME": "0.0167", "MIN_POWER": "6", "MAX_POWER": "8"}
    dimensions = tuple(
        CdrDimension(type=CdrDimensionType(name), volume=D(volume))
        for name, volume in volumes.items()
    )
    return tuple(
        ChargingPeriod(start_date_time=START + timedelta(minutes=minute), dimensions=dimensions)
        for minute in range(PERIODS)
    )


def priced(tariff: Tariff, measure: Measure, value: str, power_kw: Decimal) -> None:
    """Quote as a select does."""
    unit = tariff.currency if measure is Measure.AMOUNT else "kWh"
    quote(
        tariff,
        Quantity(measure=measure, value=D(value), unit=unit, stated=value),
        power_kw,
        None,
        None,
        "Asia/Kolkata",
        now=START,
        ttl_s=900,
        default_kwh=D(5),
        max_kwh=D(100),
    )


def plain(times: int) -> Decimal:
    """Multiply and add up so many prices: the limit."""
    total, price, volume, factor = D(0), D("12.5"), D("0.1234"), D("1.18")
    for _ in range(times):
        total += price * volume * factor
    return total


def each_ms(work: Callable[[], object], times: int) -> float:
    """Return the processor's time of one call in milliseconds."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begun) * 1000 / times


def top(work: Callable[[], object], times: int) -> Iterator[Figure]:
    """Yield the functions that take the most time, by themselves, as shares of all of it."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(times):
        work()
    profile.disable()
    profile.create_stats()
    seconds = {place: row[2] for place, row in profile.stats.items()}
    everything = sum(seconds.values())
    for place, own in sorted(seconds.items(), key=lambda each: -each[1])[:TOP]:
        file, line, name = place
        where = "" if file == "~" else f"{Path(file).name}:{line}"
        yield Figure(f"  profile: {name}"[:42], 100 * own / everything, "%", where)


async def run_quote(folder: Path, scale: Scale) -> Sequence[Figure]:
    """Quote by energy and by budget, in turns with the limit."""
    tariff = ten_elements()
    works: dict[str, Callable[[], object]] = {
        QUOTE.figure: lambda: priced(tariff, Measure.ENERGY, "20", D(30)),
        BUDGET.figure: lambda: priced(tariff, Measure.AMOUNT, "400", D(30)),
        LONG_BUDGET: lambda: priced(tariff, Measure.AMOUNT, "1600", D("3.3")),
        "limit": lambda: plain(1),
    }
    turns, times = TURNS * scale.pairs, scale.requests // TURNS
    took = _in_turns(works, turns, times)
    limit_ms = took.pop("limit")
    return [
        *(
            Figure(name, ms, "ms", f"{1000 / ms:,.0f} per second, {ms / limit_ms:,.0f} limits")
            for name, ms in took.items()
        ),
        *top(works[LONG_BUDGET], times),
    ]


async def run_costing(folder: Path, scale: Scale) -> Sequence[Figure]:
    """Read the periods and price them, in turns with the limit."""
    tariff, used = ten_elements(), periods()
    end = START + timedelta(minutes=PERIODS)
    works: dict[str, Callable[[], object]] = {
        COSTING.figure: lambda: cost(tariff, usages(used, end), "Asia/Kolkata"),
        "limit": lambda: plain(2 * PERIODS),
    }
    times = max(scale.requests // PERIODS, 1)
    took = _in_turns(works, TURNS * scale.pairs, times)
    ms, limit_ms = took[COSTING.figure], took["limit"]
    return [
        Figure(COSTING.figure, ms, "ms", f"{1000 / ms:,.0f} per second"),
        Figure("the same, the limit's being 1", ms / limit_ms, "", f"limit {limit_ms:.2f} ms"),
        *top(works[COSTING.figure], times),
    ]


def _in_turns(works: dict[str, Callable[[], object]], turns: int, times: int) -> dict[str, float]:
    """Return the time of one call of each, in milliseconds: the best of the turns."""
    took = [{name: each_ms(work, times) for name, work in works.items()} for _ in range(turns)]
    return {name: min(turn[name] for turn in took) for name in works}


QUOTE_BENCH = Bench(
    name="quote",
    measures="quotes by a tariff of ten elements, by energy and by budget, one core",
    limit="multiplies one price by its volume and its VAT",
    goals=(QUOTE, BUDGET),
    run=run_quote,
)
COSTING_BENCH = Bench(
    name="costing",
    measures="a session of 12 hours whose CPO opens a period every minute, ten elements, one core",
    limit="multiplies as many prices by their volume and VAT, and adds up",
    goals=(COSTING,),
    run=run_costing,
)
