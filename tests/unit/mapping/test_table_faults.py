"""What can be wrong in a code table, and what the start says about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.mapping.tree import SMALL, faults_of, small_tree

POWER = "mappings/codes/power.yaml"
FORMAT = "mappings/codes/format.yaml"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("beckn: DC,", "bekn: DC,", ":10: row 5 (DC): Object contains unknown field `bekn`"),
        (
            "ocpi: DC,",
            "ocpi: DCC,",
            ":10: row 5 (DCC): unknown word 'DCC': no member of locations.PowerType",
        ),
        ("beckn: DC,", "beckn: dc,", ":10: row 5 (DC): unknown word 'dc': no member of current"),
        (
            "ocpi: DC,",
            "bridge: DC, ocpi: DC,",
            ":10: row 5 (DC): unknown key 'bridge': this table has ocpi and beckn",
        ),
        (
            "{ocpi: DC, beckn: DC, ",
            "{ocpi: DC, ",
            ":10: row 5 (DC): no key 'beckn' (write ~ for: has no counterpart)",
        ),
        (
            "ocpi: DC, beckn: DC, accepts: [direct_current]",
            "ocpi: DC, beckn: ~",
            ":10: row 5 (DC): ~ loses a word: say why",
        ),
        (
            "ocpi: DC, beckn: DC, accepts: [direct_current]",
            "ocpi: ~, beckn: ~, why: x",
            ":10: row 5 (x): both sides are ~",
        ),
        (
            "ocpi: DC, beckn: DC",
            "ocpi: DC, beckn: ~, way: to_ocpi, why: x",
            ":10: row 5 (DC): nothing goes to_ocpi here",
        ),
        (
            "{ocpi: AC_2_PHASE, beckn: AC, way: to_beckn, why: phases do not show}",
            "{ocpi: AC_2_PHASE, beckn: AC, way: to_beckn}",
            ":7: row 2 (AC_2_PHASE): only to_beckn: the other way is lost, say why",
        ),
        (
            "way: to_beckn, why: phases do not show}\n  - {ocpi: AC_3",
            "way: to_nowhere, why: phases do not show}\n  - {ocpi: AC_3",
            ":8: row 3 (AC_2_PHASE_SPLIT): Invalid enum value 'to_nowhere' - at `$.way`",
        ),
        (
            "{ocpi: AC_3_PHASE, beckn: AC, way: to_beckn,",
            "{ocpi: AC_3_PHASE, beckn: AC, accepts: [X], way: to_beckn,",
            ":9: row 4 (AC_3_PHASE): accepts and factor are for words that are read, ",
        ),
        (
            "accepts: [direct_current]",
            "factor: many",
            ":10: row 5 (DC): Invalid decimal string - at `$.factor`",
        ),
        ("beckn: DC,", "beckn: DC, beckn: AC,", ":10: key 'beckn' stands twice"),
        (
            "  - {ocpi: DC, beckn: DC, accepts: [direct_current]}",
            "  - DC",
            ":10: row 5 (?): a row must be {key: word}",
        ),
        (
            "  - {ocpi: DC, beckn: DC, accepts: [direct_current]}\n",
            "",
            ":1: table power: no row for DC (locations.PowerType)",
        ),
        (
            "  - {ocpi: DC, beckn: DC, accepts: [direct_current]}\n",
            "  - {ocpi: DC, beckn: AC, way: to_beckn, why: x}\n",
            ":1: table power: no row reads 'DC' (current)",
        ),
        (
            "{ocpi: AC_2_PHASE, beckn: AC, way: to_beckn, why: phases do not show}",
            "{ocpi: AC_2_PHASE, beckn: AC}",
            f":7: row 2 (AC_2_PHASE): second row reads 'AC', the first is {POWER}:6: row 1 (",
        ),
        (
            "accepts: [direct_current]",
            "accepts: [ac]",
            f":10: row 5 (DC): second row reads 'ac', the first is {POWER}:6: row 1 (AC_1_PHASE)",
        ),
        ("locations.PowerType", "locations.Power", ":1: unknown type 'locations.Power'"),
        ("type: current", "type: currant", ":1: unknown type 'currant'"),
        ("dialect: deg", "dialekt: deg", ":1: Object contains unknown field `dialekt`"),
        (
            "left: {side: ocpi,",
            "left: {side: ocpp,",
            ":1: Invalid enum value 'ocpp' - at `$.left.side`",
        ),
        ("rows:", "way: to_beckn\nrows:", ":1: the table goes to_beckn only, and does not say why"),
        (
            "rows:",
            "way: to_beckn\nwhy: x\nrows:",
            ":9: row 2 (AC_2_PHASE): way stands in the head already",
        ),
        (
            "left: {side: ocpi, type: locations.PowerType}\nright: {side: beckn, type: current}",
            "right: {side: ocpi, type: locations.PowerType}\nleft: {side: beckn, type: current}",
            ":1: left must be nearer to ocpi than right: ocpi, bridge, beckn",
        ),
        ("table: power", "table: ~", ":1: no key 'table'"),
        ("rows:\n", "rows: none\nmore:\n", ":5: rows must be a list"),
    ],
)
def test_a_faulty_table_names_file_and_row(old: str, new: str, fault: str, tmp_path: Path) -> None:
    text = SMALL["codes/power.yaml"]
    assert old in text
    faults = faults_of(small_tree(tmp_path, power=text.replace(old, new, 1)))
    assert any(found.startswith(POWER + fault) for found in faults), "\n".join(faults)


def test_two_tables_of_one_name(tmp_path: Path) -> None:
    second = SMALL["codes/format.yaml"].replace("table: format", "table: power")
    faults = faults_of(small_tree(tmp_path, format=second))
    assert f"{POWER}:1: second table power, the first is {FORMAT}:1" in faults


def test_a_table_nobody_listed(tmp_path: Path) -> None:
    other = SMALL["codes/format.yaml"].replace("table: format", "table: shape")
    faults = faults_of(small_tree(tmp_path, format=other))
    assert f"{FORMAT}:1: table shape is not listed in mappings/vocabulary.yaml" in faults


def test_a_broken_table_is_not_reported_as_unknown_where_it_is_used(tmp_path: Path) -> None:
    broken = SMALL["codes/power.yaml"].replace("beckn: DC", "beckn: XY")
    (fault,) = faults_of(small_tree(tmp_path, power=broken))
    assert fault.startswith(POWER)
