"""Every answer to every command has one outcome, whatever came before it (docs/commands.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from bridge.flows.decision import Callback, Decision, Pull
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.types import ModuleID
from bridge.orders.order import Order, OrderState, ReservationState
from tests.factories import CPO_ID
from tests.pages import read, rows
from tests.unit.flows.callbacks import codes, wire
from tests.unit.flows.play import Play, cancelled, giving_back, reserving, starting, stopping
from tests.unit.flows.world import TERMS

OUTCOMES = {
    "response `ACCEPTED`": ("waits", "waits", "waits", "noted", "told"),
    "response `NOT_SUPPORTED`": ("failed", "failed", "not reserved", "noted", "told"),
    "response `REJECTED`": ("failed", "failed", "not reserved", "noted", "told"),
    "response `UNKNOWN_SESSION`": ("failed", "looked up", "not reserved", "noted", "told"),
    "no response: nothing left": ("failed", "failed", "not reserved", "noted", "told"),
    "no response: 2003, unknown location": ("failed", "waits", "not reserved", "noted", "told"),
    "no response: it may have arrived": ("waits", "waits", "waits", "noted", "told"),
    "result `ACCEPTED`": ("waits", "waits", "held", "noted", "told"),
    "result `CANCELED_RESERVATION`": ("failed", "failed", "cancelled", "noted", "told"),
    "result `EVSE_INOPERATIVE`": ("failed", "failed", "not reserved", "noted", "told"),
    "result `EVSE_OCCUPIED`": ("failed", "failed", "not reserved", "noted", "told"),
    "result `FAILED`": ("failed", "failed", "not reserved", "noted", "told"),
    "result `NOT_SUPPORTED`": ("failed", "failed", "not reserved", "noted", "told"),
    "result `REJECTED`": ("failed", "failed", "not reserved", "noted", "told"),
    "result `TIMEOUT`": ("failed", "failed", "not reserved", "noted", "told"),
    "result `UNKNOWN_RESERVATION`": ("failed", "failed", "not reserved", "noted", "told"),
    "nothing in time": ("failed", "failed", "not reserved", "noted", "told"),
}
"""What the first answer means, by command."""

COMMANDS = {
    CommandType.START_SESSION: starting,
    CommandType.STOP_SESSION: stopping,
    CommandType.RESERVE_NOW: reserving,
    CommandType.CANCEL_RESERVATION: giving_back,
}
"""How each command of an order gets on its way, in the order of the columns."""

COLUMNS = [*COMMANDS, CommandType.UNLOCK_CONNECTOR]

ANSWERS = [row for row in OUTCOMES if row != "nothing in time"]
MOMENTS = ["nothing", "a response", "a result", "a response and a result", "the end"]
"""What came before the answer."""

LONG_S = 900.0
"""Longer than any answer is waited for."""


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
    outcome = OUTCOMES[answer][COLUMNS.index(kind)]
    if outcome == "noted":
        return outcome
    if moment == "the end":
        return "nothing"
    if moment.endswith("a result") and (answer == "result `ACCEPTED`" or "response" in answer):
        return "nothing"
    return outcome


UNDER_WAY = {
    CommandType.START_SESSION: (OrderState.STARTING, "start"),
    CommandType.STOP_SESSION: (OrderState.STOPPING, "stop"),
    CommandType.RESERVE_NOW: (OrderState.CONFIRMED, "reserve"),
}
FAILED = {
    CommandType.START_SESSION: (OrderState.CONFIRMED, "40006"),
    CommandType.STOP_SESSION: (OrderState.CHARGING, "50002"),
}


def check(
    play: Play, kind: CommandType, outcome: str, before: Order, callbacks: Sequence[Callback]
) -> None:
    """Check that an answer had its outcome and no other."""
    order = play.placed
    reservation = None if order.reservation is None else order.reservation.state
    match outcome:
        case "failed":
            state, error = FAILED[kind]
            assert order.state is state
            assert codes(callbacks) == [error]
        case "cancelled":
            assert [wire(each) for each in callbacks] == ["CANCELLED"]
            assert order.state is OrderState.CANCELLED
        case "nothing" | "noted":
            assert (order, callbacks) == (before, ())
        case "waits" | "looked up":
            state, deadline = UNDER_WAY[kind]
            assert callbacks == ()
            assert order.state is state
            assert deadline in order.deadlines
        case "held":
            assert callbacks == ()
            assert (order.state, reservation) == (OrderState.CONFIRMED, ReservationState.HELD)
            assert order.deadlines.keys() == {"no_show"}
        case "not reserved":
            assert callbacks == ()
            assert (order.state, reservation) == (OrderState.CONFIRMED, ReservationState.REFUSED)
            assert order.deadlines == {}
        case _:
            raise AssertionError(outcome)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", COMMANDS)
async def test_every_answer_has_its_outcome(kind: CommandType, answer: str, moment: str) -> None:
    play = await COMMANDS[kind]()
    command_id = play.commands[-1].id
    await after(play, moment, command_id)
    before = play.placed

    decision = await answered(play, answer, command_id)

    outcome = expected(kind, answer, moment)
    check(play, kind, outcome, before, decision.callbacks)
    assert decision.plans == ()
    refused_2003 = "2003" in answer and outcome in ("failed", "not reserved")
    assert len(decision.pulls) == int(outcome == "looked up" or refused_2003)
    if outcome in ("nothing", "noted", "not reserved"):
        assert decision.notes

    again = play.placed
    repeated = await answered(play, answer, command_id)
    assert (repeated.callbacks, repeated.plans, repeated.pulls) == ((), (), ())
    if not (outcome == "waits" and answer == "response `ACCEPTED`"):
        assert repeated.order is again, "twice is once"


@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_an_operator_commanded_is_of_no_order(answer: str) -> None:
    assert OUTCOMES[answer][COLUMNS.index(CommandType.UNLOCK_CONNECTOR)] == "told"
    assert await answered(Play(), answer, "unlock-1") == Decision(None)


@pytest.mark.parametrize("moment", MOMENTS[:-1])
@pytest.mark.parametrize("kind", FAILED)
async def test_what_is_not_answered_in_time_has_failed(kind: CommandType, moment: str) -> None:
    play = await COMMANDS[kind]()
    await after(play, moment, play.commands[-1].id)

    told = await play.passes(LONG_S)

    state, error = FAILED[kind]
    assert play.state() is state
    assert codes(each for each in told if each.error) == [error]


@pytest.mark.parametrize("moment", ["nothing", "a response"])
async def test_a_reservation_that_is_not_answered_in_time_is_none(moment: str) -> None:
    play = await reserving()
    await after(play, moment, play.commands[-1].id)

    assert await play.passes(LONG_S) == []

    assert play.state() is OrderState.CONFIRMED
    assert play.placed.deadlines == {}
    await play.cancel()
    assert len(play.sent(CommandType.CANCEL_RESERVATION)) == 1, "it may be held all the same"


def test_the_page_has_this_table() -> None:
    page = read("docs/commands.md")
    assert {answer: tuple(cells) for answer, *cells in rows(page, "## Answers")} == OUTCOMES
    words = {
        *(f"response `{word}`" for word in CommandResponseType),
        *(f"result `{word}`" for word in CommandResultType),
    }
    assert words <= OUTCOMES.keys()
    assert all(len(cells) == len(COLUMNS) for cells in OUTCOMES.values())


async def test_what_is_looked_up_is_asked_for_at_its_cpo() -> None:
    play = await starting()
    assert (await play.no_response(sent=True, code=2003)).pulls == (
        Pull(CPO_ID, ModuleID.LOCATIONS),
    )
    play = await stopping()
    assert (await play.response(CommandResponseType.UNKNOWN_SESSION)).pulls == (
        Pull(CPO_ID, ModuleID.SESSIONS, at_once=True),
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
