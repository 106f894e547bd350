"""The pairs of quirks beside the project: what a real peer sent, and what it has to become."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.clients.commands import command
from bridge.clients.ocpi import Call
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.ocpi.codec import loads, to_builtins
from bridge.ocpi.flags import Flags
from bridge.ocpi.lenient import read
from bridge.ocpi.links import next_link
from bridge.ocpi.locations import EVSE, GeoLocation
from bridge.ocpi.sessions import Session
from bridge.ocpi.types import Price
from bridge.ocpi.urls import join
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import CPO, PARTY, cdr, evse, location, session
from tests.contract.ocpi_client.fake import FakeCpo, raw
from tests.contract.ocpi_client.side import TOKEN, Side
from tests.contract.ocpi_client.test_commands import RESPONSE_URL, START, plan
from tests.reference import shared_path

pytestmark = pytest.mark.shared

Pair = dict[str, Any]

KINDS = {
    *("auth_header", "body", "command_response", "datetime", "enum", "latitude"),
    *("link_header", "patch", "route", "success_test", "url_join"),
}


def pairs(kind: str) -> list[Any]:
    """Return the pairs of a kind as parameters; none where the material is absent."""
    shared = shared_path(os.environ)
    if shared is None:
        return [pytest.param({}, id="absent")]
    every = json.loads((shared / "data" / "ocpi" / "quirks.json").read_text("utf-8"))
    return [
        pytest.param(pair, id=f"{pair['id']}-{number}")
        for number, pair in enumerate(every)
        if kind in ("any", pair["kind"])
    ]


def as_json(body: object) -> Any:
    """Return a document as it comes from the wire."""
    return loads(json.dumps(body).encode())


@pytest.mark.parametrize("pair", pairs("any"))
def test_each_kind_of_pair_has_a_test(pair: Pair) -> None:
    assert pair["kind"] in KINDS


@pytest.mark.parametrize("pair", pairs("auth_header"))
async def test_a_token_is_recognised(memory_rig: Rig, pair: Pair) -> None:
    await registered(memory_rig.backend, CPO, "example-token", PARTY)
    answer = await memory_rig.get("", authorization=pair["input"]["authorization"])
    assert answer.http == (200 if pair["expected"]["authenticated"] else 401)


@pytest.mark.parametrize("pair", pairs("datetime"))
def test_a_timestamp_is_read(pair: Pair) -> None:
    body = as_json(evse(last_updated=pair["input"]))
    if pair["expected"] is None:
        with pytest.raises(OcpiInvalid):
            read(body, EVSE, [])
        return
    moment = datetime.fromisoformat(pair["expected"]).astimezone(UTC)
    assert read(body, EVSE, []).last_updated == moment.replace(
        microsecond=moment.microsecond // 1000 * 1000
    )


@pytest.mark.parametrize("pair", pairs("body"))
def test_a_body_is_read(pair: Pair) -> None:
    type_: Any = {"EVSE": EVSE, "Price": Price}[pair["object_type"]]
    assert to_builtins(read(as_json(pair["input"]), type_, [])) == as_json(pair["expected"])


@pytest.mark.parametrize("pair", pairs("latitude"))
def test_a_latitude_is_read(pair: Pair) -> None:
    body = as_json({"latitude": pair["input"], "longitude": "3.72440"})
    assert read(body, GeoLocation, []).latitude == pair["expected"]


@pytest.mark.parametrize("pair", pairs("enum"))
def test_a_word_is_read(pair: Pair) -> None:
    assert pair["object_type"] == "SessionStatus"
    assert read(as_json(session(status=pair["input"])), Session, []).status == pair["expected"]


@pytest.mark.parametrize("pair", pairs("success_test"))
async def test_http_and_ocpi_status_decide_together(side: Side, fake: FakeCpo, pair: Pair) -> None:
    body = {"status_code": pair["input"]["status_code"], "timestamp": "2024-01-01T00:00:00Z"}
    answer = raw(json.dumps(body).encode(), http=pair["input"]["http"])
    fake.on("PUT", "/2.2.1/tokens", answer)
    call = Call(
        method="PUT", url=fake.url("/2.2.1/tokens"), token=TOKEN, module="tokens", body=b"{}"
    )
    if pair["expected"]["success"]:
        assert (await side.client.call(call)).code == pair["input"]["status_code"]
    else:
        with pytest.raises(CallFailed):
            await side.client.call(call)


@pytest.mark.parametrize("pair", pairs("command_response"))
async def test_the_answer_to_a_command_is_found(side: Side, fake: FakeCpo, pair: Pair) -> None:
    body = json.dumps(pair["input"]["body"]).encode()
    fake.on("POST", START, raw(body, http=pair["input"]["http"]))
    response = await command(side.client, side.cpo, side.connection, plan(), RESPONSE_URL)
    assert response.result == pair["expected"]["result"]


@pytest.mark.parametrize("pair", pairs("link_header"))
def test_the_next_page_is_found(pair: Pair) -> None:
    assert next_link(pair["input"], []) == pair["expected"]


@pytest.mark.parametrize("pair", pairs("url_join"))
def test_urls_are_joined(pair: Pair) -> None:
    assert join(*pair["input"]) == pair["expected"]


@pytest.mark.parametrize("pair", pairs("route"))
async def test_a_path_leads_to_its_handler(memory_rig: Rig, pair: Pair) -> None:
    assert pair["expected"]["handler"] == "cdrs.post"
    answer = await memory_rig.call("POST", pair["input"].removeprefix("/"), cdr(), root="/")
    assert answer.status == (201, 1000)


@pytest.mark.parametrize("pair", pairs("patch"))
async def test_a_patch_is_applied(memory_rig: Rig, pair: Pair) -> None:
    path, whole = {
        "Session": ("sessions/IN/ABC/S1", session),
        "Location": ("locations/IN/ABC/LOC1", location),
    }[pair["object_type"]]
    given, expected = pair["input"], pair["expected"]
    stored = {"last_updated": "2024-01-01T10:00:00Z"} | given.get("stored", {})
    await memory_rig.put(path, whole(**stored))
    if "default" in expected:
        knowing = await memory_rig.on(flags=lambda _: Flags(patch_without_last_updated=True))
        for rig, wanted in ((memory_rig, expected["default"]), (knowing, expected["flag"])):
            answer = await rig.patch(path, given)
            assert answer.status == (wanted["http"], wanted["status_code"])
        return
    await memory_rig.patch(path, given["patch"])
    found = (await memory_rig.get(path)).data
    assert {name: found[name] for name in expected} == json.loads(
        json.dumps(expected), parse_float=Decimal
    )
