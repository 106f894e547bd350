"""Sessions of an order, in whatever order they come (mapping 1.8, H1; decisions 14)."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.ocpi.commands import CommandResponseType, CommandType
from bridge.ocpi.types import Price
from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import codes, provisional, shown, wire
from tests.unit.flows.play import (
    PLAYED,
    Play,
    cancelled,
    charging,
    confirmed,
    ended,
    settled,
    starting,
    stopping,
)
from tests.unit.flows.world import TERMS

STOP = CommandType.STOP_SESSION
RUNNING = [OrderState.CHARGING, OrderState.INTERRUPTED, OrderState.STOPPING]
OTHER = "S2"


@pytest.mark.parametrize("status", ["PENDING", "RESERVATION"])
@pytest.mark.parametrize("state", [OrderState.CONFIRMED, OrderState.STARTING])
async def test_only_an_active_session_charges(status: str, state: OrderState) -> None:
    play = await PLAYED[state]()
    decision = await play.session(status, "0")
    assert play.state() is state
    assert decision.callbacks == ()
    assert play.placed.session is not None


async def test_a_session_without_a_start_is_told_unasked() -> None:
    play = await confirmed()
    (told,) = (await play.session("ACTIVE", authorization_reference=None)).callbacks
    assert (told.action, told.solicited) == ("on_update", False)
    assert wire(told) == "ACTIVE"


async def test_more_energy_is_no_news() -> None:
    play = await charging()
    for kwh in ("1", "2", "2"):
        assert (await play.session("ACTIVE", kwh)).callbacks == ()
    assert play.placed.session is not None
    assert play.placed.session.kwh == 2


async def test_a_session_may_be_over_before_it_was_heard_of() -> None:
    play = await starting()
    decision = await play.session("COMPLETED", "3.7")
    assert decision.callbacks == ()
    assert play.state() is OrderState.ENDED
    await play.cdr("3.7")
    (answer,) = play.answers_to(play.asked[-1])
    assert wire(answer) == "COMPLETED"
    assert not provisional(answer)


@pytest.mark.parametrize("state", RUNNING)
async def test_the_end_waits_for_the_cdr(state: OrderState) -> None:
    play = await PLAYED[state]()
    decision = await play.session("COMPLETED", "3.7")
    assert decision.callbacks == ()
    assert play.state() is OrderState.ENDED
    assert {"start", "stop", "interruption", "outage"}.isdisjoint(play.placed.deadlines)
    (status,) = (await play.status()).callbacks
    assert shown(status)["quote"]["price"]["value"] == "76.60"
    assert provisional(status)


# Void sessions


@pytest.mark.parametrize("state", [OrderState.CONFIRMED, OrderState.STARTING, *RUNNING])
async def test_a_void_session_with_nothing_to_bill_cancels(state: OrderState) -> None:
    play = await PLAYED[state]()
    decision = await play.session("INVALID", "0")

    told = decision.callbacks[-1]
    assert (told.action, told.solicited) == ("on_cancel", False)
    assert shown(told)["cancellation"]["cancelled_by"] == "PROVIDER"
    assert shown(told)["cancellation"]["reason"]["id"] == "session-invalid"
    assert shown(told)["payments"][1]["params"]["amount"] == "100.00"
    assert play.state() is OrderState.CANCELLED
    assert play.placed.deadlines == {}
    assert [each.action for each in play.callbacks].count("on_cancel") == 1


async def test_whoever_waits_learns_that_the_session_is_void() -> None:
    play = await starting()
    await play.session("INVALID", "0")
    assert codes(play.answers_to(play.asked[-1])) == ["40006"]

    stopped = await stopping()
    await stopped.session("INVALID", "0")
    (answer,) = stopped.answers_to(stopped.asked[-1])
    assert wire(answer) == "CANCELLED"


@pytest.mark.parametrize("state", [OrderState.STARTING, *RUNNING])
@pytest.mark.parametrize(("kwh", "cost"), [("3.7", None), ("0", Price(excl_vat=Decimal(10)))])
async def test_a_void_session_with_something_to_bill_is_billed(
    state: OrderState, kwh: str, cost: Price | None
) -> None:
    play = await PLAYED[state]()
    decision = await play.session("INVALID", kwh, total_cost=cost)
    assert decision.callbacks == ()
    assert play.state() is OrderState.ENDED
    told = await play.passes(TERMS.cdr_wait_s)
    assert wire(told[-1]) == "COMPLETED"
    assert provisional(told[-1])


# Second sessions


@pytest.mark.parametrize("state", [*RUNNING, OrderState.ENDED, OrderState.SETTLED])
async def test_a_second_session_is_stopped(state: OrderState) -> None:
    play = await PLAYED[state]()
    before = play.placed.session
    already = len(play.sent(STOP))

    decision = await play.session("ACTIVE", id=OTHER)

    assert play.sent(STOP)[already:] == [{"session_id": OTHER}]
    assert decision.callbacks == ()
    assert play.state() is state
    assert play.placed.session == before
    await play.session("ACTIVE", "2", id=OTHER)
    await play.session("ACTIVE", "2", id=OTHER.lower())
    assert len(play.sent(STOP)) == already + 1, "it is stopped once"


async def test_a_second_session_that_charges_in_spite_of_the_stop_is_stopped_again() -> None:
    play = await charging()
    await play.session("PENDING", "0", id=OTHER)
    await play.session("ACTIVE", "0", id=OTHER)
    assert play.sent(STOP) == [{"session_id": OTHER}] * 2


@pytest.mark.parametrize("status", ["COMPLETED", "INVALID", "RESERVATION"])
@pytest.mark.parametrize("state", [*RUNNING, OrderState.ENDED, OrderState.SETTLED])
async def test_a_second_session_that_is_over_is_no_news(status: str, state: OrderState) -> None:
    play = await PLAYED[state]()
    before, commands = play.placed.session, list(play.commands)
    decision = await play.session(status, "1", id=OTHER)
    assert decision.callbacks == ()
    assert play.commands == commands
    assert (play.state(), play.placed.session) == (state, before)


async def test_before_anything_charges_the_last_session_counts() -> None:
    play = await starting()
    await play.session("PENDING", "0")
    await play.session("PENDING", "0", id=OTHER)
    await play.session("INVALID", "0")
    assert play.state() is OrderState.STARTING
    await play.session("ACTIVE", "0", id=OTHER)
    assert play.state() is OrderState.CHARGING
    assert play.placed.session is not None
    assert play.placed.session.id == OTHER
    await play.session("ACTIVE", "0")
    assert play.sent(STOP) == [{"session_id": "S1"}]


async def test_ids_compare_without_case() -> None:
    play = await charging()
    await play.session("ACTIVE", "1", id="s1")
    assert play.sent(STOP) == []
    await play.session("COMPLETED", "3.7", id="s1")
    assert play.state() is OrderState.ENDED


# After the end


@pytest.mark.parametrize("status", ["PENDING", "ACTIVE"])
async def test_a_cancelled_order_has_no_session(status: str) -> None:
    play = await starting()
    await play.cancel()
    decision = await play.session(status, "0")
    assert play.sent(STOP) == [{"session_id": "S1"}]
    assert decision.callbacks == ()
    await play.session("COMPLETED", "0.01")
    assert play.state() is OrderState.CANCELLED


async def test_a_late_push_of_the_own_session_is_not_stopped() -> None:
    for play in (await ended(), await settled()):
        state = play.state()
        decision = await play.session("ACTIVE", "3.9")
        assert decision.callbacks == ()
        assert play.sent(STOP) == []
        assert play.state() is state


async def test_a_session_that_comes_after_its_cdr_is_not_stopped() -> None:
    play = await starting()
    await play.cdr("3.7")
    await play.session("ACTIVE", "3")
    await play.session("COMPLETED", "3.7")
    assert play.sent(STOP) == []
    assert play.state() is OrderState.SETTLED
    await play.session("ACTIVE", "0", id=OTHER)
    assert play.sent(STOP) == [{"session_id": OTHER}]


async def test_a_session_after_a_cdr_that_names_none_is_stopped() -> None:
    play = await starting()
    await play.cdr("3.7", session_id=None)
    await play.session("ACTIVE", "0")
    assert play.sent(STOP) == [{"session_id": "S1"}]


# Sessions of a START that was given up


async def failed_with_a_session(*, repeats_reference: bool, again: bool) -> tuple[Play, str | None]:
    """Play until a START fails whose session waits for the plug; return its reference."""
    play = await starting()
    reference = play.placed.attempts[0].authorization_reference if repeats_reference else None
    await play.session("PENDING", "0", authorization_reference=reference)
    await play.response(CommandResponseType.REJECTED)
    assert play.state() is OrderState.CONFIRMED
    play.now += timedelta(seconds=5)
    if again:
        await play.start()
    return play, reference


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED", "INVALID"])
@pytest.mark.parametrize("repeats_reference", [True, False])
@pytest.mark.parametrize("again", [True, False])
async def test_what_is_left_of_a_failed_start_is_no_news(
    status: str, repeats_reference: bool, again: bool
) -> None:
    play, reference = await failed_with_a_session(repeats_reference=repeats_reference, again=again)
    before = play.order
    decision = await play.session(status, "0", authorization_reference=reference)
    assert play.order is before
    assert (decision.callbacks, decision.plans) == ((), ())
    assert decision.notes


async def test_references_compare_without_case() -> None:
    play, reference = await failed_with_a_session(repeats_reference=True, again=True)
    assert reference is not None
    await play.session("INVALID", "0", id=OTHER, authorization_reference=reference.upper())
    assert play.state() is OrderState.STARTING


async def test_a_new_session_without_reference_is_not_of_the_failed_start() -> None:
    play, _ = await failed_with_a_session(repeats_reference=False, again=False)
    await play.session("PENDING", "0", id=OTHER, authorization_reference=None)
    assert play.placed.session is not None
    assert play.placed.session.id == OTHER


@pytest.mark.parametrize("repeats_reference", [True, False])
@pytest.mark.parametrize("again", [True, False])
async def test_a_failed_start_that_charges_all_the_same_is_adopted(
    repeats_reference: bool, again: bool
) -> None:
    play, reference = await failed_with_a_session(repeats_reference=repeats_reference, again=again)
    (told,) = (await play.session("ACTIVE", "0", authorization_reference=reference)).callbacks
    assert wire(told) == "ACTIVE"
    assert told.solicited is again
    assert play.state() is OrderState.CHARGING
    assert not any(attempt.open for attempt in play.placed.attempts)


async def test_energy_of_a_failed_start_is_billed() -> None:
    play, reference = await failed_with_a_session(repeats_reference=True, again=False)
    await play.session("COMPLETED", "1", authorization_reference=reference)
    assert play.state() is OrderState.ENDED


async def test_the_void_session_of_the_start_under_way_cancels() -> None:
    play, _ = await failed_with_a_session(repeats_reference=True, again=True)
    await play.session("PENDING", "0", id=OTHER)
    await play.session("INVALID", "0", id=OTHER)
    assert play.state() is OrderState.CANCELLED


# Live data


async def test_only_changes_are_sent_to_a_callback_url() -> None:
    play = await charging()
    assert (await play.session("ACTIVE", "1")).live is None, "nobody asked for it"
    tracked = await play.track("https://bap.example/live")
    assert tracked.live is not None
    assert json.loads(tracked.live)["kwh"] == 1

    assert (await play.session("ACTIVE", "1")).live is None
    more = (await play.session("ACTIVE", "1.5")).live
    assert more is not None
    assert json.loads(more).keys() == {"kwh", "charging_periods", "last_updated"}
    over = (await play.session("COMPLETED", "1.5")).live
    assert over is not None
    assert json.loads(over)["status"] == "COMPLETED"


async def test_a_second_session_is_nobodys_live_data() -> None:
    play = await charging()
    await play.track("https://bap.example/live")
    assert (await play.session("ACTIVE", "9", id=OTHER)).live is None


async def test_a_session_of_a_cancelled_order_charges_nothing() -> None:
    play = await cancelled()
    await play.session("COMPLETED", "0", authorization_reference=None)
    assert play.state() is OrderState.CANCELLED
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 100
