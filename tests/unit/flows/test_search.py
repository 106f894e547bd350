"""search: as many on_search as the catalogue gives, and no order."""

from __future__ import annotations

from bridge.orders.intents import Search
from bridge.orders.order import OrderState
from tests.unit.flows.play import Play, agreed


async def test_each_message_of_the_catalogue_is_an_answer() -> None:
    play = Play()
    play.offered.found = [b'{"catalog":{"providers":[1]}}', b'{"catalog":{"providers":[2]}}']

    decision = await play.ask("search", Search(text="fast"))

    assert [each.message for each in decision.callbacks] == play.offered.found
    assert {each.message_id for each in decision.callbacks} == {play.asked[0].message_id}
    assert play.offered.searched == [Search(text="fast")]
    assert decision.order is None


async def test_what_is_said_when_nothing_fits_is_up_to_the_dialect() -> None:
    play = Play()
    play.offered.found = []

    decision = await play.ask("search", Search(text="fast"))

    (answer,) = decision.callbacks
    assert answer.message == b'{"catalog":{"providers":[]}}'


async def test_a_search_leaves_the_order_of_its_transaction_alone() -> None:
    play = await agreed()
    before = play.order
    await play.ask("search", Search())
    assert play.order is before
    assert play.state() is OrderState.INITIALISED
