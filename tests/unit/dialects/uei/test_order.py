"""Orders beyond the golden pairs: what layer 2 wants, and what it has no word for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from bridge.orders.order import OrderState
from bridge.orders.transitions import PLACED
from tests.unit.dialects.deg.given import BILLING, item, location, order, payment, raw
from tests.unit.dialects.uei.given import ORDERS, dialect, rendered


def state_of(found: dict[str, Any]) -> tuple[str, str, str]:
    """Return status, code and phase."""
    said = found["fulfillments"][0]["state"]["descriptor"]
    return found["status"], said["code"], said["short_desc"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("CONFIRMED", ("ACTIVE", "ORDER_PLACED", "PENDING")),
        ("STARTING", ("ACTIVE", "ORDER_PLACED", "PENDING")),
        ("CHARGING", ("ACTIVE", "ORDER_PROCESSING", "ACTIVE")),
        ("INTERRUPTED", ("ACTIVE", "ORDER_PROCESSING", "CONNECTION-INTERRUPTED")),
        ("STOPPING", ("ACTIVE", "ORDER_PROCESSING", "ACTIVE")),
        ("ENDED", ("ACTIVE", "ORDER_FULFILLED", "COMPLETED")),
        ("SETTLED", ("COMPLETE", "ORDER_FULFILLED", "COMPLETED")),
        ("CANCELLED", ("CANCELLED", "ORDER_PLACED", "CANCELLED")),
    ],
)
def test_status_state_and_phase(state: str, said: tuple[str, str, str]) -> None:
    assert state_of(rendered(order(state))) == said


@pytest.mark.parametrize("state", sorted(PLACED - {OrderState.CANCELLED}))
def test_a_confirm_that_comes_again_is_confirmed_still(state: str) -> None:
    assert rendered(order(state), "on_confirm")["status"] == "ACTIVE"


def test_a_cancel_that_only_asks_cancels_nothing() -> None:
    asked = order("CONFIRMED")

    assert rendered(asked, "on_cancel")["status"] == "SOFT_CANCEL"
    assert rendered(asked, "on_cancel", dialect(profile="3.0"))["status"] == "ACTIVE"
    assert rendered(order("CANCELLED"), "on_cancel")["status"] == "CANCELLED"


@pytest.mark.parametrize("case", ORDERS)
def test_there_is_a_start_and_an_end_each_with_a_time_and_a_place(case: str) -> None:
    stops = rendered(ORDERS[case])["fulfillments"][0]["stops"]

    assert [stop["type"] for stop in stops] == ["START", "END"]
    assert all(stop["time"] and stop["location"]["address"] for stop in stops)


def test_an_end_that_nobody_knows_is_open() -> None:
    found = order("SELECTED", quantity=None, item=item(power_kw=item().power_kw * 0))
    _, end = rendered(found)["fulfillments"][0]["stops"]

    assert end["time"] == {"label": "open"}


def test_coordinates_have_six_decimals() -> None:
    near = location(coordinates=replace(location().coordinates, latitude="18.5", longitude="-7"))
    start, _ = rendered(order("SELECTED", item=item(location=near)))["fulfillments"][0]["stops"]

    assert start["location"]["gps"] == "18.500000,-7.000000"


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (UNSET, {"person": {"name": "Asha Rao"}, "contact": {"phone": "+919812345678"}}),
        (
            raw({"person": {"name": "B"}, "contact": {"email": "b@c.example"}}),
            {
                "person": {"name": "B"},
                "contact": {"phone": "+919812345678", "email": "b@c.example"},
            },
        ),
        (
            raw({"contact": {"phone": "+911"}}),
            {"person": {"name": "Asha Rao"}, "contact": {"phone": "+911"}},
        ),
    ],
)
def test_what_the_customer_lacks_the_billing_has(customer: Any, told: object) -> None:
    found = order("CONFIRMED", customer=customer, billing=raw(BILLING))

    assert rendered(found)["fulfillments"][0]["customer"] == told


def test_without_either_there_is_no_customer() -> None:
    found = order("CONFIRMED", customer=UNSET, billing=UNSET)

    assert "customer" not in rendered(found)["fulfillments"][0]


def test_an_order_names_no_agent() -> None:
    assert all("agent" not in rendered(each)["fulfillments"][0] for each in ORDERS.values())


def test_each_term_of_cancelling_names_its_fee() -> None:
    terms = rendered(ORDERS["confirmed-slot"])["cancellation_terms"]

    assert [term["cancellation_fee"]["percentage"] for term in terms] == ["15", "66.67", "100"]
    assert {term["reason_required"] for term in terms} == {True}
    assert terms[0]["cancel_by"] == {"timestamp": "2026-03-04T08:30:00Z"}
    assert "cancel_by" not in terms[1]


def test_before_init_there_is_nothing_to_cancel() -> None:
    assert "cancellation_terms" not in rendered(order("SELECTED"), "on_select")


@pytest.mark.parametrize(
    ("state", "changes", "type_"),
    [
        ("INITIALISED", {}, "PRE-ORDER"),
        ("INITIALISED", {"method": "UPI-TRANSFER"}, "PRE-ORDER"),
        ("CONFIRMED", {"method": "UPI-TRANSFER"}, "ON-FULFILLMENT"),
        ("CONFIRMED", {"method": "PAYMENT-LINK"}, "POST-FULFILLMENT"),
        ("CONFIRMED", {}, "POST-FULFILLMENT"),
    ],
)
def test_when_it_is_paid(state: str, changes: dict[str, str], type_: str) -> None:
    found = order(state, payment=replace(payment("NOT-PAID"), **changes))

    assert [each["type"] for each in rendered(found)["payments"]] == [type_]


def test_what_was_paid_without_a_number_has_that_of_the_transaction() -> None:
    found = order("CONFIRMED", payment=replace(payment(), transaction_id=None))
    (entry,) = rendered(found)["payments"]

    assert entry["params"]["transaction_id"] == found.request.transaction_id


def test_who_collects_by_itself_has_no_account_of_ours() -> None:
    (entry,) = rendered(ORDERS["initialised-bap-collects"])["payments"]

    assert entry["collected_by"] == "BAP"
    assert {
        entry["params"][key]
        for key in ("bank_code", "bank_account_number", "virtual_payment_address")
    } == {"NA"}
