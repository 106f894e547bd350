"""Every worked example of the reference material, through the reading of OCPI JSON."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.ocpi.cdrs import ChargingPeriod
from bridge.ocpi.codec import convert, loads
from bridge.ocpi.tariffs import Tariff, TariffDimensionType
from bridge.ocpi.times import parse_datetime
from bridge.orders.order import LineKind
from bridge.pricing.periods import usages
from bridge.pricing.tariff import Cost, CostLine, Reservation, cost
from tests.reference import shared_path

TOLERANCE = Decimal("1e-9")
BILLED = {
    "ENERGY_Wh": (LineKind.ENERGY, 1000),
    "TIME_s": (LineKind.TIME, 1),
    "PARKING_TIME_s": (LineKind.PARKING_TIME, 1),
    "RESERVATION_TIME_s": (LineKind.RESERVATION, 1),
}


def read_cases(folder: Path) -> dict[str, Any]:
    cases: Any = loads((folder / "data" / "ocpi" / "tariff_cases.json").read_bytes())
    return {case["id"]: case for case in cases["cases"]}


# Named one by one where the file is there, so that a failure names its case.
_FOLDER = shared_path(os.environ)
CASES = read_cases(_FOLDER) if _FOLDER else {}


@pytest.fixture(params=sorted(CASES) or ["tariff_cases.json is absent"])
def case(request: pytest.FixtureRequest, shared: Path) -> Any:
    return CASES[request.param]


def priced(case: Any, reservation: Reservation | None) -> Cost:
    session = case["session"]
    used = usages(
        convert(session["charging_periods"], tuple[ChargingPeriod, ...]),
        parse_datetime(session["end_date_time"]),
    )
    return cost(convert(case["tariff"], Tariff), used, case["time_zone"], reservation)


@pytest.mark.requirement("O70")
@pytest.mark.requirement("O71")
@pytest.mark.requirement("O72")
def test_costs_what_the_case_says(case: Any) -> None:
    told = case["session"].get("reservation")
    result = priced(case, told and Reservation(told))
    assert abs(result.excl_vat - Decimal(case["expected"]["excl_vat"])) <= TOLERANCE
    assert abs(result.incl_vat - Decimal(case["expected"]["incl_vat"])) <= TOLERANCE


def test_lines_explain_the_whole_cost(case: Any) -> None:
    result = priced(case, None)
    assert abs(sum(line.excl_vat for line in result.lines) - result.excl_vat) <= TOLERANCE
    assert abs(sum(line.incl_vat for line in result.lines) - result.incl_vat) <= TOLERANCE


def test_bills_the_quantities_of_the_case(case: Any) -> None:
    lines = priced(case, None).lines
    for name, expected in (case["billed"] or {}).items():
        kind, scale = BILLED[name]
        quantities = [line.quantity for line in lines if line.kind is kind and hourly_or_kwh(line)]
        assert sum(filter(None, quantities)) * scale == expected, name


def hourly_or_kwh(line: CostLine) -> bool:
    return line.dimension is not TariffDimensionType.FLAT


def test_what_became_of_a_reservation_need_not_be_told(case: Any) -> None:
    told = case["session"].get("reservation")
    assert priced(case, None) == priced(case, told and Reservation(told))
