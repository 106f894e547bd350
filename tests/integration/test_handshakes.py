"""Whole handshakes, both ways, between the running bridge and a CPO's platform on loopback.

The bridge is the application that ``bridge serve`` runs, log and all; what an operator does by
command comes from other objects on the same Redis, as from another process.
"""

from __future__ import annotations

import io
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from cryptography.fernet import Fernet
from redis.asyncio import Redis

from bridge.app import create_app
from bridge.clients.configuration import ConfigurationApi
from bridge.clients.ocpi import OcpiClient
from bridge.flows.unregister import unregister
from bridge.observability import Metrics, configure_logging
from bridge.ocpi.codec import convert, encode
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.headers import authorization
from bridge.operator import Operator
from bridge.sandbox.cpo import SandboxCpo
from bridge.settings import Settings
from bridge.store.connections import Progress, RegistrationState, standing_of
from bridge.store.database import Database
from bridge.wiring import Stores, notice, observer, party_of, stores_of
from bridge.workers.renewal import RenewalWorker
from tests.contract.requirements.scene import served
from tests.waiting import until

TOKEN_A = "token-a-of-the-handshakes"


CREDENTIALS = "/ocpi/2.2.1/credentials"


class Platform(SandboxCpo):
    """A CPO that begins exchanges of credentials too, and notes every token there was."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bridge_url = ""
        self.ours = self.token_a
        self.secrets = {self.token_a}
        self.number = 0

    async def _connect(self, request: web.Request) -> web.Response:
        answer = await super()._connect(request)
        assert self.peer is not None
        assert self.token_c is not None
        self.ours = self.peer.token
        self.secrets |= {self.ours, self.token_c}
        return answer

    async def exchange(self, method: str, *, lost: bool = False) -> tuple[int, dict[str, Any]]:
        """Send credentials with a new token; return HTTP status and envelope.

        Args:
            lost: what comes back is not heard.
        """
        self.number += 1
        before, self.token_c = self.token_c, f"made-by-the-cpo-{self.number}"
        self.secrets.add(self.token_c)
        body = encode(self._credentials(self.token_c))
        http, envelope = await self.ask(method, CREDENTIALS, self.ours, body)
        if envelope["status_code"] != 1000:
            self.token_c = before
            return http, envelope
        self.secrets.add(envelope["data"]["token"])
        if not lost:
            self.ours = envelope["data"]["token"]
        return http, envelope

    async def known(self, token: str) -> Credentials:
        """Return what the bridge says about itself, as one who is registered keeps it."""
        _, envelope = await self.ask("GET", CREDENTIALS, token)
        return convert(envelope["data"], Credentials)

    async def ask(
        self, method: str, path: str, token: str, body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Call the bridge; return HTTP status and envelope."""
        headers = {"Authorization": authorization(token), "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, self.bridge_url + path, data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def may(self, token: str) -> bool:
        """Whether the bridge lets a token into a functional module."""
        http, _ = await self.ask("GET", "/ocpi/2.2.1/tokens", token)
        assert http in (200, 401)
        return http == 200


@dataclass
class Stage:
    """The CPO, the bridge, and an operator's desk."""

    cpo: Platform
    stores: Stores
    client: OcpiClient
    operator: Operator
    called: list[str]

    async def registered(self) -> bool:
        """Whether the connection is stored."""
        return (await self.stores.connections.get("cpo1")).registered

    async def standing(self) -> RegistrationState:
        """Return what ``bridge cpo status`` shows."""
        connections = self.stores.connections
        return standing_of(
            await connections.get("cpo1"),
            await connections.state("cpo1"),
            spent=await connections.spent("cpo1"),
        )

    async def rotate(self) -> RegistrationState:
        """Do what ``bridge cpo rotate`` does."""
        worker = RenewalWorker(
            client=self.client,
            connections=self.stores.connections,
            pulls=self.stores.pulls,
            rotations=self.operator.rotations(),
            notice=notice,
        )
        return await worker.renew_once("cpo1", force=True)

    async def unregister(self) -> None:
        """Do what ``bridge cpo unregister`` does."""
        cpo = self.operator.cpos()["cpo1"]
        connection = await self.stores.connections.get("cpo1")
        api = ConfigurationApi(self.client, cpo)
        await unregister(api, self.stores.connections, connection, cpo.overrides)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Give everything that is logged, down to the level debug."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    written = io.StringIO()
    configure_logging("debug", "json", written)
    yield written
    structlog.reset_defaults()
    root.handlers[:], root.level = before


@asynccontextmanager
async def stage(redis_url: str, *, initiator: bool) -> AsyncIterator[Stage]:
    """Run a bridge that registers at the CPO, or waits for the CPO to do it."""
    cpo = Platform(TOKEN_A)

    def configured(public_url: str) -> Settings:
        entry: dict[str, Any] = {
            "id": "cpo1",
            "token_a": TOKEN_A,
            "provider": {"id": "cpo1.example", "name": "CPO One"},
            "poll": {"locations_s": 0.05, "tariffs_s": 0.05},
        }
        if initiator:
            entry["versions_url"] = f"{cpo.url}/ocpi/versions"
        return Settings.model_validate(
            {
                "public_url": public_url,
                "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Bridge"},
                "cpos": [entry],
                "beckn": {"subscriber_id": "bridge.example"},
                "secrets_key": Fernet.generate_key().decode(),
            }
        )

    made: list[Settings] = []

    def app(public_url: str) -> web.Application:
        made.append(configured(public_url))
        return create_app(made[0], redis_url)

    async with AsyncExitStack() as stack:
        cpo.url = await stack.enter_async_context(served(lambda url: cpo.app()))
        cpo.bridge_url = await stack.enter_async_context(served(app))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        stores = stores_of(made[0], redis_url)
        stack.push_async_callback(stores.database.redis.aclose)
        client = OcpiClient(http, party_of(made[0]), observe=observer(Metrics()))
        called: list[str] = []
        cpo.seen = lambda direction, what, words: called.append(what) if direction == "in" else None
        yield Stage(cpo, stores, client, Operator(made[0]), called)


def shows_no(secrets: set[str], text: str) -> None:
    """Check that no token is in a text, in any spelling."""
    for secret in secrets:
        encoded = b64encode(secret.encode()).decode()
        for spelling in (secret, encoded, encoded.rstrip("=")):
            assert spelling not in text


READING: dict[bytes, tuple[str, ...]] = {
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", "0", "-1"),
    b"set": ("SMEMBERS",),
    b"stream": ("XRANGE", "-", "+"),
    b"string": ("GET",),
    b"zset": ("ZRANGE", "0", "-1"),
}


async def content(redis: Redis) -> str:
    """Return all that is in Redis."""
    found: list[object] = []
    async for name in redis.scan_iter("*"):
        kind = await Database(redis).do("TYPE", name)
        if kind != b"none":  # it has ended since it was found
            command, *arguments = READING[kind]
            found += [name, await Database(redis).do(command, name, *arguments)]
    return repr(found)


async def quiet(play: Stage) -> bool:
    """Whether the bridge has ceased to call the CPO, which it did all the time."""
    for _ in range(10):  # what is under way comes to its end
        await play.cpo.may(TOKEN_A)
    before = len(play.called)
    for _ in range(30):
        await play.cpo.may(TOKEN_A)
    return len(play.called) == before


async def pulls_go_on(play: Stage) -> None:
    """Wait until the bridge has pulled once more, with a token that the CPO takes."""
    before = len(play.called)
    await until(lambda: len(play.called) > before)


def told(log: io.StringIO) -> set[str]:
    """Return the events of a log."""
    return {json.loads(line)["event"] for line in log.getvalue().splitlines()}


@pytest.mark.requirement("O43")
@pytest.mark.requirement("O50")
@pytest.mark.requirement("O51")
@pytest.mark.requirement("O52")
@pytest.mark.requirement("O53")
async def test_the_bridge_registers_both_renew_and_the_cpo_ends_it(
    redis_url: str, redis: Redis, log: io.StringIO
) -> None:
    async with stage(redis_url, initiator=True) as play:
        cpo = play.cpo
        await until(play.registered)
        first = cpo.ours
        assert (await cpo.may(first), await cpo.may(TOKEN_A)) == (True, False)

        # We renew.
        assert (await play.rotate()).error == ""
        second = cpo.ours
        assert (await cpo.may(first), await cpo.may(second)) == (False, True)
        await pulls_go_on(play)

        # The CPO renews, misses the answer, and renews again with the token it has.
        assert (await cpo.exchange("PUT", lost=True))[0] == 200
        assert await cpo.may(second)
        assert (await cpo.exchange("PUT"))[0] == 200
        assert await cpo.may(second)
        assert await cpo.may(cpo.ours)
        assert not await cpo.may(second)
        await pulls_go_on(play)
        assert (await play.standing()).progress is Progress.REGISTERED
        shows_no(cpo.secrets, await content(redis))

        # The CPO ends it.
        assert (await cpo.ask("DELETE", CREDENTIALS, cpo.ours))[0] == 200
        for token in (first, second, cpo.ours, TOKEN_A):
            assert not await cpo.may(token)
        assert await quiet(play)
        assert (await play.standing()).progress is Progress.SPENT
        assert (await cpo.exchange("POST"))[0] == 401
    assert {"cpo.registered", "cpo.renewed", "connection.renewed", "connection.ended"} <= told(log)
    shows_no(cpo.secrets, log.getvalue())


@pytest.mark.requirement("O46")
@pytest.mark.requirement("O48")
@pytest.mark.requirement("O49")
@pytest.mark.requirement("O51")
@pytest.mark.requirement("O52")
@pytest.mark.requirement("O53")
async def test_the_cpo_registers_both_renew_and_the_operator_ends_it(
    redis_url: str, redis: Redis, log: io.StringIO
) -> None:
    async with stage(redis_url, initiator=False) as play:
        cpo = play.cpo
        assert (await cpo.exchange("PUT"))[0] == 405
        assert (await cpo.ask("DELETE", CREDENTIALS, TOKEN_A))[0] == 405
        assert (await cpo.exchange("POST"))[0] == 200
        first = cpo.ours
        assert (await cpo.exchange("POST"))[0] == 405
        assert await cpo.may(first)
        cpo.peer = await cpo.known(first)
        await pulls_go_on(play)

        # The CPO renews, then we do.
        assert (await cpo.exchange("PUT"))[0] == 200
        second = cpo.ours
        assert (await cpo.may(second), await cpo.may(first)) == (True, False)
        cpo.peer = await cpo.known(second)
        assert (await play.rotate()).error == ""
        assert cpo.ours not in (first, second)
        assert (await cpo.may(second), await cpo.may(cpo.ours)) == (False, True)
        await pulls_go_on(play)

        # A renewal that the CPO refuses leaves everything as it was.
        cpo.peer = None
        assert (await play.rotate()).error == "NotRegisteredThere"
        assert await cpo.may(cpo.ours)
        await pulls_go_on(play)
        shows_no(cpo.secrets, await content(redis))

        # The operator ends it; the CPO has forgotten us before.
        await play.unregister()
        for token in (first, second, cpo.ours, TOKEN_A):
            assert not await cpo.may(token)
        assert await quiet(play)
    assert {"connection.registered", "connection.renewed", "cpo.renewal_failed"} <= told(log)
    shows_no(cpo.secrets, log.getvalue())


async def test_a_dead_token_is_told_and_pulls_go_on(redis_url: str, log: io.StringIO) -> None:
    async with stage(redis_url, initiator=True) as play:
        cpo = play.cpo
        await until(play.registered)
        await pulls_go_on(play)
        kept, cpo.token_c = cpo.token_c, "changed-behind-our-back"

        async def refused() -> bool:
            return (await play.standing()).progress is Progress.REFUSED

        await until(refused, timeout_s=30)
        assert "bridge cpo register" in (await play.standing()).reason
        assert [line for line in log.getvalue().splitlines() if "token_refused" in line][1:] == []

        cpo.token_c = kept

        async def registered() -> bool:
            return (await play.standing()).progress is Progress.REGISTERED

        await until(registered, timeout_s=30)
