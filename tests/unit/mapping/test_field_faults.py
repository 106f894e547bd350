"""What can be wrong in a field map, and what the start says about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.mapping.tree import SMALL, faults_of, small_tree

ITEM = "mappings/fields/item.yaml"
FORMAT_FIELD = "connector.format, table: format"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "from: connector.id",
            "from: connector.ident",
            ":6: row 1 (id): 'connector.ident': there is no 'ident'",
        ),
        (
            "from: connector.id",
            "from: plug.id",
            ":6: row 1 (id): unknown source 'plug.id': it starts with none of location, evse, ",
        ),
        (
            "from: connector.id",
            "from: connector",
            ":6: row 1 (id): unknown source 'connector': it starts with none of location, evse, ",
        ),
        (
            "facts.power",
            "facts.speed",
            ":9: row 4 (tags.specs.power): 'facts.speed' is not among the facts",
        ),
        ("facts: [power]", "facts: [power, speed]", ":1: map item: no row for fact 'speed'"),
        ("table: power", "table: powers", ":8: row 3 (tags.specs.current): unknown table 'powers'"),
        (
            "table: power",
            "table: format",
            ":8: row 3 (tags.specs.current): connector.power_type is PowerType, format has ",
        ),
        (
            "format: kilowatt",
            "format: horses",
            ":9: row 4 (tags.specs.power): unknown format 'horses': one of text, decimal, ",
        ),
        (
            "table: power,",
            "table: power, format: text,",
            ":8: row 3 (tags.specs.current): either table or format",
        ),
        (
            "{beckn: id, from: connector.id}",
            "{beckn: id, from: connector.id, format: money}",
            ":6: row 1 (id): connector.id is str, money does not take it",
        ),
        (
            "{beckn: id, from: connector.id}",
            "{beckn: id, from: connector.last_updated}",
            ":6: row 1 (id): connector.last_updated is datetime: name a format",
        ),
        (
            "{beckn: id, from: connector.id}",
            "{beckn: id}",
            ":6: row 1 (id): a row has either from or const",
        ),
        (
            "{beckn: id, from: connector.id}",
            "{beckn: id, from: connector.id, const: x}",
            ":6: row 1 (id): a row has either from or const",
        ),
        (
            "const: charger",
            "const: charger, format: text",
            ":7: row 2 (descriptor.code): a const takes no table, format or fallback",
        ),
        ("beckn: id", "bekn: id", ":6: row 1 (id): Object contains unknown field `bekn`"),
        (
            "beckn: id",
            "beckn: ident",
            ":6: row 1 (ident): ident is not in paths.deg.item of vocabulary.yaml",
        ),
        (
            "  - {beckn: id, from: connector.id}\n",
            "",
            ":1: map item: no row for id, it is in paths.deg.item of vocabulary.yaml",
        ),
        (
            "  - {beckn: id, from: connector.id}\n",
            "  - {beckn: id, from: connector.id}\n" * 2,
            f":7: row 2 (id): second row for id, the first is {ITEM}:6: row 1 (id)",
        ),
        (
            "beckn: id",
            "beckn: descriptor",
            f":7: row 2 (descriptor.code): descriptor.code lies inside descriptor, {ITEM}:6: row 1",
        ),
        ("beckn: id", "beckn: id..x", ":6: row 1 (id..x): 'id..x' is no path"),
        (
            "{beckn: id,",
            "{beckn: id, name: Id,",
            ":6: row 1 (id): name is for tags: tags.<group>.<code>",
        ),
        ("tags.specs.power", "tags.specs", ":9: row 4 (tags.specs): a tag is tags.<group>.<code>"),
        (
            "tags.specs.power",
            "tags.specks.power",
            ":9: row 4 (tags.specks.power): tag group 'specks' has no name in groups",
        ),
        (
            "groups: {specs: Specifications}",
            "groups: {specs: Specifications, more: More}",
            ":1: map item: no row for tag group 'more'",
        ),
        (
            "{beckn: tags.specs.power, from: facts.power, format: kilowatt}",
            "{beckn: tags.specs.power, const: true}",
            ":9: row 4 (tags.specs.power): the value of a tag is text",
        ),
        ("map: item", "map: article", ":1: map article is not listed in mappings/vocabulary.yaml"),
        ("map: item", "nap: item", ":1: no key 'map'"),
        ("facts: [power]", "facts: power", ":1: Expected `array`, got `str` - at `$.facts`"),
    ],
)
def test_a_faulty_field_map_names_file_and_row(
    old: str, new: str, fault: str, tmp_path: Path
) -> None:
    text = SMALL["fields/item.yaml"]
    assert old in text
    faults = faults_of(small_tree(tmp_path, item=text.replace(old, new, 1)))
    assert any(found.startswith(ITEM + fault) for found in faults), "\n".join(faults)


def test_a_table_that_is_only_read_words_no_field(tmp_path: Path) -> None:
    read_only = SMALL["codes/format.yaml"].replace("rows:", "way: to_ocpi\nwhy: x\nrows:")
    item = SMALL["fields/item.yaml"].replace("connector.power_type, table: power", FORMAT_FIELD)
    faults = faults_of(small_tree(tmp_path, format=read_only, item=item))
    assert faults == (f"{ITEM}:8: row 3 (tags.specs.current): table format does not lead to Beckn",)
