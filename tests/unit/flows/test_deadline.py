"""Deadlines that were moved, cleared, or seen by a clock ahead of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.flows.decision import Decision, with_deadline
from bridge.flows.jobs import DeadlineJob
from bridge.flows.look import CONCLUSIONS
from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import wire
from tests.unit.flows.play import PLAYED, starting
from tests.unit.flows.world import TERMS

NAMES = ["reply", "start", "stop", "interruption", "outage", "session", "cdr", "fault"]
WAITED = {
    (OrderState.STARTING, "start"),
    (OrderState.STARTING, "reply"),
    (OrderState.STOPPING, "stop"),
    (OrderState.STOPPING, "reply"),
    (OrderState.INTERRUPTED, "outage"),
    (OrderState.ENDED, "cdr"),
    *((state, "session") for state in CONCLUSIONS),
}

MEANT = {
    *WAITED,
    (OrderState.STOPPING, "outage"),
    (OrderState.CHARGING, "interruption"),
    (OrderState.CONFIRMED, "fault"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", PLAYED)
async def test_a_deadline_means_nothing_before_its_time(state: OrderState, name: str) -> None:
    play = await PLAYED[state]()
    before = play.order
    decision = await play.happens(DeadlineJob(name=name, at=play.now))
    assert decision == Decision(before)
    assert (name in play.placed.deadlines) is ((state, name) in WAITED)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", PLAYED)
async def test_a_deadline_out_of_place_is_forgotten(state: OrderState, name: str) -> None:
    play = await PLAYED[state]()
    play.order = with_deadline(play.placed, name, play.now)

    decision = await play.happens(DeadlineJob(name=name, at=play.now))

    assert name not in play.placed.deadlines or play.placed.deadlines[name] > play.now
    if (state, name) not in MEANT:
        assert decision.callbacks == ()
        assert play.state() is state


async def test_whoever_saw_it_pass_is_believed_although_our_clock_is_behind() -> None:
    play = await starting()
    due = play.placed.deadlines["reply"]
    play.now = due - timedelta(milliseconds=40)

    (late,) = (await play.happens(DeadlineJob(name="reply", at=due))).callbacks

    assert wire(late) == "PENDING"
    assert "reply" not in play.placed.deadlines


async def test_the_store_may_have_cut_off_less_than_a_millisecond() -> None:
    play = await starting()
    play.now = play.placed.deadlines["reply"] - timedelta(microseconds=900)
    assert len((await play.happens(DeadlineJob(name="reply", at=play.now))).callbacks) == 1


async def test_nothing_is_left_when_a_day_has_passed() -> None:
    for state, play_until in PLAYED.items():
        play = await play_until()
        await play.passes(86_400)
        looked_for = {"session"} if play.state() is OrderState.CHARGING else set()
        assert play.placed.deadlines.keys() == looked_for, state
        assert play.placed.waiting == (), state
        assert all(len(play.answers_to(request)) == 1 for request in play.asked), state


async def test_time_alone_brings_an_order_only_so_far() -> None:
    reached = {}
    for state, play_until in PLAYED.items():
        play = await play_until()
        await play.passes(TERMS.interruption_limit_s * 2)
        reached[state] = play.state()
    assert reached == {
        OrderState.CONFIRMED: OrderState.CONFIRMED,
        OrderState.STARTING: OrderState.CONFIRMED,
        OrderState.CHARGING: OrderState.CHARGING,
        OrderState.INTERRUPTED: OrderState.ENDED,
        OrderState.STOPPING: OrderState.CHARGING,
        OrderState.ENDED: OrderState.ENDED,
        OrderState.SETTLED: OrderState.SETTLED,
        OrderState.CANCELLED: OrderState.CANCELLED,
    }
