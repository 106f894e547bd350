"""What a running bridge answers a CPO (OCPI 2.2.1, 1.3 HTTP vs OCPI status), over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from bridge.ocpi.codec import encode
from bridge.ocpi.headers import Party, authorization
from bridge.sandbox.stations import locations, tariff
from tests.e2e.rig import Rig, rig
from tests.redis_source import empty

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTY = Party("IN", "SBX")
TARIFF = tariff(PARTY)
LOCATION = locations(PARTY)[0]
STATION = f"locations/IN/SBX/{LOCATION.id}"


class Answer(NamedTuple):
    """HTTP status, OCPI status code, and the headers."""

    http: int
    code: int
    headers: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> AsyncIterator[Rig]:
    """Give one bridge for all of these tests, registered at the CPO."""
    async with rig(tmp_path_factory.mktemp("bridge"), redis_server) as running:
        yield running
    await empty(redis_server)


async def call(
    world: Rig, method: str, path: str, body: bytes | None = None, token: str | None = ""
) -> Answer:
    """Call the bridge as the CPO does; ``path`` stands below ``/ocpi/2.2.1/``, or is a whole one.

    Args:
        token: "" is the CPO's own, None sends none.
    """
    assert world.cpo.peer is not None
    url = world.bridges[0].url + (path if path.startswith("/") else f"/ocpi/2.2.1/{path}")
    headers = {"X-Request-ID": "request-1", "X-Correlation-ID": "correlation-1"}
    if token is not None:
        headers["Authorization"] = authorization(token or world.cpo.peer.token)
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=body, headers=headers) as response,
    ):
        envelope = msgspec.json.decode(await response.read())
        assert {"status_code", "timestamp"} <= envelope.keys()
        assert response.headers["X-Request-ID"] == "request-1"
        assert response.headers["X-Correlation-ID"] == "correlation-1"
        return Answer(response.status, envelope["status_code"], dict(response.headers))


@pytest.mark.parametrize("token", [None, "nobody-has-this-token"])
@pytest.mark.parametrize("path", ["/ocpi/versions", STATION, "cdrs", "nothing"])
async def test_no_or_an_unknown_token(world: Rig, token: str | None, path: str) -> None:
    answer = await call(world, "GET", path, token=token)
    assert (answer.http, answer.code) == (401, 2001)
    assert answer.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/ocpi/versions", None, (200, 1000)),
        ("GET", "/ocpi/2.2.1/", None, (200, 1000)),
        ("GET", STATION, None, (200, 1000)),
        ("GET", f"{STATION}/", None, (200, 1000)),
        ("GET", f"//ocpi//2.2.1///{STATION.replace('/', '//')}//", None, (200, 1000)),
        # The body is no JSON.
        ("PUT", STATION, b"no json", (400, 2001)),
        ("PUT", STATION, b"", (400, 2001)),
        ("POST", "cdrs", b"{", (400, 2001)),
        # Nothing is there.
        ("GET", "nothing", None, (404, 2000)),
        ("GET", "locations/IN/SBX/NOWHERE", None, (404, 2003)),
        ("GET", "tariffs/IN/SBX/NONE", None, (404, 2000)),
        ("PATCH", "locations/IN/SBX/NOWHERE", b'{"name": "x"}', (404, 2003)),
        ("POST", "tokens/NOBODY/authorize", None, (404, 2004)),
        # Somebody else's.
        ("PUT", "tariffs/IN/OTH/T", encode(replace(TARIFF, party_id="OTH")), (404, 2001)),
        # No such method.
        ("DELETE", STATION, None, (405, 2000)),
        ("PATCH", "tariffs/IN/SBX/STANDARD-18", b"{}", (405, 2000)),
        ("POST", "locations", b"{}", (405, 2000)),
        # Registered already.
        ("POST", "credentials", b"{}", (405, 2000)),
        # Valid JSON, but not what the standard asks for.
        ("PUT", STATION, b"{}", (200, 2001)),
        ("PUT", "locations/IN/SBX/ANOTHER", encode(LOCATION), (200, 2001)),
        ("PATCH", STATION, b'{"name": "without last_updated"}', (200, 2001)),
        ("GET", "tokens?limit=many", None, (200, 2001)),
    ],
)
async def test_the_status_of_an_answer(
    world: Rig, method: str, path: str, body: bytes | None, status: tuple[int, int]
) -> None:
    answer = await call(world, method, path, body)
    assert (answer.http, answer.code) == status
    assert ("Allow" in answer.headers) == (answer.http == 405)


async def test_what_is_new_is_created_then_replaced(world: Rig) -> None:
    body = encode(replace(TARIFF, id="NEW"))
    made = await call(world, "PUT", "tariffs/IN/SBX/NEW", body)
    assert (made.http, made.code) == (201, 1000)
    put = await call(world, "PUT", "tariffs/IN/SBX/NEW", body)
    assert (put.http, put.code) == (200, 1000)
    assert (await call(world, "DELETE", "tariffs/IN/SBX/NEW")).code == 1000
    assert (await call(world, "GET", "tariffs/IN/SBX/NEW")).http == 404
