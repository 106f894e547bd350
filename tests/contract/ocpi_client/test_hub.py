"""Calls to parties behind a hub, and to one of several parties of a platform."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from aiohttp import web
from msgspec import Raw
from msgspec.structs import replace

from bridge.clients.commands import command
from bridge.clients.live_status import LiveEvses
from bridge.clients.traffic import FAILURES
from bridge.flows.peer import CallFailed, PartyAway
from bridge.ocpi import headers
from bridge.ocpi.codec import convert, encode
from bridge.ocpi.commands import CommandResponseType, CommandType
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus
from bridge.ocpi.locations import Location
from bridge.ocpi.types import Role
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.plans import CommandPlan
from tests.contract.ocpi_client.fake import Asked, FakeCpo, always, raw
from tests.contract.ocpi_client.objects import evse, location
from tests.contract.ocpi_client.side import Side, connected
from tests.fakes import MemoryConnections

HUB, ONE, TWO = Party("IN", "HUB"), Party("IN", "ONE"), Party("IN", "TWO")
STOP = "/2.2.1/commands/STOP_SESSION"
EVSE = "/2.2.1/locations/L1/L1-1"
S = ConnectionStatus
AWAY = [each for each in S if each is not S.CONNECTED]


def info(party: Party, status: ConnectionStatus) -> ClientInfo:
    """Make a word of the hub on a CPO."""
    return ClientInfo(
        party_id=party.party_id,
        country_code=party.country_code,
        role=Role.CPO,
        status=status,
        last_updated=datetime(2026, 3, 1, tzinfo=UTC),
    )


def via_hub(fake: FakeCpo, one: ConnectionStatus = S.CONNECTED) -> Connection:
    """Return a connection to a hub that reaches TWO, and ONE as said."""
    connection = connected(fake, HUB)
    (role,) = connection.roles
    hub = replace(connection, roles=(replace(role, role=Role.HUB),))
    return hub.with_client(info(ONE, one)).with_client(info(TWO, S.CONNECTED))


def stop(party: Party) -> CommandPlan:
    """Plan a STOP_SESSION."""
    return CommandPlan(
        id="c-1",
        type=CommandType.STOP_SESSION,
        cpo_id="cpo1",
        party=party,
        order_key="order",
        correlation_id="transaction",
        body=Raw(encode({"session_id": "S1"})),
    )


def item(party: Party) -> ChargingItem:
    """Return the only connector of Location L1 of a party."""
    owner = {"country_code": party.country_code, "party_id": party.party_id}
    place = convert(location("L1", **owner), Location)
    return ChargingItem(
        id="any",
        cpo_id="cpo1",
        provider=Provider(id="p", name="P"),
        number=1,
        location=place,
        evse=place.evses[0],
        power_kw=Decimal(22),
    )


def sides(asked: Asked) -> tuple[str, str]:
    """Return to whom a request went, and from whom."""
    routing = headers.read_routing(asked.headers)
    return str(routing.to), str(routing.from_)


@pytest.mark.requirement("O143")
@pytest.mark.parametrize("hub", [True, False], ids=["behind a hub", "of several roles"])
async def test_what_is_about_an_object_goes_to_its_owner(
    side: Side, fake: FakeCpo, hub: bool
) -> None:
    connection = via_hub(fake) if hub else connected(fake, ONE, TWO)
    fake.on_data("POST", STOP, {"result": "ACCEPTED", "timeout": 10})
    fake.on_data("GET", EVSE, evse("L1-1"))
    live = LiveEvses(side.client, MemoryConnections({"cpo1": connection}), {"cpo1": side.cpo})

    for party in (TWO, ONE):
        answer = await command(side.client, side.cpo, connection, stop(party), "https://b.test/r")
        assert answer.result is CommandResponseType.ACCEPTED
        assert await live.evse("cpo1", item(party)) is not None

    assert [sides(each) for each in fake.asked] == [
        *[("IN*TWO", "IN*BRG")] * 2,
        *[("IN*ONE", "IN*BRG")] * 2,
    ]


@pytest.mark.requirement("O142")
@pytest.mark.parametrize("status", AWAY)
async def test_a_party_that_is_away_is_sent_nothing(
    side: Side, fake: FakeCpo, status: ConnectionStatus
) -> None:
    connection = via_hub(fake, status)
    live = LiveEvses(side.client, MemoryConnections({"cpo1": connection}), {"cpo1": side.cpo})
    fake.on_data("GET", EVSE, evse("L1-1"))

    told = rf"IN\*ONE is {status} at its hub"
    with pytest.raises(PartyAway, match=f"commands: {told}") as failed:
        await command(side.client, side.cpo, connection, stop(ONE), "https://b.test/r")
    assert (failed.value.nothing_left, failed.value.retryable) == (True, False)
    with pytest.raises(PartyAway, match=f"locations: {told}"):
        await live.evse("cpo1", item(ONE))
    assert fake.asked == []

    assert await live.evse("cpo1", item(TWO)) is not None


@pytest.mark.requirement("O143")
@pytest.mark.parametrize("http", [200, 404, 504])
@pytest.mark.parametrize(
    ("code", "reason", "undelivered"),
    [
        (4001, "the hub does not know IN*ONE", True),
        (4002, "the hub got no answer in time from IN*ONE", False),
        (4003, "the hub has no connection to IN*ONE", True),
        (4000, "", False),
    ],
)
async def test_a_hub_says_why_it_could_not_pass_a_command_on(
    side: Side, fake: FakeCpo, http: int, code: int, reason: str, undelivered: bool
) -> None:
    fake.on("POST", STOP, always(None, http=http, code=code))

    with pytest.raises(CallFailed) as failed:
        await command(side.client, side.cpo, via_hub(fake), stop(ONE), "https://b.test/r")

    reason = f"{reason} (OCPI {code})" if reason else f"HTTP {http}, OCPI {code}"
    assert str(failed.value) == f"commands: {reason}"
    assert (failed.value.undelivered, failed.value.code) == (undelivered, code)
    assert failed.value.may_have_arrived is not undelivered
    assert not failed.value.nothing_left
    (exchange,) = side.exchanges
    assert (exchange.code, exchange.unreached) == (code, ONE if code != 4000 else None)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("code", [4001, 4003])
async def test_who_is_no_hub_cannot_say_that_a_command_did_not_arrive(
    side: Side, fake: FakeCpo, code: int
) -> None:
    fake.on("POST", STOP, always(None, code=code))
    with pytest.raises(CallFailed, match=f"HTTP 200, OCPI {code}") as failed:
        await command(side.client, side.cpo, connected(fake, ONE), stop(ONE), "https://b.test/r")
    assert failed.value.may_have_arrived
    assert side.exchanges[0].unreached is None


async def test_a_party_that_is_silent_keeps_nobody_else_from_being_asked(
    side: Side, fake: FakeCpo
) -> None:
    connection = via_hub(fake)
    live = LiveEvses(side.client, MemoryConnections({"cpo1": connection}), {"cpo1": side.cpo})

    async def answer(asked: Asked) -> web.StreamResponse:
        if sides(asked)[0] == "IN*ONE":
            return await raw(b"Gateway Timeout", http=504)(asked)
        return await always(evse("L1-1"))(asked)

    fake.on("GET", EVSE, answer)
    for _ in range(FAILURES + 1):
        with pytest.raises(CallFailed, match="HTTP 504"):
            await live.evse("cpo1", item(ONE))

    assert await live.evse("cpo1", item(TWO)) is not None
