"""cancel: before charging only, and the money goes back (decisions 14)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.ocpi.commands import CommandResponseType
from bridge.ocpi.locations import Status
from bridge.orders.intents import PaymentClaim
from bridge.orders.order import OrderState
from tests.unit.flows.callbacks import codes, lines_of, shown, wire
from tests.unit.flows.play import PLAYED, cancelled, confirmed, starting
from tests.unit.flows.world import TERMS


@pytest.mark.parametrize("state", [OrderState.CONFIRMED, OrderState.STARTING])
async def test_before_charging_it_is_possible(state: OrderState) -> None:
    play = await PLAYED[state]()
    await play.cancel()

    (answer,) = play.answers_to(play.asked[-1])
    assert answer.action == "on_cancel"
    order = shown(answer)
    assert order["status"] == "CANCELLED"
    assert wire(answer) == "CANCELLED"
    assert order["cancellation"]["cancelled_by"] == "CONSUMER"
    assert order["cancellation"]["reason"] == {
        "id": "5",
        "descriptor": {"short_desc": "plans changed"},
    }
    assert play.state() is OrderState.CANCELLED
    assert play.placed.deadlines == {}
    assert play.placed.waiting == ()
    assert not any(attempt.open for attempt in play.placed.attempts)


@pytest.mark.parametrize(
    "state",
    [
        *(OrderState.CHARGING, OrderState.INTERRUPTED, OrderState.STOPPING),
        *(OrderState.ENDED, OrderState.SETTLED),
    ],
)
async def test_afterwards_it_is_not(state: OrderState) -> None:
    play = await PLAYED[state]()
    before = play.order
    assert codes((await play.cancel()).callbacks) == ["50001"]
    assert play.order is before


async def test_a_repeated_cancel_gets_the_same_answer() -> None:
    play = await cancelled()
    before = play.order
    (answer,) = (await play.cancel()).callbacks
    assert play.order is before
    assert wire(answer) == "CANCELLED"


@pytest.mark.parametrize(
    ("share", "fee", "refund"), [("1", 0, 100), ("0.85", 15, 85), ("0", 100, 0)]
)
async def test_the_agreed_share_goes_back(share: str, fee: int, refund: int) -> None:
    play = await confirmed()
    play.terms = replace(TERMS, refund_share=Decimal(share))
    await play.cancel()

    bill = play.placed.bill
    assert bill is not None
    assert [bill.quote.price, bill.refund, bill.due] == [fee, refund, 0]
    assert lines_of(bill.quote)[0] == ("CANCELLATION_FEE", Decimal(fee))


async def test_whoever_only_asks_learns_what_it_would_cost_and_keeps_the_order() -> None:
    play = await confirmed()
    play.terms = replace(TERMS, refund_share=Decimal("0.85"))
    before = play.order

    decision = await play.cancel(only_asks=True)

    (answer,) = decision.callbacks
    order = shown(answer)
    assert (answer.action, order["status"]) == ("on_cancel", "ACTIVE")
    assert "cancellation" not in order
    assert Decimal(order["quote"]["price"]["value"]) == 15
    assert play.order is before
    assert (decision.errands, decision.plans) == ((), ())

    await play.cancel()
    bill = play.placed.bill
    assert bill is not None
    assert [bill.quote.price, bill.refund] == [15, 85]


async def test_what_cannot_be_cancelled_costs_nothing_to_ask() -> None:
    play = await PLAYED[OrderState.CHARGING]()
    assert codes((await play.cancel(only_asks=True)).callbacks) == ["50001"]


async def test_nothing_paid_is_nothing_back() -> None:
    play = await confirmed(PaymentClaim(method="UPI-TRANSFER", source_address="asha@upi"))
    await play.cancel()
    bill = play.placed.bill
    assert bill is not None
    assert [bill.quote.price, bill.refund, bill.due] == [0, 0, 0]


async def test_updates_that_wait_learn_that_it_is_cancelled() -> None:
    play = await starting()
    await play.stop()
    await play.cancel()
    start, stop, cancel = play.asked[-3:]
    assert codes(play.answers_to(start)) == ["50002"]
    assert codes(play.answers_to(stop)) == ["50002"]
    assert len(play.answers_to(cancel)) == 1
    assert await play.passes(TERMS.session_wait_s) == []


async def test_answers_to_the_start_of_a_cancelled_order_are_no_news() -> None:
    play = await starting()
    await play.cancel()
    before = play.order
    assert (await play.response(CommandResponseType.REJECTED)).callbacks == ()
    assert play.order is before


async def test_the_provider_gives_everything_back() -> None:
    play = await confirmed()
    play.terms = replace(TERMS, refund_share=Decimal(0))
    (told,) = (await play.evse(Status.REMOVED)).callbacks
    assert told.action == "on_cancel"
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 100
