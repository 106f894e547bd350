"""Whatever a CPO sends, it gets an envelope with a status of the table, and no fault of ours."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.flows.ports import Kind
from bridge.observability import Metrics
from bridge.ocpi import codec
from bridge.ocpi.headers import Party, authorization
from bridge.ocpi.types import Role
from bridge.orders.order import OrderState
from tests.contract.emsp.backends import MemoryBackend
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import (
    MAX_BODY_BYTES,
    STATUSES,
    Validate,
    application,
    emsp_on,
    type_of,
    validator,
)
from tests.contract.emsp.samples import (
    CPO,
    EMSP,
    ISSUER,
    PARTY,
    TOKEN,
    TOKEN_A,
    Json,
    at,
    cdr,
    client_info,
    connector,
    credentials,
    evse,
    exact,
    location,
    order,
    session,
    tariff,
)
from tests.fakes import RecordedPeers
from tests.property.examples import examples
from tests.property.mutations import JSON, mutated, written
from tests.reference import shared_path

HUB_TOKEN, PENDING_TOKEN = "token-of-hub1", "token-b-of-cpo4"
CODES = {1000, 2000, 2001, 2002, 2003, 2004, 3001}
"""3000 would be a fault of ours; 3001 is what the silent peer here leads to."""


class Served(NamedTuple):
    """A server in a loop of its own; examples are run one after the other."""

    runner: asyncio.Runner
    server: TestServer
    backend: MemoryBackend
    validate: Validate | None


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Run the eMSP side with a CPO, a hub, one order, and one registration of each kind."""

    backend = MemoryBackend(EMSP, ISSUER)

    async def start() -> TestServer:
        await backend.put_order(order("1", OrderState.STARTING))
        emsp = emsp_on(
            backend, RecordedPeers(), notices=[], pulls=[], wakes=[], overrides={}, hubs={"hub1"}
        )
        server = TestServer(application(emsp, Metrics()))
        await server.start_server()
        return server

    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        server = runner.run(start())
        stack.callback(lambda: runner.run(server.close()))
        yield Served(runner, server, backend, validator(shared_path(os.environ)))


class Answered(NamedTuple):
    """Status line, headers and body as they came."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(served: Served, head: bytes, body: bytes = b"") -> Answered:
    """Send a request byte by byte as it is; return the answer. No fault of ours is logged."""
    with capture_logs() as log:
        answer = served.runner.run(_exchange(served, head, body))
    assert "ocpi.crashed" not in [line["event"] for line in log], log
    return answer


async def _exchange(served: Served, head: bytes, body: bytes) -> Answered:
    # An earlier example may have ended the connections.
    await registered(served.backend, CPO, TOKEN, PARTY)
    await registered(served.backend, "hub1", HUB_TOKEN, Party("IN", "HUB"), Role.HUB)
    await served.backend.connections.offer("cpo4", PENDING_TOKEN)
    reader, writer = await asyncio.open_connection(served.server.host, served.server.port)
    try:
        length = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        writer.write(head + b"Host: bridge.example\r\n" + length + body)
        await writer.drain()
        raw = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    raw = raw.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    top, _, content = raw.partition(b"\r\n\r\n")
    line, *rows = top.decode("utf-8", "surrogateescape").split("\r\n")
    headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
    return Answered(int(line.split()[1]), headers, content)


def check(answer: Answered) -> Json:
    """Hold an answer against the table of HTTP and OCPI statuses; return its envelope."""
    assert answer.status in STATUSES, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].isprintable()
    assert answer.headers["x-correlation-id"].isprintable()
    envelope: Json = json.loads(answer.body)
    code = envelope["status_code"]
    assert envelope["timestamp"].endswith("Z")
    assert (code == 1000) == ("status_message" not in envelope)
    assert code == 1000 or "data" not in envelope
    assert code in CODES, envelope
    assert (code == 1000) >= (answer.status == 201)
    assert (code != 1000) >= (answer.status >= 400)
    return envelope


PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
PATH_CHARACTERS = PRINTABLE.filter(lambda c: c not in "?#")
WORDS = (
    "2.2.1 receiver versions credentials locations tariffs sessions cdrs tokens commands "
    "hubclientinfo chargingprofiles IN ABC HUB LOC1 E1 1 S1 T1 CDR1 TOK1 authorize START_SESSION "
    "%2F %00 %ff%fe %zz % %ED%A0%80 .."
)
SEGMENTS = st.one_of(
    st.sampled_from(WORDS.split()),
    st.text(PATH_CHARACTERS, max_size=40),
    st.binary(max_size=8).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw)),
)
KNOWN_PATHS = st.sampled_from(
    [
        "credentials",
        "locations/IN/ABC/LOC1",
        "locations/IN/ABC/LOC1/E1",
        "locations/IN/ABC/LOC1/E1/1",
        "tariffs/IN/ABC/T1",
        "sessions/IN/ABC/S1",
        "cdrs",
        "cdrs/IN/ABC/CDR1",
        "tokens",
        "tokens/TOK1/authorize",
        "commands/START_SESSION/command-1",
        "hubclientinfo/IN/ONE",
    ]
).map(lambda path: f"/ocpi/2.2.1/{path}")
PATHS = st.one_of(
    KNOWN_PATHS,
    st.sampled_from(["/ocpi/versions", "/ocpi/2.2.1", "/ocpi", "/ocpi/"]),
    st.lists(SEGMENTS, max_size=8).map(lambda parts: "/".join(["/ocpi", *parts])),
    st.lists(SEGMENTS, max_size=6).map(lambda parts: "/".join(["//ocpi//2.2.1", *parts])),
)
QUERIES = st.one_of(
    st.just(""),
    st.sampled_from(["?limit=0", "?offset=%ff", "?type=RFID&type=X", "?date_from=1&", "?%=%"]),
    st.text(PRINTABLE.filter(lambda c: c != "#"), max_size=30).map(lambda text: f"?{text}"),
)
# HEAD has no body to look at, and CONNECT is for proxies: aiohttp takes what follows for a tunnel.
METHODS = st.one_of(
    st.sampled_from(["GET", "PUT", "PATCH", "POST", "DELETE"]),
    st.sampled_from(["OPTIONS", "TRACE", "PROPFIND", "LOCK", "QUERY"]),
)
# Control characters never get here: aiohttp refuses them as no HTTP.
HEADER_VALUES = st.one_of(
    st.binary(max_size=60).map(
        lambda raw: bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F)
    ),
    st.sampled_from([b"gzip", b"100-continue", b"websocket", b"bytes=0-1", b"*/*;q=x", b"IN"]),
)
# What frames the body is not among them, and none comes twice: that is no HTTP.
HEADER_NAMES = st.sampled_from(
    b"Accept Accept-Encoding Accept-Language Content-Type Cookie Date Expect Forwarded From "
    b"If-Match If-Modified-Since If-None-Match Origin Range Referer Upgrade User-Agent "
    b"X-Forwarded-For X-HTTP-Method-Override X-Request-ID X-Correlation-ID X-Unknown "
    b"OCPI-to-country-code OCPI-to-party-id OCPI-from-country-code OCPI-from-party-id".split()
)
HEADERS = st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=4)

KNOWN = {"registered": TOKEN, "hub": HUB_TOKEN, "TOKEN_A": TOKEN_A, "pending": PENDING_TOKEN}
CALLERS = st.one_of(
    st.sampled_from([*KNOWN, "registered", "nobody"]).map(
        lambda kind: (kind, authorization(KNOWN.get(kind, kind)).encode())
    ),
    st.tuples(st.just("nobody"), st.none() | HEADER_VALUES),
)
OPEN = ("versions", "2.2.1", "credentials")
"""What follows ``/ocpi`` or ``/ocpi/2.2.1`` where a TOKEN_A is good for something."""


@st.composite
def nearly_right(draw: st.DrawFn) -> Json:
    """Make a valid object and change some of it."""
    samples = (location, evse, connector, tariff, session, cdr, credentials)
    return draw(mutated(draw(st.sampled_from(samples))()))


BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(json.dumps).map(str.encode),
    nearly_right().flatmap(written),
    st.just(b" " * (MAX_BODY_BYTES + 1)),
)


@pytest.mark.requirement("O2", "O3", "O6")
@examples(150)
@given(method=METHODS, path=PATHS, query=QUERIES, caller=CALLERS, headers=HEADERS, body=BODIES)
def test_any_request_gets_an_envelope(
    served: Served,
    method: str,
    path: str,
    query: str,
    caller: tuple[str, bytes | None],
    headers: dict[bytes, bytes],
    body: bytes,
) -> None:
    kind, token = caller
    head = f"{method} {path}{query} HTTP/1.1\r\n".encode()
    if token is not None:
        headers = {**headers, b"Authorization": token}
    head += b"".join(b"%b: %b\r\n" % header for header in headers.items())
    answer = ask(served, head, body)
    envelope = check(answer)
    if kind == "nobody":
        assert (answer.status, envelope["status_code"]) == (401, 2001)
    segments = [part for part in path.split("/") if part][1:]
    if kind == "TOKEN_A" and not any(segments[:1] == [each] for each in OPEN):
        assert answer.status in (401, 404)
    if kind == "TOKEN_A" and segments[:1] == ["2.2.1"] and segments[1:2] not in ([], [OPEN[2]]):
        assert answer.status in (401, 404)


@pytest.mark.requirement("O10")
@examples()
@given(
    method=st.sampled_from(["PUT", "PATCH", "POST"]),
    path=KNOWN_PATHS,
    body=st.one_of(nearly_right(), JSON),
)
def test_valid_json_from_a_known_cpo_gets_no_http_error_but_for_its_address(
    served: Served, method: str, path: str, body: Json
) -> None:
    head = f"{method} {path} HTTP/1.1\r\nAuthorization: Token {TOKEN}\r\n".encode()
    answer = ask(served, head, json.dumps(body).encode())
    check(answer)
    assert answer.status in {200, 201, 404, 405}


class Sample(NamedTuple):
    """A valid object and where it goes; ``path`` is below /ocpi/2.2.1."""

    method: str
    path: str
    body: Any
    token: str = TOKEN


OWN = [
    Sample("PUT", "locations/IN/ABC/LOC1", location()),
    Sample("PATCH", "locations/IN/ABC/LOC1", {"evses": [evse("E2")], "last_updated": at(1)}),
    Sample("PUT", "locations/IN/ABC/LOC1/E1", evse()),
    Sample("PATCH", "locations/IN/ABC/LOC1/E1", {"status": "CHARGING", "last_updated": at(2)}),
    Sample("PUT", "locations/IN/ABC/LOC1/E1/1", connector()),
    Sample("PATCH", "locations/IN/ABC/LOC1/E1/1", {"max_voltage": 230, "last_updated": at(3)}),
    Sample("PUT", "tariffs/IN/ABC/T1", tariff()),
    Sample("PUT", "sessions/IN/ABC/S1", session()),
    Sample("PATCH", "sessions/IN/ABC/S1", {"kwh": 1.5, "last_updated": at(1)}),
    Sample("POST", "cdrs", cdr()),
    Sample("POST", "tokens/TOK1/authorize", {"location_id": "LOC1", "evse_uids": ["E1"]}),
    Sample("PUT", "credentials", credentials()),
    Sample("PUT", "hubclientinfo/IN/ONE", client_info("ONE"), HUB_TOKEN),
]

KEPT = [(Kind.LOCATION, "loc1", location()), (Kind.SESSION, "s1", session())]
"""What is there to be changed."""

ABSENT = ("missing (card 1)", "empty list (card +)")

PLACES = {
    "Location": ("PUT", "locations/IN/ABC/{id}"),
    "Tariff": ("PUT", "tariffs/IN/ABC/{id}"),
    "Session": ("PUT", "sessions/IN/ABC/{id}"),
    "CDR": ("POST", "cdrs"),
    "Credentials": ("PUT", "credentials"),
    "LocationReferences": ("POST", "tokens/TOK1/authorize"),
}
"""Where an object of the reference material goes."""


def of_the_reference(shared: Path) -> Iterator[Sample]:
    """Yield the objects beside the project that a CPO would send, as if they were this CPO's."""
    for folder in ("examples", "synthetic"):
        at_home = shared / "data" / "ocpi" / folder
        with (at_home / "MANIFEST.tsv").open(newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["object_type"] in PLACES and row.get("schema_valid", "yes") == "yes":
                    body: Json = json.loads((at_home / row["file"]).read_text())
                    body |= {"country_code": "IN", "party_id": "ABC"} if "party_id" in body else {}
                    method, path = PLACES[row["object_type"]]
                    yield Sample(method, path.format(id=body.get("id")), body)


def check_mutated(served: Served, sample: Sample, body: bytes) -> None:
    """Send a changed object to where the right one goes, and read what is there now."""
    stored = served.backend.objects.stored
    stored.clear()
    stored.update({(kind, PARTY, id_): codec.encode(exact(right)) for kind, id_, right in KEPT})
    path = f"/ocpi/2.2.1/{sample.path}"
    authorized = f"HTTP/1.1\r\nAuthorization: {authorization(sample.token)}\r\n"
    answer = ask(served, f"{sample.method} {path} {authorized}".encode(), body)
    envelope = check(answer)
    assert answer.status in {200, 201}, envelope
    where = answer.headers.get("location", f"http://x/base{path}").partition("/base")[2]
    if sample.path == "credentials" or (sample.method == "POST" and where == path):
        return
    found = check(ask(served, f"GET {where} {authorized}".encode()))
    type_ = type_of(where)
    if served.validate is not None and type_ is not None and "data" in found:
        faults = served.validate(found["data"], type_)
        # What was forgiven for not being there is not there when it is read again.
        assert [each for each in faults if not each.endswith(ABSENT)] == []


@pytest.mark.requirement("O10")
@examples(150)
@given(data=st.data(), sample=st.sampled_from(OWN))
def test_an_object_with_faults_gets_an_envelope_and_what_is_kept_is_valid(
    served: Served, data: st.DataObject, sample: Sample
) -> None:
    body = data.draw(mutated(sample.body).flatmap(written))
    check_mutated(served, sample, body)


@pytest.mark.shared
@pytest.mark.requirement("O10")
@examples(75)
@given(data=st.data())
def test_the_examples_of_the_standard_with_faults_get_an_envelope_too(
    served: Served, shared: Path, data: st.DataObject
) -> None:
    sample = data.draw(st.sampled_from(list(of_the_reference(shared))))
    check_mutated(served, sample, data.draw(mutated(sample.body).flatmap(written)))
