"""Posting to a BAP: what its answers mean, and what its addresses may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from bridge.beckn.refusal import SAID
from bridge.clients.beckn import patch_live, post_callback
from bridge.clients.guard import Guard, guarded_session
from bridge.errors import CallbackFailed, CallbackRefused, CallbackTooLarge
from tests.bap import ACK, Bap, nack, says
from tests.valkey import free_port

BODY = b'{"context":{"message_id":"m1"}}'


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def bap() -> AsyncIterator[Bap]:
    bap = Bap()
    async with bap.listening():
        yield bap


def raw(body: bytes, status: int = 200) -> Any:
    """Answer with any bytes."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type="application/json")

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        says(ACK),
        says(ACK, 202),
        raw(b"", 204),
        raw(b"OK"),
        raw(b"\xff\xfe"),
        raw(b"[]"),
        says({"message": {"ack": {"status": None}}}),
        says({"message": {"ack": "ACK"}, "error": None}),
        raw(b"x" * 200_000),
    ],
)
async def test_a_good_status_without_a_nack_is_delivered(
    http: aiohttp.ClientSession, bap: Bap, answer: Any
) -> None:
    bap.answers = [answer]

    await post_callback(http, f"{bap.url}/on_status", BODY)

    assert (bap.ids, bap.paths) == (["m1"], ["POST /on_status"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (nack("30001", "not ours"), "30001 not ours"),
        ({"message": {"ack": {"status": "nack"}}}, "no reason given"),
        ({"message": {"ack": {"status": "NACK"}}, "error": {"code": 400}}, "400"),
        (
            {"message": {"ack": {"status": "NACK"}, "error": {"code": "SCH", "message": "no"}}},
            "SCH no",
        ),
        ({"message": {"ack": {"status": "NACK"}}, "error": ["a", 1]}, '["a",1]'),
    ],
)
@pytest.mark.parametrize("status", [200, 202, 400, 401, 500])
async def test_a_nack_is_final_and_its_words_are_kept(
    http: aiohttp.ClientSession, bap: Bap, body: object, said: str, status: int
) -> None:
    bap.answers = [raw(msgspec.json.encode(body), status)]

    with pytest.raises(CallbackRefused) as refused:
        await post_callback(http, bap.url, BODY)

    assert str(refused.value) == f"NACK: {said}"


async def test_the_words_of_a_nack_are_cut(http: aiohttp.ClientSession, bap: Bap) -> None:
    bap.answers = [says(nack("1", "x" * 10_000))]

    with pytest.raises(CallbackRefused) as refused:
        await post_callback(http, bap.url, BODY)

    assert len(str(refused.value)) == len("NACK: ") + SAID


async def test_a_nack_that_comes_in_pieces_is_one(bap: Bap) -> None:
    whole = msgspec.json.encode(nack())
    begun = asyncio.Event()

    async def in_pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(whole[:20])
        await begun.wait()
        await response.write(whole[20:])
        return response

    async def note(*_: object) -> None:
        begun.set()

    bap.answers = [in_pieces]
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    async with aiohttp.ClientSession(trace_configs=[trace]) as http:
        with pytest.raises(CallbackRefused):
            await post_callback(http, bap.url, BODY)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_overload_may_pass_even_with_a_nack(
    http: aiohttp.ClientSession, bap: Bap, status: int
) -> None:
    bap.answers = [says(nack(), status)]

    with pytest.raises(CallbackFailed, match=str(status)) as failed:
        await post_callback(http, bap.url, BODY)

    assert failed.value.retryable


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_a_bad_status_is_a_failure(
    http: aiohttp.ClientSession, bap: Bap, status: int
) -> None:
    bap.answers = [raw(b"{}", status)]

    with pytest.raises(CallbackFailed, match=str(status)) as failed:
        await post_callback(http, bap.url, BODY)

    assert failed.value.retryable


@pytest.mark.parametrize("answer", [raw(b"{}", 400), raw(b"", 400), raw(b"Bad Request", 400)])
async def test_a_bad_request_stays_one(http: aiohttp.ClientSession, bap: Bap, answer: Any) -> None:
    bap.answers = [answer]

    with pytest.raises(CallbackRefused, match="HTTP 400") as refused:
        await post_callback(http, bap.url, BODY)

    assert not refused.value.retryable


async def test_a_broken_schema_is_told_with_its_places(
    http: aiohttp.ClientSession, bap: Bap
) -> None:
    data = [{"keywordLocation": "#/a", "instanceLocation": "#/context/ttl"}]
    error = {"code": 400, "message": "Schema validation failed", "data": data}
    bap.answers = [says({"message": {"ack": {"status": "NACK"}}, "error": error}, 400)]

    with pytest.raises(CallbackRefused) as refused:
        await post_callback(http, bap.url, BODY)

    assert (refused.value.status, refused.value.places) == (400, ("#/context/ttl",))
    assert str(refused.value) == "NACK: 400 Schema validation failed: #/context/ttl"


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"", 413),
        raw(b"request entity too large", 500),
        says({**nack(), "error": {"message": "Request Entity Too Large"}}, 500),
    ],
)
async def test_what_is_too_large_is_told_apart(
    http: aiohttp.ClientSession, bap: Bap, answer: Any
) -> None:
    bap.answers = [answer]

    with pytest.raises(CallbackTooLarge, match="31 bytes are too many"):
        await post_callback(http, bap.url, BODY)


@pytest.mark.parametrize("call", [post_callback, patch_live])
async def test_redirects_are_not_followed(http: aiohttp.ClientSession, bap: Bap, call: Any) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{bap.url}/elsewhere")

    bap.answers = [elsewhere]

    with pytest.raises(CallbackFailed, match="307"):
        await call(http, f"{bap.url}/here", BODY)

    assert len(bap.paths) == 1


@pytest.mark.parametrize("call", [post_callback, patch_live])
@pytest.mark.parametrize(
    "url",
    ["", "no url", "http://", "ftp://bap.example/", "http://bap.invalid/", "http://[::1", "\ud800"],
)
async def test_an_address_that_cannot_be_called_is_a_failure(
    http: aiohttp.ClientSession, call: Any, url: str
) -> None:
    with pytest.raises(CallbackFailed):
        await call(http, url, BODY)


@pytest.mark.parametrize("call", [post_callback, patch_live])
async def test_a_closed_port_is_a_failure(http: aiohttp.ClientSession, call: Any) -> None:
    with pytest.raises(CallbackFailed, match="ClientConnectorError"):
        await call(http, f"http://127.0.0.1:{free_port()}/", BODY)


async def test_live_data_is_patched(http: aiohttp.ClientSession, bap: Bap) -> None:
    await patch_live(http, f"{bap.url}/live", BODY)

    assert (bap.ids, bap.paths) == (["m1"], ["PATCH /live"])


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
async def test_live_data_that_is_not_taken_is_a_failure(
    http: aiohttp.ClientSession, bap: Bap, status: int
) -> None:
    bap.answers = [raw(b"{}", status)]

    with pytest.raises(CallbackFailed, match=str(status)):
        await patch_live(http, bap.url, BODY)


@pytest.mark.parametrize(
    ("allow_hosts", "allow_private", "arrives"),
    [((), False, False), (("localhost",), False, True), ((), True, True)],
)
async def test_a_name_that_leads_inside_is_not_called(
    bap: Bap, allow_hosts: tuple[str, ...], allow_private: bool, arrives: bool
) -> None:
    guard = Guard(allow_hosts, allow_private=allow_private, tls=False)
    url = bap.url.replace("127.0.0.1", "localhost")
    async with guarded_session(guard) as guarded:
        if arrives:
            await patch_live(guarded, url, BODY)
        else:
            with pytest.raises(CallbackFailed, match="no public address"):
                await patch_live(guarded, url, BODY)

    assert bool(bap.got) is arrives
