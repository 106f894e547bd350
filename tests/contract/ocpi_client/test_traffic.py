"""A CPO that wants a pause, and one that does not answer, through the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from bridge.clients.commands import command
from bridge.clients.configuration import ConfigurationApi
from bridge.clients.ocpi import OcpiClient, Timeouts
from bridge.clients.traffic import FAILURES, OPEN_S, Traffic
from bridge.clients.wire import cpo_session
from bridge.flows.peer import CallFailed
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, always, enveloped, raw
from tests.contract.ocpi_client.side import OWN, Side, fails, get
from tests.contract.ocpi_client.test_commands import ACCEPTED, RESPONSE_URL, START, plan
from tests.guards import LOCAL

PATH = "/2.2.1/locations"


class Clock:
    """A monotonic clock."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[tuple[str, bool]]:
    return []


@pytest.fixture
async def side(side: Side, clock: Clock, changes: list[tuple[str, bool]]) -> AsyncIterator[Side]:
    """Give our side with a clock of the test's own."""
    traffic = Traffic(lambda *change: changes.append(change), clock)
    async with cpo_session(LOCAL) as http:
        side.client = OcpiClient(http, OWN, observe=side.exchanges.append, traffic=traffic)
        yield side


async def dies(asked: Asked) -> web.StreamResponse:
    """Answer nothing."""
    assert asked.request.transport is not None
    asked.request.transport.abort()
    return web.Response()


async def hangs(asked: Asked) -> web.StreamResponse:
    """Answer when it is much too late."""
    await asyncio.Event().wait()
    return web.Response()


@pytest.mark.parametrize(
    "answer",
    [
        always(None, http=429, code=3000, headers={"Retry-After": "20"}),
        raw(b"slow down", http=429, headers={"Retry-After": "20"}),
        raw(b"maintenance", http=503, headers={"Retry-After": "20"}),
    ],
)
async def test_after_429_nothing_is_asked_until_the_pause_is_over(
    side: Side, fake: FakeCpo, clock: Clock, answer: Answer
) -> None:
    fake.on("GET", PATH, answer)
    error = await fails(side, get(fake.url(PATH)))
    assert error.retry_after_s == 20
    assert not error.nothing_left
    assert side.client.traffic.paused_s("cpo1") == 20

    held = await fails(side, get(fake.url(PATH)))
    assert held.reason == "locations: cpo1 asked for a pause; next try in 20 s"
    assert held.nothing_left
    assert len(fake.asked) == len(side.exchanges) == 1

    fake.on_data("GET", PATH, [])
    clock.now += 20
    await side.client.call(get(fake.url(PATH)))
    assert len(fake.asked) == 2


async def test_in_a_pause_a_command_is_tried_and_a_peer_that_calls_is_called_back(
    side: Side, fake: FakeCpo
) -> None:
    fake.on("GET", PATH, raw(b"", http=429))
    await fails(side, get(fake.url(PATH)))
    fake.on_data("POST", START, ACCEPTED)
    fake.on_data("GET", "/versions", [])

    await command(side.client, side.cpo, side.connection, plan(), RESPONSE_URL)
    answering = ConfigurationApi(side.client, side.cpo, answering=True)
    assert await answering.versions(fake.url("/versions"), "token-b") == ()

    with pytest.raises(CallFailed, match="asked for a pause"):
        await ConfigurationApi(side.client, side.cpo).versions(fake.url("/versions"), "token-a")


async def test_a_command_that_meets_429_is_not_sent_again(side: Side, fake: FakeCpo) -> None:
    fake.on("POST", START, raw(b"", http=429))

    with pytest.raises(CallFailed) as raised:
        await command(side.client, side.cpo, side.connection, plan(), RESPONSE_URL)

    assert not raised.value.nothing_left
    assert raised.value.retry_after_s == 5
    assert len(fake.asked) == 1


@pytest.mark.parametrize("answer", [dies, hangs, raw(b"Bad Gateway", http=502)])
async def test_a_dead_cpo_is_asked_no_more_until_one_request_finds_it_alive(
    side: Side, fake: FakeCpo, clock: Clock, changes: list[tuple[str, bool]], answer: Answer
) -> None:
    fake.on("GET", PATH, answer)
    quick = get(fake.url(PATH), timeouts=Timeouts(connect_s=2, total_s=0.2))
    for _ in range(FAILURES):
        assert not (await fails(side, quick)).nothing_left
    assert changes == [("cpo1", False)]
    asked = len(fake.asked)

    held = await fails(side, quick)
    assert held.reason == "locations: cpo1 does not answer; next try in 30 s"
    assert held.nothing_left
    with pytest.raises(CallFailed, match="commands: cpo1 does not answer") as raised:
        await command(side.client, side.cpo, side.connection, plan(), RESPONSE_URL)
    assert raised.value.nothing_left
    assert len(fake.asked) == asked

    fake.on_data("GET", PATH, [])
    clock.now += OPEN_S
    await side.client.call(quick)
    await side.client.call(quick)
    assert changes == [("cpo1", False), ("cpo1", True)]
    assert len(fake.asked) == asked + 2


async def test_refused_connections_count_and_a_handshake_finds_out_by_itself(
    side: Side, fake: FakeCpo, changes: list[tuple[str, bool]]
) -> None:
    nobody = get(f"http://127.0.0.1:{unused_port()}/")
    for _ in range(FAILURES):
        assert (await fails(side, nobody)).reason == "locations: no connection"
    assert changes == [("cpo1", False)]
    fake.on_data("GET", "/versions", [])

    await ConfigurationApi(side.client, side.cpo).versions(fake.url("/versions"), "token-a")

    assert changes == [("cpo1", False), ("cpo1", True)]


async def test_errors_of_a_cpo_that_answers_are_no_silence(
    side: Side, fake: FakeCpo, changes: list[tuple[str, bool]]
) -> None:
    fake.on("GET", PATH, always(None, http=500, code=3000))
    for _ in range(2 * FAILURES):
        await fails(side, get(fake.url(PATH)))
    for _ in range(2 * FAILURES):
        await fails(side, get("http://[::1/nowhere"))

    assert changes == []
    assert len(fake.asked) == 2 * FAILURES


async def test_only_one_request_at_a_time_finds_out(
    side: Side, fake: FakeCpo, clock: Clock
) -> None:
    fake.on("GET", PATH, raw(b"", http=502))
    for _ in range(FAILURES):
        await fails(side, get(fake.url(PATH)))
    released = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return enveloped([])

    fake.on("GET", PATH, slow)
    clock.now += OPEN_S
    fake.arrived.clear()
    probe = asyncio.create_task(side.client.call(get(fake.url(PATH))))
    await fake.arrived.wait()
    await fails(side, get(fake.url(PATH)))
    released.set()

    assert (await probe).data == []
    assert len(fake.asked) == FAILURES + 1
