"""update end-charging: one STOP, and what becomes of it (mapping 1.11, H8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.flows.command import LOOK_UP_S
from bridge.flows.decision import Pull
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.locations import Status
from bridge.ocpi.types import ModuleID
from bridge.orders.order import OrderState
from tests.factories import CPO_ID
from tests.unit.flows.callbacks import codes, provisional, shown, wire
from tests.unit.flows.play import (
    PLAYED,
    Play,
    charging,
    ended,
    interrupted,
    settled,
    starting,
    stopping,
)
from tests.unit.flows.world import TERMS

STOP = CommandType.STOP_SESSION
TICK = timedelta(seconds=10)
REFUSED = [CommandResponseType.NOT_SUPPORTED, CommandResponseType.REJECTED]
FAILED = sorted(set(CommandResultType) - {CommandResultType.ACCEPTED})


@pytest.mark.parametrize("state", [OrderState.CHARGING, OrderState.INTERRUPTED])
async def test_a_stop_names_the_session_and_nothing_else(state: OrderState) -> None:
    play = await PLAYED[state]()
    decision = await play.stop()
    assert decision.callbacks == ()
    assert play.sent(STOP) == [{"session_id": "S1"}]
    assert play.state() is OrderState.STOPPING


async def test_two_stops_are_one_command_and_two_answers() -> None:
    play = await stopping()
    await play.stop()
    await play.session("COMPLETED", "3.7")
    await play.cdr("3.7")

    assert len(play.sent(STOP)) == 1
    for request in play.asked[-2:]:
        (answer,) = play.answers_to(request)
        assert wire(answer) == "COMPLETED"
        assert shown(answer)["quote"]["price"]["value"] == "76.60"
    assert [each for each in play.callbacks if not each.solicited] == []


@pytest.mark.parametrize("state", [OrderState.CONFIRMED, OrderState.CANCELLED])
async def test_what_does_not_run_is_not_stopped(state: OrderState) -> None:
    play = await PLAYED[state]()
    decision = await play.stop()
    assert codes(decision.callbacks) == ["50002"]
    assert decision.plans == ()


async def test_what_has_ended_is_answered_with_its_bill() -> None:
    play = await ended()
    await play.stop()
    (answer,) = play.answers_to(play.asked[-1])
    assert wire(answer) == "COMPLETED"
    assert shown(answer)["quote"]["price"]["value"] == "76.60"
    assert provisional(answer)

    over = await settled()
    await over.stop()
    (answer,) = over.answers_to(over.asked[-1])
    assert not provisional(answer)
    assert over.sent(STOP) == []


@pytest.mark.parametrize("refusal", REFUSED)
async def test_a_stop_that_the_cpo_refuses_has_failed(refusal: CommandResponseType) -> None:
    play = await stopping()
    await play.response(refusal)

    (answer,) = play.answers_to(play.asked[-1])
    assert codes([answer]) == ["50002"]
    assert play.state() is OrderState.CHARGING
    assert play.placed.deadlines.keys() == {"session"}


@pytest.mark.parametrize("failure", FAILED)
async def test_a_stop_that_fails_at_the_charge_point_has_failed(failure: CommandResultType) -> None:
    play = await stopping()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(failure)

    (answer,) = play.answers_to(play.asked[-1])
    assert codes([answer]) == ["50002"]
    assert play.state() is OrderState.CHARGING


async def unknown() -> Play:
    """Play until the CPO says that it does not know the session that is to be stopped."""
    play = await stopping()
    decision = await play.response(CommandResponseType.UNKNOWN_SESSION)
    assert decision.callbacks == ()
    assert decision.pulls == (Pull(CPO_ID, ModuleID.SESSIONS, at_once=True),)
    assert play.state() is OrderState.STOPPING
    return play


async def test_a_session_the_cpo_does_not_know_has_ended_if_its_list_says_so() -> None:
    play = await unknown()
    await play.session("COMPLETED", "3.7")
    assert play.state() is OrderState.ENDED
    await play.cdr("3.7")
    (answer,) = play.answers_to(play.asked[-1])
    assert wire(answer) == "COMPLETED"
    assert [each for each in play.callbacks if not each.solicited] == []


@pytest.mark.parametrize("pulled", [True, False])
async def test_a_session_the_cpo_does_not_know_and_lists_as_active_is_not_stopped(
    pulled: bool,
) -> None:
    play = await unknown()
    if pulled:
        await play.session("ACTIVE", "1")
    assert codes(await play.passes(LOOK_UP_S)) == ["50002"]
    assert len(play.answers_to(play.asked[-1])) == 1
    assert play.state() is OrderState.CHARGING
    await play.stop()
    assert len(play.sent(STOP)) == 2, "it may be stopped again"


async def test_no_result_is_waited_for_of_a_session_the_cpo_does_not_know() -> None:
    play = await unknown()
    before = play.order
    for result in CommandResultType:
        assert (await play.result(result)).callbacks == ()
    assert play.order is before


async def test_a_stop_that_never_left_has_failed() -> None:
    play = await stopping()
    assert codes((await play.no_response(sent=False)).callbacks) == ["50002"]
    assert play.state() is OrderState.CHARGING


async def test_a_stop_that_may_have_arrived_is_waited_for() -> None:
    play = await stopping()
    assert (await play.no_response(sent=True)).callbacks == ()
    told = await play.passes(2 * TERMS.command_timeout_s + 5)
    assert wire(told[0]) == "ACTIVE"
    assert told[0].solicited
    assert codes(told[1:]) == ["50002"]
    assert not told[1].solicited
    assert play.state() is OrderState.CHARGING


async def test_an_accepted_stop_waits_for_the_end_of_the_session() -> None:
    play = await stopping()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)
    await play.session("ACTIVE", "1")
    assert play.state() is OrderState.STOPPING
    assert play.answers_to(play.asked[-1]) == []

    await play.session("COMPLETED", "1")
    assert play.state() is OrderState.ENDED
    assert play.placed.stop_command is None
    assert play.placed.deadlines.keys() == {"reply", "cdr"}


async def test_a_session_that_goes_on_after_an_accepted_stop_charges() -> None:
    play = await stopping()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)
    await play.passes(TERMS.session_wait_s)
    assert play.state() is OrderState.CHARGING

    await play.stop()
    assert len(play.sent(STOP)) == 2, "it may be stopped again"


async def test_an_answer_to_an_old_stop_does_not_touch_the_new_one() -> None:
    play = await stopping()
    old = play.commands[-1].id
    await play.response(CommandResponseType.REJECTED)
    await play.stop()
    await play.result(CommandResultType.FAILED, command_id=old)
    assert play.state() is OrderState.STOPPING


async def test_the_end_in_time_for_the_answer_but_not_for_the_bill() -> None:
    play = await stopping()
    await play.session("COMPLETED", "3.7")

    (late,) = await play.passes(TERMS.reply_deadline_s)
    assert play.answers_to(play.asked[-1]) == [late]
    assert wire(late) == "COMPLETED"
    assert provisional(late)
    assert await play.passes(TERMS.cdr_wait_s) == [], "the provisional bill is sent once"

    await play.cdr("3.7")
    final = play.callbacks[-1]
    assert not final.solicited
    assert not provisional(final)


async def test_what_takes_too_long_is_answered_with_the_state_reached() -> None:
    play = await stopping()
    (late,) = await play.passes(TERMS.reply_deadline_s)
    assert late.solicited
    assert wire(late) == "ACTIVE"


async def starting_and_stopped() -> Play:
    """Play until the driver wants a stop before there is a session."""
    play = await starting()
    decision = await play.stop()
    assert (decision.callbacks, decision.plans) == ((), ())
    assert play.state() is OrderState.STARTING
    return play


async def test_a_stop_before_the_session_waits_for_it() -> None:
    play = await starting_and_stopped()
    await play.session("PENDING", "0")
    assert play.sent(STOP) == []

    await play.session("ACTIVE", "0")

    assert play.sent(STOP) == [{"session_id": "S1"}]
    assert play.state() is OrderState.STOPPING
    start, stop = play.asked[-2:]
    assert [wire(each) for each in play.answers_to(start)] == ["ACTIVE"]
    assert play.answers_to(stop) == []
    await play.session("COMPLETED", "0.1")
    await play.cdr("0.1")
    assert [wire(each) for each in play.answers_to(stop)] == ["COMPLETED"]


async def test_a_stop_whose_session_never_comes_is_answered() -> None:
    play = await starting_and_stopped()
    await play.response(CommandResponseType.REJECTED)
    start, stop = play.asked[-2:]
    assert codes(play.answers_to(start)) == ["40006"]
    assert [wire(each) for each in play.answers_to(stop)] == ["PENDING"]
    assert play.state() is OrderState.CONFIRMED
    assert play.placed.deadlines == {}


async def test_a_stop_outlives_the_start_that_failed() -> None:
    play = await starting_and_stopped()
    await play.passes(2 * TERMS.command_timeout_s + 5)
    assert play.state() is OrderState.CONFIRMED

    await play.session("ACTIVE", "0")

    assert play.sent(STOP) == [{"session_id": "S1"}]
    assert play.state() is OrderState.STOPPING


async def test_a_new_start_forgets_the_stop_of_the_last() -> None:
    play = await starting_and_stopped()
    await play.response(CommandResponseType.REJECTED)
    await play.start()
    await play.session("ACTIVE", "0")
    assert play.sent(STOP) == []
    assert play.state() is OrderState.CHARGING


async def lost_and_stopping() -> Play:
    """Play until a station that does not answer is told to stop."""
    play = await interrupted()
    await play.stop()
    return play


async def test_a_stop_that_fails_does_not_mend_a_lost_connection() -> None:
    play = await lost_and_stopping()
    await play.response(CommandResponseType.REJECTED)
    assert play.state() is OrderState.INTERRUPTED
    told = await play.passes(TERMS.interruption_limit_s)
    assert [wire(each) for each in told] == ["COMPLETED"]


async def test_an_outage_ends_while_a_stop_waits() -> None:
    play = await interrupted()
    await play.passes(TERMS.interruption_limit_s - 20)
    await play.stop(ttl_s=None)
    told = await play.passes(20)
    assert [(wire(each), each.solicited) for each in told] == [
        ("ACTIVE", True),
        ("COMPLETED", False),
    ]
    assert play.state() is OrderState.ENDED
    assert play.placed.deadlines == {}


async def test_a_station_that_is_still_lost_stays_so() -> None:
    play = await lost_and_stopping()
    await play.evse(Status.INOPERATIVE)
    assert "outage" in play.placed.deadlines
    assert play.placed.bill is not None


@pytest.mark.parametrize("by_session", [True, False])
async def test_a_station_that_is_back_is_charging_when_the_stop_fails(by_session: bool) -> None:
    play = await lost_and_stopping()
    if by_session:
        await play.session("ACTIVE", "1")
    else:
        await play.evse(Status.CHARGING)
    assert play.state() is OrderState.STOPPING
    assert play.placed.bill is None
    await play.response(CommandResponseType.REJECTED)
    assert play.state() is OrderState.CHARGING
    assert "outage" not in play.placed.deadlines


async def test_silence_is_watched_again_after_a_stop_that_failed() -> None:
    play = await charging()
    play.now += TICK
    await play.session("ACTIVE", "1")
    assert "interruption" in play.placed.deadlines
    await play.stop()
    assert "interruption" not in play.placed.deadlines
    await play.response(CommandResponseType.REJECTED)
    assert "interruption" in play.placed.deadlines
