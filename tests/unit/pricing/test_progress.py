"""What a driver is told while it charges: energy, cost so far, and when it will be over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.cdrs import CdrDimension, CdrDimensionType, ChargingPeriod
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import Order, OrderState, Quote
from bridge.orders.terms import Agreed, Fee
from bridge.pricing.progress import progress
from tests.factories import NOW, order, session

MINUTE = timedelta(minutes=1)
QUOTE = Quote(id="q", currency="INR", price=Decimal(100), lines=(), kwh=Decimal(5))


def charging(kwh: str = "2", *, after: timedelta = 6 * MINUTE, **changes: Any) -> Order:
    """Make an order of 5 kWh that has charged so much since noon."""
    running = session(kwh, last_updated=NOW + after)
    known = {"state": OrderState.CHARGING, "session": running, "quote": QUOTE}
    return replace(order(), **{**known, **changes})


def ends_in(some: Order) -> timedelta | None:
    found = progress(some)
    assert found is not None
    return None if found.ends_at is None else found.ends_at - NOW


def test_the_cost_so_far_is_that_of_the_energy_with_the_terms_agreed() -> None:
    found = progress(charging())
    assert found is not None
    assert (found.kwh, found.cost.price) == (Decimal(2), Decimal(46))
    fee = Fee(id="f", amount=Decimal(5))
    found = progress(charging(agreed=Agreed(fees=(fee,))))
    assert found is not None
    assert found.cost.price == 51


def test_it_ends_when_the_quoted_energy_is_there_at_the_power_so_far() -> None:
    assert ends_in(charging()) == 15 * MINUTE  # 20 kW: 3 kWh more take 9 minutes


def test_the_power_that_the_cpo_tells_counts_more() -> None:
    told = CdrDimension(type=CdrDimensionType.POWER, volume=Decimal(30))
    energy = CdrDimension(type=CdrDimensionType.ENERGY, volume=Decimal(2))
    period = ChargingPeriod(start_date_time=NOW, dimensions=(energy, told))
    running = session("2", last_updated=NOW + 6 * MINUTE, charging_periods=(period,))
    assert ends_in(charging(session=running)) == 12 * MINUTE


def test_at_first_it_goes_by_what_the_connector_gives() -> None:
    assert ends_in(charging("0", after=timedelta(seconds=10))) == 6 * MINUTE + timedelta(seconds=10)


def test_what_has_delivered_all_of_it_is_over_now() -> None:
    assert ends_in(charging("5.5")) == 6 * MINUTE


def test_who_asked_for_a_time_gets_it() -> None:
    hour = Quantity(measure=Measure.DURATION, value=Decimal(3600), unit="MINUTES", stated="60")
    assert ends_in(charging(quantity=hour)) == 60 * MINUTE


@pytest.mark.parametrize("state", [OrderState.INTERRUPTED, OrderState.STOPPING])
def test_nobody_knows_when_a_lost_or_stopping_session_ends(state: OrderState) -> None:
    assert ends_in(charging(state=state)) is None


@pytest.mark.parametrize("state", [OrderState.CONFIRMED, OrderState.ENDED, OrderState.SETTLED])
def test_what_does_not_charge_has_no_progress(state: OrderState) -> None:
    assert progress(charging(state=state)) is None
