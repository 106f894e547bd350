"""support: whom to call, and a ticket with the order."""

from __future__ import annotations

import json
from typing import Any

from bridge.flows.decision import Decision
from bridge.flows.support import TICKETS_KEPT
from bridge.orders.intents import Support
from tests.unit.flows.callbacks import codes
from tests.unit.flows.play import Play, confirmed


def told(decision: Decision) -> dict[str, Any]:
    """Return what the answer says."""
    (answer,) = decision.callbacks
    assert answer.message is not None
    support: dict[str, Any] = json.loads(answer.message)["support"]
    return support


async def test_the_contact_of_the_orders_cpo_is_given() -> None:
    play = await confirmed()
    decision = await play.ask("support", Support(ref_id=play.placed.id))
    assert told(decision) == {
        "ref_id": play.placed.id,
        "phone": "1800",
        "email": "help@bridge.example",
        "url": "https://bridge.example/help",
    }
    assert play.desk.asked == ["cpo1"]
    assert play.placed.tickets == (play.placed.id,)


async def test_whoever_names_nothing_gets_a_ticket() -> None:
    play = await confirmed()
    ref_id = told(await play.ask("support", Support()))["ref_id"]
    assert play.placed.tickets == (ref_id,)


async def test_help_needs_no_order() -> None:
    play = Play()
    decision = await play.ask("support", Support(ref_id="lost"))
    assert told(decision)["ref_id"] == "lost"
    assert play.desk.asked == [None]
    assert decision.order is None


async def test_without_a_contact_there_is_no_help() -> None:
    play = await confirmed()
    play.desk.contact = None
    assert codes((await play.ask("support", Support())).callbacks) == ["40001"]
    assert play.placed.tickets == ()


async def test_only_the_newest_tickets_are_kept() -> None:
    play = await confirmed()
    for number in range(TICKETS_KEPT + 1):
        await play.ask("support", Support(ref_id=str(number)))
    assert play.placed.tickets == tuple(str(number) for number in range(1, TICKETS_KEPT + 1))
