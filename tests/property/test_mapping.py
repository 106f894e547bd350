"""Laws of the mapping: what is read is what was written, and no file can break the loader."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import MappingInvalid
from bridge.mapping import CodeTable, load
from bridge.mapping.codes import fold
from bridge.mapping.formats import money, plain
from tests.property.examples import examples
from tests.unit.mapping.tree import MAPPINGS, SMALL, small_tree

TABLES = list(load(MAPPINGS).tables.values())
TWO_WAY = [table for table in TABLES if table.head.way is None]


@pytest.mark.parametrize("table", TWO_WAY, ids=lambda table: table.name)
def test_there_and_back_is_the_same_word(table: CodeTable) -> None:
    for row in table.rows:
        if row.left is not None and row.right is not None and row.way is None:
            assert table.to_ocpi(str(table.to_beckn(row.left))) == row.left


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.dialect}-{table.name}")
@examples(20)
@given(data=st.data())
def test_the_spelling_of_a_word_that_is_read_does_not_count(
    table: CodeTable, data: st.DataObject
) -> None:
    words = [
        word
        for row in table.rows
        if row.goes("to_ocpi")
        for word in (row.right, *row.accepts)
        if word is not None
    ]
    if not words:
        assert table.head.way == "to_beckn"
        return
    word = data.draw(st.sampled_from(words))
    letters = [data.draw(st.sampled_from(_spellings(letter))) for letter in word]
    assert table.to_ocpi("".join(letters)) == table.to_ocpi(word)


def _spellings(letter: str) -> list[str]:
    return ["-", "_"] if letter in "-_" else [letter.upper(), letter.lower()]


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(word: str) -> None:
    assert fold(fold(word)) == fold(word)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_a_plain_number_is_the_number(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert "E" not in text.upper()
    assert abs(Decimal(money(number)) - number) <= Decimal("0.005")


def _lines(draw: st.DrawFn) -> str:
    text = SMALL["codes/power.yaml"]
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.text(max_size=8)) + text[at + draw(st.integers(0, 12)) :]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.composite(_lines)()))
def test_any_file_is_loaded_or_refused(tmp_path: Path, text: str) -> None:
    base = small_tree(tmp_path)
    (base / "codes" / "power.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(MappingInvalid):
        assert load(base).table("deg", "power").to_beckn("DC") in ("AC", "DC")
