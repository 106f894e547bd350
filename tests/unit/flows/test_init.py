"""init: the terms of the order to be; same terms, same quote."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import Raw
from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.ocpi.locations import Status
from bridge.orders.order import OrderState, PaymentStatus
from bridge.orders.payments import payment_id_of
from tests import factories
from tests.unit.flows.callbacks import codes, shown
from tests.unit.flows.play import PLAYED, Play, agreed
from tests.unit.flows.world import TERMS, amount


async def test_the_terms_are_answered() -> None:
    play = Play()
    await play.select(vehicle=Raw(b'{"make":"Tata"}'))
    decision = await play.init()

    (answer,) = decision.callbacks
    assert answer.action == "on_init"
    assert play.state() is OrderState.INITIALISED
    assert play.placed.tariff == factories.tariff()
    order = shown(answer)
    assert order["billing"] == {"name": "Asha"}
    assert order["fulfillments"][0]["vehicle"] == {"make": "Tata"}
    assert "id" not in order
    payment = play.placed.payment
    assert payment is not None
    assert payment.id == payment_id_of(play.placed.key)
    assert (payment.amount, payment.currency) == (Decimal(100), "INR")
    assert (payment.status, payment.paid) == (PaymentStatus.NOT_PAID, Decimal(0))
    assert play.placed.quote is not None
    assert payment.due_at == play.placed.quote.expires_at


async def quoted_anew(play: Play, **changes: object) -> bool:
    """Whether an init gets another quote than the order has."""
    before = play.placed.quote
    await play.init(**changes)
    after = play.placed.quote
    assert before is not None
    assert after is not None
    return after.id != before.id


async def test_the_same_wish_keeps_its_quote() -> None:
    play = Play()
    await play.select()
    play.now += timedelta(seconds=TERMS.quote_ttl_s - 1)
    assert not await quoted_anew(play)
    assert not await quoted_anew(play), "an init may come twice"


async def test_an_amount_that_is_not_repeated_is_remembered() -> None:
    play = Play()
    await play.select(quantity=amount("100"))
    assert not await quoted_anew(play, quantity=None)
    assert play.placed.quantity == amount("100")


async def test_another_wish_is_another_quote() -> None:
    play = Play()
    await play.select()
    assert await quoted_anew(play, quantity=amount("118"))
    assert play.placed.payment is not None
    assert play.placed.payment.amount == 118
    assert await quoted_anew(play, quantity=amount("118"), end=play.now + timedelta(hours=1))


async def test_an_expired_quote_is_made_anew() -> None:
    play = Play()
    await play.select()
    play.now += timedelta(seconds=TERMS.quote_ttl_s)
    assert await quoted_anew(play)


async def test_a_new_tariff_is_a_new_quote() -> None:
    play = Play()
    await play.select()
    dearer = replace(factories.tariff(), id="T2")
    play.offered.item = factories.item(tariff=dearer)
    assert await quoted_anew(play)
    assert play.placed.tariff == dearer


async def test_it_needs_no_select() -> None:
    play = Play()
    await play.init()
    assert play.state() is OrderState.INITIALISED
    assert play.placed.created_at == play.now


async def test_the_age_of_the_order_counts_from_the_select() -> None:
    play = Play()
    await play.select()
    began = play.now
    play.now += timedelta(seconds=5)
    await play.init()
    assert play.placed.created_at == began


async def test_what_cannot_be_had_changes_nothing() -> None:
    play = await agreed()
    before = play.order
    play.live.is_fresh = False
    play.live.answer = factories.evse(status=Status.OUTOFORDER)
    assert codes((await play.init()).callbacks) == ["40002"]
    play.live.answer = CpoUnavailable()
    assert codes((await play.init()).callbacks) == ["40000"]
    assert codes((await play.init(item_id="nothing")).callbacks) == ["30004"]
    assert play.order is before


@pytest.mark.parametrize("state", PLAYED)
async def test_what_is_placed_is_not_agreed_anew(state: OrderState) -> None:
    play = await PLAYED[state]()
    before = play.order
    assert codes((await play.init()).callbacks) == ["40000"]
    assert play.order is before


async def test_the_answer_says_how_long_the_quote_lives() -> None:
    play = await agreed()
    play.now += timedelta(seconds=100)
    await play.init()
    answer = play.callbacks[-1]
    assert answer.message is not None
    assert json.loads(answer.message)["order"]["quote"]["ttl"] == "PT800S"
