"""A tariff never says something else before the instant it is said to change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalog.prices import NEVER, next_change
from bridge.ocpi.tariffs import DayOfWeek, Tariff
from bridge.pricing.plan import choose_tariff, energy_price
from tests.unit.catalog.world import energy, tariff

ZONES = ["Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"]
SECOND = timedelta(seconds=1)

days = st.sampled_from(
    [
        datetime(2026, month, day, tzinfo=UTC)
        for month, day in [(3, 28), (3, 29), (10, 24), (10, 25), (4, 4), (9, 5), (6, 15)]
    ]
)
instants = st.builds(
    lambda day, seconds: day + seconds * SECOND, days, st.integers(0, 2 * 24 * 3600)
)
clock = st.builds(
    lambda hour, minute: f"{hour:02}:{minute:02}",
    st.integers(0, 23),
    st.sampled_from([0, 7, 30]),
)
restrictions = st.fixed_dictionaries(
    {},
    optional={
        "start_time": clock,
        "end_time": clock,
        "start_date": st.sampled_from(["2026-03-29", "2026-10-25", "2026-06-16"]),
        "end_date": st.sampled_from(["2026-03-30", "2026-10-26", "2026-06-17"]),
        "day_of_week": st.lists(st.sampled_from(list(DayOfWeek)), min_size=1).map(tuple),
    },
)


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    chosen = draw(st.lists(restrictions, min_size=1, max_size=3))
    elements = [energy(str(number), **one) for number, one in enumerate(chosen, start=1)]
    return tariff(
        "T1",
        *elements,
        start_date_time=draw(st.none() | instants),
        end_date_time=draw(st.none() | instants),
    )


@settings(deadline=None)
@given(tariff=tariffs(), zone=st.sampled_from(ZONES), now=instants, steps=st.lists(st.floats(0, 1)))
def test_nothing_changes_before_the_next_change(
    tariff: Tariff, zone: str, now: datetime, steps: list[float]
) -> None:
    def said(at: datetime) -> object:
        return choose_tariff([tariff], at), energy_price(tariff, at, zone)

    until = next_change(tariff, ZoneInfo(zone), now)
    assert until > now
    last = min(until, now + timedelta(days=3)) - SECOND
    for step in [*steps, 1.0]:
        probe = now + max(last - now, timedelta()) * step
        assert said(probe) == said(now), probe
    if until is NEVER:
        assert said(now + timedelta(days=1000)) == said(now)
