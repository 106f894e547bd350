"""Laws of OCPI's core: any bytes give a value or a named error; what is written is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import NotJson, OcpiInvalid
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import (
    convert,
    decode,
    encode,
    loads,
    merge_patch,
    restored,
    stored,
    to_builtins,
)
from bridge.ocpi.envelope import Envelope
from bridge.ocpi.headers import authorization, token_candidates
from bridge.ocpi.links import next_link, next_page
from bridge.ocpi.locations import Location
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.urls import same_origin
from tests.property.examples import examples
from tests.property.ocpi_objects import STRUCTS, objects

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
json_bodies = json_values.map(lambda value: json.dumps(value).encode())
patches = st.dictionaries(
    st.sampled_from(["evses", "connectors", "charging_periods", "uid", "status"]),
    json_values | st.lists(st.dictionaries(st.sampled_from(["uid", "id"]), json_values)),
)


@pytest.mark.parametrize("type_", [Location, Session, CDR, Tariff, Envelope])
@pytest.mark.parametrize("way", [decode, restored])
@given(data=st.binary() | json_bodies)
def test_any_bytes_give_a_value_or_a_named_error(way: Any, type_: type[Any], data: bytes) -> None:
    try:
        read = way(data, type_)
    except (NotJson, OcpiInvalid):
        return
    assert isinstance(read, type_)


@given(st.binary() | json_bodies)
def test_bytes_are_json_here_when_they_are_json_elsewhere(data: bytes) -> None:
    try:
        read = loads(data)
    except NotJson:
        with pytest.raises(ValueError, match=r"."):
            json.loads(data.decode(), parse_constant=int)
    else:
        assert json.loads(json.dumps(read, default=float)) == json.loads(data)


@pytest.mark.parametrize("name", sorted(STRUCTS))
@examples(25)
@given(data=st.data())
def test_what_is_written_is_read_again(name: str, data: st.DataObject) -> None:
    obj = data.draw(objects(name))
    assert decode(encode(obj), STRUCTS[name]) == obj
    assert convert(to_builtins(obj), STRUCTS[name]) == obj
    assert loads(encode(obj)) == to_builtins(obj)


@pytest.mark.parametrize("name", sorted(STRUCTS))
@examples(25)
@given(data=st.data())
def test_what_is_stored_is_restored(name: str, data: st.DataObject) -> None:
    obj = data.draw(objects(name))
    assert restored(stored(obj), STRUCTS[name]) == obj
    assert restored(encode(obj), STRUCTS[name]) == obj
    assert decode(stored(obj), STRUCTS[name]) == obj


@pytest.mark.parametrize("name", ["CDR", "Connector", "EVSE", "Location", "Session", "Token"])
@given(data=st.data(), junk=json_values)
def test_a_spoilt_object_is_read_or_refused_by_name(
    name: str, data: st.DataObject, junk: object
) -> None:
    plain: Any = to_builtins(data.draw(objects(name)))
    field = data.draw(st.sampled_from(sorted(plain)))
    try:
        path = "" if convert(plain | {field: junk}, STRUCTS[name]) else "unreached"
    except OcpiInvalid as refused:
        path = refused.path
    # A rule between fields has the whole object for its place.
    assert path == "" or path.startswith(field)


@pytest.mark.parametrize("name", ["Connector", "EVSE", "Session", "Token"])
@given(data=st.data())
def test_a_patch_sent_again_changes_nothing(name: str, data: st.DataObject) -> None:
    stored, newer = data.draw(objects(name)), to_builtins(data.draw(objects(name)))
    once = merge_patch(stored, newer, STRUCTS[name])
    assert merge_patch(once, newer, STRUCTS[name]) == once


@pytest.mark.parametrize("name", ["EVSE", "Location", "Session"])
@given(data=st.data(), patch=patches)
def test_any_patch_gives_a_value_or_a_named_error(
    name: str, data: st.DataObject, patch: dict[str, object]
) -> None:
    patch["last_updated"] = "2024-05-01T08:00:00Z"
    try:
        after = merge_patch(data.draw(objects(name)), patch, STRUCTS[name])
    except OcpiInvalid:
        return
    assert isinstance(after, STRUCTS[name])


@pytest.mark.requirement("O4")
@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64))
def test_a_token_is_recognised_encoded_or_not(token: str) -> None:
    assert token in token_candidates(authorization(token))
    assert token in token_candidates(f"Token {token}")


FIRST_PAGE = "https://cpo.example/2.2.1/locations?offset=0&limit=10"


@given(st.text(), st.text())
def test_any_header_is_read_without_an_error(a: str, b: str) -> None:
    for header in (a, f"<{a}>; rel={b}", f'<{a}>;{b};rel="next"'):
        link = next_link(header, [])
        assert link != ""
        target = next_page(link or a, FIRST_PAGE, FIRST_PAGE, [])
        assert target is None or same_origin(target, FIRST_PAGE)
    assert "" not in token_candidates(f"Token {a}")
    assert same_origin(a, b) == same_origin(b, a)
