"""Answers of peers that do as they like, through the client: what is taken, and what is told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bridge.clients.ocpi import SAID
from bridge.flows.peer import CallFailed
from bridge.ocpi.answers import list_of, object_of
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.locations import EVSE, Location
from tests.contract.ocpi_client.fake import Answer, FakeCpo, always, raw
from tests.contract.ocpi_client.objects import evse, location
from tests.contract.ocpi_client.side import TOKEN, Side, fails, get

PATH = "/2.2.1/locations"
JSON = {"Content-Type": "application/json"}


def as_json(body: object) -> bytes:
    """Return a document as bytes."""
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([evse("E1")], "data"),
        (evse("E1") | {"floor_level": 3}, "data.floor_level"),
    ],
)
async def test_what_is_forgiven_in_an_object_has_its_place(
    side: Side, fake: FakeCpo, data: object, place: str
) -> None:
    fake.on_data("GET", PATH, data)

    read = await side.client.fetch(get(fake.url(PATH)), EVSE)

    assert read.uid == "E1"
    assert [where for _, where in side.forgave()] == [place]
    assert {cpo_id for cpo_id, _ in side.forgiven} == {"cpo1"}


async def test_an_object_as_it_should_be_needs_nothing(side: Side, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, evse("E1"))

    assert (await side.client.fetch(get(fake.url(PATH)), EVSE)).uid == "E1"
    assert side.forgiven == []


@pytest.mark.parametrize(
    "data", [None, [], {"uid": "E1"}, "E1", [evse("E1"), evse("E2")], {"detail": "no"}]
)
async def test_an_object_that_is_none_says_where(side: Side, fake: FakeCpo, data: object) -> None:
    fake.on_data("GET", PATH, data)

    with pytest.raises(CallFailed, match="locations: unusable answer") as raised:
        await side.client.fetch(get(fake.url(PATH)), EVSE)

    assert raised.value.said.startswith("data: ")
    assert (raised.value.http, raised.value.code) == (200, 1000)


@pytest.mark.parametrize(
    "kind", ["text/html", "text/plain; charset=utf-8", "application/octet-stream", "json"]
)
async def test_json_that_says_it_is_something_else_is_json(
    side: Side, fake: FakeCpo, kind: str
) -> None:
    body = as_json({"status_code": 1000, "timestamp": "2026-03-01T12:00:00Z", "data": []})
    fake.on("GET", PATH, raw(body, headers={"Content-Type": kind}))

    await side.client.call(get(fake.url(PATH)))

    assert side.forgave() == [(Leniency.CONTENT_TYPE, "Content-Type")]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON ; charset=utf-8"])
async def test_json_that_says_so_needs_nothing(side: Side, fake: FakeCpo, kind: str) -> None:
    body = as_json({"status_code": 1000, "timestamp": "2026-03-01T12:00:00Z"})
    fake.on("DELETE", PATH, raw(body, headers={"Content-Type": kind}))

    await side.client.call(get(fake.url(PATH), method="DELETE"))

    assert side.forgiven == []


@pytest.mark.requirement("O8")
@pytest.mark.parametrize(
    "answer",
    [
        raw(b"", http=204),
        raw(b"", http=200),
        raw(b"{}", http=200, headers=JSON),
        raw(b"[]", http=201, headers=JSON),
    ],
)
async def test_an_acknowledgement_may_be_bare(side: Side, fake: FakeCpo, answer: Answer) -> None:
    fake.on("PUT", PATH, answer)

    acknowledged = await side.client.call(get(fake.url(PATH), method="PUT", body=b"{}"))

    assert acknowledged.code is None
    assert side.forgave() == [(Leniency.NO_ENVELOPE, "body")]
    assert [(each.code, each.error) for each in side.exchanges] == [(None, "")]


async def test_an_error_that_carries_the_object_is_counted_but_no_failure(
    side: Side, fake: FakeCpo
) -> None:
    fake.on("GET", PATH, always(evse("E1"), code=2003))

    read = await side.client.fetch(get(fake.url(PATH)), EVSE)

    assert read.uid == "E1"
    assert side.forgave() == [(Leniency.ERROR_WITH_DATA, "status_code")]
    assert [(each.code, each.error) for each in side.exchanges] == [(2003, "")]


@pytest.mark.parametrize("body", [b"Forbidden", as_json({"detail": "Not authenticated"})])
async def test_403_is_told_as_401(side: Side, fake: FakeCpo, body: bytes) -> None:
    fake.on("GET", PATH, raw(body, http=403, headers=JSON))

    error = await fails(side, get(fake.url(PATH)))

    assert error.http == 401
    assert error.reason == "locations: HTTP 403 without an OCPI envelope"
    assert error.said in ("Forbidden", "Not authenticated")
    assert side.forgave() == [(Leniency.FORBIDDEN, "status")]
    assert side.exchanges[0].http == 403


async def test_401_is_itself(side: Side, fake: FakeCpo) -> None:
    fake.on("GET", PATH, always(None, http=401, code=2001))

    error = await fails(side, get(fake.url(PATH)))

    assert error.http == 401
    assert side.forgiven == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"Bad Gateway", "Bad Gateway"),
        (b"<html><title>404 Not Found</title>", "404 Not Found"),
        (as_json({"detail": [{"loc": ["query", "x"], "msg": "bad"}]}), "query.x: bad"),
        (f"token {TOKEN} is unknown".encode(), "token *** is unknown"),
        (b"line\nbreak\x00and\x1b[31mcolour", "line break and [31mcolour"),
        (b"x" * 5000, "x" * SAID),
        (b'{"status_code": 10', '{"status_code": 10'),
    ],
)
async def test_errors_that_are_no_envelope_are_told_in_short(
    side: Side, fake: FakeCpo, body: bytes, said: str
) -> None:
    fake.on("GET", PATH, raw(body, http=422))

    error = await fails(side, get(fake.url(PATH), due=list_of(Location)))

    assert error.reason == "locations: HTTP 422 without an OCPI envelope"
    assert error.said == said
    assert side.exchanges[0].said == said


async def test_no_token_is_told_in_any_form(side: Side, fake: FakeCpo) -> None:
    encoded = base64.b64encode(TOKEN.encode()).decode()
    fake.on("GET", PATH, raw(f"<p>{TOKEN}</p><b>{encoded}</b>".encode(), http=500))

    error = await fails(side, get(fake.url(PATH)))

    assert error.said == "*** ***"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (as_json({"status_code": 1000, "data": [location("L1")]})[:-9], "without an OCPI envelope"),
        (as_json({"data": {"detail": "no"}}), "OCPI without a status_code"),
        (as_json({"status_code": "fine"}), "OCPI without a status_code"),
        (as_json({"status_code": 4_000_000, "data": []}), "OCPI 4000000"),
    ],
)
async def test_what_is_no_success_is_a_failure(
    side: Side, fake: FakeCpo, body: bytes, reason: str
) -> None:
    fake.on("GET", PATH, raw(body, headers=JSON))

    error = await fails(side, get(fake.url(PATH), due=object_of(Location)))

    assert error.reason.endswith(reason)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe{", '{"data": "caf\xe9"}'.encode("latin-1"), b"\xef\xbb\xbf\xef\xbb\xbf{}"]
)
async def test_other_encodings_are_not_guessed(side: Side, fake: FakeCpo, body: bytes) -> None:
    fake.on("GET", PATH, raw(body, headers=JSON))

    await fails(side, get(fake.url(PATH)))


async def test_the_whole_of_it_at_once(side: Side, fake: FakeCpo) -> None:
    body: dict[str, Any] = {"status_code": "1000", "data": [evse("E1")]}
    fake.on("GET", PATH, raw(b"\xef\xbb\xbf" + as_json(body), headers={"Content-Type": "text/x"}))

    read = await side.client.fetch(get(fake.url(PATH)), EVSE)

    assert read.uid == "E1"
    assert {leniency for leniency, _ in side.forgave()} == {
        Leniency.BYTE_ORDER_MARK,
        Leniency.STATUS_CODE,
        Leniency.ANSWER_TIMESTAMP,
        Leniency.OBJECT_IN_LIST,
        Leniency.CONTENT_TYPE,
    }
