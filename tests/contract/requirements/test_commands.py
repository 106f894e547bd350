"""Commands and what becomes of them (OCPI 2.2.1 mod_commands), event by event."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import MappingInvalid
from bridge.mapping import load
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.orders.order import OrderState
from bridge.settings.model import Terms
from tests.reference import PROJECT
from tests.unit.flows.callbacks import codes
from tests.unit.flows.play import Play, starting, stopping
from tests.unit.flows.world import TERMS, mappings

DEFAULT_S = 30
SLACK_S = 10
"""Longest slack there may be on a CPO's own time-out."""

START_FAILED, STOP_FAILED = "40006", "50002"

REFUSALS = sorted(set(CommandResponseType) - {CommandResponseType.ACCEPTED})


def failures(play: Play) -> list[str]:
    """Return the error codes of all that the BAP was told."""
    return codes(each for each in play.callbacks if each.error is not None)


@pytest.mark.requirement("O125")
@pytest.mark.parametrize(
    ("said_s", "waited_s"),
    [
        *((1, 1), (10, 10), (45, 45), (600, 600)),
        *((0, DEFAULT_S), (-5, DEFAULT_S), (601, DEFAULT_S), (86_400, DEFAULT_S)),
    ],
)
async def test_a_result_is_waited_for_as_long_as_the_cpo_says(said_s: int, waited_s: int) -> None:
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED, timeout_s=said_s)

    await play.passes(waited_s - 0.1)
    assert play.state() is OrderState.STARTING
    assert failures(play) == []

    await play.passes(SLACK_S + 0.1)
    assert play.state() is OrderState.CONFIRMED
    assert failures(play) == [START_FAILED]


@pytest.mark.requirement("O125")
def test_a_time_out_that_makes_no_sense_becomes_30_seconds() -> None:
    assert Terms().command_timeout_s == DEFAULT_S


@pytest.mark.requirement("O124")
async def test_a_result_that_comes_first_is_not_forgotten() -> None:
    play = await starting()
    await play.result(CommandResultType.ACCEPTED)
    await play.response(CommandResponseType.ACCEPTED, timeout_s=1)

    await play.passes(TERMS.session_wait_s - 1)

    assert play.state() is OrderState.STARTING


@pytest.mark.requirement("O124")
@pytest.mark.parametrize("result", list(CommandResultType))
async def test_a_result_that_comes_again_changes_nothing(result: CommandResultType) -> None:
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(result)
    before, told = play.placed, len(play.callbacks)

    for _ in range(3):
        again = await play.result(result)
        assert (again.callbacks, again.plans) == ((), ())

    assert play.placed == before
    assert len(play.callbacks) == told


@pytest.mark.requirement("O126")
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refused_start_is_over_at_once(refusal: CommandResponseType) -> None:
    play = await starting()

    refused = await play.response(refusal)

    assert codes(refused.callbacks) == [START_FAILED]
    assert play.state() is OrderState.CONFIRMED
    assert play.next_due() is None
    late = await play.result(CommandResultType.ACCEPTED)
    assert (late.callbacks, late.plans) == ((), ())
    assert play.state() is OrderState.CONFIRMED
    assert play.next_due() is None


@pytest.mark.requirement("O126")
@pytest.mark.parametrize("refusal", ["NOT_SUPPORTED", "REJECTED"])
async def test_a_refused_stop_is_over_at_once(refusal: str) -> None:
    play = await stopping()

    refused = await play.response(CommandResponseType(refusal))

    assert codes(refused.callbacks) == [STOP_FAILED]
    assert play.state() is OrderState.CHARGING
    assert "stop" not in play.placed.deadlines
    late = await play.result(CommandResultType.FAILED)
    assert late.callbacks == ()


@pytest.mark.requirement("O126")
async def test_the_stop_of_an_unknown_session_waits_for_no_result() -> None:
    play = await stopping()
    await play.response(CommandResponseType.UNKNOWN_SESSION)

    assert (await play.result(CommandResultType.ACCEPTED)).callbacks == ()
    await play.passes(SLACK_S)

    assert failures(play) == [STOP_FAILED]
    assert play.state() is OrderState.CHARGING


@pytest.mark.requirement("O126")
async def test_an_accepted_start_waits_for_its_result() -> None:
    play = await starting()

    accepted = await play.response(CommandResponseType.ACCEPTED)

    assert accepted.callbacks == ()
    assert play.state() is OrderState.STARTING
    failed = await play.result(CommandResultType.FAILED)
    assert codes(failed.callbacks) == [START_FAILED]


@pytest.mark.requirement("O128")
async def test_an_accepted_start_without_a_session_fails() -> None:
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)

    await play.passes(TERMS.session_wait_s - 1)
    assert play.state() is OrderState.STARTING
    await play.passes(1)

    assert play.state() is OrderState.CONFIRMED
    assert failures(play) == [START_FAILED]
    (lost,) = play.placed.attempts
    assert not lost.open
    assert play.placed.reference not in (None, lost.authorization_reference)


@pytest.mark.requirement("O128")
async def test_a_session_that_charges_in_time_is_no_failure() -> None:
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)
    await play.session()

    await play.passes(TERMS.session_wait_s + 1)

    assert play.state() is OrderState.CHARGING
    assert failures(play) == []


@pytest.mark.requirement("O129")
@pytest.mark.endpoint("calls POST {commands}/STOP_SESSION")
async def test_a_stop_names_the_session_as_the_cpo_does() -> None:
    play = await starting()
    await play.session(id="CPO-7")

    await play.stop()

    assert play.sent(CommandType.STOP_SESSION) == [{"session_id": "CPO-7"}]


@pytest.mark.requirement("O129")
async def test_a_stop_waits_for_a_session_that_it_can_name() -> None:
    play = await starting()
    await play.stop()
    assert play.sent(CommandType.STOP_SESSION) == []

    await play.session(id="CPO-8")

    assert play.sent(CommandType.STOP_SESSION) == [{"session_id": "CPO-8"}]


@pytest.mark.requirement("O131")
def test_no_action_of_a_driver_unlocks_a_connector() -> None:
    assert {row.command for row in mappings().actions if row.command} == {
        CommandType.START_SESSION,
        CommandType.STOP_SESSION,
        CommandType.RESERVE_NOW,
        CommandType.CANCEL_RESERVATION,
    }


@pytest.mark.requirement("O131")
def test_no_overlay_makes_an_action_unlock_a_connector(tmp_path: Path) -> None:
    overlay = tmp_path / "unlock.yaml"
    overlay.write_text(
        "actions: deg\nrows:\n  - {action: update, verb: STOP, command: UNLOCK_CONNECTOR}\n"
    )
    with pytest.raises(MappingInvalid, match=r"unlock\.yaml"):
        load(PROJECT / "mappings", [overlay])
