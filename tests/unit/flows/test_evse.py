"""The status of the EVSE, in each state of the order (mapping 3, C1 and C5)."""

from __future__ import annotations

import pytest

from bridge.ocpi.locations import Status
from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import shown
from tests.unit.flows.play import PLAYED, confirmed
from tests.unit.flows.world import TERMS

HOLD_S = TERMS.fault_hold_s
BROKEN = [Status.OUTOFORDER, Status.INOPERATIVE]


@pytest.mark.parametrize("status", BROKEN)
async def test_a_fault_that_lasts_cancels_what_nobody_began(status: Status) -> None:
    play = await confirmed()
    assert (await play.evse(status)).callbacks == ()
    assert await play.passes(HOLD_S - 1) == []
    (told,) = await play.passes(1)
    assert (told.action, told.solicited) == ("on_cancel", False)
    assert shown(told)["cancellation"]["reason"]["id"] == "hardware-failure"
    assert play.state() is OrderState.CANCELLED


async def test_a_flap_costs_nobody_the_order() -> None:
    play = await confirmed()
    await play.evse(Status.OUTOFORDER)
    await play.passes(HOLD_S - 1)
    await play.evse(Status.AVAILABLE)
    assert await play.passes(HOLD_S) == []
    assert play.state() is OrderState.CONFIRMED


async def test_a_fault_counts_from_its_beginning() -> None:
    play = await confirmed()
    await play.evse(Status.OUTOFORDER)
    await play.passes(HOLD_S - 1)
    await play.evse(Status.INOPERATIVE)
    assert len(await play.passes(1)) == 1


@pytest.mark.parametrize("status", [Status.REMOVED, Status.PLANNED])
async def test_a_station_that_is_gone_cancels_at_once(status: Status) -> None:
    play = await confirmed()
    (told,) = (await play.evse(status)).callbacks
    assert shown(told)["cancellation"]["reason"]["id"] == "charger-removed"
    assert play.state() is OrderState.CANCELLED


QUIET = [
    (state, status)
    for state in PLAYED
    for status in Status
    if (state, status)
    not in {
        *((OrderState.CHARGING, lost) for lost in (*BROKEN, Status.UNKNOWN)),
        *((OrderState.CONFIRMED, gone) for gone in (Status.REMOVED, Status.PLANNED)),
        (OrderState.INTERRUPTED, Status.CHARGING),
    }
]


@pytest.mark.parametrize(("state", "status"), QUIET)
async def test_any_other_change_is_kept_and_no_news(state: OrderState, status: Status) -> None:
    play = await PLAYED[state]()
    decision = await play.evse(status)
    assert (decision.callbacks, decision.plans) == ((), ())
    assert play.state() is state
    assert play.placed.item.status is status
