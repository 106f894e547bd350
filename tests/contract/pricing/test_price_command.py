"""Every worked example of the reference material, through ``bridge price --json``."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.ocpi.codec import encode, loads
from tests.e2e.rig import bridge_command
from tests.reference import shared_path
from tests.unit.pricing.price_command import Ran, runner

TOLERANCE = Decimal("1e-9")


def read_cases(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        return {}
    cases: Any = loads((folder / "data" / "ocpi" / "tariff_cases.json").read_bytes())
    return {case["id"]: case for case in cases["cases"]}


CASES = read_cases(shared_path(os.environ))


@pytest.fixture(params=sorted(CASES) or ["tariff_cases.json is absent"])
def case(request: pytest.FixtureRequest, shared: Path) -> Any:
    return CASES[request.param]


def arguments(case: Any, folder: Path) -> list[str]:
    """Write the two files of a case and return how the command is called with them."""
    (folder / "tariff.json").write_bytes(encode(case["tariff"]))
    (folder / "session.json").write_bytes(encode(case["session"]))
    files = [f"--{each}={folder / each}.json" for each in ("tariff", "session")]
    return [*files, "--time-zone", case["time_zone"], "--json"]


def check(case: Any, ran: Ran) -> None:
    bill, expected = ran.bill, case["expected"]
    for name in ("excl_vat", "incl_vat"):
        assert abs(Decimal(bill[name]) - Decimal(expected[name])) <= TOLERANCE
        lines = sum(Decimal(line[name]) for line in bill["lines"])
        assert abs(lines - Decimal(bill[name])) <= TOLERANCE


def test_a_case_costs_what_it_says(
    case: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    check(case, runner(monkeypatch, capsys)(*arguments(case, tmp_path)))


async def test_a_process_of_its_own_says_the_same(shared: Path, tmp_path: Path) -> None:
    case = CASES["T10-parking-start"]
    check(case, Ran(*await bridge_command("price", *arguments(case, tmp_path), cwd=tmp_path)))
