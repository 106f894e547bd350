"""Orders beyond the golden pairs: when charging starts and ends, what was allocated, and why."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.orders.intents import Measure, Quantity
from bridge.orders.order import Order, OrderState
from tests.unit.dialects.deg.given import (
    LATER,
    ME,
    NOW,
    cdr,
    dialect,
    item,
    order,
    refund_bill,
    session,
)


def rendered(found: Order, action: str = "on_status") -> dict[str, Any]:
    """Return ``message.order``."""
    message: dict[str, Any] = json.loads(dialect().render_order(action, found, NOW))
    assert message.keys() == {"order"}
    order_: dict[str, Any] = message["order"]
    return order_


def times(found: Order) -> list[tuple[str, str]]:
    """Return type and time of each stop."""
    stops = rendered(found)["fulfillments"][0]["stops"]
    return [(stop["type"], stop["time"]["timestamp"]) for stop in stops]


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, ("06:30:00", "06:40:00")),
        (NOW - HOUR, None, ("06:30:00", "06:40:00")),
        (NOW - 2 * HOUR, NOW - HOUR, ("06:30:00", "06:40:00")),
        (NOW + HOUR, None, ("07:30:00", "07:40:00")),
        (NOW + HOUR, NOW + 2 * HOUR, ("07:30:00", "08:30:00")),
        (None, NOW + HOUR, ("06:30:00", "07:30:00")),
    ],
)
def test_a_wished_start_in_the_past_is_now_and_the_end_follows_from_the_energy(
    start: datetime | None, end: datetime | None, expected: tuple[str, str]
) -> None:
    assert times(order("SELECTED", start=start, end=end)) == [
        ("START", f"2026-03-04T{expected[0]}Z"),
        ("END", f"2026-03-04T{expected[1]}Z"),
    ]


def test_a_wished_time_says_when_it_ends() -> None:
    wished = Quantity(measure=Measure.DURATION, value=Decimal(5400), unit="min", stated="90")

    assert times(order("SELECTED", quantity=wished))[1] == ("END", "2026-03-04T08:00:00Z")


def test_without_power_nobody_knows_the_end() -> None:
    assert len(times(order("SELECTED", item=item(power_kw=Decimal(0))))) == 1


def test_a_plan_is_never_longer_than_30_days() -> None:
    weak = item(power_kw=Decimal("1E-30"))

    assert times(order("SELECTED", item=weak))[1] == ("END", "2026-04-03T06:30:00Z")


def test_a_running_session_has_its_own_start() -> None:
    assert times(order("CHARGING"))[0] == ("START", "2026-03-04T06:32:00Z")


def test_an_ended_session_has_its_own_end() -> None:
    ended = session("COMPLETED", end_date_time=LATER + HOUR)

    assert times(order("ENDED", session=ended))[1] == ("END", "2026-03-04T07:32:00Z")
    assert times(order("ENDED", session=session(), state_since=LATER + 2 * HOUR))[1] == (
        "END",
        "2026-03-04T08:32:00Z",
    )


def test_a_cdr_has_the_last_word() -> None:
    other = session("COMPLETED", start_date_time=NOW, end_date_time=NOW)

    assert times(order("SETTLED", session=other)) == [
        ("START", "2026-03-04T06:32:00Z"),
        ("END", "2026-03-04T07:02:00Z"),
    ]


@pytest.mark.parametrize("state", ["SELECTED", "INITIALISED"])
def test_a_draft_has_neither_id_nor_state(state: str) -> None:
    found = rendered(order(state))

    assert found.keys().isdisjoint({"id", "status", "cancellation", "tags"})
    assert "state" not in found["fulfillments"][0]


def test_a_selected_order_says_nothing_of_payment() -> None:
    found = rendered(order("SELECTED"))

    assert found.keys() == {"provider", "items", "fulfillments", "quote"}


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("CONFIRMED", "ACTIVE", "PENDING"),
        ("STARTING", "ACTIVE", "PENDING"),
        ("CHARGING", "ACTIVE", "ACTIVE"),
        ("INTERRUPTED", "ACTIVE", "CONNECTION-INTERRUPTED"),
        ("STOPPING", "ACTIVE", "ACTIVE"),
        ("ENDED", "ACTIVE", "COMPLETED"),
        ("SETTLED", "COMPLETE", "COMPLETED"),
        ("CANCELLED", "CANCELLED", "CANCELLED"),
    ],
)
def test_states_of_a_placed_order(state: str, status: str, code: str) -> None:
    found = rendered(order(state))

    assert found["id"] == "order-1"
    assert found["status"] == status
    shown = found["fulfillments"][0]["state"]
    assert shown["descriptor"]["code"] == code
    assert shown["descriptor"]["name"]
    assert shown["updated_by"] == ME
    assert shown["updated_at"] == "2026-03-04T06:30:00Z"


def test_energy_is_allocated_when_it_is_billed() -> None:
    def quantity(found: Order) -> dict[str, Any]:
        shown: dict[str, Any] = rendered(found)["items"][0]["quantity"]
        return shown

    assert quantity(order("SETTLED")) == {
        "selected": {"measure": {"type": "CONSTANT", "value": "100", "unit": "INR"}},
        "allocated": {"measure": {"type": "CONSTANT", "value": "3.7", "unit": "kWh"}},
    }
    running = order("CHARGING", bill=refund_bill(provisional=True))
    assert "allocated" not in quantity(running)
    assert "allocated" not in quantity(order("CANCELLED"))


def test_where_the_bap_named_no_amount_the_assumed_energy_is_shown() -> None:
    found = rendered(order("SELECTED", quantity=None))

    assert found["items"][0]["quantity"]["selected"]["measure"] == {
        "type": "CONSTANT",
        "value": "5",
        "unit": "kWh",
    }


def provisional(found: Order) -> list[str]:
    """Return the values of the tag ``provisional``."""
    return [
        tag["value"]
        for group in rendered(found).get("tags", [])
        for tag in group["list"]
        if tag["descriptor"]["code"] == "provisional"
    ]


def test_only_a_provisional_bill_says_so() -> None:
    assert provisional(order("ENDED")) == ["true"]
    assert provisional(order("SETTLED")) == []
    assert provisional(order("CONFIRMED")) == []


def details(found: Order) -> dict[str, str]:
    """Return the charging details."""
    groups = rendered(found)["fulfillments"][0].get("tags", [])
    return {tag["descriptor"]["code"]: tag["value"] for group in groups for tag in group["list"]}


def test_charging_details_come_from_the_session_and_then_from_the_cdr() -> None:
    assert details(order("CONFIRMED")) == {}
    assert details(order("CHARGING")) == {
        "energy-delivered": "1.25kWh",
        "soc": "63%",
        "start-time": "2026-03-04T06:32:00Z",
        "current": "16A",
        "power": "7.2kW",
        "cost": "32.50 INR",
        "estimated-end-time": "2026-03-04T07:08:15Z",
    }
    only_cdr = order("SETTLED", session=None, cdr=cdr("3.70"))
    assert details(only_cdr) == {
        "energy-delivered": "3.7kWh",
        "start-time": "2026-03-04T06:32:00Z",
        "stop-time": "2026-03-04T07:02:00Z",
        "cdr-id": "CDR-1",
    }


def test_the_newest_measured_value_counts() -> None:
    first = session().charging_periods[0]
    older = replace(
        first,
        start_date_time=NOW,
        dimensions=tuple(replace(one, volume=Decimal(1)) for one in first.dimensions),
    )
    found = order("CHARGING", session=session(charging_periods=(older, first)))

    assert details(found)["soc"] == "63%"


def test_parts_of_the_bap_come_back_byte_for_byte() -> None:
    message = dialect().render_order("on_status", order("CONFIRMED"), NOW)

    assert b'"vehicle":{"make": "Tata", "model": "Tiago EV"}' in message
    assert b'"billing":{"name": "Asha Rao", "phone"' in message
    assert b'"customer":{"person": {"name": "Asha Rao"}' in message


@pytest.mark.parametrize("state", OrderState)
def test_the_action_does_not_matter(state: OrderState) -> None:
    found = order(state)

    assert rendered(found, "on_update") == rendered(found, "on_cancel")
