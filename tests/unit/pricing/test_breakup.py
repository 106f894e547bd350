"""The lines of a quote or bill."""

from __future__ import annotations

from decimal import Decimal

from bridge.ocpi.tariffs import Tariff, TariffRestrictions
from bridge.orders.order import Line, LineKind
from bridge.pricing.breakup import breakup
from bridge.pricing.periods import Usage
from bridge.pricing.tariff import cost
from tests.unit.pricing.examples import INDIA, charging, component, element, limit, tariff

D = Decimal
K = LineKind


def lines_of(priced: Tariff, *used: Usage) -> tuple[Decimal, tuple[Line, ...]]:
    return breakup(cost(priced, used, INDIA), priced.currency)


def test_energy_comes_first_then_time_parking_and_flat() -> None:
    four = tariff(
        element(
            component("FLAT", "10"),
            component("PARKING_TIME", "60"),
            component("TIME", "6"),
            component("ENERGY", "18"),
        )
    )
    price, lines = lines_of(four, charging("2.5", minutes=45, parked=10))
    assert price == D("69.50")
    assert lines == (
        Line(kind=K.ENERGY, amount=D("45.00"), quantity=D("2.5"), unit_price=D(18)),
        Line(kind=K.TIME, amount=D("4.50"), quantity=D("0.75"), unit_price=D(6)),
        Line(kind=K.PARKING_TIME, amount=D("10.00"), quantity=D("0.1667"), unit_price=D(60)),
        Line(kind=K.FLAT, amount=D("10.00")),
    )


def test_periods_of_one_price_become_one_line() -> None:
    stepped = tariff(
        element(component("ENERGY", "12"), when=TariffRestrictions(max_kwh=D(2))),
        element(component("ENERGY", "18")),
    )
    used = [charging("1", after_min=60 * hour) for hour in range(4)]
    _, lines = lines_of(stepped, *used)
    assert [(line.quantity, line.unit_price, line.amount) for line in lines] == [
        (D(2), D(12), D("24.00")),
        (D(2), D(18), D("36.00")),
    ]


def test_each_rate_of_vat_has_a_line() -> None:
    taxed = tariff(
        element(
            component("ENERGY", "10", vat="18"),
            component("TIME", "6", vat="5"),
            component("PARKING_TIME", "6", vat="0"),
            component("FLAT", "10", vat="18"),
        )
    )
    price, lines = lines_of(taxed, charging("2", parked=60))
    assert price == D("47.70")
    assert [line for line in lines if line.kind is K.TAX] == [
        Line(kind=K.TAX, amount=D("0.30"), vat=D(5)),
        Line(kind=K.TAX, amount=D("5.40"), vat=D(18)),
    ]


def test_a_limit_has_a_line_with_vat_included() -> None:
    taxed = element(component("ENERGY", "10", vat="10"))
    price, lines = lines_of(tariff(taxed, min_price=limit("50", "55")), charging("2"))
    assert (price, lines[-1]) == (D("55.00"), Line(kind=K.MINIMUM, amount=D("33.00")))
    price, lines = lines_of(tariff(taxed, max_price=limit("5", "5.5")), charging("2"))
    assert (price, lines[-1]) == (D("5.50"), Line(kind=K.MAXIMUM, amount=D("-16.50")))


def test_the_total_is_rounded_and_the_largest_line_takes_the_rest() -> None:
    thirds = tariff(
        element(
            component("ENERGY", "3.335"), component("TIME", "1.115"), component("FLAT", "1.115")
        )
    )
    price, lines = lines_of(thirds, charging("1"))
    assert price == D("5.57"), "5.565; line by line it would be 5.58"
    assert [line.amount for line in lines] == [D("3.33"), D("1.12"), D("1.12")]


def test_lines_have_the_digits_of_the_currency() -> None:
    yen = tariff(element(component("ENERGY", "40.4"), component("FLAT", "10.4")), currency="JPY")
    price, lines = lines_of(yen, charging("1"))
    assert (str(price), [str(line.amount) for line in lines]) == ("51", ["41", "10"])


def test_what_is_free_says_so() -> None:
    price, lines = lines_of(tariff(element(component("FLAT", "0"))), charging("5"))
    assert (price, lines) == (D(0), (Line(kind=K.FLAT, amount=D("0.00")),))


def test_a_cost_without_lines_is_zero() -> None:
    assert lines_of(tariff(element(component("PARKING_TIME", "9"))), charging("5")) == (D(0), ())
