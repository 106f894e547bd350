"""rating: kept with the order."""

from __future__ import annotations

import json

import pytest

from bridge.flows.decision import Decision
from bridge.flows.rating import RATINGS_KEPT
from bridge.orders.intents import Rating, RatingItem
from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import codes
from tests.unit.flows.play import PLAYED, Play, agreed, settled


async def rate(play: Play, *values: str) -> Decision:
    """Let the driver rate."""
    given = tuple(RatingItem(id="f1", category="Fulfillment", value=value) for value in values)
    return await play.ask("rating", Rating(ratings=given))


@pytest.mark.parametrize("state", PLAYED)
async def test_a_placed_order_may_be_rated(state: OrderState) -> None:
    play = await PLAYED[state]()
    (answer,) = (await rate(play, "5")).callbacks
    assert answer.action == "on_rating"
    assert answer.message is not None
    form = json.loads(answer.message)["feedback_form"]["form"]
    assert form["url"] == "https://bridge.example/form"
    assert [each.value for each in play.placed.ratings] == ["5"]
    assert play.state() is state


async def test_without_a_form_there_is_only_thanks() -> None:
    play = await settled()
    play.desk.form = None
    (answer,) = (await rate(play, "5")).callbacks
    assert answer.message == b"{}"


@pytest.mark.parametrize("value", ["0", "5", "4.5", "3.0"])
async def test_values_from_0_to_5_count(value: str) -> None:
    play = await settled()
    await rate(play, value)
    assert [each.value for each in play.placed.ratings] == [value]


@pytest.mark.parametrize("value", ["-1", "5.01", "6", "good", "", "NaN", "Infinity", "sNaN"])
async def test_other_values_do_not(value: str) -> None:
    play = await settled()
    decision = await rate(play, "5", value)
    assert codes(decision.callbacks) == ["30015"]
    assert play.placed.ratings == ()


async def test_only_the_newest_are_kept() -> None:
    play = await settled()
    for value in ("1", "2"):
        await rate(play, *[value] * RATINGS_KEPT)
    assert [each.value for each in play.placed.ratings] == ["2"] * RATINGS_KEPT


async def test_what_is_not_placed_is_not_rated() -> None:
    assert codes((await rate(await agreed(), "5")).callbacks) == ["30010"]
    assert codes((await rate(Play(), "5")).callbacks) == ["30010"]
