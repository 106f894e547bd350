from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bridge.errors import NotJson, OcpiInvalid
from bridge.ocpi import envelope
from bridge.ocpi.envelope import ABSENT, failure, open_envelope, success
from bridge.ocpi.types import VersionNumber
from bridge.ocpi.versions import Version

NOW = '"timestamp":"2024-05-01T08:00:00Z"'


@pytest.mark.requirement("O6")
@pytest.mark.requirement("O7")
def test_an_acknowledgement_has_no_data() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    answer = json.loads(success())
    assert set(answer) == {"status_code", "timestamp"}
    assert answer["status_code"] == 1000
    assert before <= datetime.fromisoformat(answer["timestamp"]) <= datetime.now(UTC)


def test_data_is_written_as_it_is() -> None:
    version = Version(version=VersionNumber.V2_2_1, url="https://bridge.example/ocpi/2.2.1")
    assert json.loads(success([version]))["data"] == [
        {"version": "2.2.1", "url": "https://bridge.example/ocpi/2.2.1"}
    ]
    assert json.loads(success([]))["data"] == []
    assert json.loads(success("ACCEPTED"))["data"] == "ACCEPTED"


@pytest.mark.requirement("O6")
def test_a_failure_says_why_and_has_no_data() -> None:
    answer = json.loads(failure(envelope.INVALID_PARAMETERS, "last_updated: is required"))
    assert set(answer) == {"status_code", "status_message", "timestamp"}
    assert answer["status_code"] == 2001
    assert answer["status_message"] == "last_updated: is required"


@pytest.mark.parametrize(
    ("code", "ok"), [(999, False), (1000, True), (1999, True), (2000, False), (3000, False)]
)
def test_success_is_any_code_of_the_thousands(code: int, ok: bool) -> None:
    assert open_envelope(f'{{"status_code":{code},{NOW}}}'.encode()).ok is ok


@pytest.mark.requirement("O8")
@pytest.mark.parametrize("data", ["[]", "{}", '{"a": null}', "7", '"text"'])
def test_any_data_is_taken(data: str) -> None:
    opened = open_envelope(f'{{"data":{data},"status_code":1000,{NOW}}}'.encode())
    assert opened.data == json.loads(data)


@pytest.mark.parametrize("data", ["", '"data":null,'])
def test_no_data_is_absent(data: str) -> None:
    opened = open_envelope(f'{{{data}"status_code":1000,{NOW}}}'.encode())
    assert opened.data is ABSENT


def test_what_was_written_is_read() -> None:
    opened = open_envelope(failure(2003, "no such location"))
    assert (opened.status_code, opened.status_message) == (2003, "no such location")
    assert opened.timestamp.tzinfo is UTC


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("[]", ""),
        ('{"detail": [{"msg": "x"}]}', "status_code"),
        (f'{{"status_code":"1000",{NOW}}}', "status_code"),
        ('{"status_code":1000}', "timestamp"),
        ('{"status_code":1000,"timestamp":"soon"}', "timestamp"),
        (f'{{"status_code":1000,"status_message":[],{NOW}}}', "status_message"),
    ],
)
def test_what_is_no_envelope_is_refused(body: str, path: str) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        open_envelope(body.encode())
    assert refused.value.path == path


def test_a_page_of_html_is_no_json() -> None:
    with pytest.raises(NotJson):
        open_envelope(b"<html>502 Bad Gateway</html>")
