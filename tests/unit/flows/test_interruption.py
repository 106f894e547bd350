"""A lost connection is told once, its return once, and its length is limited (decisions 15)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.flows.decision import Callback
from bridge.ocpi.commands import CommandResponseType
from bridge.ocpi.locations import Status
from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import provisional, shown, wire
from tests.unit.flows.play import Play, charging, interrupted, starting
from tests.unit.flows.world import TERMS

LIMIT_S = TERMS.interruption_s
LOST = "CONNECTION-INTERRUPTED"


async def regular(every_s: float = 60) -> Play:
    """Play until a session has been heard of twice, so long apart."""
    play = await charging()
    play.now += timedelta(seconds=every_s)
    await play.session("ACTIVE", "1")
    return play


def told(callbacks: list[Callback]) -> list[tuple[str, str]]:
    """Return action and state of what was told unasked."""
    assert not any(each.solicited for each in callbacks)
    return [(each.action, wire(each)) for each in callbacks]


async def test_silence_of_a_cpo_that_speaks_more_often_is_told_once() -> None:
    play = await regular()
    assert await play.passes(LIMIT_S - 1) == []
    assert told(await play.passes(1)) == [("on_status", LOST)]
    assert play.state() is OrderState.INTERRUPTED
    assert await play.passes(LIMIT_S * 3) == []


async def test_the_loss_shows_what_is_owed_so_far() -> None:
    play = await regular()
    (lost,) = await play.passes(LIMIT_S)
    order = shown(lost)
    assert order["quote"]["price"]["value"] == "28.00"
    assert provisional(lost)
    assert len(order["payments"]) == 1, "nothing is paid back while it may go on"


async def test_every_push_starts_the_watch_anew() -> None:
    play = await regular()
    for kwh in ("1.5", "2", "2.5"):
        assert await play.passes(LIMIT_S - 1) == []
        await play.session("ACTIVE", kwh)


@pytest.mark.parametrize("every_s", [LIMIT_S, 900])
async def test_silence_of_a_cpo_that_always_is_silent_is_no_news(every_s: float) -> None:
    play = await regular(every_s)
    assert await play.passes(86_400) == []
    assert play.state() is OrderState.CHARGING


async def test_one_push_does_not_make_a_habit() -> None:
    play = await charging()
    assert await play.passes(86_400) == []


async def test_how_soon_the_session_came_is_no_habit() -> None:
    play = await starting()
    await play.session("PENDING", "0")
    play.now += timedelta(seconds=5)
    await play.session("ACTIVE", "0")
    assert await play.passes(900) == []
    await play.session("ACTIVE", "1")
    assert await play.passes(900) == []


async def test_the_return_is_told_once() -> None:
    play = await regular()
    await play.passes(LIMIT_S)
    assert told(list((await play.session("ACTIVE", "1.5")).callbacks)) == [("on_status", "ACTIVE")]
    assert play.state() is OrderState.CHARGING
    assert play.placed.bill is None
    assert (await play.session("ACTIVE", "1.6")).callbacks == ()


@pytest.mark.parametrize("by_session", [True, False])
async def test_a_second_loss_is_told_again(by_session: bool) -> None:
    play = await regular()
    await play.passes(LIMIT_S + 300)
    if by_session:
        await play.session("ACTIVE", "1.5")
    else:
        await play.evse(Status.CHARGING)
        play.now += timedelta(seconds=60)
        await play.session("ACTIVE", "1.5")
    assert told(await play.passes(LIMIT_S)) == [("on_status", LOST)]


async def test_a_long_loss_is_the_end_so_far() -> None:
    play = await regular()
    await play.passes(LIMIT_S)
    (end,) = await play.passes(TERMS.interruption_limit_s)
    assert told([end]) == [("on_update", "COMPLETED")]
    assert provisional(end)
    assert shown(end)["quote"]["price"]["value"] == "28.00"
    assert play.state() is OrderState.ENDED
    assert play.placed.deadlines == {}

    assert (await play.session("ACTIVE", "2")).callbacks == ()
    assert (await play.session("COMPLETED", "3.7")).callbacks == ()
    (final,) = (await play.cdr("3.7")).callbacks
    assert shown(final)["quote"]["price"]["value"] == "76.60"
    assert not provisional(final)


async def test_a_loss_in_time_has_no_end() -> None:
    play = await regular()
    await play.passes(LIMIT_S)
    await play.passes(TERMS.interruption_limit_s - 1)
    await play.session("ACTIVE", "2")
    assert "outage" not in play.placed.deadlines


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.OUTOFORDER, Status.INOPERATIVE])
async def test_a_station_that_says_so_is_lost(status: Status) -> None:
    play = await charging()
    assert told(list((await play.evse(status)).callbacks)) == [("on_status", LOST)]
    assert (await play.evse(status)).callbacks == ()
    assert (await play.evse(Status.INOPERATIVE)).callbacks == ()


async def test_a_station_that_says_so_is_back() -> None:
    play = await interrupted()
    assert (await play.evse(Status.AVAILABLE)).callbacks == ()
    assert told(list((await play.evse(Status.CHARGING)).callbacks)) == [("on_status", "ACTIVE")]
    assert play.placed.deadlines.keys() == {"session"}


async def test_what_is_lost_may_be_stopped_and_end() -> None:
    play = await interrupted()
    await play.stop()
    await play.response(CommandResponseType.ACCEPTED)
    await play.session("COMPLETED", "3.7")
    assert play.state() is OrderState.ENDED
    assert play.placed.deadlines.keys() == {"reply", "cdr"}
