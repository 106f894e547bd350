"""Events that find no order, somebody else's, or nothing in the store."""

from __future__ import annotations

import pytest

from bridge.flows.decision import Decision
from bridge.flows.jobs import (
    CdrJob,
    CommandResponseJob,
    CommandResultJob,
    DeadlineJob,
    EvseJob,
    Job,
    SessionJob,
)
from bridge.ocpi.commands import CommandResultType
from bridge.ocpi.locations import Status
from bridge.orders import intents
from bridge.orders.intents import Intent, Verb
from bridge.orders.order import SessionKey
from tests.factories import NOW
from tests.unit.flows.callbacks import codes
from tests.unit.flows.play import Play, agreed, charging

KEY = SessionKey("IN", "ABC", "S1")


def about(order_id: str) -> dict[str, Intent]:
    """Return every request that names an order, by its action."""
    return {
        "update": intents.Update(verb=Verb.START, order_id=order_id),
        "status": intents.Status(order_id=order_id),
        "track": intents.Track(order_id=order_id),
        "cancel": intents.Cancel(order_id=order_id),
    }


@pytest.mark.parametrize("action", about(""))
async def test_an_order_that_is_not_there_is_unknown(action: str) -> None:
    play = Play()
    decision = await play.ask(action, about("order-1")[action])
    assert codes(decision.callbacks) == ["30010"]
    assert decision.order is None


@pytest.mark.parametrize("action", about(""))
async def test_an_order_that_is_not_placed_is_unknown(action: str) -> None:
    play = await agreed()
    assert codes((await play.ask(action, about("order-1")[action])).callbacks) == ["30010"]


@pytest.mark.parametrize("action", about(""))
async def test_an_order_of_another_bap_is_unknown(action: str) -> None:
    play = await charging()
    before = play.order
    intent = about(play.placed.id or "")[action]
    decision = await play.ask(action, intent, bap_id="other.example")
    assert codes(decision.callbacks) == ["30010"]
    assert play.order is before


@pytest.mark.parametrize("action", about(""))
async def test_another_order_than_that_of_the_transaction_is_unknown(action: str) -> None:
    play = await charging()
    assert codes((await play.ask(action, about("other")[action])).callbacks) == ["30010"]


@pytest.mark.parametrize("verb", Verb)
async def test_an_update_may_go_by_its_transaction(verb: Verb) -> None:
    play = await charging()
    decision = await play.ask("update", intents.Update(verb=verb, order_id=None))
    assert [each for each in decision.callbacks if each.error is not None] == []


OF_NO_ORDER: list[Job] = [
    SessionJob(session=KEY, at=NOW),
    CdrJob(cdr=KEY, at=NOW),
    CommandResponseJob(command_id="c", at=NOW),
    CommandResultJob(command_id="c", result=CommandResultType.ACCEPTED, at=NOW),
    EvseJob(status=Status.CHARGING, at=NOW),
    DeadlineJob(name="reply", at=NOW),
]


@pytest.mark.parametrize("job", OF_NO_ORDER, ids=lambda job: type(job).__name__)
async def test_an_event_without_its_order_changes_nothing(job: Job) -> None:
    assert await Play().happens(job) == Decision(None)


@pytest.mark.parametrize("job", OF_NO_ORDER[:2], ids=lambda job: type(job).__name__)
async def test_an_object_that_is_not_stored_any_more_changes_nothing(job: Job) -> None:
    play = await charging()
    play.objects.stored.clear()
    before = play.order
    assert await play.happens(job) == Decision(before)
