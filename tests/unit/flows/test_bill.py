"""The bill: provisional while the CDR is late, final with it, once (decisions 16, 17)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from bridge.ocpi.commands import CommandResponseType, CommandType
from bridge.ocpi.locations import Status
from bridge.ocpi.types import Price
from bridge.orders.intents import Measure, PaymentClaim, Quantity
from bridge.orders.order import OrderState
from bridge.orders.terms import Commercial, Fee, Surcharge
from tests.unit.flows.callbacks import lines_of, provisional, shown, wire
from tests.unit.flows.play import (
    PLAYED,
    Play,
    charging,
    confirmed,
    ended,
    interrupted,
    settled,
    starting,
    stopping,
)
from tests.unit.flows.world import TERMS, amount, paid

FREE = Price(excl_vat=Decimal(0))


async def billed(kwh: str, claim: PaymentClaim, budget: str) -> Play:
    """Play an order of a budget to its CDR."""
    play = Play()
    await play.select(quantity=amount(budget))
    await play.init(quantity=amount(budget))
    await play.confirm(claim, quantity=amount(budget))
    await play.start()
    await play.session("ACTIVE", "0")
    await play.cdr(kwh)
    assert play.state() is OrderState.SETTLED
    return play


REFUNDED = ("UNUSED_PREPAYMENT", "REFUND")


@pytest.mark.parametrize(
    ("kwh", "budget", "price", "refund", "due"),
    [
        ("3.7", "100", "76.60", "23.40", "0"),
        ("5", "100", "100", "0", "0"),
        ("5.5", "118", "109", "9", "0"),
        ("7", "118", "136", "0", "18"),
        ("0", "100", "10", "90", "0"),
    ],
)
async def test_what_was_paid_and_what_was_delivered(
    kwh: str, budget: str, price: str, refund: str, due: str
) -> None:
    play = await billed(kwh, paid(budget), budget)

    bill = play.placed.bill
    assert bill is not None
    assert (bill.quote.price, bill.refund, bill.due) == (
        Decimal(price),
        Decimal(refund),
        Decimal(due),
    )
    assert not bill.provisional
    assert bill.cdr_id == "CDR1"
    lines = dict(lines_of(bill.quote))
    assert lines.get("ENERGY", 0) == Decimal(kwh) * 18
    assert lines["FLAT"] == 10
    back = Decimal(refund)
    assert [lines.get(kind) for kind in REFUNDED] == ([back, -back] if back else [None, None])

    final = play.callbacks[-1]
    assert (final.action, final.solicited) == ("on_update", False)
    order = shown(final)
    assert order["status"] == "COMPLETE"
    assert order["items"][0]["quantity"]["allocated"]["measure"]["value"] == kwh
    rest = [
        (entry["type"], entry["status"], Decimal(entry["params"]["amount"]))
        for entry in order["payments"][1:]
    ]
    left = back or Decimal(due)
    assert rest == ([("POST-FULFILLMENT", "NOT-PAID", left)] if left else [])


async def test_nothing_paid_is_all_due() -> None:
    play = await billed(
        "3.7", PaymentClaim(method="UPI-TRANSFER", source_address="asha@upi"), "100"
    )
    bill = play.placed.bill
    assert bill is not None
    assert (bill.refund, bill.due) == (Decimal(0), Decimal("76.60"))
    (entry,) = shown(play.callbacks[-1])["payments"]
    assert (entry["type"], entry["params"]["amount"]) == ("POST-FULFILLMENT", "76.60")


async def test_the_driver_pays_what_was_agreed_and_a_difference_is_marked() -> None:
    play = await ended()
    await play.cdr("3.7", total_cost=Price(excl_vat=Decimal(200)))
    bill = play.placed.bill
    assert bill is not None
    assert bill.quote.price == Decimal("76.60")
    assert bill.deviates


async def test_every_bill_is_made_with_the_terms_of_the_order() -> None:
    """A fee of 5 and a fifth more for energy: live, lost, ended, billed; new terms change none."""
    play = Play()
    play.commercial = Commercial(
        fees=(Fee(id="f", amount=Decimal(5)),),
        surcharges=(Surcharge(id="s", share=Decimal("0.2")),),
    )
    five = Quantity(measure=Measure.ENERGY, value=Decimal(5), unit="kWh", stated="5")
    await play.select(quantity=five)
    await play.init(quantity=five)
    play.commercial = Commercial()
    await play.confirm(paid("123"), quantity=five)
    await play.start()
    await play.session("ACTIVE", "1")
    await play.evse(Status.OUTOFORDER)
    assert shown(play.callbacks[-1])["quote"]["price"]["value"] == "36.60"
    await play.session("COMPLETED", "3.7")
    assert play.placed.bill is not None
    assert play.placed.bill.quote.price == Decimal("94.92")
    (final,) = (await play.cdr("3.7")).callbacks
    assert [(line["title"], line["price"]["value"]) for line in shown(final)["quote"]["breakup"]][
        2:4
    ] == [("surge price(20%)", "13.32"), ("Service fee", "5.00")]
    assert play.placed.bill.refund == Decimal("28.08")


# With and without a CDR


async def test_a_late_cdr_makes_the_bill_provisional_and_then_final() -> None:
    play = await ended()
    assert await play.passes(TERMS.cdr_wait_s - 1) == []
    (first,) = await play.passes(1)
    assert (first.action, first.solicited) == ("on_update", False)
    assert provisional(first)
    assert shown(first)["quote"]["price"]["value"] == "76.60"
    assert play.placed.deadlines == {}

    (final,) = (await play.cdr("3.7")).callbacks
    assert not provisional(final)
    assert shown(final)["quote"]["price"]["value"] == "76.60", "sent also when it is equal"
    assert final.message_id != first.message_id


async def test_a_cdr_in_time_saves_the_provisional_bill() -> None:
    play = await ended()
    await play.cdr("3.7")
    assert play.placed.deadlines == {}
    assert await play.passes(TERMS.cdr_wait_s) == []


@pytest.mark.parametrize("state", sorted(set(PLAYED) - {OrderState.SETTLED}))
async def test_a_cdr_settles_from_wherever_the_order_stands(state: OrderState) -> None:
    play = await PLAYED[state]()
    await play.cdr("3.7")
    assert play.state() is OrderState.SETTLED
    assert play.placed.deadlines == {}
    assert play.placed.waiting == ()
    assert wire(play.callbacks[-1]) == "COMPLETED"
    assert not any(attempt.open for attempt in play.placed.attempts)


async def test_the_final_bill_answers_whoever_waits() -> None:
    play = await starting()
    await play.stop()
    await play.cdr("3.7")
    for request in play.asked[-2:]:
        (answer,) = play.answers_to(request)
        assert wire(answer) == "COMPLETED"
    assert [each for each in play.callbacks if not each.solicited] == []


async def test_the_bill_of_an_interruption_is_replaced() -> None:
    play = await interrupted()
    await play.session("COMPLETED", "3.7")
    assert play.placed.bill is not None
    assert play.placed.bill.quote.kwh == Decimal("3.7")


# CDRs that are not the bill


async def test_a_cdr_that_comes_twice_is_sent_once() -> None:
    play = await settled()
    before = play.order
    decision = await play.cdr("3.7")
    assert decision.callbacks == ()
    assert play.order is before


async def test_a_cdr_after_the_final_bill_changes_nothing() -> None:
    play = await settled()
    before = play.placed.bill
    decision = await play.cdr("9", id="CDR2")
    assert (decision.callbacks, play.placed.bill) == ((), before)
    assert decision.notes


def credit(**changes: Any) -> dict[str, Any]:
    """Return what makes a CDR a credit."""
    cost = Price(excl_vat=Decimal("-76.60"))
    made = {"id": "CDR1-C", "credit": True, "credit_reference_id": "CDR1", "total_cost": cost}
    return {**made, **changes}


@pytest.mark.parametrize("state", [each for each in PLAYED if each is not OrderState.SETTLED])
async def test_a_credit_is_never_taken_for_the_bill(state: OrderState) -> None:
    play = await PLAYED[state]()
    before, told = play.placed.bill, list(play.callbacks)
    decision = await play.cdr("3.7", **credit())
    assert (play.state(), play.placed.bill) == (state, before)
    assert play.callbacks == told
    assert "CDR1" in decision.notes[0]


@pytest.mark.requirement("O92")
async def test_a_credit_turns_the_bill_back() -> None:
    play = await billed("3.7", paid("100"), "100")
    await play.cdr("3.7", **credit())

    bill = play.placed.bill
    assert bill is not None
    assert (bill.quote.price, bill.refund, bill.due) == (Decimal(0), Decimal(100), Decimal(0))
    assert dict(lines_of(bill.quote))["CREDIT"] == Decimal("-76.60")
    told = play.callbacks[-1]
    assert (told.action, told.solicited) == ("on_update", False)
    assert shown(told)["quote"]["price"]["value"] == "0.00"

    again = await play.cdr("3.7", **credit(id="CDR1-C2"))
    assert again.callbacks == ()


ORIGINAL = ("3.7", {"id": "CDR1"})
CREDIT = ("3.7", {"id": "CDR1-C", "credit": True, "credit_reference_id": "cdr1"})
REPLACEMENT = ("5", {"id": "CDR2"})


@pytest.mark.parametrize("cdrs", list(permutations([ORIGINAL, CREDIT, REPLACEMENT])))
async def test_original_credit_and_replacement_bill_the_same_in_any_order(cdrs: Any) -> None:
    play = await ended()
    for kwh, facts in cdrs:
        await play.cdr(kwh, **facts)
    bill = play.placed.bill
    assert bill is not None
    assert (bill.cdr_id, bill.quote.price) == ("CDR2", Decimal(100))


@pytest.mark.parametrize("cdrs", list(permutations([ORIGINAL, CREDIT])))
async def test_original_and_credit_bill_nothing_in_any_order(cdrs: Any) -> None:
    play = await ended()
    for kwh, facts in cdrs:
        await play.cdr(kwh, **facts)
    bill = play.placed.bill
    assert bill is not None
    assert (play.state(), bill.quote.price) == (OrderState.SETTLED, Decimal(0))


async def test_the_cdr_of_another_session_never_replaces_the_bill() -> None:
    play = await settled()
    await play.cdr("9", id="CDR2", session_id="S2")
    await play.cdr("3.7", **credit())
    bill = play.placed.bill
    assert bill is not None
    assert (bill.cdr_id, bill.quote.price) == ("CDR1", Decimal(0))


@pytest.mark.parametrize("play_until", [charging, interrupted, stopping])
async def test_the_cdr_of_a_second_session_leaves_the_own_running(play_until: Any) -> None:
    play = await play_until()
    await play.cdr("0.2", id="CDR2", session_id="S2")
    assert play.state() not in (OrderState.SETTLED, OrderState.ENDED)
    await play.session("COMPLETED", "3.7")
    await play.cdr("3.7")
    assert play.placed.bill is not None
    assert play.placed.bill.quote.price == Decimal("76.60")


async def test_the_cdr_of_a_session_that_was_stopped_does_not_settle() -> None:
    play = await charging()
    await play.session("ACTIVE", "0", id="S2")
    await play.session("COMPLETED", "3.7")
    await play.cdr("0.2", id="CDR2", session_id="s2")
    assert play.state() is OrderState.ENDED
    await play.cdr("3.7")
    assert play.placed.bill is not None
    assert play.placed.bill.cdr_id == "CDR1"


async def test_a_cpo_that_counts_sessions_anew_in_cdrs_is_believed_after_the_end() -> None:
    play = await ended()
    await play.cdr("3.7", session_id="another-count")
    assert play.state() is OrderState.SETTLED


@pytest.mark.parametrize("again", [True, False])
async def test_a_failed_start_that_costs_nothing_leaves_the_order_open(again: bool) -> None:
    play = await starting()
    reference = play.placed.attempts[0].authorization_reference
    await play.response(CommandResponseType.REJECTED)
    if again:
        await play.start()
    before = play.order
    decision = await play.cdr("0", authorization_reference=reference, total_cost=FREE)
    assert play.order is before
    assert decision.callbacks == ()


@pytest.mark.parametrize(("kwh", "cost"), [("0", Price(excl_vat=Decimal(10))), ("1", FREE)])
async def test_a_failed_start_that_costs_something_is_billed(kwh: str, cost: Price) -> None:
    play = await starting()
    await play.response(CommandResponseType.REJECTED)
    await play.cdr(kwh, total_cost=cost)
    assert play.state() is OrderState.SETTLED


async def test_a_failed_start_is_known_by_its_session_when_no_reference_is_repeated() -> None:
    play = await starting()
    await play.session("PENDING", "0", authorization_reference=None)
    await play.response(CommandResponseType.REJECTED)
    play.now += timedelta(seconds=1)
    await play.start()
    await play.cdr("0", authorization_reference=None, total_cost=FREE)
    assert play.state() is OrderState.STARTING
    await play.cdr("0", id="CDR2", session_id=None, authorization_reference=None, total_cost=FREE)
    assert play.state() is OrderState.SETTLED, "nothing says that it is not of this start"


async def test_a_free_cdr_leaves_a_cancelled_order_cancelled() -> None:
    play = await starting()
    await play.cancel()
    await play.session("ACTIVE", "0")
    await play.session("COMPLETED", "0")
    decision = await play.cdr("0", total_cost=FREE)
    assert decision.callbacks == ()
    assert play.state() is OrderState.CANCELLED
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 100


async def test_energy_of_a_cancelled_order_is_billed() -> None:
    play = await starting()
    await play.cancel()
    await play.session("ACTIVE", "0.5")
    assert [plan.type for plan in play.commands][-1] is CommandType.STOP_SESSION
    await play.cdr("0.5")
    assert play.placed.bill is not None
    assert play.placed.bill.quote.price == 19
    # The cancellation has sent the 100 back already.
    assert play.placed.bill.refund == 0
    assert play.placed.bill.due == 19


async def test_a_free_cdr_of_an_order_that_nobody_started_settles_it() -> None:
    play = await confirmed()
    await play.cdr("0", total_cost=FREE, authorization_reference=None)
    assert play.state() is OrderState.SETTLED
