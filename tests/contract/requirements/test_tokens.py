"""The tokens that orders charge with (OCPI 2.2.1 mod_tokens), from the CPO's side of the wire."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.commands import CommandResponseType, StartSession
from bridge.ocpi.tokens import TokenType, WhitelistType
from bridge.orders.order import OrderState
from bridge.orders.token import token_of
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import is_final, update
from tests.contract.requirements.scene import Scene, station
from tests.factories import EMSP, order
from tests.waiting import until


async def start(play: Scene, transaction_id: str, order: Message) -> StartSession:
    """Ask for a start, and return the command once the CPO has it."""
    before = len(play.starts())
    await play.bap.send("update", update(order, "start-charging"), transaction_id)
    await until(lambda: len(play.starts()) > before)
    return play.starts()[-1]


async def refused(play: Scene, transaction_id: str, order: Message) -> StartSession:
    """Ask for a start that the CPO rejects; return the command when the driver knows."""
    play.cpo.behaviour.response = CommandResponseType.REJECTED
    answer = await play.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert answer["error"]["code"] == "40006"
    return play.starts()[-1]


async def authorized(play: Scene, uid: str, location_id: str) -> Any:
    """Ask the bridge, as the CPO, whether a token may charge."""
    path = f"tokens/{uid}/authorize?type=AD_HOC_USER"
    return await play.ask_bridge("POST", path, {"location_id": location_id})


@pytest.mark.requirement("O120")
async def test_a_start_carries_our_own_token_that_may_charge_already(play: Scene) -> None:
    play.cpo.behaviour.sends_session = False
    place = station("HERE")
    await play.put_station(place)
    await play.until_seen()
    transaction_id, order = await play.book(place)
    (token,) = await play.ask_bridge("GET", "tokens")
    assert (await authorized(play, token["uid"], "HERE"))["allowed"] == "ALLOWED"

    command = await start(play, transaction_id, order)

    sent = command.token
    assert (sent.country_code, sent.party_id, sent.uid) == ("IN", "BRG", token["uid"])
    assert sent.valid
    assert (await authorized(play, sent.uid, "HERE"))["allowed"] == "ALLOWED"


async def calls_out(play: Scene) -> set[str]:
    """Return what the bridge counted of its own calls to CPOs."""
    counted = (await play.metrics()).splitlines()
    return {line for line in counted if re.match(r"bridge_ocpi_requests_total{.*\"out\"", line)}


@pytest.mark.requirement("O107", "O108")
async def test_an_authorization_asks_nobody_and_its_reference_is_that_of_the_start(
    play: Scene,
) -> None:
    play.cpo.behaviour.sends_session = False
    place = station("HERE")
    await play.put_station(place)
    await play.until_seen()
    transaction_id, order = await play.book(place)
    (token,) = await play.ask_bridge("GET", "tokens")
    before = await calls_out(play)

    info = await authorized(play, token["uid"], "HERE")

    assert await calls_out(play) == before != set()
    assert 1 <= len(info["authorization_reference"]) <= 36
    command = await start(play, transaction_id, order)
    assert command.authorization_reference == info["authorization_reference"]


@pytest.mark.requirement("O111")
@pytest.mark.requirement("O112")
async def test_each_order_has_one_token_of_its_own(play: Scene) -> None:
    one, two = station("ONE"), station("TWO")
    await play.put_station(one)
    await play.put_station(two)
    await play.until_seen()
    orders = [await play.book(place) for place in (one, two)]

    sent = [(await refused(play, *order)).token for order in orders for _ in range(2)]

    assert [each.uid for each in sent] == [sent[0].uid] * 2 + [sent[2].uid] * 2
    assert sent[0].uid != sent[2].uid
    listed = await play.ask_bridge("GET", "tokens")
    assert {each["uid"] for each in listed} == {each.uid for each in sent}
    assert len(listed) == 2
    assert {each["type"] for each in listed} == {"AD_HOC_USER"} == {each.type for each in sent}
    assert {each["whitelist"] for each in listed} == {"NEVER"} == {each.whitelist for each in sent}
    assert all(re.fullmatch("[A-Za-z0-9-]{8,20}", each.uid) for each in sent)


@pytest.mark.requirement("O111")
@pytest.mark.parametrize(
    "state", [OrderState.CONFIRMED, OrderState.CHARGING, OrderState.SETTLED, OrderState.CANCELLED]
)
def test_in_no_state_may_a_cpo_start_with_a_token_by_itself(state: OrderState) -> None:
    token = token_of(order(state), EMSP, "Example Bridge")
    assert token is not None
    assert (token.type, token.whitelist) == (TokenType.AD_HOC_USER, WhitelistType.NEVER)


@pytest.mark.requirement("O109")
@pytest.mark.requirement("O110")
async def test_a_cpo_that_keeps_tokens_has_it_before_the_start_and_until_the_end(
    play: Scene,
) -> None:
    calls: list[str] = []
    play.cpo.seen = lambda direction, what, words: (
        calls.append(f"{what}?{words}") if direction == "in" and "locations" not in what else None
    )
    place = station("HERE")
    await play.put_station(place)
    await play.until_seen()
    transaction_id, order = await play.book(place)

    answer = await play.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert "error" not in answer
    await play.bap.wait_for(is_final)

    (command,) = play.starts()
    token = f"tokens/IN/BRG/{command.token.uid}?type=AD_HOC_USER"
    await until(lambda: not play.cpo.tokens[command.token.uid].valid)
    assert calls == [f"PUT {token}", "POST commands/START_SESSION?", f"PATCH {token}"]
    kept = play.cpo.tokens[command.token.uid]
    assert kept == replace(command.token, valid=False, last_updated=kept.last_updated)
    assert kept.last_updated >= command.token.last_updated


@pytest.mark.requirement("O121")
@pytest.mark.endpoint("calls POST {commands}/START_SESSION")
async def test_a_start_names_evse_and_connector(play: Scene) -> None:
    play.cpo.behaviour.sends_session = False
    place = station("HERE")
    await play.put_station(place)
    await play.until_seen()

    command = await start(play, *await play.book(place))

    assert command.location_id == "HERE"
    assert (command.evse_uid, command.connector_id) == ("HERE-1", "1")
