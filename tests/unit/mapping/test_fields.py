"""Field maps at work: what is rendered from which sources, and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.mapping import FieldMap, UnknownCode, load
from bridge.mapping.formats import FORMATS
from bridge.ocpi.locations import Connector, ConnectorFormat, ConnectorType, GeoLocation, PowerType
from tests.unit.mapping.tree import SMALL, small_tree

NOW = datetime(2025, 9, 24, 10, 0, tzinfo=UTC)


def connector(**changed: object) -> Connector:
    fields: dict[str, object] = {
        "id": "1",
        "standard": ConnectorType.IEC_62196_T2,
        "format": ConnectorFormat.SOCKET,
        "power_type": PowerType.AC_3_PHASE,
        "max_voltage": 230,
        "max_amperage": 32,
        "last_updated": NOW,
    }
    return Connector(**{**fields, **changed})  # type: ignore[arg-type]


def field_map(folder: Path, rows: str) -> FieldMap:
    """Return a map of these rows, with the facts a and b and the tag group g."""
    paths = [part.split(",")[0].rstrip("}").strip() for part in rows.split("beckn: ")[1:]]
    text = f"map: item\ndialect: deg\nfacts: [a, b]\ngroups: {{g: Group}}\nrows:\n{rows}"
    if "facts.b" not in rows:
        text = text.replace("[a, b]", "[a]")
    if "tags." not in rows:
        text = text.replace("groups: {g: Group}\n", "")
    old = "[id, descriptor.code, tags.specs.current, tags.specs.power]"
    known = SMALL["vocabulary.yaml"].replace(old, f"[{', '.join(paths)}]")
    return load(small_tree(folder, vocabulary=known, item=text)).fields("deg", "item")


def test_fields_nest_and_tags_gather_in_groups(tmp_path: Path) -> None:
    sources: Mapping[str, object] = {"connector": connector(), "facts": {"power": Decimal("22.0")}}
    assert load(small_tree(tmp_path)).fields("deg", "item").render(sources) == {
        "id": "1",
        "descriptor": {"code": "charger"},
        "tags": [
            {
                "descriptor": {"code": "specs", "name": "Specifications"},
                "list": [
                    {"descriptor": {"code": "current", "name": "Current"}, "value": "AC"},
                    {"descriptor": {"code": "power"}, "value": "22kW"},
                ],
            }
        ],
    }


def test_what_has_no_source_is_left_out(tmp_path: Path) -> None:
    item = load(small_tree(tmp_path)).fields("deg", "item")
    assert item.render({}) == {"descriptor": {"code": "charger"}}
    assert item.render({"facts": {"power": None}}) == {"descriptor": {"code": "charger"}}


def test_rendering_twice_gives_two_documents(tmp_path: Path) -> None:
    item = load(small_tree(tmp_path)).fields("deg", "item")
    sources: Mapping[str, object] = {"connector": connector()}
    first = item.render(sources)
    first["tags"][0]["descriptor"]["code"] = "spoilt"  # type: ignore[index]
    assert item.render(sources)["tags"][0]["descriptor"]["code"] == "specs"  # type: ignore[index]


def test_a_word_the_table_does_not_know_stops_the_message(tmp_path: Path) -> None:
    map_ = field_map(tmp_path, "  - {beckn: id, from: facts.a, table: power}\n")
    assert map_.render({"facts": {"a": "DC"}}) == {"id": "DC"}
    with pytest.raises(UnknownCode, match="'AC_9_PHASE' has no row in code table power"):
        map_.render({"facts": {"a": "AC_9_PHASE"}})


def test_a_fallback_is_read_when_the_first_gives_nothing(tmp_path: Path) -> None:
    map_ = field_map(tmp_path, "  - {beckn: id, from: facts.a, fallback: [facts.b]}\n")
    assert map_.render({"facts": {"a": "x", "b": "y"}}) == {"id": "x"}
    assert map_.render({"facts": {"a": None, "b": "y"}}) == {"id": "y"}
    assert map_.render({"facts": {}}) == {}


def test_a_fact_may_be_any_json(tmp_path: Path) -> None:
    map_ = field_map(tmp_path, "  - {beckn: stops, from: facts.a}\n")
    assert map_.render({"facts": {"a": [{"type": "START"}]}}) == {"stops": [{"type": "START"}]}
    assert map_.render({"facts": {"a": False}}) == {"stops": False}


def test_a_constant_may_be_a_bool(tmp_path: Path) -> None:
    rows = "  - {beckn: required, const: false}\n  - {beckn: id, from: facts.a}\n"
    assert field_map(tmp_path, rows).render({}) == {"required": False}


def test_an_enum_is_written_as_plain_text(tmp_path: Path) -> None:
    rows = "  - {beckn: kind, from: connector.format}\n  - {beckn: id, from: facts.a}\n"
    kind = field_map(tmp_path, rows).render({"connector": connector()})["kind"]
    assert kind == "SOCKET"
    assert type(kind) is str


def test_an_attribute_below_nothing_is_nothing(tmp_path: Path) -> None:
    rows = "  - {beckn: name, from: location.operator.name}\n  - {beckn: id, from: facts.a}\n"
    assert field_map(tmp_path, rows).render({"location": None}) == {}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("text", 7, "7"),
        ("text", "seven", "seven"),
        ("decimal", Decimal("7.500"), "7.5"),
        ("decimal", Decimal("1E+2"), "100"),
        ("decimal", Decimal("100"), "100"),
        ("decimal", 0, "0"),
        ("money", Decimal("90"), "90.00"),
        ("money", Decimal("66.605"), "66.61"),
        ("money", Decimal("-23.4"), "-23.40"),
        ("kilowatt", Decimal("30.0"), "30kW"),
        ("kilowatt", Decimal("7.4"), "7.4kW"),
        ("kilowatt_of_watt", 7400, "7.4kW"),
        ("kilowatt_hour", Decimal("3.70"), "3.7kWh"),
        ("ampere", Decimal("16.0"), "16A"),
        ("volt", 230, "230V"),
        ("hours", Decimal("0.50"), "0.5h"),
        ("percent", Decimal("63.0"), "63%"),
        ("rfc3339", NOW, "2025-09-24T10:00:00Z"),
        ("rfc3339", NOW.astimezone(timezone(timedelta(hours=5.5))), "2025-09-24T10:00:00Z"),
        ("bool", True, "true"),
        ("bool", False, "false"),
        ("gps", GeoLocation(latitude="18.520400", longitude="73.856700"), "18.520400,73.856700"),
    ],
)
def test_formats(name: str, value: object, text: str) -> None:
    assert FORMATS[name].write(value) == text


def test_every_format_has_a_case() -> None:
    cases = next(mark for mark in test_formats.pytestmark if mark.name == "parametrize").args[1]  # type: ignore[attr-defined]
    assert {case[0] for case in cases} == FORMATS.keys()
