"""update start-charging: one START, one answer, whatever becomes of it (decisions 7, 14)."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.mapping import load
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.locations import Status
from bridge.orders.intents import Update, Verb
from bridge.orders.order import OrderState
from tests.reference import PROJECT
from tests.unit.flows.callbacks import codes, wire
from tests.unit.flows.play import PLAYED, Play, confirmed, starting
from tests.unit.flows.world import TERMS

START = CommandType.START_SESSION
REFUSED = sorted(set(CommandResponseType) - {CommandResponseType.ACCEPTED})
FAILED = sorted(set(CommandResultType) - {CommandResultType.ACCEPTED})


async def failed() -> Play:
    """Play until a START is refused."""
    play = await starting()
    await play.response(CommandResponseType.REJECTED)
    assert play.state() is OrderState.CONFIRMED
    return play


async def test_a_start_names_everything_the_cpo_needs() -> None:
    play = await confirmed()
    reference = play.placed.reference
    decision = await play.start()

    assert decision.callbacks == ()
    assert play.state() is OrderState.STARTING
    (body,) = play.sent(START)
    token = body.pop("token")
    assert body == {
        "location_id": "L1",
        "evse_uid": "E1",
        "connector_id": "1",
        "authorization_reference": reference,
    }
    assert token["uid"] == play.placed.token_uid
    assert (token["type"], token["valid"], token["whitelist"]) == ("AD_HOC_USER", True, "NEVER")
    (plan,) = play.commands
    (attempt,) = play.placed.attempts
    assert (attempt.command_id, attempt.authorization_reference) == (plan.id, reference)
    assert attempt.open
    assert plan.correlation_id == "t1"
    assert play.placed.reference is None


async def test_two_starts_are_one_command_and_two_answers() -> None:
    play = await starting()
    await play.start()
    await play.session("ACTIVE")

    assert len(play.sent(START)) == 1
    for request in play.asked[-2:]:
        (answer,) = play.answers_to(request)
        assert wire(answer) == "ACTIVE"


@pytest.mark.parametrize("state", [OrderState.CHARGING, OrderState.INTERRUPTED])
async def test_a_start_of_what_runs_is_answered_at_once(state: OrderState) -> None:
    play = await PLAYED[state]()
    await play.start()
    assert len(play.answers_to(play.asked[-1])) == 1
    assert len(play.sent(START)) == 1


@pytest.mark.parametrize(
    "state",
    [OrderState.STOPPING, OrderState.ENDED, OrderState.SETTLED, OrderState.CANCELLED],
)
async def test_what_stops_or_is_over_is_not_started(state: OrderState) -> None:
    play = await PLAYED[state]()
    decision = await play.start()
    assert codes(decision.callbacks) == ["50002"]
    assert decision.plans == ()
    assert play.state() is state


@pytest.mark.parametrize("refusal", REFUSED)
async def test_a_start_that_the_cpo_refuses_has_failed(refusal: CommandResponseType) -> None:
    play = await starting()
    await play.response(refusal)

    (answer,) = play.answers_to(play.asked[-1])
    assert codes([answer]) == ["40006"]
    assert refusal in answer.summary
    assert play.state() is OrderState.CONFIRMED
    assert play.placed.deadlines == {}
    assert not any(attempt.open for attempt in play.placed.attempts)


@pytest.mark.parametrize("failure", FAILED)
async def test_a_start_that_fails_at_the_charge_point_has_failed(
    failure: CommandResultType,
) -> None:
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(failure)

    (answer,) = play.answers_to(play.asked[-1])
    assert codes([answer]) == ["40006"]
    assert play.state() is OrderState.CONFIRMED
    assert play.placed.deadlines == {}


async def test_a_start_that_never_left_has_failed() -> None:
    play = await starting()
    decision = await play.no_response(sent=False)
    assert codes(decision.callbacks) == ["40006"]
    assert "it was refused" in decision.callbacks[0].summary
    assert play.state() is OrderState.CONFIRMED


async def test_a_start_that_may_have_arrived_is_neither_failed_nor_repeated() -> None:
    play = await starting()
    decision = await play.no_response(sent=True)
    assert (decision.callbacks, decision.plans) == ((), ())
    assert play.state() is OrderState.STARTING

    told = await play.passes(2 * TERMS.command_timeout_s + 5)

    assert wire(told[0]) == "PENDING"
    assert codes(told[1:]) == ["40006"]
    assert play.state() is OrderState.CONFIRMED
    assert len(play.sent(START)) == 1


async def test_the_session_is_the_answer() -> None:
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    decision = await play.result(CommandResultType.ACCEPTED)
    assert decision.callbacks == ()
    await play.session("PENDING", "0")
    assert play.answers_to(play.asked[-1]) == []

    await play.session("ACTIVE", "0")

    (answer,) = play.answers_to(play.asked[-1])
    assert wire(answer) == "ACTIVE"
    assert play.state() is OrderState.CHARGING
    assert play.placed.deadlines.keys() == {"session"}
    assert [each for each in play.callbacks if not each.solicited] == []


async def test_a_session_may_overtake_both_answers_to_the_command() -> None:
    play = await starting()
    start = play.commands[-1].id
    await play.session("ACTIVE")
    for decision in (
        await play.result(CommandResultType.FAILED, command_id=start),
        await play.response(CommandResponseType.REJECTED, command_id=start),
    ):
        assert (decision.callbacks, decision.plans) == ((), ())
    assert play.state() is OrderState.CHARGING
    assert play.placed.deadlines.keys() == {"session"}


@pytest.mark.parametrize(("ttl_s", "after_s"), [(30, 8), (None, 8), (3, 2.5)])
async def test_what_takes_too_long_is_answered_with_the_state_reached(
    ttl_s: float | None, after_s: float
) -> None:
    play = await confirmed()
    await play.start(ttl_s=ttl_s)

    assert await play.passes(after_s - 0.1) == []
    (late,) = await play.passes(0.1)

    assert play.answers_to(play.asked[-1]) == [late]
    assert wire(late) == "PENDING"
    await play.session("ACTIVE")
    told = play.callbacks[-1]
    assert not told.solicited
    assert told.action == "on_update"
    assert wire(told) == "ACTIVE"


async def test_each_start_is_answered_at_its_own_time() -> None:
    play = await confirmed()
    await play.start(ttl_s=5)
    play.now += timedelta(seconds=2)
    await play.start(ttl_s=5)

    assert len(await play.passes(3)) == 1
    assert "reply" in play.placed.deadlines
    assert len(await play.passes(2)) == 1
    assert [len(play.answers_to(request)) for request in play.asked[-2:]] == [1, 1]
    assert "reply" not in play.placed.deadlines


async def test_a_failure_after_the_late_answer_is_told_unasked() -> None:
    play = await starting()
    await play.passes(TERMS.reply_deadline_s)
    await play.response(CommandResponseType.REJECTED)

    told = play.callbacks[-1]
    assert not told.solicited
    assert told.action == "on_update"
    assert codes([told]) == ["40006"]


async def test_an_accepted_start_without_a_session_fails() -> None:
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)
    await play.passes(TERMS.session_wait_s - 1)
    assert play.state() is OrderState.STARTING
    assert codes(await play.passes(1)) == ["40006"]
    assert play.state() is OrderState.CONFIRMED


async def test_a_failed_start_may_be_tried_again_under_a_new_reference() -> None:
    play = await failed()
    await play.start()
    await play.session("ACTIVE")

    first, second = play.placed.attempts
    assert first.authorization_reference != second.authorization_reference
    assert first.command_id != second.command_id
    assert [body["authorization_reference"] for body in play.sent(START)] == [
        first.authorization_reference,
        second.authorization_reference,
    ]
    assert play.state() is OrderState.CHARGING


async def test_answers_to_an_old_command_do_not_touch_the_new_one() -> None:
    play = await failed()
    old = play.commands[0].id
    await play.start()
    await play.result(CommandResultType.FAILED, command_id=old)
    await play.response(CommandResponseType.REJECTED, command_id=old)
    assert play.state() is OrderState.STARTING


async def test_a_start_forgets_a_fault_that_was_waited_for() -> None:
    play = await confirmed()
    await play.evse(Status.OUTOFORDER)
    await play.start()
    await play.response(CommandResponseType.REJECTED)
    assert play.placed.deadlines == {}
    assert await play.passes(TERMS.fault_hold_s) == []
    assert play.state() is OrderState.CONFIRMED


@pytest.mark.parametrize(
    ("verb", "state"), [(Verb.START, OrderState.CONFIRMED), (Verb.STOP, OrderState.CHARGING)]
)
async def test_what_the_mapping_has_no_command_for_is_not_supported(
    verb: Verb, state: OrderState, tmp_path: Path
) -> None:
    base = shutil.copytree(PROJECT / "mappings", tmp_path / "mappings")
    actions = base / "actions.yaml"
    row = f"verb: {verb}, command: {verb}_SESSION"
    text = actions.read_text()
    assert row in text
    actions.write_text(text.replace(row, f"verb: {verb}, command: ~, why: done by hand"))
    play = await PLAYED[state]()
    play.mappings = load(base)

    decision = await play.ask("update", Update(verb=verb, order_id=play.placed.id))

    assert codes(decision.callbacks) == ["40001"]
    assert decision.plans == ()
    assert play.state() is state
