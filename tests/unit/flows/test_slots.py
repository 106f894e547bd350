"""When a wish can be fulfilled: slots, their nearest free neighbours, and spot bookings between."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.flows.slots import AHEAD, LEAST, LONGEST, NEAR
from bridge.ocpi.locations import ExceptionalPeriod, Hours, RegularHours, Status
from bridge.ocpi.tariffs import (
    PriceComponent,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
)
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import OrderState
from bridge.orders.slot import slot_of
from tests import factories
from tests.factories import NOW
from tests.unit.flows.booking import (
    HOUR,
    MINUTE,
    SOON,
    booked,
    energy,
    occupied,
    opened,
    own,
    refusals,
    said,
    shown_times,
    times,
)
from tests.unit.flows.callbacks import codes, shown
from tests.unit.flows.play import Play, confirmed
from tests.unit.flows.world import amount, paid

# select


async def test_a_free_slot_is_quoted_as_it_is_wished() -> None:
    play = Play()
    await play.select(start=SOON, end=SOON + HOUR)
    assert times(play) == (SOON, SOON + HOUR)
    assert shown_times(play) == [SOON, SOON + HOUR]
    assert play.placed.booked
    assert own(play) is None


async def test_the_tariff_is_the_one_in_force_when_the_slot_starts() -> None:
    play = Play()
    await play.select(start=SOON, end=SOON + HOUR)
    await play.init()
    await play.select(start=NOW + MINUTE)
    assert play.offered.starts == [SOON, SOON, None]


async def test_a_slot_without_an_end_lasts_as_long_as_its_energy_takes() -> None:
    play = Play()
    await play.select(start=SOON)  # 100 INR: 5 kWh at 50 kW
    assert times(play) == (SOON, SOON + 6 * MINUTE)
    await play.select(start=SOON, quantity=energy("5.1"))
    assert times(play) == (SOON, SOON + 7 * MINUTE)


@pytest.mark.parametrize("firm", [True, False])
@pytest.mark.parametrize(
    ("first", "last", "nearest"),
    [
        (0, 60, -60),  # as near before as after: the earlier one
        (-20, 60, 60),
        (-90, 10, 10),
        (30, 90, -30),
        (-60, 120, -120),
    ],
)
async def test_a_taken_slot_is_moved_to_the_nearest(
    first: int, last: int, nearest: int, firm: bool
) -> None:
    play = Play()
    occupied(play, SOON + first * MINUTE, SOON + last * MINUTE, firm=firm)
    await play.select(start=SOON, end=SOON + HOUR)
    start = SOON + nearest * MINUTE
    assert times(play) == (start, start + HOUR)
    assert shown_times(play) == [start, start + HOUR]


async def test_a_slot_is_not_moved_to_where_it_would_be_a_spot_booking() -> None:
    play = Play()
    start = NOW + 16 * MINUTE
    occupied(play, start, start + HOUR)
    await play.select(start=start, end=start + 10 * MINUTE)
    assert times(play) == (start + HOUR, start + HOUR + 10 * MINUTE)


async def test_it_is_moved_into_opening_hours() -> None:
    play = Play()
    opened(
        play,
        Hours(
            twentyfourseven=False,
            regular_hours=(RegularHours(weekday=3, period_begin="09:00", period_end="15:30"),),
        ),
    )
    await play.select(start=SOON, end=SOON + HOUR)
    assert times(play) == (SOON - 30 * MINUTE, SOON + 30 * MINUTE)


async def test_it_is_moved_out_of_an_exceptional_closing() -> None:
    play = Play()
    closing = ExceptionalPeriod(period_begin=SOON - HOUR, period_end=SOON + 10 * MINUTE)
    opened(play, Hours(twentyfourseven=True, exceptional_closings=(closing,)))
    await play.select(start=SOON, end=SOON + HOUR)
    assert times(play) == (SOON + 10 * MINUTE, SOON + 70 * MINUTE)


@pytest.mark.parametrize(
    ("wanted", "kwh"),
    [
        (energy("60"), "50"),
        (energy("50"), "50"),
        (amount("2000"), "50"),
        (
            Quantity(measure=Measure.DURATION, value=Decimal(7200), unit="HOURS", stated="2"),
            "50",
        ),
    ],
)
async def test_no_more_is_quoted_than_a_slot_can_give(wanted: Quantity, kwh: str) -> None:
    play = Play()
    await play.select(start=SOON, end=SOON + HOUR, quantity=wanted)
    assert play.placed.quote is not None
    assert play.placed.quote.kwh == Decimal(kwh)


async def test_nothing_free_near_is_said() -> None:
    play = Play()
    occupied(play, NOW, SOON + HOUR + NEAR)
    assert codes((await play.select(start=SOON, end=SOON + HOUR)).callbacks) == ["40002"]
    assert "no free slot" in said(play)
    play = Play()
    occupied(play, NOW, SOON + NEAR)
    await play.select(start=SOON, end=SOON + HOUR)
    assert times(play) == (SOON + NEAR, SOON + NEAR + HOUR)


@pytest.mark.parametrize(
    ("start", "long", "code"),
    [
        (NOW + AHEAD, HOUR, None),
        (NOW + AHEAD + MINUTE, HOUR, "40003"),
        (SOON, LONGEST, None),
        (SOON, LONGEST + MINUTE, "40003"),
    ],
)
async def test_a_slot_has_limits(start: datetime, long: timedelta, code: str | None) -> None:
    decision = await Play().select(start=start, end=start + long, quantity=energy("5"))
    assert refusals(decision) == ([code] if code else [])


async def test_the_price_is_that_of_the_slot_that_is_offered() -> None:
    play = Play()
    dear = TariffElement(
        price_components=(
            PriceComponent(type=TariffDimensionType.ENERGY, price=Decimal(24), step_size=1),
        ),
        restrictions=TariffRestrictions(start_time="15:00", end_time="18:00"),
    )
    tariff = factories.tariff()
    tariff = replace(tariff, elements=(dear, *tariff.elements))
    play.offered.item = replace(play.offered.item, tariff=tariff)

    await play.select(start=SOON, quantity=energy("5"))
    assert shown(play.callbacks[-1])["quote"]["price"]["value"] == "130.00"

    occupied(play, SOON, SOON + HOUR)
    await play.select(start=SOON, quantity=energy("5"))
    assert times(play) == (SOON - 6 * MINUTE, SOON)
    assert shown(play.callbacks[-1])["quote"]["price"]["value"] == "100.00"


@pytest.mark.parametrize(
    ("status", "spot", "slot"),
    [
        (Status.AVAILABLE, [], []),
        (Status.CHARGING, ["40002"], []),
        (Status.OUTOFORDER, ["40002"], ["40002"]),
    ],
)
async def test_a_slot_may_begin_at_what_is_in_use_now(
    status: Status, spot: list[str], slot: list[str]
) -> None:
    play = Play()
    play.offered.item = factories.item(evse=factories.evse(status=status))
    assert refusals(await play.select()) == spot
    assert refusals(await play.select(start=SOON)) == slot


# init


async def test_init_holds_the_slot_for_the_life_of_the_quote() -> None:
    play = Play()
    await play.select(start=SOON, end=SOON + HOUR)
    quote = play.placed.quote
    await play.init(start=SOON, end=SOON + HOUR)
    assert play.placed.quote == quote
    assert own(play) == slot_of(play.placed)
    held = own(play)
    assert held is not None
    assert quote is not None
    assert (held.start, held.end, held.until, held.firm) == (
        *(SOON, SOON + HOUR),
        *(quote.expires_at, False),
    )


async def test_an_init_without_times_is_for_the_slot_that_was_offered() -> None:
    play = Play()
    occupied(play, SOON, SOON + HOUR)
    await play.select(start=SOON, quantity=energy("5"))
    offered = times(play)
    await play.init(quantity=energy("5"))
    assert times(play) == offered
    assert own(play) is not None


async def test_a_slot_that_was_taken_meanwhile_is_refused_and_the_nearest_named() -> None:
    play = Play()
    await play.select(start=SOON, end=SOON + HOUR)
    occupied(play, SOON - 10 * MINUTE, SOON + 90 * MINUTE)
    assert codes((await play.init(start=SOON, end=SOON + HOUR)).callbacks) == ["40002"]
    assert said(play).endswith("2026-03-04T13:50:00+05:30 to 2026-03-04T14:50:00+05:30")
    assert play.state() is OrderState.SELECTED
    assert own(play) is None


async def test_whoever_repeats_the_times_that_were_offered_gets_them() -> None:
    play = Play()
    occupied(play, SOON - 10 * MINUTE, SOON + 90 * MINUTE)
    await play.select(start=SOON, end=SOON + HOUR)
    start, end = shown_times(play)
    await play.init(start=start, end=end)
    assert play.state() is OrderState.INITIALISED
    assert own(play) is not None


async def test_a_slot_that_has_come_near_since_select_is_held_all_the_same() -> None:
    play = Play()
    start = NOW + 16 * MINUTE
    await play.select(start=start, end=start + HOUR)
    play.now += 5 * MINUTE
    await play.init(start=start, end=start + HOUR)
    assert own(play) is not None
    play.now += 5 * MINUTE
    await play.confirm(paid(), start=start, end=start + HOUR)
    held = own(play)
    assert held is not None
    assert held.firm


async def test_another_init_moves_the_slot() -> None:
    play = Play()
    await play.init(start=SOON, end=SOON + HOUR)
    later = SOON + HOUR / 2
    await play.init(start=later, end=later + HOUR)
    held = own(play)
    assert held is not None
    assert (held.start, held.end) == (later, later + HOUR)


async def test_a_new_select_lets_the_slot_go() -> None:
    play = Play()
    await play.init(start=SOON)
    await play.select()
    assert own(play) is None
    assert not play.placed.booked


# confirm


async def test_confirm_makes_it_firm_and_the_end_lets_it_go() -> None:
    play = await booked()
    held = own(play)
    assert held is not None
    assert (held.firm, held.until) == (True, play.placed.end)
    await play.start()
    await play.session("ACTIVE", "1")
    assert own(play) == held
    await play.session("COMPLETED", "5")
    assert own(play) is None


async def test_a_cancelled_order_lets_it_go() -> None:
    play = await booked()
    await play.cancel()
    assert own(play) is None


async def test_a_slot_that_redis_lost_is_not_sold_twice() -> None:
    play = Play()
    await play.init(start=SOON)
    play.slots.slots.clear()
    occupied(play, SOON, SOON + HOUR)
    assert codes((await play.confirm(paid())).callbacks) == ["40002"]
    assert "the nearest free one is" in said(play)
    assert play.state() is OrderState.INITIALISED
    play.slots.slots.clear()
    await play.confirm(paid())
    assert play.state() is OrderState.CONFIRMED


# Spot bookings


@pytest.mark.parametrize("start", [None, NOW - HOUR, NOW, NOW + timedelta(seconds=900)])
async def test_what_is_near_is_no_slot(start: datetime | None) -> None:
    play = Play()
    await play.select(start=start)
    await play.init(start=start)
    await play.confirm(paid(), start=start)
    assert play.state() is OrderState.CONFIRMED
    assert not play.placed.booked
    assert play.slots.slots == {}


async def test_how_near_is_a_term() -> None:
    play = Play()
    play.commercial = replace(play.commercial, spot_within_s=60)
    await play.init(start=NOW + 2 * MINUTE)
    assert own(play) is not None


async def test_spot_bookings_are_no_obstacle_to_each_other() -> None:
    first = await confirmed()
    second = Play()
    second.slots = first.slots
    await second.init()
    await second.confirm(paid())
    assert second.state() is OrderState.CONFIRMED


async def test_a_soft_slot_is_no_obstacle_to_a_spot_booking() -> None:
    play = Play()
    occupied(play, NOW + MINUTE, NOW + HOUR, firm=False)
    await play.select()
    assert times(play) == (None, None)


async def test_a_spot_booking_that_ends_in_time_is_left_alone() -> None:
    play = Play()
    occupied(play, NOW + 6 * MINUTE, NOW + HOUR)
    await play.select()
    assert times(play) == (None, None)


@pytest.mark.parametrize(
    ("wanted", "kwh", "price"),
    [
        (amount("1000"), "25", "460.00"),
        (energy("50"), "25", "460.00"),
        (
            Quantity(measure=Measure.DURATION, value=Decimal(7200), unit="HOURS", stated="2"),
            "25",
            "460.00",
        ),
        (energy("25.5"), "25", "460.00"),
    ],
)
async def test_a_spot_booking_ends_where_a_slot_begins(
    wanted: Quantity, kwh: str, price: str
) -> None:
    play = Play()
    occupied(play, NOW + 30 * MINUTE, NOW + HOUR)
    await play.select(quantity=wanted)
    quote = play.placed.quote
    assert quote is not None
    assert (quote.kwh, quote.price) == (Decimal(kwh), Decimal(price))
    assert times(play) == (None, NOW + 30 * MINUTE)
    assert shown_times(play) == [NOW, NOW + 30 * MINUTE]
    assert not play.placed.booked

    await play.init(quantity=wanted, start=shown_times(play)[0], end=shown_times(play)[1])
    await play.confirm(paid(price))
    assert play.state() is OrderState.CONFIRMED


async def test_without_a_quantity_it_is_cut_as_well() -> None:
    play = Play()
    play.terms = replace(play.terms, default_kwh=Decimal(40))
    occupied(play, NOW + 30 * MINUTE, NOW + HOUR)
    await play.select(quantity=None)
    assert play.placed.quote is not None
    assert play.placed.quote.kwh == Decimal(25)


async def test_a_spot_booking_with_too_little_time_left_gets_another_time() -> None:
    play = Play()
    slot = occupied(play, NOW + LEAST - MINUTE, NOW + HOUR)
    await play.select(quantity=energy("25"))
    assert times(play) == (slot.end, slot.end + 30 * MINUTE)
    assert play.placed.booked

    play = Play()
    slot = occupied(play, NOW - HOUR, NOW + 5 * MINUTE)
    await play.select()
    assert times(play) == (slot.end, slot.end + 6 * MINUTE)
    assert not play.placed.booked


async def test_init_does_not_change_the_time_of_a_spot_booking_unasked() -> None:
    play = Play()
    await play.select()
    occupied(play, NOW + MINUTE, NOW + HOUR)
    assert codes((await play.init()).callbacks) == ["40002"]
    assert said(play).endswith("2026-03-04T13:00:00+05:30 to 2026-03-04T13:06:00+05:30")


async def test_a_slot_booked_since_init_stops_a_spot_booking_at_confirm() -> None:
    play = Play()
    await play.init(quantity=energy("25"))
    occupied(play, NOW + 20 * MINUTE, NOW + HOUR)
    assert codes((await play.confirm(paid("460"))).callbacks) == ["40003"]
    assert "init again" in said(play)
    await play.init(quantity=energy("25"))
    await play.confirm(paid("309.99"))
    assert play.state() is OrderState.CONFIRMED
