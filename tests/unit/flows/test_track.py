"""track: a page with live data, and where changes may be sent to."""

from __future__ import annotations

import json

import pytest

from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import codes
from tests.unit.flows.play import PLAYED, Play, charging, confirmed

HOOK = "https://bap.example/live"


def tracking(play: Play) -> dict[str, str]:
    """Return what the last on_track says."""
    message = play.callbacks[-1].message
    assert message is not None
    found: dict[str, str] = json.loads(message)["tracking"]
    return found


@pytest.mark.parametrize("state", PLAYED)
async def test_every_placed_order_has_a_page(state: OrderState) -> None:
    play = await PLAYED[state]()
    await play.track()
    assert tracking(play)["url"] == f"https://bridge.example/session/{play.placed.tracking_id}"
    assert tracking(play)["status"] == ("active" if state in ACTIVE else "inactive")


ACTIVE = {OrderState.CHARGING, OrderState.INTERRUPTED, OrderState.STOPPING}


async def test_the_page_cannot_be_guessed_and_stays() -> None:
    play, other = await confirmed(), await confirmed()
    await play.track()
    await other.track()
    page = play.placed.tracking_id
    assert page is not None
    assert len(page) >= 20
    assert page != other.placed.tracking_id
    assert page not in (play.placed.id, play.placed.reference)
    await play.track()
    assert play.placed.tracking_id == page


async def test_changes_are_sent_to_an_address_that_may_be_called() -> None:
    play = await charging()
    decision = await play.track(HOOK)
    assert play.placed.callback_url == HOOK
    assert decision.live is not None
    assert json.loads(decision.live)["status"] == "ACTIVE"
    assert json.loads(decision.live)["kwh"] == 0.5


async def test_there_is_nothing_to_send_before_the_session() -> None:
    play = await confirmed()
    assert (await play.track(HOOK)).live is None
    assert play.placed.callback_url == HOOK


async def test_an_address_that_may_not_be_called_is_refused() -> None:
    play = await charging()
    before = play.order
    play.desk.forbidden = "a private address"

    decision = await play.track("http://10.0.0.1/")

    assert codes(decision.callbacks) == ["40005"]
    assert decision.live is None
    assert play.order is before


async def test_asking_without_an_address_keeps_the_one_there_is() -> None:
    play = await charging()
    await play.track(HOOK)
    play.desk.forbidden = "nothing may be called"
    assert (await play.track()).live is None
    assert play.placed.callback_url == HOOK
