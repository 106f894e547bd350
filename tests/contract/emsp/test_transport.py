"""Transport: which status says what, and what every answer carries (OCPI 2.2.1, 1.2 to 1.5)."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from bridge.errors import StoreUnavailable
from bridge.flows.ports import Kind
from bridge.ocpi.connection import Presented
from bridge.ocpi.headers import Party
from tests.contract.emsp.backends import Backend, MemoryBackend
from tests.contract.emsp.rig import MAX_BODY_BYTES, Rig
from tests.contract.emsp.samples import (
    CPO,
    EMSP,
    ISSUER,
    LOC,
    location,
    session,
    tariff,
)
from tests.fakes import MemoryConnections, MemoryObjects


@pytest.fixture
def backend() -> Backend:
    """Stay in memory: none of this is about the store."""
    return MemoryBackend(EMSP, ISSUER)


ROUTING = {
    "OCPI-to-country-code": "IN",
    "OCPI-to-party-id": "BRG",
    "OCPI-from-country-code": "IN",
    "OCPI-from-party-id": "ABC",
}


@pytest.mark.requirement("O6")
@pytest.mark.requirement("O11")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", (404, 2000)),
        ("GET", "hubclientinfo", (404, 2000)),
        ("GET", "chargingprofiles/1", (404, 2000)),
        ("GET", "locations/IN/ABC", (404, 2000)),
        ("GET", "locations/IN/ABC/L/E/C/more", (404, 2000)),
        ("GET", f"locations/{LOC}", (404, 2003)),
        ("GET", "tariffs/IN/ABC/T1", (404, 2000)),
        ("GET", "sessions/IN/ABC/S1", (404, 2000)),
        ("GET", "cdrs/IN/ABC/CDR1", (404, 2000)),
        ("GET", "tokens/TOK1", (404, 2000)),
        ("GET", "commands/START_SESSION", (404, 2000)),
        ("GET", "credentials/1", (404, 2000)),
    ],
)
async def test_what_is_not_there_is_404(
    rig: Rig, method: str, path: str, status: tuple[int, int]
) -> None:
    answer = await rig.call(method, path)
    assert answer.status == status
    assert answer.is_bare


@pytest.mark.parametrize(
    "path",
    ["", "1.0", "2.2.1.0", "2.2.2", "2.2.1/2.2.1", "versions/1", "%0a", "a%2f", "%ff"],
)
async def test_other_addresses_below_ocpi_are_404(rig: Rig, path: str) -> None:
    assert (await rig.get(path, root="/ocpi/")).status == (404, 2000)


@pytest.mark.requirement("O68")
@pytest.mark.requirement("O90")
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("", "GET"),
        ("credentials", "GET, POST, PUT, DELETE"),
        ("locations", ""),
        (f"locations/{LOC}", "GET, PUT, PATCH"),
        (f"locations/{LOC}/E1", "GET, PUT, PATCH"),
        (f"locations/{LOC}/E1/1", "GET, PUT, PATCH"),
        ("tariffs", ""),
        ("tariffs/IN/ABC/T1", "GET, PUT, DELETE"),
        ("sessions", ""),
        ("sessions/IN/ABC/S1", "GET, PUT, PATCH"),
        ("cdrs", "POST"),
        ("cdrs/IN/ABC/CDR1", "GET, POST"),
        ("tokens", "GET"),
        ("tokens/TOK1/authorize", "POST"),
        ("commands", ""),
        ("commands/START_SESSION/1", "POST"),
        ("hubclientinfo", ""),
        ("hubclientinfo/IN/ONE", "GET, PUT"),
    ],
)
async def test_other_methods_are_405(rig: Rig, path: str, allowed: str) -> None:
    rig.hubs.add(CPO)
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"}
    for method in methods - set(allowed.split(", ")):
        answer = await rig.call(method, path, {})
        assert answer.status == (405, 2000), method
        assert answer.headers["Allow"] == allowed


async def test_head_is_405_too(rig: Rig) -> None:
    async with rig.client.head(
        "/ocpi/2.2.1", headers={"Authorization": "Token token-of-cpo1"}
    ) as response:
        assert response.status == 405


@pytest.mark.requirement("O9")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" \n",
        b"{",
        b"nothing",
        b"\xff\xfe",
        b"{} {}",
        b'{"kwh": NaN}',
        b"[" * 50_000,
        b"1e999999999",
    ],
)
async def test_a_body_that_is_no_json_is_400(rig: Rig, raw: bytes) -> None:
    assert (await rig.call("PUT", f"locations/{LOC}", raw=raw)).status == (400, 2001)
    assert (await rig.call("POST", "cdrs", raw=raw)).status == (400, 2001)


async def test_a_body_that_is_not_encoded_as_it_says_is_400(rig: Rig) -> None:
    answer = await rig.call(
        "PUT", f"locations/{LOC}", raw=b"not gzip", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status == (400, 2001)


@pytest.mark.requirement("O10")
@pytest.mark.parametrize("body", [None, [], "text", 3, True, {}, {"id": 7}, [{}], {"id": None}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"locations/{LOC}"),
        ("PATCH", f"locations/{LOC}"),
        ("PUT", f"locations/{LOC}/E1"),
        ("PATCH", f"locations/{LOC}/E1/1"),
        ("PUT", "tariffs/IN/ABC/T1"),
        ("PUT", "sessions/IN/ABC/S1"),
        ("PATCH", "sessions/IN/ABC/S1"),
        ("POST", "cdrs"),
    ],
)
async def test_json_that_is_no_such_object_is_2001(
    rig: Rig, method: str, path: str, body: object
) -> None:
    await rig.put(f"locations/{LOC}", location())
    await rig.put("sessions/IN/ABC/S1", session())
    raw = b"null" if body is None else None
    assert (await rig.call(method, path, body, raw=raw)).status == (200, 2001)


async def test_a_body_that_is_too_large_is_413(rig: Rig) -> None:
    fits = b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"'
    assert (await rig.call("POST", "cdrs", raw=fits)).status == (200, 2001)
    assert (await rig.call("POST", "cdrs", raw=fits + b" ")).status == (413, 2000)


async def test_a_body_that_unpacks_to_more_than_the_limit_is_413(rig: Rig) -> None:
    packed = gzip.compress(bytes(64 * MAX_BODY_BYTES))
    assert len(packed) < MAX_BODY_BYTES
    answer = await rig.call("POST", "cdrs", raw=packed, headers={"Content-Encoding": "gzip"})
    assert answer.status == (413, 2000)


@pytest.mark.requirement("O7")
@pytest.mark.requirement("O12")
async def test_an_acknowledgement_has_no_data_and_says_what_is_new(rig: Rig) -> None:
    for path, body in [(f"locations/{LOC}", location()), ("tariffs/IN/ABC/T1", tariff())]:
        created, replaced = await rig.put(path, body), await rig.put(path, body)
        assert created.status == (201, 1000)
        assert replaced.status == (200, 1000)
        assert created.is_bare
        assert replaced.is_bare


@pytest.mark.requirement("O13")
@pytest.mark.parametrize(
    ("path", "token", "http"),
    [
        ("", "token-of-cpo1", 200),
        ("", "nobody", 401),
        ("tokens/1/authorize", "token-of-cpo1", 405),
        ("nothing", "token-of-cpo1", 404),
    ],
)
async def test_the_message_ids_come_back(rig: Rig, path: str, token: str, http: int) -> None:
    ids = {"x-request-id": "request 1", "X-CORRELATION-ID": "correlation 1"}
    answer = await rig.get(path, token=token, headers=ids)
    assert answer.http == http
    assert answer.headers["X-Request-ID"] == "request 1"
    assert answer.headers["X-Correlation-ID"] == "correlation 1"


async def test_message_ids_are_minted_where_there_is_none_to_repeat(rig: Rig) -> None:
    first, second = await rig.get(""), await rig.get("", headers={"X-Request-ID": "x" * 3000})
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert len(second.headers["X-Request-ID"]) == 36


@pytest.mark.requirement("O14")
async def test_routing_headers_are_swapped_on_functional_modules(rig: Rig) -> None:
    for path in (f"locations/{LOC}", "tariffs/IN/ABC/T1", "sessions/IN/ABC/S1", "tokens", "cdrs"):
        answer = await rig.get(path, headers=ROUTING)
        assert answer.headers["OCPI-to-country-code"] == "IN"
        assert answer.headers["OCPI-to-party-id"] == "ABC"
        assert answer.headers["OCPI-from-country-code"] == "IN"
        assert answer.headers["OCPI-from-party-id"] == "BRG"
    refused = await rig.get(f"locations/{LOC}", headers=ROUTING, token="nobody")
    assert refused.headers["OCPI-to-party-id"] == "ABC"


@pytest.mark.requirement("O14")
@pytest.mark.parametrize(
    ("root", "path"), [("/ocpi/", "versions"), ("/ocpi/", "2.2.1"), ("/ocpi/2.2.1/", "credentials")]
)
async def test_configuration_modules_have_no_routing_headers(
    rig: Rig, root: str, path: str
) -> None:
    answer = await rig.get(path, root=root, headers=ROUTING)
    assert answer.http == 200
    assert not [name for name in answer.headers if name.lower().startswith("ocpi-")]


@pytest.mark.requirement("O15")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"OCPI-TO-PARTY-ID": "brg", "ocpi-from-country-code": "in"},
        {name: value.lower() for name, value in ROUTING.items()},
        {**ROUTING, "OCPI-to-party-id": "QQQ"},
    ],
)
async def test_routing_headers_never_cause_refusal(rig: Rig, headers: dict[str, str]) -> None:
    answer = await rig.put("tariffs/IN/ABC/T1", tariff(), headers=headers)
    assert answer.status == (201, 1000)


@pytest.mark.requirement("O5")
async def test_a_body_counts_whatever_its_content_type(rig: Rig) -> None:
    answer = await rig.put("tariffs/IN/ABC/T1", tariff(), headers={"Content-Type": "text/plain"})
    assert answer.status == (201, 1000)


@pytest.mark.requirement("O37")
@pytest.mark.parametrize(
    "path",
    [
        "/ocpi/2.2.1/tariffs/IN/ABC/T1",
        "/ocpi/2.2.1/tariffs/IN/ABC/T1/",
        "//ocpi//2.2.1//tariffs///IN/ABC//T1//",
        "/ocpi/2.2.1/tariffs/in/aBc/t1",
        "/ocpi/2.2.1/tariffs/%49N/ABC/%541",
        "/ocpi/2.2.1/tariffs/IN/ABC/T1?version=1",
    ],
)
async def test_slashes_case_and_encoding_lead_to_the_same_object(rig: Rig, path: str) -> None:
    await rig.put("tariffs/IN/ABC/T1", tariff())
    assert (await rig.get(path, root="")).data["id"] == "T1"


@pytest.mark.requirement("O37")
@pytest.mark.parametrize("path", ["versions", "versions/", "/versions//", "2.2.1/", "/2.2.1"])
async def test_versions_and_details_with_any_slashes(rig: Rig, path: str) -> None:
    assert (await rig.get(path, root="/ocpi/")).status == (200, 1000)


@pytest.mark.parametrize("object_id", ["a/b", "a*b", "station::1", "50%25", "a b", "?#&", "é"])
async def test_any_id_finds_its_way(rig: Rig, object_id: str) -> None:
    path = f"tariffs/IN/ABC/{quote(object_id, safe='')}"
    answer = await rig.put(path, tariff(object_id))
    if object_id.isascii():
        assert answer.status == (201, 1000)
        assert (await rig.get(path)).data["id"] == object_id
    else:
        assert answer.status == (200, 2001)


@pytest.mark.parametrize(
    "error", [StoreUnavailable("Redis: 10.0.0.7 refused"), RuntimeError("a fault of ours")]
)
@pytest.mark.parametrize("broken", ["objects", "connections"])
async def test_what_fails_inside_is_3000_and_tells_nothing(
    rig: Rig, error: Exception, broken: str
) -> None:
    ports = {"objects": BrokenObjects(error), "connections": BrokenConnections(error)}
    failing = await rig.on(**{broken: ports[broken]})
    with capture_logs() as log:
        answer = await failing.get(f"locations/{LOC}")
    assert answer.status == (200, 3000)
    assert str(error) not in answer.envelope["status_message"]
    (line,) = log
    if isinstance(error, StoreUnavailable):
        assert (line["event"], line["log_level"]) == ("ocpi.refused", "warning")
        assert line["reason"] == str(error)
    else:
        assert (line["event"], line["log_level"]) == ("ocpi.crashed", "error")
        assert line["exc_info"]


class BrokenObjects(MemoryObjects):
    """A store that does not answer."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def read(self, kind: Kind, party: Party, object_id: str) -> bytes | None:
        """Fail."""
        raise self.error


class BrokenConnections(MemoryConnections):
    """Connections that do not answer."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def present(self, candidates: Sequence[str]) -> Presented | None:
        """Fail."""
        raise self.error


async def test_every_answer_is_counted(rig: Rig) -> None:
    await rig.get("")
    await rig.call("PROPFIND", "nobody/knows", token="nobody")
    text = rig.metrics.exposition().decode()
    one = 'cpo="cpo1",direction="in",method="GET",module="versions",status="1000"'
    assert f"bridge_ocpi_requests_total{{{one}}} 1.0" in text
    other = 'cpo="none",direction="in",method="other",module="none",status="2001"'
    assert f"bridge_ocpi_requests_total{{{other}}} 1.0" in text
