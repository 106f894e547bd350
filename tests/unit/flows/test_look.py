"""A session nobody pushes is asked for: while it is silent, and before silence is an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from bridge.flows.decision import Pull
from bridge.flows.jobs import DeadlineJob
from bridge.flows.look import LOOK_S
from bridge.ocpi.commands import CommandResponseType, CommandResultType
from bridge.ocpi.types import ModuleID
from bridge.orders.order import OrderState
from bridge.workers.puller import ASKED_GAP_S
from tests.factories import CPO_ID
from tests.unit.flows.play import (
    PLAYED,
    Play,
    charging,
    confirmed,
    ended,
    interrupted,
    settled,
    starting,
    stopping,
)
from tests.unit.flows.world import TERMS

STALE_S = TERMS.session_stale_s
UNANSWERED_S = 2 * TERMS.command_timeout_s + 5

SESSIONS = Pull(CPO_ID, ModuleID.SESSIONS)
CDRS = Pull(CPO_ID, ModuleID.CDRS)


async def looks(play: Play, seconds: float) -> list[float]:
    """Let time pass; return after how many seconds sessions were pulled."""
    begin, known = play.now, len(play.pulls)
    await play.passes(seconds)
    new = play.pulls[known:]
    return [(at - begin).total_seconds() for at, each in new if each == SESSIONS]


async def test_a_session_that_is_silent_is_asked_for_again_and_again() -> None:
    play = await charging()
    assert await looks(play, STALE_S - 1) == []
    assert await looks(play, 3 * STALE_S) == [1, 1 + STALE_S, 1 + 2 * STALE_S]
    assert play.state() is OrderState.CHARGING


async def test_a_session_that_is_heard_of_is_never_asked_for() -> None:
    play = await charging()
    for kwh in range(1, 20):
        assert await looks(play, STALE_S - 1) == []
        await play.session("ACTIVE", str(kwh / 5))


async def test_what_else_happens_puts_no_look_off() -> None:
    play = await charging()
    await play.passes(STALE_S - 1)
    await play.status()
    await play.track()
    assert await looks(play, 1) == [1]


async def test_one_look_is_one_event_and_changes_nothing_else() -> None:
    play = await charging()
    due = play.placed.deadlines["session"]
    play.now = due
    before = play.placed

    decision = await play.happens(DeadlineJob(name="session", at=due))

    assert decision.pulls == (SESSIONS,)
    assert (decision.callbacks, decision.plans, decision.notes) == ((), (), ())
    assert play.placed.deadlines == {
        **before.deadlines,
        "session": due + timedelta(seconds=STALE_S),
    }


async def test_before_an_interruption_is_declared_the_cpo_is_asked() -> None:
    play = await charging()
    play.now += timedelta(seconds=30)
    await play.session("ACTIVE", "1")

    asked = await looks(play, TERMS.interruption_s)

    assert play.state() is OrderState.INTERRUPTED
    assert asked == [STALE_S, TERMS.interruption_s - LOOK_S]


async def test_what_a_look_finds_is_no_interruption() -> None:
    play = await charging()
    play.now += timedelta(seconds=30)
    await play.session("ACTIVE", "1")
    await play.passes(TERMS.interruption_s - 1)
    await play.session("ACTIVE", "2")
    await play.passes(TERMS.interruption_s - 1)
    assert play.state() is OrderState.CHARGING


async def test_a_lost_session_is_asked_for_until_it_is_given_up() -> None:
    play = await interrupted()
    asked = await looks(play, TERMS.interruption_limit_s)
    assert play.state() is OrderState.ENDED
    assert asked[:2] == [STALE_S, 2 * STALE_S]
    assert TERMS.interruption_limit_s - LOOK_S in asked
    assert await looks(play, 3600) == []


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_start_without_a_session_is_looked_up_before_it_fails(accepted: bool) -> None:
    play = await starting()
    limit_s: float = UNANSWERED_S
    if accepted:
        await play.response(CommandResponseType.ACCEPTED)
        await play.result(CommandResultType.ACCEPTED)
        limit_s = TERMS.session_wait_s

    asked = await looks(play, limit_s - 1)

    assert play.state() is OrderState.STARTING
    assert limit_s - LOOK_S in asked, "time enough for what is found"
    assert _apart(asked) <= LOOK_S
    assert await looks(play, 3600) == [], "it has failed"


async def test_where_little_time_is_given_half_of_it_is_left_for_the_look() -> None:
    play = await confirmed()
    play.terms = replace(TERMS, command_timeout_s=4)
    await play.start()
    assert await looks(play, 12) == [6.5]
    assert play.state() is OrderState.STARTING


async def test_what_is_found_saves_the_start() -> None:
    play = await starting()
    await play.passes(UNANSWERED_S - LOOK_S)
    assert play.pulls[-1] == (play.now, SESSIONS)
    await play.session("ACTIVE", "0.1")
    assert play.state() is OrderState.CHARGING


async def test_a_stop_is_looked_after_while_it_is_under_way() -> None:
    play = await stopping()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)

    asked = await looks(play, TERMS.session_wait_s - 1)

    assert play.state() is OrderState.STOPPING
    assert asked[0] <= LOOK_S
    assert _apart(asked) <= LOOK_S
    await play.session("COMPLETED", "3.7")
    assert await looks(play, 3600) == []


def _apart(asked: Sequence[float]) -> float:
    return max(later - sooner for sooner, later in pairwise(asked))


def test_there_is_time_for_a_pull_that_has_to_wait_for_the_one_before() -> None:
    assert LOOK_S > ASKED_GAP_S


async def test_a_late_cdr_is_looked_for_once() -> None:
    play = await ended()
    await play.passes(TERMS.cdr_wait_s - 1)
    assert CDRS not in [each for _, each in play.pulls]
    await play.passes(3600)
    assert [each for _, each in play.pulls].count(CDRS) == 1, "the rest is on schedule"


async def test_it_is_also_looked_for_when_an_answer_could_not_wait_for_it() -> None:
    play = await stopping()
    await play.session("COMPLETED", "3.7")
    await play.passes(TERMS.reply_deadline_s)
    assert play.pulls[-1] == (play.now, CDRS)


async def test_what_is_given_up_may_have_its_cdr() -> None:
    play = await interrupted()
    await play.passes(TERMS.interruption_limit_s)
    assert play.pulls[-1] == (play.now, CDRS)


@pytest.mark.parametrize(
    "state",
    sorted(
        set(PLAYED)
        - {OrderState(name) for name in ("STARTING", "CHARGING", "INTERRUPTED", "STOPPING")}
    ),
)
async def test_nothing_is_looked_for_where_no_session_is_awaited(state: OrderState) -> None:
    play = await PLAYED[state]()
    assert await looks(play, 3600) == []


async def test_nothing_is_looked_for_once_the_bill_is_final() -> None:
    play = await settled()
    known = len(play.pulls)
    await play.passes(86_400)
    assert play.pulls[known:] == []
