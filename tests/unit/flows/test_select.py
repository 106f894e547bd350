"""select: a quote at the price and the status of now."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.ocpi.locations import Status
from bridge.orders.intents import Measure, Quantity, Select
from bridge.orders.order import OrderState
from tests import factories
from tests.factories import NOW
from tests.unit.flows.callbacks import codes, lines_of, shown
from tests.unit.flows.play import PLAYED, Play, agreed
from tests.unit.flows.world import ITEM_ID, TERMS, amount, wish


def quantity(measure: Measure, value: str, unit: str) -> Quantity:
    return Quantity(measure=measure, value=Decimal(value), unit=unit, stated=value)


@pytest.mark.parametrize(
    ("wanted", "kwh", "price"),
    [
        (amount("100"), "5", "100.00"),
        (quantity(Measure.ENERGY, "2.5", "kWh"), "2.5", "55.00"),
        (quantity(Measure.DURATION, "360", "MINUTES"), "5", "100.00"),
        (None, "10", "190.00"),
    ],
)
async def test_a_wish_is_quoted(wanted: Quantity | None, kwh: str, price: str) -> None:
    play = Play()
    await play.select(quantity=wanted)

    quote = play.placed.quote
    assert quote is not None
    assert (quote.kwh, quote.price) == (Decimal(kwh), Decimal(price))
    assert lines_of(quote) == [("ENERGY", Decimal(kwh) * 18), ("FLAT", Decimal(10))]
    assert quote.expires_at == NOW + timedelta(seconds=TERMS.quote_ttl_s)
    assert play.state() is OrderState.SELECTED
    assert [each.action for each in play.answers_to(play.asked[0])] == ["on_select"]


async def test_what_is_known_from_just_now_is_believed() -> None:
    play = Play()
    await play.select()
    assert play.live.asked == []


async def test_what_is_not_known_from_just_now_is_asked_for() -> None:
    play = Play()
    play.live.is_fresh = False
    play.offered.item = replace(factories.item(), evse=factories.evse(status=Status.CHARGING))

    await play.select()

    assert play.live.asked == [ITEM_ID]
    assert play.placed.item.status is Status.AVAILABLE


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AVAILABLE}))
@pytest.mark.parametrize("fresh", [True, False])
async def test_what_is_not_available_is_refused(status: Status, fresh: bool) -> None:
    play = Play()
    play.live.is_fresh = fresh
    play.live.answer = factories.evse(status=status)
    if fresh:
        play.offered.item = replace(factories.item(), evse=factories.evse(status=status))

    decision = await play.select()

    assert codes(decision.callbacks) == ["40002"]
    assert play.order is None


async def test_what_the_cpo_does_not_know_any_more_is_refused() -> None:
    play = Play()
    play.live.is_fresh, play.live.answer = False, None
    assert codes((await play.select()).callbacks) == ["40002"]


async def test_a_cpo_that_does_not_answer_is_told_of() -> None:
    play = Play()
    play.live.is_fresh, play.live.answer = False, CpoUnavailable("no answer in time")
    assert codes((await play.select()).callbacks) == ["40000"]
    assert play.order is None


async def test_a_cpo_is_waited_for_as_long_as_the_bap_waits() -> None:
    play = Play()
    play.live.is_fresh, play.live.silent = False, True
    assert codes((await play.ask("select", Select(wish=wish()), ttl_s=0.02)).callbacks) == ["40000"]
    assert play.live.asked == [ITEM_ID]


async def test_the_unknown_is_refused() -> None:
    play = Play()
    assert codes((await play.select(provider_id="nobody")).callbacks) == ["30001"]
    assert codes((await play.select(item_id="nothing")).callbacks) == ["30004"]


async def test_what_has_no_price_is_refused() -> None:
    play = Play()
    play.offered.item = factories.item(tariff=None, price_kwh=None)
    assert codes((await play.select()).callbacks) == ["40003"]


async def test_a_budget_that_buys_nothing_is_refused() -> None:
    assert codes((await Play().select(quantity=amount("9"))).callbacks) == ["40003"]


async def test_a_slot_that_has_begun_means_now() -> None:
    play = Play()
    await play.select(start=NOW - timedelta(hours=1), end=NOW + timedelta(minutes=6))
    assert (play.placed.start, play.placed.end) == (None, NOW + timedelta(minutes=6))
    assert play.placed.quote is not None
    assert play.placed.quote.kwh == Decimal(5)


async def test_a_slot_that_is_over_is_none() -> None:
    play = Play()
    await play.select(start=NOW - timedelta(hours=2), end=NOW - timedelta(hours=1))
    assert (play.placed.start, play.placed.end) == (None, None)


async def test_a_new_select_is_a_new_quote() -> None:
    play = await agreed()
    before = play.placed.quote
    await play.select(quantity=amount("118"))
    after = play.placed.quote
    assert before is not None
    assert after is not None
    assert after.id != before.id
    assert shown(play.callbacks[-1])["quote"]["price"]["value"] == "118.00"
    assert play.state() is OrderState.SELECTED


@pytest.mark.parametrize("state", PLAYED)
async def test_what_is_placed_is_not_selected_anew(state: OrderState) -> None:
    play = await PLAYED[state]()
    before = play.order
    assert codes((await play.select()).callbacks) == ["40000"]
    assert play.order is before
