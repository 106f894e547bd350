"""status: the order as it stands, in every state."""

from __future__ import annotations

import pytest

from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import shown, wire
from tests.unit.flows.play import PLAYED

SHOWN = {
    OrderState.CONFIRMED: ("ACTIVE", "PENDING", "100.00"),
    OrderState.STARTING: ("ACTIVE", "PENDING", "100.00"),
    OrderState.CHARGING: ("ACTIVE", "ACTIVE", "100.00"),
    OrderState.INTERRUPTED: ("ACTIVE", "CONNECTION-INTERRUPTED", "19.00"),
    OrderState.STOPPING: ("ACTIVE", "ACTIVE", "100.00"),
    OrderState.ENDED: ("ACTIVE", "COMPLETED", "76.60"),
    OrderState.SETTLED: ("COMPLETE", "COMPLETED", "76.60"),
    OrderState.CANCELLED: ("CANCELLED", "CANCELLED", "0.00"),
}


@pytest.mark.parametrize("state", PLAYED)
async def test_the_order_is_shown_as_it_stands(state: OrderState) -> None:
    play = await PLAYED[state]()
    before = play.order

    (answer,) = (await play.status()).callbacks

    assert (answer.action, answer.solicited) == ("on_status", True)
    order = shown(answer)
    assert (order["status"], wire(answer), order["quote"]["price"]["value"]) == SHOWN[state]
    assert order["id"] == play.placed.id
    assert play.order is before
