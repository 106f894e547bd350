"""What a gateway tells, what is collected, what goes back: each once, and each shown to the BAP."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.flows.decision import Decision
from bridge.flows.jobs import PaymentJob
from bridge.ocpi.types import Price
from bridge.orders.errands import CollectErrand, RefundErrand
from bridge.orders.intents import PaymentClaim
from bridge.orders.order import OrderState, Payment, PaymentStatus
from bridge.orders.payments import PaymentEvent, PaymentEventKind, objection_to
from tests.unit.flows.callbacks import shown
from tests.unit.flows.play import Play, agreed, confirmed
from tests.unit.flows.world import TERMS, paid

UPI = PaymentClaim(method="UPI-TRANSFER", source_address="asha@upi")
LINK = PaymentClaim(method="PAYMENT-LINK")
PAID, FAILED, REFUNDED = PaymentEventKind


def event(play: Play, kind: PaymentEventKind, amount: str, **changes: Any) -> PaymentEvent:
    """Return a word of the gateway about the order's payment."""
    made = PaymentEvent(
        id=f"e-{kind}-{amount}",
        payment_id=money(play).id,
        kind=kind,
        amount=Decimal(amount),
        currency="INR",
        transaction_id="gateway-1",
    )
    return replace(made, **changes)


async def tells(play: Play, kind: PaymentEventKind, amount: str, **changes: Any) -> Decision:
    """Let the gateway tell something."""
    return await play.happens(PaymentJob(event=event(play, kind, amount, **changes), at=play.now))


def money(play: Play) -> Payment:
    """Return the payment of the order."""
    assert play.placed.payment is not None
    return play.placed.payment


def entries(decision: Decision) -> list[tuple[str, str, str]]:
    """Return the payments that the only callback shows, an on_status unasked."""
    (callback,) = decision.callbacks
    assert (callback.action, callback.solicited) == ("on_status", False)
    return [
        (entry["type"], entry["status"], entry["params"]["amount"])
        for entry in shown(callback)["payments"]
    ]


def refunds(play: Play) -> list[str]:
    """Return what was sent back, errand by errand."""
    sent = [each for each in play.errands if isinstance(each, RefundErrand)]
    assert len({each.id for each in sent}) == len(sent)
    return [str(each.amount) for each in sent]


# Before confirm


async def test_a_payment_before_confirm_is_told_and_confirm_needs_no_word_on_it() -> None:
    play = await agreed()

    told = await tells(play, PAID, "100")

    assert entries(told) == [("PRE-FULFILLMENT", "PAID", "100.00")]
    order = shown(told.callbacks[0])
    assert "id" not in order
    assert order["payments"][0]["params"]["transaction_id"] == "gateway-1"
    await play.confirm(LINK)
    assert play.state() is OrderState.CONFIRMED
    assert money(play).status is PaymentStatus.PAID
    assert money(play).paid == 100
    assert (money(play).transaction_id, money(play).method) == ("gateway-1", "PAYMENT-LINK")
    assert play.errands == []


async def test_without_it_a_link_that_is_not_paid_places_no_order() -> None:
    play = await agreed()
    await play.confirm(LINK)
    assert play.state() is OrderState.INITIALISED


async def test_what_is_paid_outlives_another_select_and_init() -> None:
    play = await agreed()
    await tells(play, PAID, "100")
    before = money(play)

    await play.select()
    assert "payments" not in shown(play.callbacks[-1])
    await play.init()

    assert money(play) == replace(before, due_at=money(play).due_at)
    assert shown(play.callbacks[-1])["payments"][0]["status"] == "PAID"


async def test_what_is_said_between_select_and_init_is_kept_and_shown_later() -> None:
    play = await agreed()
    await play.select()
    assert (await tells(play, PAID, "100")).callbacks == ()
    await play.init()
    assert shown(play.callbacks[-1])["payments"][0]["status"] == "PAID"


# After confirm


async def test_upi_without_an_address_is_due_in_the_end() -> None:
    play = await confirmed(replace(UPI, source_address=None))
    assert play.errands == []
    assert money(play).paid == 0


async def test_upi_is_collected_at_the_drivers_address_and_paid_later() -> None:
    play = await confirmed(UPI)
    (errand,) = play.errands
    assert isinstance(errand, CollectErrand)
    assert (errand.source_address, errand.currency) == ("asha@upi", "INR")
    assert errand.amount == 100
    assert (errand.payment_id, errand.transaction_id) == (money(play).id, "t1")
    assert "asha@upi" not in repr(errand)
    await play.confirm(UPI)
    assert len(play.errands) == 1, "a repeated confirm collects nothing again"

    told = await tells(play, PAID, "100")

    assert entries(told) == [("PRE-FULFILLMENT", "PAID", "100.00")]
    assert money(play).paid == 100


async def test_a_failed_payment_changes_nothing() -> None:
    play = await confirmed(UPI)
    before = play.placed
    told = await tells(play, FAILED, "100", transaction_id=None)
    assert (play.placed, told.callbacks, told.notes) == (before, (), ("FAILED 100 INR",))


async def test_the_gateway_confirms_what_the_bap_said_and_nothing_is_paid_twice() -> None:
    play = await confirmed()
    await tells(play, PAID, "100")
    assert money(play).paid == 100
    assert money(play).confirmed
    assert money(play).transaction_id == "gateway-1"
    assert (await tells(play, PAID, "100")).callbacks == ()
    assert money(play).paid == 100


async def test_a_payment_that_comes_after_the_bill_settles_it() -> None:
    play = await billed(UPI)
    assert play.placed.bill is not None
    assert play.placed.bill.due == Decimal("76.60")

    told = await tells(play, PAID, "76.60")

    assert entries(told) == [("PRE-FULFILLMENT", "PAID", "76.60")]
    assert play.placed.bill.due == 0
    assert refunds(play) == []


async def test_a_collected_amount_that_comes_after_the_bill_is_partly_sent_back() -> None:
    play = await billed(UPI)
    told = await tells(play, PAID, "100")
    assert entries(told) == [
        ("PRE-FULFILLMENT", "PAID", "100.00"),
        ("POST-FULFILLMENT", "NOT-PAID", "23.40"),
    ]
    assert refunds(play) == ["23.40"]


async def test_a_payment_for_an_order_that_was_cancelled_goes_back() -> None:
    play = await confirmed(UPI)
    await play.cancel()
    assert refunds(play) == []
    await tells(play, PAID, "100")
    assert refunds(play) == ["100.00"]


async def test_what_is_due_beyond_the_payment_may_be_paid() -> None:
    play = await billed(paid(), kwh="6")
    assert play.placed.bill is not None
    assert play.placed.bill.due == 18
    told = await tells(play, PAID, "18")
    assert entries(told) == [("PRE-FULFILLMENT", "PAID", "118.00")]
    assert play.placed.bill.due == 0
    assert refunds(play) == []


# Refunds


async def over(claim: PaymentClaim) -> Play:
    """Play until the CDR is awaited."""
    play = await confirmed(claim)
    await play.start()
    await play.session("ACTIVE", "1.25")
    await play.session("COMPLETED", "3.7")
    assert play.state() is OrderState.ENDED
    return play


async def billed(claim: PaymentClaim, kwh: str = "3.7") -> Play:
    """Play until the final bill: 76.60 INR for 3.7 kWh."""
    play = await over(claim)
    await play.cdr(kwh)
    assert play.state() is OrderState.SETTLED
    return play


async def test_a_refund_leaves_once_and_is_told_when_it_has_arrived() -> None:
    play = await billed(paid())
    assert refunds(play) == ["23.40"]
    (errand,) = play.errands
    assert isinstance(errand, RefundErrand)
    assert (errand.payment_id, errand.paid_with) == (money(play).id, "utr-1")
    await play.cdr("3.7")
    await play.status()
    assert refunds(play) == ["23.40"]
    assert shown(play.callbacks[-1])["payments"][1]["status"] == "NOT-PAID"

    told = await tells(play, REFUNDED, "23.40", transaction_id=None)

    assert entries(told) == [
        ("PRE-FULFILLMENT", "PAID", "100.00"),
        ("POST-FULFILLMENT", "PAID", "23.40"),
    ]
    again = await tells(play, REFUNDED, "23.40", id="another")
    assert again.callbacks == ()
    assert money(play).refunded == Decimal("23.40")


async def test_a_provisional_bill_sends_nothing_back() -> None:
    play = await over(paid())
    await play.passes(TERMS.cdr_wait_s)
    assert play.placed.bill is not None
    assert play.placed.bill.provisional
    assert refunds(play) == []


async def test_of_a_corrected_bill_the_difference_goes_back() -> None:
    play = await billed(paid())
    credit = Price(excl_vat=Decimal("-76.60"))
    await play.cdr("3.7", id="CDR1-C", credit=True, credit_reference_id="CDR1", total_cost=credit)
    assert refunds(play) == ["23.40", "76.60"]
    told = await tells(play, REFUNDED, "23.40")
    assert entries(told)[1] == ("POST-FULFILLMENT", "NOT-PAID", "100.00")
    told = await tells(play, REFUNDED, "76.60")
    assert entries(told)[1] == ("POST-FULFILLMENT", "PAID", "100.00")


async def test_what_was_sent_back_too_much_is_due_again() -> None:
    play = await billed(paid())
    credit = Price(excl_vat=Decimal("-76.60"))
    await play.cdr("3.7", id="CDR1-C", credit=True, credit_reference_id="CDR1", total_cost=credit)
    await play.cdr("3.7", id="CDR2")
    bill = play.placed.bill
    assert bill is not None
    assert bill.quote.price == bill.due == Decimal("76.60")
    assert bill.refund == 0
    assert sum(line.amount for line in bill.quote.lines) == bill.quote.price
    assert refunds(play) == ["23.40", "76.60"]

    await tells(play, PAID, "76.60", id="once-more")
    assert play.placed.bill is not None
    assert play.placed.bill.due == 0
    assert refunds(play) == ["23.40", "76.60"]


async def test_a_cancellation_sends_back_what_was_paid() -> None:
    play = await confirmed()
    await play.cancel()
    assert refunds(play) == ["100.00"]
    await play.cancel()
    assert refunds(play) == ["100.00"]


@dataclass
class ByBap:
    """What happens where the BAP collects."""

    terms: Any = field(default_factory=lambda: replace(TERMS, collected_by="BAP"))

    async def confirmed(self, claim: PaymentClaim) -> Play:
        """Place an order."""
        play = Play(terms=self.terms)
        await play.select()
        await play.init()
        await play.confirm(claim)
        return play


async def test_where_the_bap_collects_no_money_is_asked_for_or_sent_back() -> None:
    play = await ByBap().confirmed(replace(paid(), collected_by="BAP"))
    assert play.state() is OrderState.CONFIRMED
    assert shown(play.callbacks[-1])["payments"][0]["collected_by"] == "BAP"
    await play.cancel()
    assert play.errands == []
    assert objection_to(play.placed, event(play, PAID, "100")) is not None

    play = await ByBap().confirmed(UPI)
    assert play.errands == []


# What does not fit


@pytest.mark.parametrize(
    ("kind", "amount", "changes", "objection"),
    [
        (PAID, "100", {}, None),
        (FAILED, "100", {"transaction_id": None}, None),
        (PAID, "99.99", {}, ("amount", "must be 100.00")),
        (PAID, "100", {"currency": "EUR"}, ("currency", "must be INR")),
        (PAID, "100", {"payment_id": "x"}, ("payment_id", "is unknown")),
        (PAID, "100", {"transaction_id": None}, ("transaction_id", "is missing")),
        (REFUNDED, "1", {}, ("amount", "must be at most 0")),
    ],
)
async def test_what_does_not_fit_names_its_field_and_changes_nothing(
    kind: PaymentEventKind,
    amount: str,
    changes: dict[str, Any],
    objection: tuple[str, str] | None,
) -> None:
    play = await confirmed(UPI)
    found = objection_to(play.placed, event(play, kind, amount, **changes))
    assert found is None if objection is None else found == objection
    if objection is not None:
        before = play.placed
        told = await tells(play, kind, amount, **changes)
        assert (play.placed, told.callbacks) == (before, ())
        assert objection[0] in told.notes[0]
