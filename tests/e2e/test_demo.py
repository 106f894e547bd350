"""``bridge demo`` plays each of the seven use cases to its bill."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.rig import bridge_command

BILLS = {
    1: ("START_SESSION", "76.60 INR", "23.40"),
    2: ("is free again", "76.60 INR"),
    3: ("109.00 INR", "Overcharge refund", "-9.00"),
    4: ("299.00", "90.00 INR", "-10.00"),
    5: ("90.00 INR", "discount(10%)", "-10.00"),
    6: ("40.00 INR", "-20.00", "38.40 INR"),
    7: ("88.40 INR", "83.20", "5.20"),
}
"""By the number of the use case: what its bills say."""


@pytest.mark.parametrize("number", BILLS)
async def test_a_use_case_is_played_to_its_bill(tmp_path: Path, number: int) -> None:
    code, out, err = await bridge_command("demo", "--once", "--use-case", str(number), cwd=tmp_path)
    assert (code, err) == (0, "")
    bills = out.partition("Final bill")[2]
    assert [words for words in BILLS[number] if words not in out] == []
    assert BILLS[number][-1] in bills


@pytest.mark.parametrize("number", ["0", "8", "walk-in"])
async def test_there_is_no_other(tmp_path: Path, number: str) -> None:
    code, _, err = await bridge_command("demo", "--use-case", number, cwd=tmp_path)
    assert code == 2
    assert "--use-case" in err


async def test_a_bap_that_speaks_uei_walks_in(tmp_path: Path) -> None:
    code, out, err = await bridge_command("demo", "--once", "--dialect", "uei", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "76.60" in out.partition("Final bill")[2]


async def test_uei_sells_no_passes(tmp_path: Path) -> None:
    wanted = ("--dialect", "uei", "--use-case", "4")
    code, _, err = await bridge_command("demo", "--once", *wanted, cwd=tmp_path)
    assert code == 2
    assert "no place for passes" in err
