"""A connector with slots of others, and an order that books one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from bridge.flows.decision import Decision
from bridge.ocpi.locations import Hours
from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import OrderState
from bridge.orders.slot import Slot
from tests.factories import NOW
from tests.unit.flows.callbacks import codes, shown
from tests.unit.flows.play import Play
from tests.unit.flows.world import paid

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SOON = NOW + timedelta(hours=3)
"""15:00 in India."""


def energy(kwh: str) -> Quantity:
    return Quantity(measure=Measure.ENERGY, value=Decimal(kwh), unit="kWh", stated=kwh)


def occupied(play: Play, start: datetime, end: datetime, *, firm: bool = True) -> Slot:
    """Keep the only connector for somebody else."""
    key = f"other|{start.isoformat()}"
    slot = Slot(
        order_key=key,
        item=play.offered.item.key.folded(),
        start=start,
        end=end,
        until=end if firm else NOW + HOUR,
        firm=firm,
    )
    play.slots.slots[key] = slot
    return slot


def opened(play: Play, hours: Hours) -> None:
    """Give the Location opening times."""
    location = replace(play.offered.item.location, opening_times=hours)
    play.offered.item = replace(play.offered.item, location=location)


def times(play: Play) -> tuple[datetime | None, datetime | None]:
    return play.placed.start, play.placed.end


def shown_times(play: Play) -> list[datetime]:
    """Return the stops of the last callback."""
    (fulfillment,) = shown(play.callbacks[-1])["fulfillments"]
    return [datetime.fromisoformat(stop["time"]["timestamp"]) for stop in fulfillment["stops"]]


def own(play: Play) -> Slot | None:
    """Return what is kept for the order."""
    return play.slots.slots.get(play.placed.key)


def said(play: Play) -> str:
    """Return the words of the last error."""
    error = play.callbacks[-1].error
    assert error is not None
    words: str = json.loads(error)["message"]
    return words


def refusals(decision: Decision) -> list[str]:
    """Return the codes of the errors among the callbacks."""
    return codes(each for each in decision.callbacks if each.error is not None)


async def booked(**terms: Any) -> Play:
    """Play until a slot is placed: 100 INR, from 15:00 for six minutes."""
    play = Play()
    play.commercial = replace(play.commercial, **terms)
    await play.select(start=SOON)
    await play.init(start=SOON)
    await play.confirm(paid(), start=SOON)
    assert play.state() is OrderState.CONFIRMED
    return play
