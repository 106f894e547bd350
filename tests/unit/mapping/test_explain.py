"""``bridge mapping explain``: each output field with the rows it came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.errors import NotJson, OcpiInvalid
from bridge.mapping import Mappings, load
from bridge.mapping.explain import Explained, explain
from tests.unit.mapping.tree import MAPPINGS, small_tree

NOW = "2025-09-24T10:00:00Z"
CONNECTOR = {
    "id": "1",
    "standard": "IEC_62196_T2_COMBO",
    "format": "CABLE",
    "power_type": "DC",
    "max_voltage": 400,
    "max_amperage": 150,
    "last_updated": NOW,
}
EVSE = {
    "uid": "E1",
    "status": "BLOCKED",
    "connectors": [CONNECTOR, {**CONNECTOR, "id": "2", "power_type": "AC_3_PHASE"}],
    "last_updated": NOW,
}
LOCATION = {
    "country_code": "IN",
    "party_id": "CPO",
    "id": "LOC1",
    "publish": True,
    "address": "1 Ring Road",
    "city": "Pune",
    "country": "IND",
    "coordinates": {"latitude": "18.520400", "longitude": "73.856700"},
    "evses": [EVSE],
    "time_zone": "Asia/Kolkata",
    "last_updated": NOW,
}
SESSION = {
    "country_code": "IN",
    "party_id": "CPO",
    "id": "S1",
    "start_date_time": NOW,
    "kwh": 3.7,
    "cdr_token": {
        "country_code": "IN",
        "party_id": "BRG",
        "uid": "T1",
        "type": "AD_HOC_USER",
        "contract_id": "C1",
    },
    "auth_method": "COMMAND",
    "location_id": "LOC1",
    "evse_uid": "E1",
    "connector_id": "1",
    "currency": "INR",
    "status": "ACTIVE",
    "last_updated": NOW,
}
TARIFF = {
    "country_code": "IN",
    "party_id": "CPO",
    "id": "T1",
    "currency": "INR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 18, "step_size": 1}]}],
    "last_updated": NOW,
}
TOKEN = {
    "country_code": "IN",
    "party_id": "BRG",
    "uid": "T1",
    "type": "AD_HOC_USER",
    "contract_id": "C1",
    "issuer": "Bridge",
    "valid": True,
    "whitelist": "NEVER",
    "last_updated": NOW,
}
CREDENTIALS = {
    "token": "secret",
    "url": "http://cpo.example/ocpi/versions",
    "roles": [
        {
            "role": "CPO",
            "business_details": {"name": "CPO One"},
            "party_id": "CPO",
            "country_code": "IN",
        }
    ],
}


def body(content: object) -> bytes:
    return json.dumps(content).encode()


@pytest.fixture(scope="module")
def mappings() -> Mappings:
    return load(MAPPINGS)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Mappings:
    return load(small_tree(tmp_path_factory.mktemp("small")))


def test_each_field_names_its_row_and_the_row_of_its_word(small: Mappings) -> None:
    lines = explain(small, body(CONNECTOR))
    told = [
        (line.beckn_path, line.value, line.source, str(line.place), line.table_place)
        for line in lines
    ]
    power = small.table("deg", "power").rows[4].place
    assert told == [
        ("item.id", "1", "connector.id", "mappings/fields/item.yaml:6: row 1 (id)", None),
        (
            "item.descriptor.code",
            "charger",
            "constant",
            "mappings/fields/item.yaml:7: row 2 (descriptor.code)",
            None,
        ),
        (
            "item.tags.specs.current",
            "DC",
            "connector.power_type",
            "mappings/fields/item.yaml:8: row 3 (tags.specs.current)",
            power,
        ),
        (
            "item.tags.specs.power",
            None,
            "facts.power",
            "mappings/fields/item.yaml:9: row 4 (tags.specs.power)",
            None,
        ),
        (
            "format",
            "Cable",
            "connector.format",
            "mappings/codes/format.yaml:6: row 1 (CABLE)",
            None,
        ),
    ]


def test_a_location_is_explained_connector_by_connector(small: Mappings) -> None:
    lines = explain(small, body(LOCATION))
    currents = [
        (line.about, line.value) for line in lines if line.beckn_path == "item.tags.specs.current"
    ]
    assert currents == [("E1 1", "DC"), ("E1 2", "AC")]


def find(lines: list[Explained], path: str, source: str) -> Explained:
    (line,) = [line for line in lines if (line.beckn_path, line.source) == (path, source)]
    return line


def test_objects_inside_our_records_are_found(mappings: Mappings) -> None:
    lines = [line for line in explain(mappings, body(SESSION)) if line.dialect != "uei"]
    assert find(lines, "session_status", "session.status").value == "ACTIVE"
    assert find(lines, "session_state", "session.status").value == "CHARGING"
    energy = [line for line in lines if line.source == "session.kwh"]
    assert [line.value for line in energy] == ["3.7kWh"]
    assert energy[0].place.file == "mappings/fields/deg_order.yaml"


def test_the_station_a_bap_sees(mappings: Mappings) -> None:
    lines = [line for line in explain(mappings, body(EVSE)) if line.about == "E1 1"]
    seen = {line.source: line.value for line in lines if line.dialect == "deg" and line.value}
    assert seen["evse.status"] == "In Use"
    assert seen["connector.standard"] == "CCS2"
    assert seen["connector.format"] == "CABLE"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("location", LOCATION),
        ("evse", EVSE),
        ("connector", CONNECTOR),
        ("session", SESSION),
        ("tariff", TARIFF),
        ("token", TOKEN),
        ("credentials", CREDENTIALS),
    ],
)
def test_the_kind_is_seen_from_the_fields(
    kind: str, content: dict[str, object], mappings: Mappings
) -> None:
    assert explain(mappings, body(content)) == explain(mappings, body(content), kind)


def test_an_ocpi_response_is_looked_into(mappings: Mappings) -> None:
    response = {"data": SESSION, "status_code": 1000, "timestamp": NOW}
    assert explain(mappings, body(response)) == explain(mappings, body(SESSION))


def test_every_line_names_a_file_and_a_row(mappings: Mappings) -> None:
    lines = explain(mappings, body(LOCATION))
    assert lines
    for line in lines:
        assert (MAPPINGS.parent / line.place.file).is_file()
        assert line.place.row


@pytest.mark.parametrize(
    ("content", "kind", "error", "message"),
    [
        (b"{", None, NotJson, "no JSON"),
        (b"[]", None, OcpiInvalid, "no object of a known kind: credentials, location"),
        (b"{}", None, OcpiInvalid, "no object of a known kind"),
        (b"{}", "sessions", OcpiInvalid, "unknown kind sessions, one of credentials"),
        (b"{}", "session", OcpiInvalid, "country_code"),
        (body({**SESSION, "status": "RUNNING"}), None, OcpiInvalid, "status"),
    ],
)
def test_what_is_no_ocpi_object_is_a_named_error(
    content: bytes, kind: str | None, error: type[Exception], message: str, mappings: Mappings
) -> None:
    with pytest.raises(error, match=message):
        explain(mappings, content, kind)


@pytest.mark.shared
def test_published_objects_are_explained(shared: Path, mappings: Mappings) -> None:
    names = ("location_example", "session_example_1_simple_start", "cdr_example.fixed")
    for name in names:
        lines = explain(mappings, (shared / "data/ocpi/examples" / f"{name}.json").read_bytes())
        assert any(line.value for line in lines), name
