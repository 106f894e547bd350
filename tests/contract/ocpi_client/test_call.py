"""One request on the wire, and every way its answer can be unusable."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from bridge.clients.ocpi import Timeouts
from bridge.ocpi.answers import list_of
from bridge.ocpi.locations import Location
from bridge.ocpi.types import ModuleID
from tests.contract.ocpi_client.fake import Asked, FakeCpo, always, enveloped, raw
from tests.contract.ocpi_client.side import TOKEN, Side, fails, get

PATH = "/2.2.1/locations"


@pytest.mark.requirement("O1")
@pytest.mark.requirement("O13")
@pytest.mark.requirement("O14")
async def test_a_functional_module_gets_token_ids_and_routing(side: Side, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, [])

    await side.client.call(get(fake.url(PATH), correlation_id="transaction-7"))
    await side.client.call(get(fake.url(PATH)))

    first, second = (asked.headers for asked in fake.asked)
    encoded = first["Authorization"].removeprefix("Token ")
    assert base64.b64decode(encoded, validate=True) == TOKEN.encode()
    assert first["OCPI-to-country-code"] == "IN"
    assert first["OCPI-to-party-id"] == "ABC"
    assert first["OCPI-from-country-code"] == "IN"
    assert first["OCPI-from-party-id"] == "BRG"
    assert first["X-Correlation-ID"] == "transaction-7"
    assert len({first["X-Request-ID"], second["X-Request-ID"]}) == 2
    assert second["X-Correlation-ID"] not in ("", "transaction-7")


@pytest.mark.requirement("O5")
@pytest.mark.requirement("O14")
async def test_a_configuration_module_has_no_routing_and_a_body_has_its_type(
    side: Side, fake: FakeCpo
) -> None:
    fake.on_data("POST", "/c", {})
    fake.on_data("GET", "/c", {})

    for method, body in (("POST", b'{"a":1}'), ("GET", None)):
        await side.client.call(
            get(fake.url("/c"), module=ModuleID.CREDENTIALS, to=None, method=method, body=body)
        )

    post, read = fake.asked
    assert not any(name.lower().startswith("ocpi-") for name in post.headers)
    assert post.headers["Content-Type"] == "application/json"
    assert post.body == b'{"a":1}'
    assert "Content-Type" not in read.headers


@pytest.mark.requirement("O5", "O13")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("module", [ModuleID.COMMANDS, ModuleID.TOKENS, ModuleID.SESSIONS])
async def test_every_body_is_json_and_every_request_has_an_id_of_its_own(
    side: Side, fake: FakeCpo, method: str, module: ModuleID
) -> None:
    fake.on_data(method, "/x", {})

    for _ in range(3):
        call = get(fake.url("/x"), module=module, method=method, body=b'{"a":1}')
        await side.client.call(call)

    assert {asked.headers["Content-Type"] for asked in fake.asked} == {"application/json"}
    assert [asked.json() for asked in fake.asked] == [{"a": 1}] * 3
    assert len({asked.headers["X-Request-ID"] for asked in fake.asked}) == 3


@pytest.mark.parametrize("given", ["", "  ", "line\nbreak", "umläut", "\x00"])
async def test_a_correlation_id_that_no_header_holds_is_replaced(
    side: Side, fake: FakeCpo, given: str
) -> None:
    fake.on_data("GET", PATH, [])

    await side.client.call(get(fake.url(PATH), correlation_id=given))

    sent = fake.asked[0].headers["X-Correlation-ID"]
    assert sent.strip() == sent != given


@pytest.mark.parametrize(
    ("answer", "reason", "http", "code"),
    [
        (always(None, http=401, code=2001), "HTTP 401, OCPI 2001", 401, 2001),
        (always(None, http=404, code=2003), "HTTP 404, OCPI 2003", 404, 2003),
        (always(None, http=200, code=2001), "HTTP 200, OCPI 2001", 200, 2001),
        (always(None, http=200, code=3000), "HTTP 200, OCPI 3000", 200, 3000),
        (always([], http=200, code=999), "HTTP 200, OCPI 999", 200, 999),
        (always([], http=200, code=2000), "HTTP 200, OCPI 2000", 200, 2000),
        (always([], http=500, code=1000), "HTTP 500, OCPI 1000", 500, 1000),
        (always([], http=303, code=1000), "HTTP 303, OCPI 1000", 303, 1000),
        (raw(b"Bad Gateway", http=502), "HTTP 502 without an OCPI envelope", 502, None),
        (raw(b"", http=200), "HTTP 200 without an OCPI envelope", 200, None),
        (raw(b"{}", http=200), "HTTP 200 without an OCPI envelope", 200, None),
        (raw(b'{"status_code": 10', http=200), "HTTP 200 without an OCPI envelope", 200, None),
    ],
)
async def test_only_2xx_with_1xxx_is_a_success(
    side: Side,
    fake: FakeCpo,
    answer: Callable[[Asked], Awaitable[web.StreamResponse]],
    reason: str,
    http: int,
    code: int | None,
) -> None:
    fake.on("GET", PATH, answer)

    error = await fails(side, get(fake.url(PATH), due=list_of(Location)))

    assert error.reason == f"locations: {reason}"
    assert (error.http, error.code) == (http, code)
    assert not error.nothing_left
    assert [(each.http, each.code) for each in side.exchanges] == [(http, code)]


@pytest.mark.parametrize(("http", "code"), [(200, 1000), (201, 1000), (202, 1999), (299, 1001)])
async def test_any_2xx_with_any_1xxx_is_a_success(
    side: Side, fake: FakeCpo, http: int, code: int
) -> None:
    fake.on("GET", PATH, always([1], http=http, code=code))

    answer = await side.client.call(get(fake.url(PATH)))

    assert (answer.http, answer.code, answer.data) == (http, code, [1])


@pytest.mark.requirement("O8")
@pytest.mark.parametrize("data", [None, [], {}, "done"])
async def test_an_acknowledgement_may_carry_anything(
    side: Side, fake: FakeCpo, data: object
) -> None:
    fake.on_data("DELETE", "/c", data)

    answer = await side.client.call(get(fake.url("/c"), method="DELETE"))

    assert answer.code == 1000


async def test_what_is_said_is_kept_without_our_token(side: Side, fake: FakeCpo) -> None:
    encoded = base64.b64encode(TOKEN.encode()).decode()
    words = f"token {TOKEN} or {encoded} unknown\nask us" + "." * 1000
    fake.on("GET", PATH, always(None, http=401, code=2001, message=words))

    error = await fails(side, get(fake.url(PATH)))

    assert error.said.startswith("token *** or *** unknown ask us..")
    assert len(error.said) == 300
    everything = f"{error!r} {error.reason} {error.said} {side.exchanges}"
    assert TOKEN not in everything
    assert encoded not in everything
    assert TOKEN not in repr(get(fake.url(PATH)))


async def test_a_slow_answer_is_given_up(side: Side, fake: FakeCpo) -> None:
    released = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return enveloped([])

    fake.on("GET", PATH, slow)

    error = await fails(side, get(fake.url(PATH), timeouts=Timeouts(connect_s=2, total_s=0.05)))

    assert error.reason == "locations: no answer within 0.05 s"
    assert not error.nothing_left
    released.set()


async def test_an_answer_that_trickles_is_given_up(side: Side, fake: FakeCpo) -> None:
    async def trickle(asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(asked.request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.005)

    fake.on("GET", PATH, trickle)

    error = await fails(side, get(fake.url(PATH), timeouts=Timeouts(connect_s=2, total_s=0.1)))

    assert error.reason == "locations: no answer within 0.1 s"


@pytest.mark.parametrize("compressed", [False, True])
async def test_an_oversize_answer_is_not_read_to_its_end(
    side: Side, fake: FakeCpo, compressed: bool
) -> None:
    async def large(asked: Asked) -> web.StreamResponse:
        response = web.Response(body=b'{"data":"' + b"x" * 1_000_000 + b'"}')
        if compressed:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    fake.on("GET", PATH, large)

    error = await fails(side, get(fake.url(PATH)))

    assert error.reason == "locations: the answer is larger than 65536 bytes"
    assert error.http == 200


async def test_an_answer_cut_off_is_no_answer(side: Side, fake: FakeCpo) -> None:
    async def cut(asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "500"})
        await response.prepare(asked.request)
        await response.write(b'{"status_code":1000')
        assert asked.request.transport is not None
        asked.request.transport.abort()
        return response

    fake.on("GET", PATH, cut)

    error = await fails(side, get(fake.url(PATH)))

    assert error.reason == "locations: the connection broke"
    assert not error.nothing_left


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/refused",
        "http://name.invalid/unknown",
        "",
        "locations",
        "ftp://127.0.0.1/locations",
        "http://[::1/locations",
        "http:///locations",
        "http://user:secret@127.0.0.1:{port}/locations",
        "http://127.0.0.1:99999/locations",
    ],
)
async def test_without_a_connection_nothing_has_left(side: Side, url: str) -> None:
    error = await fails(side, get(url.format(port=unused_port()), method="POST", body=b"{}"))

    assert error.nothing_left
    assert "secret" not in f"{error} {side.exchanges}"


async def test_no_tls_at_the_other_end_leaves_nothing(side: Side, fake: FakeCpo) -> None:
    url = fake.url(PATH).replace("http:", "https:")

    error = await fails(side, get(url, method="POST", body=b"{}"))

    assert error.nothing_left
    assert str(error) == "locations: no connection, no TLS: wrong version number"
    assert fake.asked == []


async def test_the_observer_hears_of_success_and_failure(side: Side, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, [])

    await side.client.call(get(fake.url(PATH + "?limit=5")))
    await fails(side, get(fake.url("/nowhere")))

    good, bad = side.exchanges
    assert good.url == fake.url(PATH)
    assert (good.cpo_id, good.module, good.method) == ("cpo1", "locations", "GET")
    assert (good.http, good.code, good.error) == (200, 1000, "")
    assert good.request_id == fake.asked[0].headers["X-Request-ID"]
    assert good.correlation_id == fake.asked[0].headers["X-Correlation-ID"]
    assert good.duration_s > 0
    assert bad.error == "locations: HTTP 404, OCPI 2000"


async def test_numbers_come_exactly(side: Side, fake: FakeCpo) -> None:
    body = {"status_code": 1000, "timestamp": "2026-03-01T12:00:00Z", "data": [0]}
    text = json.dumps(body).replace("[0]", "[0.1000000000000000055]")
    fake.on("GET", PATH, raw(text.encode()))

    answer = await side.client.call(get(fake.url(PATH)))

    assert str(answer.data) == "[Decimal('0.1000000000000000055')]"
