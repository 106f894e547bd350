"""Whether an offer can be had: by looking, and by asking every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ocpi.locations import PowerType
from bridge.ocpi.tariffs import DayOfWeek, TariffRestrictions
from bridge.orders.terms import Offer, Where
from bridge.orders.where import is_for
from bridge.pricing.conditions import offered_at, offered_within
from bridge.pricing.offers import obstacle
from tests import factories

BASE = datetime(2026, 3, 27, tzinfo=UTC)
"""A Friday; two days later the clocks of Berlin are put forward."""

MINUTE = timedelta(minutes=1)
ZONES = [ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")]

minutes = st.integers(0, 4 * 24 * 60)
instants = minutes.map(lambda count: BASE + count * MINUTE)
clocks = st.integers(0, 23 * 60 + 59).map(lambda m: f"{m // 60:02}:{m % 60:02}")
restrictions = st.builds(
    TariffRestrictions,
    start_time=st.none() | clocks,
    end_time=st.none() | clocks,
    day_of_week=st.lists(st.sampled_from(DayOfWeek), max_size=2, unique=True).map(tuple),
    start_date=st.none() | st.sampled_from(["2026-03-28", "2026-03-29"]),
    end_date=st.none() | st.sampled_from(["2026-03-29", "2026-03-31"]),
)
wheres = st.builds(
    Where,
    providers=st.sampled_from([(), ("cpo1.example",), ("other",)]),
    locations=st.sampled_from([(), ("l1", "L9"), ("L9",)]),
    items=st.sampled_from([(), (factories.item().id,), ("other",)]),
    power_types=st.sampled_from([(), (PowerType.DC,), (PowerType.AC_3_PHASE,)]),
    min_power_kw=st.none() | st.sampled_from([Decimal(50), Decimal("50.1")]),
    max_power_kw=st.none() | st.sampled_from([Decimal(50), Decimal("49.9")]),
)
offers = st.builds(
    Offer,
    id=st.just("o"),
    title=st.just("An offer"),
    share=st.just(Decimal("0.2")),
    valid_from=st.none() | instants,
    valid_until=st.none() | instants,
    when=st.none() | restrictions,
    where=wheres,
    min_kwh=st.none() | st.just(Decimal(1000)),
    min_value=st.none() | st.just(Decimal(1000)),
)


@given(offer=offers, start=instants, place=st.sampled_from(ZONES))
def test_there_is_an_obstacle_or_the_offer_is_for_it_and_holds(
    offer: Offer, start: datetime, place: ZoneInfo
) -> None:
    item = factories.item()
    why = obstacle(offer, item, start, place)
    holds = (
        is_for(offer.where, item)
        and (offer.valid_from is None or offer.valid_from <= start)
        and (offer.valid_until is None or start < offer.valid_until)
        and offered_at(offer, start, place)
    )
    assert (why is None) is holds
    assert why is None or why.startswith("it ")


@settings(deadline=None)
@given(offer=offers, start=instants, length=st.integers(0, 36 * 60), place=st.sampled_from(ZONES))
def test_an_offer_is_shown_exactly_when_charging_may_start_at_some_minute_of_it(
    offer: Offer, start: datetime, length: int, place: ZoneInfo
) -> None:
    every = (start + count * MINUTE for count in range(length + 1))
    assert offered_within(offer, start, start + length * MINUTE, place) is any(
        offered_at(offer, at, place) for at in every
    )
