"""Every answer to every command has one outcome, whatever came before it (docs/commands.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from bridge.flows.decision import Decision, Pull
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.types import ModuleID
from bridge.orders.order import Order, OrderState
from tests.factories import CPO_ID
from tests.pages import read, rows
from tests.unit.flows.callbacks import codes, wire
from tests.unit.flows.play import Play, cancelled, starting, stopping
from tests.unit.flows.world import TERMS

OUTCOMES = {
    "response `ACCEPTED`": ("waits", "waits"),
    "response `NOT_SUPPORTED`": ("failed", "failed"),
    "response `REJECTED`": ("failed", "failed"),
    "response `UNKNOWN_SESSION`": ("failed", "looked up"),
    "no response: nothing left": ("failed", "failed"),
    "no response: 2003, unknown location": ("failed", "waits"),
    "no response: it may have arrived": ("waits", "waits"),
    "result `ACCEPTED`": ("waits", "waits"),
    "result `CANCELED_RESERVATION`": ("failed", "failed"),
    "result `EVSE_INOPERATIVE`": ("failed", "failed"),
    "result `EVSE_OCCUPIED`": ("failed", "failed"),
    "result `FAILED`": ("failed", "failed"),
    "result `NOT_SUPPORTED`": ("failed", "failed"),
    "result `REJECTED`": ("failed", "failed"),
    "result `TIMEOUT`": ("failed", "failed"),
    "result `UNKNOWN_RESERVATION`": ("failed", "failed"),
    "nothing in time": ("failed", "failed"),
}
"""What the first answer means, by command."""

LONG_S = 900.0
"""Longer than any answer is waited for."""

Happens = Callable[[Play, str], Awaitable[Decision]]


class Command(NamedTuple):
    """A command under way, and how its failure looks."""

    play: Callable[[], Awaitable[Play]]
    under_way: OrderState
    failed: OrderState
    error: str


COMMANDS = {
    CommandType.START_SESSION: Command(
        starting, OrderState.STARTING, OrderState.CONFIRMED, "40006"
    ),
    CommandType.STOP_SESSION: Command(stopping, OrderState.STOPPING, OrderState.CHARGING, "50002"),
}

MOMENTS = ["nothing", "a response", "a result", "a response and a result", "the end"]
"""What came before the answer."""


async def answered(play: Play, answer: str, command_id: str) -> Decision:
    """Let a command be answered as a row of the table has it."""
    kind, _, word = answer.partition(" ")
    match kind:
        case "response":
            said = CommandResponseType(word.strip("`"))
            return await play.response(said, command_id=command_id)
        case "result":
            return await play.result(CommandResultType(word.strip("`")), command_id=command_id)
        case _:
            return await play.no_response(
                sent="nothing left" not in answer,
                code=2003 if "2003" in answer else None,
                command_id=command_id,
            )


async def after(play: Play, moment: str, command_id: str) -> None:
    """Let happen what came before."""
    if moment in ("a response", "a response and a result"):
        await play.response(CommandResponseType.ACCEPTED, command_id=command_id)
    if moment in ("a result", "a response and a result"):
        await play.result(CommandResultType.ACCEPTED, command_id=command_id)
    if moment == "the end":
        await play.result(CommandResultType.FAILED, command_id=command_id)


def expected(kind: CommandType, answer: str, moment: str) -> str:
    """Return the outcome that the page promises."""
    if moment == "the end":
        return "nothing"
    if moment.endswith("a result") and (answer == "result `ACCEPTED`" or "response" in answer):
        return "nothing"
    return OUTCOMES[answer][list(COMMANDS).index(kind)]


def check(
    play: Play, command: Command, outcome: str, before: Order, decision: Decision, pulls: int
) -> None:
    """Check that an answer had its outcome and no other."""
    assert decision.plans == ()
    assert len(decision.pulls) == pulls
    if outcome == "failed":
        assert play.state() is command.failed
        assert codes(decision.callbacks) == [command.error]
        return
    assert decision.callbacks == ()
    if outcome == "nothing":
        assert decision.order is before
        assert decision.notes
        return
    assert play.state() is command.under_way
    assert {"start", "stop"} & play.placed.deadlines.keys()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("answer", [row for row in OUTCOMES if row != "nothing in time"])
@pytest.mark.parametrize("kind", COMMANDS)
async def test_every_answer_has_its_outcome(kind: CommandType, answer: str, moment: str) -> None:
    command = COMMANDS[kind]
    play = await command.play()
    command_id = play.commands[-1].id
    await after(play, moment, command_id)
    before = play.placed

    decision = await answered(play, answer, command_id)

    outcome = expected(kind, answer, moment)
    pulls = outcome == "looked up" or ("2003" in answer and outcome == "failed")
    check(play, command, outcome, before, decision, int(pulls))

    again = play.placed
    repeated = await answered(play, answer, command_id)
    assert (repeated.callbacks, repeated.plans, repeated.pulls) == ((), (), ())
    if not (outcome == "waits" and answer == "response `ACCEPTED`"):
        assert repeated.order is again, "twice is once"


@pytest.mark.parametrize("moment", MOMENTS[:-1])
@pytest.mark.parametrize("kind", COMMANDS)
async def test_what_is_not_answered_in_time_has_failed(kind: CommandType, moment: str) -> None:
    command = COMMANDS[kind]
    play = await command.play()
    await after(play, moment, play.commands[-1].id)

    told = await play.passes(LONG_S)

    assert play.state() is command.failed
    assert codes(each for each in told if each.error) == [command.error]


def test_the_page_has_this_table() -> None:
    page = read("docs/commands.md")
    assert {answer: tuple(cells) for answer, *cells in rows(page, "## Answers")} == OUTCOMES
    words = {
        *(f"response `{word}`" for word in CommandResponseType),
        *(f"result `{word}`" for word in CommandResultType),
    }
    assert words <= OUTCOMES.keys()
    assert all(len(cells) == len(COMMANDS) for cells in OUTCOMES.values())


async def test_what_is_looked_up_is_asked_for_at_its_cpo() -> None:
    play = await starting()
    assert (await play.no_response(sent=True, code=2003)).pulls == (
        Pull(CPO_ID, ModuleID.LOCATIONS),
    )
    play = await stopping()
    assert (await play.response(CommandResponseType.UNKNOWN_SESSION)).pulls == (
        Pull(CPO_ID, ModuleID.SESSIONS),
    )


# A session all the same


async def failed() -> Play:
    """Play until a START has failed at the charge point."""
    play = await starting()
    await play.result(CommandResultType.FAILED)
    return play


async def timed_out() -> Play:
    """Play until a START has got no result in time."""
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    await play.passes(LONG_S)
    return play


async def cancelled_meanwhile() -> Play:
    """Play until the order is cancelled during a START."""
    play = await starting()
    await play.cancel()
    return play


@pytest.mark.parametrize("play_until", [starting, failed, timed_out])
async def test_a_session_that_charges_counts_whatever_was_said(
    play_until: Callable[[], Awaitable[Play]],
) -> None:
    play = await play_until()
    (told,) = (await play.session("ACTIVE", "0")).callbacks
    assert wire(told) == "ACTIVE"
    assert play.state() is OrderState.CHARGING
    assert {"start"}.isdisjoint(play.placed.deadlines)


async def test_of_two_starts_that_charge_the_first_to_be_heard_of_counts() -> None:
    play = await failed()
    first = play.placed.attempts[0].authorization_reference
    await play.start()
    await play.session("ACTIVE", "0", id="S1", authorization_reference=first)
    await play.session("ACTIVE", "0", id="S2")
    assert play.sent(CommandType.STOP_SESSION) == [{"session_id": "S2"}]
    assert play.state() is OrderState.CHARGING


@pytest.mark.parametrize("status", ["PENDING", "ACTIVE"])
@pytest.mark.parametrize("play_until", [cancelled, cancelled_meanwhile])
async def test_a_session_of_a_cancelled_order_is_stopped(
    play_until: Callable[[], Awaitable[Play]], status: str
) -> None:
    play = await play_until()
    decision = await play.session(status, "0")
    assert decision.callbacks == ()
    assert play.sent(CommandType.STOP_SESSION) == [{"session_id": "S1"}]
    assert play.state() is OrderState.CANCELLED


async def test_a_session_that_waits_for_its_plug_gives_the_driver_time() -> None:
    play = await starting()
    await play.session("PENDING", "0")
    await play.passes(TERMS.session_wait_s - 1)
    assert play.state() is OrderState.STARTING
    await play.passes(1)
    assert play.state() is OrderState.CONFIRMED
