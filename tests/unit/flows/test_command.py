"""CommandResponse and CommandResult: how long each is waited for (mapping 1.16)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from bridge.ocpi.commands import CommandResponseType, CommandResultType
from bridge.orders.order import OrderState
from tests.unit.flows.play import Play, charging, confirmed, starting, stopping
from tests.unit.flows.world import TERMS

ACCEPTED = CommandResponseType.ACCEPTED
PLAYS = {"start": starting, "stop": stopping}
GRACE_S = 5


def due_in(play: Play, name: str, since: datetime) -> float:
    """Return after how many seconds a deadline passes."""
    return (play.placed.deadlines[name] - since).total_seconds()


@pytest.mark.parametrize("which", PLAYS)
async def test_without_any_answer_a_command_gets_twice_its_time(which: str) -> None:
    play = await PLAYS[which]()
    assert due_in(play, which, play.now) == 2 * TERMS.command_timeout_s + GRACE_S


@pytest.mark.parametrize("which", PLAYS)
@pytest.mark.parametrize(
    ("said_s", "waited_s"),
    [(1, 1), (10, 10), (600, 600), (0, 30), (-1, 30), (601, 30)],
)
async def test_a_result_is_waited_for_as_long_as_the_cpo_says(
    which: str, said_s: int, waited_s: int
) -> None:
    play = await PLAYS[which]()
    play.now += timedelta(seconds=3)
    await play.response(ACCEPTED, timeout_s=said_s)
    assert due_in(play, which, play.now) == waited_s + GRACE_S


@pytest.mark.parametrize("which", PLAYS)
@pytest.mark.parametrize("result_first", [True, False])
async def test_after_the_result_the_session_gets_its_time(which: str, result_first: bool) -> None:
    play = await PLAYS[which]()
    if result_first:
        await play.result(CommandResultType.ACCEPTED)
        began = play.now
        play.now += timedelta(seconds=1)
        await play.response(ACCEPTED, timeout_s=1)
    else:
        await play.response(ACCEPTED, timeout_s=1)
        play.now += timedelta(seconds=1)
        await play.result(CommandResultType.ACCEPTED)
        began = play.now
    assert due_in(play, which, began) == TERMS.session_wait_s


async def test_a_session_that_waits_for_its_plug_gives_the_driver_time_once() -> None:
    play = await starting()
    await play.response(ACCEPTED, timeout_s=10)
    play.now += timedelta(seconds=12)
    began = play.now
    await play.session("PENDING", "0")
    assert due_in(play, "start", began) == TERMS.session_wait_s
    play.now += timedelta(seconds=60)
    await play.session("PENDING", "0", last_updated=play.now)
    assert due_in(play, "start", began) == TERMS.session_wait_s


async def test_a_pending_session_shortens_nothing() -> None:
    play = await starting()
    await play.response(ACCEPTED, timeout_s=600)
    began = play.now
    await play.session("PENDING", "0")
    assert due_in(play, "start", began) == 600 + GRACE_S


@pytest.mark.parametrize("result", CommandResultType)
@pytest.mark.parametrize("play_until", [confirmed, charging])
async def test_nobody_waits_for_a_command_that_was_never_sent(
    result: CommandResultType, play_until: Callable[[], Awaitable[Play]]
) -> None:
    play = await play_until()
    before = play.order
    decision = await play.result(result, command_id="of-another-order")
    assert (decision.callbacks, decision.plans) == ((), ())
    assert decision.order is before
    assert decision.notes


@pytest.mark.parametrize("which", PLAYS)
async def test_what_is_over_is_noted_and_changes_nothing(which: str) -> None:
    play = await PLAYS[which]()
    await play.cdr()
    before = play.order
    assert (await play.response(CommandResponseType.REJECTED)).order is before
    assert (await play.result(CommandResultType.FAILED)).order is before
    assert play.state() is OrderState.SETTLED
