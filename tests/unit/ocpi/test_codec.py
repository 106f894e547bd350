from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.errors import NotJson, OcpiInvalid
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import convert, decode, encode, loads, to_builtins
from bridge.ocpi.commands import StartSession
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.locations import EVSE, Hours, Location, PublishTokenType, Status
from bridge.ocpi.sessions import ChargingPreferences, Session
from bridge.ocpi.tokens import LocationReferences, Token
from bridge.ocpi.types import Image, Price
from bridge.ocpi.versions import Version
from tests.unit.ocpi import objects


def written(obj: object) -> bytes:
    return json.dumps(obj).encode()


def refusal(obj: object, type_: Any) -> OcpiInvalid:
    with pytest.raises(OcpiInvalid) as refused:
        convert(loads(written(obj)), type_)
    return refused.value


def test_numbers_are_exact() -> None:
    price = decode(b'{"excl_vat": 0.1, "incl_vat": 18}', Price)
    assert price == Price(excl_vat=Decimal("0.1"), incl_vat=Decimal(18))
    assert isinstance(price.incl_vat, Decimal)


@pytest.mark.requirement("O24")
@pytest.mark.parametrize("value", ["1.5", True, [], "NaN"])
def test_a_number_is_no_other_json_type(value: object) -> None:
    refused = refusal({"excl_vat": value}, Price)
    assert refused.path == "excl_vat"
    assert "number" in refused.reason


@pytest.mark.parametrize("number", [float("nan"), 0.5, Decimal("NaN"), Decimal("Infinity")])
def test_no_number_that_is_not_exact_comes_in(number: object) -> None:
    with pytest.raises(OcpiInvalid, match="excl_vat"):
        convert({"excl_vat": number}, Price)


@pytest.mark.requirement("O9")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        b"NaN",
        b"[-Infinity]",
        b"[1e309]",
        b"[1E-500]",
        b"[1e99999999999999999999]",
        b"[0." + b"1" * 1000 + b"]",
        b"[" + b"1" * 5000 + b"]",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)
def test_what_is_no_usable_json_is_named_so(body: bytes) -> None:
    with pytest.raises(NotJson):
        decode(body, Location)


def test_an_artefact_of_floats_is_a_number() -> None:
    assert loads(b"[5.551115123125783e-17]") == [Decimal("5.551115123125783e-17")]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"status": "BROKEN"}, "status"),
        ({"status": None}, "status"),
        ({"floor_level": "x" * 5}, "floor_level"),
        ({"evse_id": "é"}, "evse_id"),
        ({"evse_id": "x\n"}, "evse_id"),
        ({"physical_reference": 3}, "physical_reference"),
        ({"connectors": {}}, "connectors"),
        ({"connectors": [objects.connector(max_voltage=230.0)]}, "connectors[0].max_voltage"),
        ({"connectors": [objects.connector(max_voltage="1")]}, "connectors[0].max_voltage"),
        ({"connectors": [objects.connector(max_voltage=2**63)]}, "connectors[0].max_voltage"),
        ({"connectors": [objects.connector(tariff_ids=[None])]}, "connectors[0].tariff_ids[0]"),
        ({"coordinates": {"latitude": "1.2345", "longitude": "1.23456"}}, "coordinates.latitude"),
        ({"coordinates": {"latitude": "1.23456", "longitude": 1.23456}}, "coordinates.longitude"),
        ({"last_updated": "yesterday"}, "last_updated"),
        ({"last_updated": 0}, "last_updated"),
    ],
)
def test_a_fault_is_named_by_its_path(changes: objects.Json, path: str) -> None:
    assert refusal(objects.evse(**changes), EVSE).path == path
    location = objects.location(objects.evse(), objects.evse(**changes))
    assert refusal(location, Location).path == f"evses[1].{path}"


@pytest.mark.parametrize("width", [-1, 100_000])
def test_the_size_of_an_image_has_five_digits(width: int) -> None:
    image = {"url": "u", "category": "OTHER", "type": "jpeg", "width": width}
    assert refusal(image, Image).path == "width"


def test_the_path_into_a_list_begins_with_its_index() -> None:
    versions = [{"version": "2.2.1", "url": "u"}, {"version": "9", "url": "u"}]
    assert refusal(versions, tuple[Version, ...]).path == "[1].version"


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "7"])
def test_what_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        decode(body.encode(), Location)
    assert refused.value.path == ""


def test_a_bare_enum_value_is_read() -> None:
    assert decode(b'"AVAILABLE"', Status) is Status.AVAILABLE


@pytest.mark.requirement("O28")
def test_null_is_absent_outside_of_a_patch() -> None:
    read = convert(objects.location(name=None, evses=None, operator=None), Location)
    assert (read.name, read.evses, read.operator) == (None, (), None)


@pytest.mark.requirement("O36")
def test_unknown_fields_are_ignored() -> None:
    assert decode(b'{"excl_vat": 1, "taxes": [{}], "x": 1e308}', Price) == Price(
        excl_vat=Decimal(1)
    )


@pytest.mark.requirement("O25")
def test_ids_keep_their_case_and_enums_must_have_it() -> None:
    assert convert(objects.evse("aBc"), EVSE).uid == "aBc"
    assert refusal(objects.evse(status="available"), EVSE).path == "status"


@pytest.mark.parametrize(
    ("obj", "type_", "path", "reason"),
    [
        ({"issuer": "x"}, PublishTokenType, "", "one of uid, visual_number and group_id"),
        ({"uid": "x"}, PublishTokenType, "", "type"),
        ({"visual_number": "x"}, PublishTokenType, "", "issuer"),
        ({"twentyfourseven": False}, Hours, "", "regular_hours"),
        (
            objects.location(publish_allowed_to=[{"group_id": "G"}]),
            Location,
            "",
            "publish_allowed_to",
        ),
        (
            objects.location(opening_times={"twentyfourseven": False}),
            Location,
            "opening_times",
            "regular_hours",
        ),
        (
            {
                "response_url": "u",
                "token": objects.token(),
                "location_id": "L",
                "connector_id": "1",
            },
            StartSession,
            "",
            "evse_uid",
        ),
        (objects.cdr(id="x" * 37), CDR, "", "id is longer"),
        (
            objects.cdr(charging_periods=[objects.period(objects.EARLY, STATE_OF_CHARGE=80)]),
            CDR,
            "",
            "STATE_OF_CHARGE",
        ),
    ],
)
def test_rules_between_fields_hold(obj: object, type_: Any, path: str, reason: str) -> None:
    refused = refusal(obj, type_)
    assert refused.path == path
    assert reason in refused.reason


def test_hours_are_either_regular_or_always() -> None:
    weekday = {"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}
    assert refusal({"twentyfourseven": True, "regular_hours": [weekday]}, Hours).path == ""
    assert convert({"twentyfourseven": False, "regular_hours": [weekday]}, Hours).regular_hours
    assert (
        refusal({"twentyfourseven": False, "regular_hours": [weekday | {"weekday": 8}]}, Hours).path
        == "regular_hours[0].weekday"
    )


@pytest.mark.requirement("O92")
def test_a_credit_cdr_names_the_one_it_takes_back() -> None:
    credit = objects.cdr(id="x" * 39, credit=True, total_cost={"excl_vat": -27.0})
    assert "credit_reference_id" in refusal(credit, CDR).reason
    read = convert(loads(written(credit | {"credit_reference_id": "C-1"})), CDR)
    assert read.total_cost.excl_vat == Decimal("-27.0")


@pytest.mark.requirement("O87")
def test_a_reservation_has_no_evse_yet() -> None:
    reserved = objects.session(evse_uid="#NA", connector_id="#NA", status="RESERVATION")
    assert convert(loads(written(reserved)), Session).evse_uid == "#NA"


@pytest.mark.requirement("O54")
@pytest.mark.parametrize("text", ["", "with space", "tab\t", "x" * 65, "né"])
def test_a_credentials_token_is_plain_printable_text(text: str) -> None:
    role = {
        "role": "CPO",
        "business_details": {"name": "CPO One"},
        "party_id": "CPO",
        "country_code": "IN",
    }
    body = {"url": "https://cpo.example/ocpi/versions", "roles": [role]}
    assert convert(body | {"token": "!~" * 32}, Credentials).token == "!~" * 32
    assert refusal(body | {"token": text}, Credentials).path == "token"


@pytest.mark.requirement("O74")
def test_defaults_of_the_standard() -> None:
    location = convert(objects.location(), Location)
    assert location.charging_when_closed is None
    assert location.charges_when_closed
    assert not convert(objects.location(charging_when_closed=False), Location).charges_when_closed
    preferences = convert({"profile_type": "FAST"}, ChargingPreferences)
    assert not preferences.may_discharge
    assert convert(
        {"profile_type": "FAST", "discharge_allowed": True}, ChargingPreferences
    ).may_discharge


@pytest.mark.requirement("O24")
@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1E+2", b"100"),
        ("1E-7", b"0.0000001"),
        ("-0.50", b"-0.50"),
        ("18", b"18"),
        ("123456789012345678901234567890.12", b"123456789012345678901234567890.12"),
    ],
)
def test_a_number_is_written_without_exponent(number: str, text: bytes) -> None:
    assert encode(Price(excl_vat=Decimal(number))) == b'{"excl_vat":' + text + b"}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1E+400"])
def test_what_is_no_json_number_is_not_written(number: str) -> None:
    price = Price(excl_vat=Decimal(number))
    with pytest.raises(ValueError, match="number"):
        encode(price)
    with pytest.raises(ValueError, match="number"):
        to_builtins(price)


def test_floats_are_not_written() -> None:
    with pytest.raises(TypeError, match="float"):
        encode({"kwh": 0.1})


def test_absent_is_left_out_and_null_never_written() -> None:
    read = convert(objects.evse(floor_level=None, images=[]), EVSE)
    assert encode({"evse": read, "note": None}) == encode({"evse": objects.evse()})


def test_on_demand_what_is_absent_is_written_as_null() -> None:
    read = convert(objects.evse(), EVSE)
    written = json.loads(encode(read, nulls=True))
    assert set(written) == set(EVSE.__struct_fields__)
    assert written["floor_level"] is None
    assert written["images"] is None
    assert written["connectors"][0]["tariff_ids"] == ["T-1"]
    assert written["connectors"][0]["terms_and_conditions"] is None
    assert convert(written, EVSE) == read
    assert encode(LocationReferences(location_id="L"), nulls=True) == encode(
        LocationReferences(location_id="L")
    )


def test_an_empty_list_of_evses_is_written_in_location_references() -> None:
    assert encode(LocationReferences(location_id="L")) == b'{"location_id":"L","evse_uids":[]}'


@pytest.mark.requirement("O22")
def test_times_are_written_in_utc_with_milliseconds_at_most() -> None:
    moment = datetime(2024, 5, 1, 8, 0, 0, 123456, tzinfo=UTC)
    read = convert(objects.token(), Token)
    assert b'"last_updated":"2024-05-01T08:00:00Z"' in encode(read)
    assert encode([moment]) == b'["2024-05-01T08:00:00.123Z"]'


def test_to_builtins_is_what_encode_writes() -> None:
    read = convert(
        loads(written(objects.session(objects.period(objects.EARLY, ENERGY=1.5)))), Session
    )
    plain = to_builtins(read)
    assert plain == loads(encode(read))
    assert isinstance(plain, dict)
    assert plain["kwh"] == Decimal("1.5")
    assert plain["last_updated"] == objects.EARLY
    assert plain["charging_periods"][0]["dimensions"] == [
        {"type": "ENERGY", "volume": Decimal("1.5")}
    ]
