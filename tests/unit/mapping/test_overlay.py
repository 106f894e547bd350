"""An integrator's overlay: it replaces rows by key, and adds only where words are open."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.mapping import Mappings, UnknownCode, load
from tests.unit.mapping.tree import faults_of, small_tree

POWER = "table: power\ndialect: deg\nrows:\n"
FORMAT = "table: format\ndialect: deg\nrows:\n"
ITEM = "map: item\ndialect: deg\nrows:\n"


def overlay(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def laid_over(folder: Path, *texts: str) -> Mappings:
    paths = [overlay(folder, text, f"{number}.yaml") for number, text in enumerate(texts)]
    return load(small_tree(folder), paths)


def test_a_row_replaces_the_one_with_its_left_word(tmp_path: Path) -> None:
    row = "  - {ocpi: AC_2_PHASE, beckn: DC, way: to_beckn, why: odd wiring}\n"
    table = laid_over(tmp_path, POWER + row).table("deg", "power")
    assert table.to_beckn("AC_2_PHASE") == "DC"
    assert table.to_beckn("AC_1_PHASE") == "AC"
    (replaced,) = [row for row in table.rows if row.left == "AC_2_PHASE"]
    assert replaced.place.file == str(tmp_path / "0.yaml")
    assert replaced.place.row == 1


def test_an_open_set_takes_new_words(tmp_path: Path) -> None:
    rows = "  - {ocpi: CABLE, beckn: Lead, accepts: [cable]}\n"
    more = "  - {ocpi: SOCKET, beckn: Hole, way: to_ocpi, why: our word}\n"
    table = laid_over(tmp_path, FORMAT + rows + more).table("deg", "format")
    assert table.to_beckn("CABLE") == "Lead"
    assert table.to_ocpi("Cable") == "CABLE"
    assert table.to_ocpi("hole") == "SOCKET"
    assert table.to_beckn("SOCKET") == "Socket"


def test_a_word_that_is_replaced_and_not_accepted_is_not_read(tmp_path: Path) -> None:
    table = laid_over(tmp_path, FORMAT + "  - {ocpi: CABLE, beckn: Lead}\n").table("deg", "format")
    with pytest.raises(UnknownCode):
        table.to_ocpi("Cable")


def test_a_field_is_replaced_by_its_path_and_tags_may_be_added(tmp_path: Path) -> None:
    rows = "  - {beckn: descriptor.code, const: ev-charger}\n"
    more = "  - {beckn: tags.specs.volts, from: connector.max_voltage, format: volt}\n"
    item = laid_over(tmp_path, ITEM + rows + more).fields("deg", "item")
    assert item.render({}) == {"descriptor": {"code": "ev-charger"}}
    assert [row.beckn for row in item.rows][-1] == "tags.specs.volts"


def test_of_several_overlays_the_later_one_wins(tmp_path: Path) -> None:
    row = "  - {ocpi: CABLE, beckn: %s}\n"
    mappings = laid_over(tmp_path, FORMAT + row % "Lead", FORMAT + row % "Cord")
    assert mappings.table("deg", "format").to_beckn("CABLE") == "Cord"


def test_one_file_may_change_several_tables(tmp_path: Path) -> None:
    text = FORMAT + "  - {ocpi: CABLE, beckn: Lead}\n---\n" + ITEM + "  - {beckn: id, const: x}\n"
    mappings = laid_over(tmp_path, text)
    assert mappings.table("deg", "format").to_beckn("CABLE") == "Lead"
    assert mappings.fields("deg", "item").render({})["id"] == "x"


def test_an_overlay_changes_the_fingerprint(tmp_path: Path) -> None:
    text = FORMAT + "  - {ocpi: CABLE, beckn: Lead}\n"
    assert laid_over(tmp_path, text).fingerprint != laid_over(tmp_path).fingerprint
    assert laid_over(tmp_path, text).fingerprint == laid_over(tmp_path, text).fingerprint


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            POWER + "  - {ocpi: DC, beckn: Direct}\n",
            ":4: row 1 (DC): unknown word 'Direct': no member of current",
        ),
        (
            POWER + "  - {ocpi: AC_4_PHASE, beckn: AC, way: to_beckn, why: x}\n",
            ":4: row 1 (AC_4_PHASE): unknown word 'AC_4_PHASE': no member of locations.PowerType",
        ),
        (
            POWER + "  - {ocpi: DC, beckn: AC, way: to_ocpi, why: x}\n",
            ":4: row 1 (DC): second row reads 'AC', the first is mappings/codes/power.yaml:6: row",
        ),
        (
            POWER + "  - {ocpi: AC_1_PHASE, beckn: AC}\n  - {ocpi: AC_1_PHASE, beckn: AC}\n",
            ":5: row 2 (AC_1_PHASE): this file replaces the row already",
        ),
        (
            ITEM + "  - {beckn: price.value, const: x}\n",
            ":4: row 1 (price.value): nothing to replace: no row for 'price.value' in the base",
        ),
        (
            ITEM + "  - {beckn: tags.more.x, const: x}\n",
            ":4: row 1 (tags.more.x): tag group 'more' has no name in groups",
        ),
        (
            ITEM + "  - {beckn: id, const: x}\n  - {beckn: id, const: y}\n",
            ":5: row 2 (id): this file replaces the row already",
        ),
        ("table: colour\ndialect: deg\nrows: []\n", ":1: unknown table colour of dialect deg"),
        ("table: power\nrows: []\n", ":1: unknown table power of dialect None"),
        ("map: colour\ndialect: deg\nrows: []\n", ":1: unknown map colour of dialect deg"),
        (POWER.replace("rows", "left: x\nrows"), ":1: unknown key 'left' in an overlay"),
        ("rows: []\n", ":1: an overlay names a table or a map"),
    ],
)
def test_a_faulty_overlay_names_file_and_row(text: str, fault: str, tmp_path: Path) -> None:
    path = overlay(tmp_path, text)
    faults = faults_of(small_tree(tmp_path), path)
    assert any(found.startswith(f"{path}{fault}") for found in faults), "\n".join(faults)


def test_an_overlay_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "gone.yaml"
    assert faults_of(small_tree(tmp_path), path) == (f"{path}: the file is missing",)
