"""Quotes, bills, payments and refund terms beyond the golden pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.dialects.deg.dialect import Deg
from bridge.dialects.v1.settings import PaymentOptions
from bridge.orders.order import Line, LineKind, Order
from bridge.orders.terms import Agreed, Refunds, RefundStep
from tests.unit.dialects.deg.given import (
    LATER,
    NOW,
    UUID,
    dialect,
    due_bill,
    order,
    payment,
    quote,
    refund_bill,
)


def rendered(found: Order, by: Deg | None = None) -> dict[str, Any]:
    """Return ``message.order``."""
    order_: dict[str, Any] = json.loads((by or dialect()).render_order("on_status", found, NOW))[
        "order"
    ]
    return order_


def line(kind: str, amount: str = "1", **numbers: str) -> Line:
    """Return a line."""
    known = {name: Decimal(number) for name, number in numbers.items()}
    return replace(Line(kind=LineKind(kind), amount=Decimal(amount)), **known)


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        (
            line("ENERGY", quantity="5.000", unit_price="18"),
            "Charging session cost (5 kWh @ ₹18.00/kWh)",
        ),
        (
            line("ENERGY", quantity="2.3456", unit_price="7.125"),
            "Charging session cost (2.346 kWh @ ₹7.125/kWh)",
        ),
        (line("TIME", quantity="0.5", unit_price="60"), "Charging time (0.5 h @ ₹60.00/h)"),
        (line("PARKING_TIME", quantity="0.25", unit_price="4"), "Parking (0.25 h @ ₹4.00/h)"),
        (line("RESERVATION", quantity="1"), "Reservation (1 h)"),
        (line("FLAT"), "Service fee"),
        (line("TAX", vat="18.0"), "Tax (18%)"),
        (line("TAX"), "Tax"),
        (line("REFUND"), "Overcharge refund"),
        (line("SURCHARGE", share="0.20"), "surge price(20%)"),
        (line("OFFER", "-18", share="0.125"), "offer discount(12.5%)"),
        (line("LOYALTY", "-10"), "loyalty program discount"),
        (
            line("SURCHARGE", quantity="5.200", unit_price="1"),
            "surge price (5.2 kWh @ ₹1.00/kWh)",
        ),
        (line("OVERCHARGE_ESTIMATION"), "overcharge estimation"),
        (replace(line("FEE"), title="Parking guard"), "Parking guard"),
        (replace(line("OFFER", share="0.2"), title="Early bird"), "Early bird(20%)"),
    ],
)
def test_titles_carry_the_numbers(shown: Line, title: str) -> None:
    found = rendered(order("SELECTED", quote=replace(quote(), lines=(shown,))))

    assert found["quote"]["breakup"][0]["title"] == title


@pytest.mark.parametrize("kind", LineKind)
def test_every_kind_of_line_has_a_title(kind: LineKind) -> None:
    found = rendered(order("SELECTED", quote=replace(quote(), lines=(line(kind),))))

    assert found["quote"]["breakup"][0]["title"]
    assert ("item" in found["quote"]["breakup"][0]) is (kind is LineKind.ENERGY)


def test_a_currency_without_a_symbol_is_named() -> None:
    price = replace(quote(), currency="EUR")

    title = rendered(order("SELECTED", quote=price))["quote"]["breakup"][0]["title"]

    assert title == "Charging session cost (5 kWh @ EUR 18.00/kWh)"


@pytest.mark.parametrize("state", ["SELECTED", "CONFIRMED", "ENDED", "SETTLED", "CANCELLED"])
def test_the_lines_sum_to_the_price(state: str) -> None:
    shown = rendered(order(state))["quote"]

    total = sum(Decimal(entry["price"]["value"]) for entry in shown["breakup"])
    assert total == Decimal(shown["price"]["value"])


@pytest.mark.parametrize(
    ("left", "ttl"), [(timedelta(minutes=15), "PT900S"), (timedelta(seconds=-5), "PT0S")]
)
def test_a_draft_says_how_long_its_quote_holds(left: timedelta, ttl: str) -> None:
    shown = rendered(order("INITIALISED", quote=quote(expires_at=NOW + left)))["quote"]

    assert shown["ttl"] == ttl


def test_a_placed_order_has_no_ttl() -> None:
    placed = order("CONFIRMED", quote=quote(expires_at=LATER))

    assert "ttl" not in rendered(placed)["quote"]


def entries(found: Order, by: Deg | None = None) -> list[dict[str, Any]]:
    """Return ``payments``."""
    payments: list[dict[str, Any]] = rendered(found, by)["payments"]
    return payments


def test_how_to_pay_is_said_at_init() -> None:
    (entry,) = entries(order("INITIALISED"))

    assert entry["status"] == "NOT-PAID"
    assert entry["type"] == "PRE-FULFILLMENT"
    assert entry["collected_by"] == "BPP"
    assert entry["url"] == f"https://pay.example/now?transaction_id={UUID}&amount=100.00"
    assert entry["params"] == {
        "amount": "100.00",
        "currency": "INR",
        "bank_code": "BANK0001",
        "bank_account_number": "0042",
        "virtual_payment_address": "bridge@upi",
    }
    codes = [tag["descriptor"]["code"] for tag in entry["tags"][0]["list"]]
    assert codes == ["UPI-TRANSFER", "PAYMENT-LINK", "BANK-TRANSFER"]


def test_what_is_paid_needs_no_instructions() -> None:
    (entry,) = entries(order("CONFIRMED"))

    assert entry["params"] == {"transaction_id": "utr-1", "amount": "100.00", "currency": "INR"}
    assert "tags" not in entry


def test_a_chosen_method_is_the_only_one_left() -> None:
    chosen = replace(payment("NOT-PAID"), method="UPI-TRANSFER")

    (entry,) = entries(order("CONFIRMED", payment=chosen))

    assert [tag["descriptor"]["code"] for tag in entry["tags"][0]["list"]] == ["UPI-TRANSFER"]


def test_only_what_a_method_needs_is_said() -> None:
    upi = dialect(
        payment=PaymentOptions(methods=("UPI-TRANSFER",), bank_code="B", upi_address="bridge@upi")
    )

    (entry,) = entries(order("INITIALISED"), upi)

    assert entry["params"].keys() == {"amount", "currency", "virtual_payment_address"}
    assert "url" not in entry


def test_a_bap_that_collects_gets_no_payment_page() -> None:
    collected = replace(payment("NOT-PAID"), collected_by="BAP")

    (entry,) = entries(order("INITIALISED", payment=collected))

    assert entry["collected_by"] == "BAP"
    assert "url" not in entry


def test_a_payment_page_keeps_ids_apart() -> None:
    found = order("INITIALISED")
    odd = replace(found, request=replace(found.request, transaction_id="a&amount=1 €"))

    (entry,) = entries(odd)

    assert entry["url"].endswith("?transaction_id=a%26amount%3D1%20%E2%82%AC&amount=100.00")


def test_without_any_method_nothing_is_offered() -> None:
    (entry,) = entries(order("INITIALISED"), dialect(payment=PaymentOptions()))

    assert "tags" not in entry


def test_a_refund_is_a_second_entry() -> None:
    _, entry = entries(order("SETTLED"))

    assert entry == {
        "params": {"amount": "23.40", "currency": "INR"},
        "type": "POST-FULFILLMENT",
        "status": "NOT-PAID",
        "tags": [
            {"descriptor": {"code": "refund-type"}, "value": "OVERCHARGE_REFUND"},
            {"descriptor": {"code": "refund-amount"}, "value": "23.40INR"},
        ],
    }


def test_what_is_due_is_a_second_entry() -> None:
    _, entry = entries(order("SETTLED", bill=due_bill()))

    assert entry == {
        "params": {"amount": "100.00", "currency": "INR"},
        "type": "POST-FULFILLMENT",
        "status": "NOT-PAID",
    }


def test_what_was_never_paid_is_asked_for_once() -> None:
    """What was to be paid before is part of what is due: two entries would ask for it twice."""
    nothing_paid = replace(due_bill(), due=Decimal("109"))

    (entry,) = entries(order("SETTLED", payment=payment("NOT-PAID"), bill=nothing_paid))

    assert (entry["type"], entry["status"]) == ("POST-FULFILLMENT", "NOT-PAID")
    assert entry["params"]["amount"] == "109.00"
    assert entry["url"].endswith("&amount=109.00")
    assert "time" not in entry


def test_where_nothing_is_owed_nothing_is_asked_for() -> None:
    for_free = replace(due_bill(), due=Decimal(0))

    (entry,) = entries(order("CANCELLED", payment=payment("NOT-PAID"), bill=for_free))

    assert entry["params"] == {"amount": "0.00", "currency": "INR"}
    assert entry["status"] == "NOT-PAID"
    assert "url" not in entry
    assert "tags" not in entry


def test_an_even_bill_needs_no_second_entry() -> None:
    even = replace(refund_bill(), refund=Decimal(0))

    assert len(entries(order("SETTLED", bill=even))) == 1


def test_what_it_costs_so_far_is_no_refund_yet() -> None:
    running = order("INTERRUPTED", bill=refund_bill(provisional=True))

    assert len(entries(running)) == 1
    assert rendered(running)["quote"]["price"]["value"] == "76.60"


def terms(share: str) -> list[Mapping[str, Any]]:
    """Return ``refund_terms``."""
    found: list[Mapping[str, Any]] = rendered(order("INITIALISED"), dialect(share=share))[
        "refund_terms"
    ]
    return found


def test_refund_terms_before_and_after_the_start() -> None:
    before, after = terms("0.85")

    state = before["fulfillment_state"]["descriptor"]
    assert state["code"] == "CONFIRMED"
    assert "85%" in state["long_desc"]
    assert before["refund_eligible"] is True
    assert before["refund_within"] == {"duration": "PT2H"}
    assert before["refund_amount"] == {"value": "85.00", "currency": "INR"}
    assert after["fulfillment_state"]["descriptor"]["code"] == "ACTIVE"
    assert after["refund_eligible"] is False


def test_who_refunds_nothing_says_so() -> None:
    before, _ = terms("0")

    assert before["refund_eligible"] is False
    assert before.keys() == {"fulfillment_state", "refund_eligible"}


STEPS = Refunds(
    steps=(
        RefundStep(before_s=4 * 3600, share=Decimal("0.85")),
        RefundStep(before_s=0, share=Decimal(0)),
    ),
    no_show_share=Decimal(0),
    within="P1D",
)


def stepped(start: datetime | None) -> list[Mapping[str, Any]]:
    """Return ``refund_terms`` of an order that was promised steps."""
    promised = order("INITIALISED", agreed=Agreed(refunds=STEPS), start=start)
    found: list[Mapping[str, Any]] = rendered(promised)["refund_terms"]
    return found


def test_each_step_says_until_when_and_how_much() -> None:
    early, late, after = stepped(NOW + timedelta(hours=6))

    assert early["fulfillment_state"]["descriptor"] == {
        "code": "CONFIRMED",
        "name": "Order Confirmed",
        "long_desc": "85% refund if cancelled at least 4 h before the scheduled time, "
        "until 2026-03-04T14:00:00+05:30",
    }
    assert early["refund_amount"] == {"value": "85.00", "currency": "INR"}
    assert early["refund_within"] == {"duration": "P1D"}
    assert late["refund_eligible"] is False
    assert after["fulfillment_state"]["descriptor"]["code"] == "ACTIVE"


@pytest.mark.parametrize("start", [None, NOW + timedelta(hours=3)])
def test_a_step_that_can_not_be_had_any_more_is_not_promised(start: datetime | None) -> None:
    late, _ = stepped(start)

    assert late["fulfillment_state"]["descriptor"]["code"] == "CONFIRMED"
    assert late["refund_eligible"] is False
