"""Commands: sent once, and what is known when no answer comes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from bridge.clients.commands import PATIENCE_S, command
from bridge.clients.ocpi import Timeouts
from bridge.flows.peer import CallFailed
from bridge.ocpi.commands import CommandResponse, CommandResponseType, CommandType
from bridge.ocpi.connection import Connection
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.plans import CommandPlan
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, always, raw
from tests.contract.ocpi_client.side import CPO_PARTY, TOKEN, Side, Validate

START = "/2.2.1/commands/START_SESSION"
RESPONSE_URL = "https://bridge.test/ocpi/2.2.1/commands/START_SESSION/c-1"
ACCEPTED = {"result": "ACCEPTED", "timeout": 30}

TOKEN_OBJECT: dict[str, Any] = {
    "country_code": "IN",
    "party_id": "BRG",
    "uid": "U-1",
    "type": "AD_HOC_USER",
    "contract_id": "IN-BRG-C1",
    "issuer": "Bridge",
    "valid": True,
    "whitelist": "NEVER",
    "last_updated": "2026-03-01T12:00:00Z",
}
BODIES: dict[CommandType, dict[str, Any]] = {
    CommandType.START_SESSION: {
        "token": TOKEN_OBJECT,
        "location_id": "L1",
        "evse_uid": "E1",
        "connector_id": "1",
        "authorization_reference": "R-1",
    },
    CommandType.STOP_SESSION: {"session_id": "S1"},
    CommandType.RESERVE_NOW: {
        "token": TOKEN_OBJECT,
        "expiry_date": "2026-03-01T13:00:00Z",
        "reservation_id": "V1",
        "location_id": "L1",
    },
    CommandType.CANCEL_RESERVATION: {"reservation_id": "V1"},
    CommandType.UNLOCK_CONNECTOR: {"location_id": "L1", "evse_uid": "E1", "connector_id": "1"},
}


def plan(kind: CommandType = CommandType.START_SESSION, **changes: Any) -> CommandPlan:
    """Return a command as it was written down."""
    body = json.dumps({**BODIES[kind], **changes}).encode()
    return CommandPlan(
        id="c-1",
        type=kind,
        cpo_id="cpo1",
        party=CPO_PARTY,
        correlation_id="6743e9e2-4fb5-487c-92b7-13ba8018f176",
        order_key="bap|t1",
        body=msgspec.Raw(body),
    )


async def send(
    side: Side,
    what: CommandPlan | None = None,
    connection: Connection | None = None,
    patience_s: float = PATIENCE_S,
) -> CommandResponse:
    """Send a command to the fake."""
    return await command(
        side.client,
        side.cpo,
        connection or side.connection,
        what or plan(),
        RESPONSE_URL,
        correlation_id="t1",
        patience_s=patience_s,
    )


@pytest.mark.endpoint("calls POST {commands}/CANCEL_RESERVATION")
@pytest.mark.endpoint("calls POST {commands}/RESERVE_NOW")
@pytest.mark.parametrize("kind", list(CommandType))
async def test_a_command_is_posted_under_its_name_with_our_response_url(
    side: Side, fake: FakeCpo, kind: CommandType
) -> None:
    fake.on_data("POST", f"/2.2.1/commands/{kind}", ACCEPTED)

    response = await send(side, plan(kind))

    assert response == CommandResponse(result=CommandResponseType.ACCEPTED, timeout=30)
    (asked,) = fake.asked
    assert asked.json() == {**BODIES[kind], "response_url": RESPONSE_URL}
    assert asked.headers["X-Correlation-ID"] == "t1"
    assert asked.headers["OCPI-to-party-id"] == "ABC"
    assert asked.headers["Content-Type"] == "application/json"


@pytest.mark.shared
@pytest.mark.parametrize("kind", list(CommandType))
async def test_what_is_sent_passes_the_strict_checker(
    side: Side, fake: FakeCpo, validate: Validate, kind: CommandType
) -> None:
    fake.on_data("POST", f"/2.2.1/commands/{kind}", ACCEPTED)

    await send(side, plan(kind))

    name = "".join(word.capitalize() for word in kind.split("_"))
    assert validate(fake.asked[0].json(), name) == []


@pytest.mark.parametrize("result", list(CommandResponseType))
@pytest.mark.parametrize(("http", "code"), [(200, 1000), (201, 1000), (200, 2001), (400, 2003)])
async def test_every_result_is_an_answer_also_within_an_error(
    side: Side, fake: FakeCpo, result: CommandResponseType, http: int, code: int
) -> None:
    fake.on("POST", START, always({"result": result, "timeout": 12}, http=http, code=code))

    assert await send(side) == CommandResponse(result=result, timeout=12)
    forgiven = [("cpo1", Met(Leniency.RESULT_IN_ERROR, "status_code"))]
    assert side.forgiven == ([] if code == 1000 else forgiven)


NO = {"language": "en", "text": "no"}


@pytest.mark.parametrize(
    ("data", "timeout_s", "forgiven"),
    [
        ({"result": "REJECTED"}, 0, {"data.timeout": Leniency.REQUIRED_MISSING}),
        ({"result": "REJECTED", "timeout": None}, 0, {"data.timeout": Leniency.REQUIRED_MISSING}),
        ({"result": "REJECTED", "timeout": "15"}, 15, {"data.timeout": Leniency.NUMBER_AS_STRING}),
        ({"result": "REJECTED", "timeout": "soon"}, 0, {"data.timeout": Leniency.UNUSABLE_PART}),
        ([{"result": "REJECTED", "timeout": 5}], 5, {"data": Leniency.OBJECT_IN_LIST}),
        (
            {"result": "REJECTED", "timeout": 5, "session_id": "S-1"},
            5,
            {"data.session_id": Leniency.UNKNOWN_FIELD},
        ),
        (
            {"result": "REJECTED", "timeout": 5, "message": NO},
            5,
            {"data.message": Leniency.SINGLE_FOR_LIST},
        ),
    ],
)
async def test_the_result_alone_is_enough(
    side: Side, fake: FakeCpo, data: object, timeout_s: int, forgiven: dict[str, Leniency]
) -> None:
    fake.on_data("POST", START, data)

    response = await send(side)

    assert (response.result, response.timeout) == (CommandResponseType.REJECTED, timeout_s)
    assert {met.place: met.leniency for _, met in side.forgiven} == forgiven


async def test_a_response_as_it_should_be_needs_no_leniency(side: Side, fake: FakeCpo) -> None:
    fake.on_data("POST", START, {"result": "ACCEPTED", "timeout": 0, "message": [NO]})
    await send(side)
    assert side.forgiven == []


@pytest.mark.requirement("O133")
@pytest.mark.parametrize(
    "answer",
    [
        always(None),
        always({"result": "MAYBE", "timeout": 5}),
        always({"timeout": 5}),
        always([]),
        always("ACCEPTED"),
        always(None, code=2000),
        always(None, http=500, code=3000),
        always({"result": 7}, http=404, code=2003),
        raw(b"oops", http=502),
        raw(b"<html>", http=200),
    ],
)
async def test_any_other_answer_leaves_the_outcome_open_and_is_not_retried(
    side: Side, fake: FakeCpo, answer: Answer
) -> None:
    fake.on("POST", START, answer)

    with pytest.raises(CallFailed) as raised:
        await send(side)

    assert not raised.value.nothing_left
    assert raised.value.reason.startswith("commands: ")
    assert len(fake.asked) == 1


@pytest.mark.requirement("O34")
@pytest.mark.requirement("O133")
async def test_a_refused_connection_means_that_nothing_left(side: Side, fake: FakeCpo) -> None:
    nobody = f"http://127.0.0.1:{unused_port()}/commands"
    cpo = replace(side.cpo, overrides={(ModuleID.COMMANDS, InterfaceRole.RECEIVER): nobody})

    with pytest.raises(CallFailed) as raised:
        await send(replace(side, cpo=cpo))

    assert raised.value.nothing_left
    assert raised.value.reason == "commands: no connection"
    assert len(side.exchanges) == 1


async def test_a_connection_cut_after_the_command_leaves_the_outcome_open(
    side: Side, fake: FakeCpo
) -> None:
    async def cut(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.abort()
        return web.Response()

    fake.on("POST", START, cut)

    with pytest.raises(CallFailed) as raised:
        await send(side)

    assert not raised.value.nothing_left
    assert raised.value.reason == "commands: the connection broke"
    assert len(fake.asked) == 1


async def test_a_connection_cut_on_reuse_is_not_retried(side: Side, fake: FakeCpo) -> None:
    fake.on_data("POST", START, ACCEPTED)
    await send(side)

    async def cut(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.abort()
        return web.Response()

    fake.on("POST", START, cut)
    with pytest.raises(CallFailed):
        await send(side)

    assert len(fake.asked) == 2


@pytest.mark.requirement("O133")
async def test_a_command_is_given_its_time_whatever_is_configured(
    side: Side, fake: FakeCpo
) -> None:
    assert PATIENCE_S >= 10
    impatient = replace(side.cpo, timeouts=Timeouts(connect_s=2, total_s=0.05))
    released = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return await always(ACCEPTED)(asked)

    fake.on("POST", START, slow)
    sending = asyncio.create_task(send(replace(side, cpo=impatient)))
    done, _ = await asyncio.wait([sending], timeout=0.2)

    assert done == set(), "the configured 0.05 s ended the command"
    released.set()
    assert (await sending).result is CommandResponseType.ACCEPTED


async def test_a_time_out_after_sending_leaves_the_outcome_open(side: Side, fake: FakeCpo) -> None:
    impatient = replace(side.cpo, timeouts=Timeouts(connect_s=2, total_s=0.1))
    released = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    fake.on("POST", START, slow)

    with pytest.raises(CallFailed) as raised:
        await send(replace(side, cpo=impatient), patience_s=0.1)

    assert not raised.value.nothing_left
    assert raised.value.reason == "commands: no answer within 0.1 s"
    assert len(fake.asked) == 1
    released.set()


@pytest.mark.requirement("O121")
async def test_an_invalid_command_is_not_sent(side: Side, fake: FakeCpo) -> None:
    for invalid in (plan(evse_uid=None), plan(location_id="x" * 37)):
        with pytest.raises(CallFailed, match="our START_SESSION is invalid") as raised:
            await send(side, invalid)
        assert raised.value.nothing_left

    assert fake.asked == []


async def test_without_connection_or_endpoint_nothing_is_sent(side: Side, fake: FakeCpo) -> None:
    for connection, reason in (
        (Connection(cpo_id="cpo1"), "commands: cpo1 is not registered"),
        (Connection(cpo_id="cpo1", token=TOKEN), "commands: cpo1 has no such endpoint (RECEIVER)"),
    ):
        with pytest.raises(CallFailed) as raised:
            await send(side, connection=connection)
        assert raised.value.reason == reason
        assert raised.value.nothing_left


@pytest.mark.parametrize("advertised", [True, False])
async def test_an_endpoint_of_the_configuration_wins_or_fills_a_gap(
    side: Side, fake: FakeCpo, advertised: bool
) -> None:
    elsewhere = {(ModuleID.COMMANDS, InterfaceRole.RECEIVER): fake.url("/hidden/")}
    fake.on_data("POST", "/hidden/START_SESSION", ACCEPTED)
    endpoints = [
        each
        for each in side.connection.endpoints
        if advertised or each.identifier is not ModuleID.COMMANDS
    ]
    connection = msgspec.structs.replace(side.connection, endpoints=tuple(endpoints))

    await send(replace(side, cpo=replace(side.cpo, overrides=elsewhere)), connection=connection)

    assert fake.targets() == ["POST /hidden/START_SESSION"]
