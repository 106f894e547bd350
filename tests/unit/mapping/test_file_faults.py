"""Actions, the vocabulary, YAML itself: what can be wrong, and what the start says about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import MappingInvalid
from bridge.mapping import load
from tests.unit.mapping.tree import SMALL, faults_of, small_tree

ACTIONS = "mappings/actions.yaml"
VOCABULARY = "mappings/vocabulary.yaml"
POWER = "mappings/codes/power.yaml"
ITEM = "mappings/fields/item.yaml"
TEXT = SMALL["codes/power.yaml"]


def test_the_small_tree_is_right(tmp_path: Path) -> None:
    assert load(small_tree(tmp_path)).table("deg", "power").to_beckn("DC") == "DC"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "command: START_SESSION",
            "command: BEGIN_SESSION",
            ":8: row 5 (update): Invalid enum value 'BEGIN_SESSION' - at `$.command`",
        ),
        (
            "verb: STOP",
            "verb: START",
            f":9: row 6 (update): second row for update, the first is {ACTIONS}:8",
        ),
        ("verb: STOP", "verb: START", ":2: actions of deg: no row for update STOP"),
        (
            "{action: support, ",
            "{action: help, ",
            ":14: row 11 (help): unknown action help without verb",
        ),
        (
            ", command: START_SESSION",
            "",
            ":8: row 5 (update): no key 'command' (write ~ for: nothing is sent)",
        ),
        (", why: OCPI knows no tickets", "", ":14: row 11 (support): no command: say why"),
        ("actions: deg", "action: deg", ":2: Object contains unknown field `action`"),
    ],
)
def test_faulty_actions_name_file_and_row(old: str, new: str, fault: str, tmp_path: Path) -> None:
    text = SMALL["actions.yaml"]
    assert old in text
    faults = faults_of(small_tree(tmp_path, actions=text.replace(old, new, 1)))
    assert any(found.startswith(ACTIONS + fault) for found in faults), "\n".join(faults)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("current: [AC, DC]", "current: [AC, DC, AC]", ":1: words.deg.current: 'AC' stands twice"),
        ("current: [AC, DC]", "cur.rent: [AC, DC]", ":1: word set 'cur.rent': a dot is for enums"),
        ("current: [AC, DC]", "current: AC", ":1: Expected `object | array`, got `str` - at `$"),
        (
            "deg: [power, format]",
            "deg: [power, format, form]",
            ":1: table form of dialect deg is listed here, and is in no file",
        ),
        ("deg: [power, format]", "deg: []", ":1: lists no tables"),
    ],
)
def test_a_faulty_vocabulary_is_named(old: str, new: str, fault: str, tmp_path: Path) -> None:
    text = SMALL["vocabulary.yaml"]
    assert old in text
    faults = faults_of(small_tree(tmp_path, vocabulary=text.replace(old, new, 1)))
    assert any(found.startswith(VOCABULARY + fault) for found in faults), "\n".join(faults)


def test_a_second_vocabulary(tmp_path: Path) -> None:
    text = SMALL["vocabulary.yaml"] + "---\n" + SMALL["vocabulary.yaml"]
    (fault,) = faults_of(small_tree(tmp_path, vocabulary=text))
    assert fault.startswith(VOCABULARY)
    assert fault.endswith(": a second document")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (TEXT.replace("rows:", "rows: ["), "no YAML: "),
        ("", ": the file is empty"),
        ("- a list\n", ":1: a document must be a mapping of keys"),
        ("---\n", ":2: a document must be a mapping of keys"),
        (TEXT.replace("table: power", "? [power]\n: x\ntable: power"), ":1: a key must be a word"),
        (
            TEXT.replace("table: power", "more: &a [*a]\ntable: power"),
            ": nested too deeply, or an alias that holds itself",
        ),
        (TEXT.replace("table: power", "table: \x00"), ": no YAML: "),
    ],
)
def test_a_file_that_is_no_yaml_we_read(text: str, fault: str, tmp_path: Path) -> None:
    faults = faults_of(small_tree(tmp_path, power=text))
    assert faults[0].startswith(POWER)
    assert fault in faults[0]


def test_two_documents_for_a_dialect(tmp_path: Path) -> None:
    twice = SMALL["actions.yaml"] + "---\n" + SMALL["actions.yaml"]
    faults = faults_of(small_tree(tmp_path, actions=twice))
    assert faults[0].endswith(": second document for dialect deg")


def test_a_dialect_without_actions(tmp_path: Path) -> None:
    other = SMALL["actions.yaml"].replace("actions: deg", "actions: other")
    faults = faults_of(small_tree(tmp_path, actions=other))
    assert faults == (f"{ACTIONS}: no document for dialect deg",)


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    base = small_tree(
        tmp_path,
        power=TEXT.replace("ocpi: DC", "ocpi: DD"),
        item=SMALL["fields/item.yaml"].replace("connector.id", "connector.ids"),
        actions=SMALL["actions.yaml"].replace("START_SESSION", "START"),
    )
    files = [fault.split(":")[0] for fault in faults_of(base)]
    assert files == [POWER, ITEM, ACTIONS, ACTIONS]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "nowhere") == ("nowhere/vocabulary.yaml: the file is missing",)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    base = small_tree(tmp_path)
    (base / "codes" / "power.yaml").write_bytes(b"table: \xff\xfe")
    assert any(fault.startswith(f"{POWER}: cannot be read: ") for fault in faults_of(base))


def test_a_table_or_map_that_does_not_exist_is_named(tmp_path: Path) -> None:
    mappings = load(small_tree(tmp_path))
    with pytest.raises(MappingInvalid, match="codes: no table 'colour' for dialect deg"):
        mappings.table("deg", "colour")
    with pytest.raises(MappingInvalid, match="fields: no map 'colour' for dialect deg"):
        mappings.fields("deg", "colour")
