"""What an answer means, whatever its bytes are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.ocpi.answers import ACKNOWLEDGEMENT, Due, Ready, Said, list_of, object_of, understood
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.locations import Location
from bridge.ocpi.versions import Version
from tests.unit.ocpi.objects import evse, location

VERSION = {"version": "2.2.1", "url": "https://cpo.example/2.2.1"}
STAMP = "2026-03-01T12:00:00Z"
OBJECT, LIST = object_of(Version), list_of(Version)
BOM = b"\xef\xbb\xbf"


def said(body: object, http: int = 200, due: Due = OBJECT, *, reading: bool = True) -> Said:
    """Return what a body means; what is no bytes is JSON."""
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return understood(http, encoded, due, reading=reading)


def envelope(data: Any = None, code: Any = 1000, **more: Any) -> dict[str, Any]:
    """Return an envelope; a code or data of None is left out."""
    fields = {"data": data, "status_code": code, "timestamp": STAMP, **more}
    return {name: value for name, value in fields.items() if value is not None}


def places(answer: Said) -> dict[Leniency, str]:
    """Return what was forgiven, with its place."""
    return {met.leniency: met.place for met in answer.met}


@pytest.mark.parametrize(
    ("data", "due"), [(VERSION, OBJECT), ([VERSION], LIST), ([], LIST), (None, ACKNOWLEDGEMENT)]
)
@pytest.mark.parametrize("stamp", [STAMP, "2026-03-01T12:00:00", "2026-03-01T12:00:00.123Z"])
def test_an_answer_as_it_should_be_needs_nothing(data: object, due: Due, stamp: str) -> None:
    answer = said(envelope(data, timestamp=stamp), due=due)
    assert answer == Said(ok=True, code=1000, data=data)


def test_in_a_list_what_has_nothing_to_forgive_is_an_object_already() -> None:
    odd = location(evse(), extra=1)
    answer = said(envelope([location(evse()), odd, location(evse())]), due=list_of(Location))
    assert isinstance(answer.data, list)
    assert [isinstance(each, Ready) for each in answer.data] == [True, False, True]
    assert isinstance(answer.data[0].object, Location)
    assert answer.data[1] == odd


def test_a_list_in_an_envelope_with_faults_is_read_as_it_is() -> None:
    for body, http in ((envelope([location()]), 500), (envelope([location()], code=2001), 200)):
        assert said(body, http, due=list_of(Location)).data == [location()]
    answer = said(envelope([location()], timestamp="today"), due=list_of(Location))
    assert answer.data == [location()]
    assert places(answer) == {Leniency.ANSWER_TIMESTAMP: "timestamp"}


@pytest.mark.parametrize(
    ("body", "due", "data"),
    [
        (VERSION, OBJECT, VERSION),
        ([VERSION], LIST, [VERSION]),
        ([], LIST, []),
        ([VERSION, {"odd": 1}], LIST, [VERSION, {"odd": 1}]),
        ({}, ACKNOWLEDGEMENT, {}),
        ([], ACKNOWLEDGEMENT, []),
        (b"", ACKNOWLEDGEMENT, None),
        (b" \n", ACKNOWLEDGEMENT, None),
        (b"null", ACKNOWLEDGEMENT, None),
        ({"detail": "done"}, ACKNOWLEDGEMENT, {"detail": "done"}),
    ],
)
@pytest.mark.parametrize("http", [200, 201, 204])
def test_what_is_due_may_come_bare(body: object, due: Due, data: object, http: int) -> None:
    answer = said(body, http, due)
    assert (answer.ok, answer.code, answer.data) == (True, None, data)
    assert places(answer) == {Leniency.NO_ENVELOPE: "body"}


@pytest.mark.parametrize(
    ("body", "due"),
    [
        ({"detail": "Unauthorized"}, OBJECT),
        ({"detail": "Unauthorized"}, LIST),
        ({}, OBJECT),
        ([], OBJECT),
        ([VERSION, VERSION], OBJECT),
        (["text"], LIST),
        ("text", OBJECT),
        (b"", OBJECT),
        (b"", LIST),
        (b"OK", ACKNOWLEDGEMENT),
        (b"null", LIST),
        (b"<html>login</html>", LIST),
        (b'{"version": "2.2.1", "url"', OBJECT),
        (json.dumps(VERSION).encode("utf-16"), OBJECT),
        (b'{"version": "2.2.1", "url": "https://cpo.example/\xe9"}', OBJECT),
    ],
)
def test_anything_else_without_an_envelope_is_nothing(body: object, due: Due) -> None:
    answer = said(body, due=due)
    assert not answer.ok
    assert not answer.enveloped
    assert places(answer).get(Leniency.NO_ENVELOPE) is None


@pytest.mark.parametrize("http", [199, 300, 400, 404, 500])
@pytest.mark.parametrize("body", [VERSION, envelope(VERSION), envelope(VERSION, code="1000")])
def test_an_http_error_is_an_error_whatever_it_carries(body: object, http: int) -> None:
    assert not said(body, http).ok


@pytest.mark.parametrize(("code", "read"), [("1000", 1000), (" 1001 ", 1001), (1000.0, 1000)])
def test_a_code_that_is_no_integer_is_read(code: object, read: int) -> None:
    answer = said(envelope(VERSION, code=code))
    assert (answer.ok, answer.code, answer.data) == (True, read, VERSION)
    assert places(answer) == {Leniency.STATUS_CODE: "status_code"}


@pytest.mark.parametrize("code", [None, "OK", "", True, 1000.5, [1000]])
@pytest.mark.parametrize(
    ("data", "due", "ok"),
    [
        (VERSION, OBJECT, True),
        ([VERSION], LIST, True),
        ([], LIST, True),
        ([], ACKNOWLEDGEMENT, True),
        ({"detail": "no"}, OBJECT, False),
    ],
)
def test_data_stands_for_a_code_that_is_missing_or_none(
    code: object, data: object, due: Due, ok: bool
) -> None:
    answer = said(envelope(data, code=code), due=due)
    assert (answer.ok, answer.code) == (ok, None)
    assert places(answer) == {Leniency.STATUS_CODE: "status_code"}


def test_neither_code_nor_data_is_no_success() -> None:
    assert not said({"status_message": "fine", "timestamp": STAMP}).ok
    assert not said(envelope(code="fine")).ok


@pytest.mark.parametrize("code", ["2001", "3000", 2001.0])
def test_an_error_in_quotes_is_one(code: object) -> None:
    answer = said(envelope(code=code), due=ACKNOWLEDGEMENT)
    assert not answer.ok
    assert answer.code == int(float(str(code)))


@pytest.mark.parametrize(
    "stamp", [None, "", "soon", 1700000000, "2026-03-01 12:00:00", "2026-03-01T12:00:00+00:00"]
)
def test_the_timestamp_of_an_answer_is_never_missed(stamp: object) -> None:
    answer = said(envelope(VERSION, timestamp=stamp))
    assert answer.ok
    assert places(answer) == {Leniency.ANSWER_TIMESTAMP: "timestamp"}


def test_a_message_may_be_anything() -> None:
    answer = said(envelope(VERSION, status_message=["fine"]))
    assert answer.ok
    assert places(answer) == {Leniency.STATUS_MESSAGE: "status_message"}


@pytest.mark.parametrize(
    ("due", "data"), [(OBJECT, VERSION), (LIST, [VERSION]), (LIST, [{"odd": 1}, VERSION])]
)
@pytest.mark.parametrize("code", [2000, 2001, 2999])
def test_usable_data_beside_a_client_error_is_taken_by_a_get(
    due: Due, data: object, code: int
) -> None:
    answer = said(envelope(data, code=code), due=due)
    assert (answer.ok, answer.code, answer.data) == (True, code, data)
    assert places(answer) == {Leniency.ERROR_WITH_DATA: "status_code"}
    assert not said(envelope(data, code=code), due=due, reading=False).ok
    assert not said(envelope(data, code=code), 400, due).ok
    assert not said(envelope(data, code=code + 1000), due=due).ok


@pytest.mark.parametrize(
    ("due", "data"),
    [
        (OBJECT, None),
        (OBJECT, {"detail": "no"}),
        (LIST, []),
        (LIST, [{"detail": "no"}]),
        (ACKNOWLEDGEMENT, VERSION),
    ],
)
def test_an_error_without_usable_data_is_an_error(due: Due, data: object) -> None:
    answer = said(envelope(data, code=2001), due=due)
    assert not answer.ok
    assert answer.met == ()


def test_an_object_may_stand_in_a_list_and_a_list_may_be_one_object() -> None:
    unwrapped = said(envelope([VERSION]))
    assert (unwrapped.ok, unwrapped.data) == (True, VERSION)
    assert places(unwrapped) == {Leniency.OBJECT_IN_LIST: "data"}

    wrapped = said(envelope(VERSION), due=LIST)
    assert (wrapped.ok, wrapped.data) == (True, [VERSION])
    assert places(wrapped) == {Leniency.SINGLE_FOR_LIST: "data"}

    assert said([VERSION]).met == (
        Met(Leniency.OBJECT_IN_LIST, "body"),
        Met(Leniency.NO_ENVELOPE, "body"),
    )
    assert said(envelope([VERSION, VERSION])).data == [VERSION, VERSION]
    assert said(envelope({"detail": "no"}), due=LIST).data == {"detail": "no"}


def test_a_byte_order_mark_is_passed_over() -> None:
    answer = said(BOM + json.dumps(envelope(VERSION)).encode())
    assert answer.ok
    assert places(answer) == {Leniency.BYTE_ORDER_MARK: "body"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (envelope(code=2001, status_message="no such thing"), "no such thing"),
        ({"detail": "Not authenticated"}, "Not authenticated"),
        (
            {"detail": [{"loc": ["body", "evse_uid"], "msg": "field required", "type": "missing"}]},
            "body.evse_uid: field required",
        ),
        ({"error": {"message": "quota", "code": 7}}, "quota"),
        ({"message": ["one", "two"]}, "one; two"),
        ({"title": "Bad Request", "status": 400}, "Bad Request"),
        (envelope(code=2001, detail="see here"), "see here"),
        ("just text", "just text"),
        ({"odd": "thing"}, ""),
        ({"detail": {"detail": {"detail": {"detail": {"detail": "deep"}}}}}, ""),
        (b"Bad Gateway\n", "Bad Gateway"),
        (
            b"<html><head><title>502 Bad\n Gateway</title></head><body>x</body></html>",
            "502 Bad Gateway",
        ),
        (
            b"<!DOCTYPE html><style>p{}</style><p>You &amp; I</p><script>alert(1)</script>",
            "You & I",
        ),
        (b"<script>never closed", ""),
        (b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
        (b"", ""),
    ],
)
def test_what_is_said_about_a_failure_is_found(body: object, words: str) -> None:
    answer = said(body, 500)
    assert not answer.ok
    assert answer.words == words
