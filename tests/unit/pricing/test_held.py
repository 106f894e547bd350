"""The price of holding a connector before charging, in a quote."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.ocpi.tariffs import (
    PriceComponent,
    ReservationRestrictionType,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
)
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import LineKind, Quote
from bridge.pricing.quote import quote
from tests.factories import NOW, tariff

START = NOW + timedelta(hours=2)
TIME, FLAT = TariffDimensionType.TIME, TariffDimensionType.FLAT


def component(kind: TariffDimensionType, price: str, vat: str | None = None) -> PriceComponent:
    rate = None if vat is None else Decimal(vat)
    return PriceComponent(type=kind, price=Decimal(price), step_size=1, vat=rate)


def reserving(*components: PriceComponent) -> Tariff:
    """Make the tariff of 18 INR/kWh and 10 INR with a price for reservations."""
    when = TariffRestrictions(reservation=ReservationRestrictionType.RESERVATION)
    element = TariffElement(price_components=components, restrictions=when)
    return tariff(elements=(*tariff().elements, element))


def quoted(by: Tariff, *, held_s: int = 1800, wanted: Quantity | None = None) -> Quote:
    return quote(
        by,
        wanted,
        power_kw=Decimal(50),
        start=START,
        end=None,
        time_zone="Asia/Kolkata",
        now=NOW,
        ttl_s=900,
        default_kwh=Decimal(5),
        max_kwh=Decimal(100),
        held_s=held_s,
    )


def lines(made: Quote) -> dict[LineKind, Decimal]:
    assert made.price == sum(line.amount for line in made.lines)
    return {line.kind: line.amount for line in made.lines}


def test_an_hour_of_holding_has_its_price_and_its_vat() -> None:
    made = quoted(reserving(component(TIME, "40", "18")))
    assert lines(made) == {
        LineKind.ENERGY: Decimal(90),
        LineKind.FLAT: Decimal(10),
        LineKind.RESERVATION: Decimal(20),
        LineKind.TAX: Decimal("3.60"),
    }
    (line,) = (each for each in made.lines if each.kind is LineKind.RESERVATION)
    assert (line.quantity, line.unit_price) == (Decimal("0.5"), Decimal(40))


def test_a_price_once_and_one_for_time_are_one_line() -> None:
    made = quoted(reserving(component(FLAT, "7"), component(TIME, "40")))
    assert lines(made)[LineKind.RESERVATION] == 27
    (line,) = (each for each in made.lines if each.kind is LineKind.RESERVATION)
    assert (line.quantity, line.unit_price) == (None, None)


@pytest.mark.parametrize("held_s", [0, 1800])
def test_what_is_free_or_not_held_is_no_line(held_s: int) -> None:
    by = tariff() if held_s else reserving(component(TIME, "40"))
    assert LineKind.RESERVATION not in lines(quoted(by, held_s=held_s))


def test_the_budget_pays_for_it() -> None:
    budget = Quantity(measure=Measure.AMOUNT, value=Decimal(100), unit="INR", stated="100")
    made = quoted(reserving(component(TIME, "36")), wanted=budget)
    assert (made.kwh, made.price) == (Decimal(4), Decimal(100))
