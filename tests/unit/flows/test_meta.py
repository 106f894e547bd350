"""The meta API: words are told, and no order is touched."""

from __future__ import annotations

import json

import pytest

from bridge.orders.intents import GetCancellationReasons, GetRatingCategories, Meta
from bridge.orders.order import OrderState
from tests.unit.flows.play import Play, confirmed

QUESTIONS = [
    ("get_cancellation_reasons", GetCancellationReasons()),
    ("get_rating_categories", GetRatingCategories()),
]


@pytest.mark.parametrize(("action", "intent"), QUESTIONS)
async def test_the_answer_has_the_name_of_what_was_asked_for(action: str, intent: Meta) -> None:
    play = Play()

    decision = await play.ask(action, intent)

    (answer,) = decision.callbacks
    assert answer.action == action.removeprefix("get_")
    assert answer.message_id == play.asked[0].message_id
    assert answer.solicited
    assert list(json.loads(answer.message or b"")) == [answer.action]


@pytest.mark.parametrize(("action", "intent"), QUESTIONS)
async def test_the_order_of_the_transaction_stays_as_it_is(action: str, intent: Meta) -> None:
    play = await confirmed()
    before = play.order

    decision = await play.ask(action, intent)

    assert decision.order is None
    assert play.order is before
    assert play.state() is OrderState.CONFIRMED
