"""UNLOCK_CONNECTOR: for an operator at the command line, through a running bridge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bridge.cli.unlock import Unlocked, planned, unlocked
from bridge.clients.ocpi import OcpiClient
from bridge.clients.sender import CpoSender
from bridge.flows.peer import CallFailed
from bridge.flows.start import GRACE_S
from bridge.ocpi.codec import decode
from bridge.ocpi.commands import (
    CommandResponseType,
    CommandResultType,
    CommandType,
    UnlockConnector,
)
from bridge.operator import Operator
from bridge.settings import Settings
from bridge.wiring import Stores, party_of, stores_of
from tests.contract.requirements.scene import Scene, settings
from tests.factories import CPO_ID

RESPONSES, RESULTS = CommandResponseType, CommandResultType


@dataclass
class HelpDesk:
    """An operator beside the running bridge, on the same store."""

    play: Scene
    stores: Stores
    sender: CpoSender

    async def unlock(self, *, default_s: float = 30) -> Unlocked:
        """Have a connector of the sandbox unlocked."""
        plan = planned(CPO_ID, self.play.cpo.party, "INDIRANAGAR", "INDIRANAGAR-1", "1")
        return await unlocked(self.stores, self.sender, plan, default_s=default_s)


@pytest.fixture
async def desk(play: Scene, redis_url: str) -> AsyncIterator[HelpDesk]:
    """Give an operator whose bridge is the one that runs."""
    configured: Settings = settings(play.bap.bridge_url, f"{play.cpo.url}/ocpi/versions")
    operator, stores = Operator(configured), stores_of(configured, redis_url)
    async with aiohttp.ClientSession() as http:
        sender = CpoSender(
            client=OcpiClient(http, party_of(configured), observe=lambda exchange: None),
            connections=stores.connections,
            cpos=operator.cpos(),
            response_url=operator.response_url,
        )
        yield HelpDesk(play, stores, sender)
    await stores.database.redis.aclose()


@pytest.mark.requirement("O131")
@pytest.mark.endpoint("calls POST {commands}/UNLOCK_CONNECTOR")
async def test_an_operator_is_told_what_the_charge_point_says(desk: HelpDesk) -> None:
    for result in RESULTS:
        desk.play.cpo.behaviour.result = result
        told = await desk.unlock()
        assert (told.response, told.result) == (RESPONSES.ACCEPTED, result)

    names = [name for name, _ in desk.play.cpo.commands]
    assert names == [CommandType.UNLOCK_CONNECTOR] * len(RESULTS)
    sent = [decode(body, UnlockConnector) for _, body in desk.play.cpo.commands]
    assert {(each.location_id, each.evse_uid, each.connector_id) for each in sent} == {
        ("INDIRANAGAR", "INDIRANAGAR-1", "1")
    }
    assert len({each.response_url for each in sent}) == len(sent)


async def test_what_is_not_accepted_has_no_result(desk: HelpDesk) -> None:
    for response in sorted(set(RESPONSES) - {RESPONSES.ACCEPTED}):
        desk.play.cpo.behaviour.response = response
        told = await desk.unlock()
        assert (told.response, told.result) == (response, None)


async def test_a_command_without_an_answer_has_failed(desk: HelpDesk) -> None:
    connection = await desk.stores.connections.get(CPO_ID)
    await desk.stores.connections.end(CPO_ID)
    assert connection.registered
    with pytest.raises(CallFailed, match="not registered"):
        await desk.unlock()


async def test_a_result_that_never_comes_is_not_waited_for(
    desk: HelpDesk,
) -> None:
    desk.play.cpo.behaviour.result = None
    desk.play.cpo.behaviour.timeout_s = 0
    told = await desk.unlock(default_s=0.1 - GRACE_S)
    assert (told.response, told.result) == (RESPONSES.ACCEPTED, None)


async def test_its_story_is_kept(desk: HelpDesk) -> None:
    told = await desk.unlock()
    story = await desk.stores.journal.read(f"operator|{told.command_id}")
    steps: list[tuple[str, str, Any]] = [
        (entry.hop, entry.what, entry.detail.get("result")) for entry in story
    ]
    assert steps[0] == ("operator > CPO", "UNLOCK_CONNECTOR", None)
    assert set(steps[1:]) == {
        ("CPO > operator", "CommandResponse", "ACCEPTED"),
        ("CPO > bridge", "CommandResult", "ACCEPTED"),
    }
