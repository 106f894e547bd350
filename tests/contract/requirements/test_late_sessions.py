"""Sessions that appear although their START had failed (OCPI 2.2.1 mod_commands, issue 475)."""

from __future__ import annotations

import pytest

from bridge.ocpi.codec import decode
from bridge.ocpi.commands import CommandResultType, CommandType, StopSession
from bridge.sandbox import charging
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import is_final, state_of, update
from tests.contract.requirements.scene import Scene, station
from tests.waiting import until


async def failed(play: Scene, result: CommandResultType) -> tuple[str, Message]:
    """Place an order and have its START fail; return its transaction id and the order."""
    place = station("HERE")
    await play.put_station(place)
    await play.until_seen()
    transaction_id, order = await play.book(place)
    play.cpo.behaviour.result = result
    answer = await play.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert answer["error"]["code"] == "40006"
    play.cpo.behaviour.result = CommandResultType.ACCEPTED
    return transaction_id, order


def charge(play: Scene) -> None:
    """Let the charge point begin all the same."""
    (command,) = play.starts()
    play.cpo.spawn(charging.charge(play.cpo, command))


@pytest.mark.requirement("O127")
@pytest.mark.parametrize("result", [CommandResultType.FAILED, CommandResultType.TIMEOUT])
@pytest.mark.parametrize("echoes_reference", [True, False])
async def test_it_is_adopted_while_the_order_stands(
    play: Scene, result: CommandResultType, echoes_reference: bool
) -> None:
    transaction_id, _ = await failed(play, result)
    play.cpo.behaviour.echoes_reference = echoes_reference

    charge(play)

    told = await play.bap.wait_for(lambda message: state_of(message) == "ACTIVE")
    assert told["context"]["transaction_id"] == transaction_id
    final = await play.bap.wait_for(is_final)
    assert final["message"]["order"]["quote"]["price"]["value"] == "76.60"


@pytest.mark.requirement("O127")
async def test_it_is_stopped_when_the_order_was_cancelled(play: Scene) -> None:
    transaction_id, order = await failed(play, CommandResultType.TIMEOUT)
    await play.bap.ask("cancel", {"order_id": order["id"]}, transaction_id)
    play.cpo.behaviour.steps, play.cpo.behaviour.step_s = 10_000, 0.05

    charge(play)

    await until(lambda: play.cpo.commands[-1][0] == CommandType.STOP_SESSION)
    stop = decode(play.cpo.commands[-1][1], StopSession)
    assert [stop.session_id] == list(play.cpo.sessions)
    await until(lambda: play.cpo.sessions[stop.session_id].status == "COMPLETED")
