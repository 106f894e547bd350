"""Everything the dialect words is valid against Beckn core 1.1.0, formats included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.beckn.actions import ACTIONS
from bridge.catalog.fragments import ProviderPart, Window
from bridge.dialects.v1.settings import PaymentOptions
from bridge.errors import BecknInvalid, BridgeError, CpoUnavailable, OrderUnknown
from bridge.ocpi.locations import ConnectorType, EnergyMix, GeoLocation, Status
from bridge.ocpi.types import DisplayText
from bridge.orders.intents import Confirm
from bridge.orders.item import Provider
from bridge.orders.order import LineKind, OrderState
from tests.property.test_deg_parse import MESSAGES, mutated, parsed
from tests.reference import load_tool
from tests.unit.dialects.deg.given import (
    LATER,
    NOW,
    ZONE,
    callback,
    connector,
    dialect,
    evse,
    item,
    location,
    order,
)
from tests.unit.dialects.deg.test_golden import ORDERS
from tests.unit.dialects.deg.test_money import line

pytestmark = pytest.mark.shared

ORDER_ACTIONS = ("on_select", "on_init", "on_confirm", "on_status", "on_update", "on_cancel")

Faults = Callable[..., list[str]]


@pytest.fixture(scope="module")
def faults(shared: Path) -> Faults:
    """Give what checks a message for an action, as bytes."""
    tool = load_tool(shared, "validate_layer2")

    def check(action: str, message: bytes | None, error: bytes | None = None) -> list[str]:
        whole = callback(action, message, error)
        found: list[str] = tool.validate(whole, formats="strict", spec=tool.SPECS["core"])
        return found

    return check


def test_the_checker_checks(faults: Faults) -> None:
    assert faults("on_select", b'{"order": {"status": "DONE"}}')
    assert faults("on_select", b'{"order": {"quote": {"id": "q"}}}')


@pytest.mark.parametrize("action", ORDER_ACTIONS)
@pytest.mark.parametrize("case", ORDERS)
def test_orders(faults: Faults, case: str, action: str) -> None:
    assert faults(action, dialect().render_order(action, ORDERS[case], NOW)) == []


@pytest.mark.parametrize("state", OrderState)
def test_every_state(faults: Faults, state: OrderState) -> None:
    assert faults("on_status", dialect().render_order("on_status", order(state), NOW)) == []


@pytest.mark.parametrize("kind", LineKind)
def test_every_kind_of_line(faults: Faults, kind: LineKind) -> None:
    bill = ORDERS["settled-refund"].bill
    assert bill is not None
    lines = (line(kind, "-0.05", quantity="0.00001", unit_price="0.0000001", vat="18"),)
    found = order("SELECTED", quote=replace(bill.quote, lines=lines))

    assert faults("on_select", dialect().render_order("on_select", found, NOW)) == []


def test_an_order_with_the_least(faults: Faults) -> None:
    poor = item(
        location=location(name=None, postal_code=None, state=None),
        provider=Provider(id="p", name="P"),
        tariff=None,
        price_kwh=None,
    )
    found = order("CONFIRMED", item=poor, quantity=None, start=None, end=None)

    message = dialect(payment=PaymentOptions(), share="0").render_order("on_confirm", found, NOW)
    assert faults("on_confirm", message) == []


def test_an_order_at_a_strange_place(faults: Faults) -> None:
    nowhere = location(
        coordinates=GeoLocation(latitude="05.00000", longitude="999.00000"),
        directions=(DisplayText(language="hi", text="बाएँ"),),
    )
    odd = item(
        location=nowhere,
        evse=evse(coordinates=GeoLocation(latitude="-08.50000", longitude="007.00000")),
        provider=Provider(id="p", name="P", image_url="not a url"),
    )

    message = dialect().render_order("on_init", order("INITIALISED", item=odd), NOW)
    assert faults("on_init", message) == []


@pytest.mark.parametrize("standard", ConnectorType)
def test_every_plug(faults: Faults, standard: ConnectorType) -> None:
    assert (
        faults("on_search", catalogue(item(evse=evse(connectors=(connector(standard=standard),)))))
        == []
    )


@pytest.mark.parametrize("status", Status)
def test_every_status(faults: Faults, status: Status) -> None:
    assert faults("on_search", catalogue(item(evse=evse(status=status)))) == []


def catalogue(*items: Any) -> bytes:
    """Return an on_search with these items at one Location."""
    deg = dialect()
    place = items[0].location
    window = Window(NOW.astimezone(ZONE), LATER.astimezone(ZONE))
    part = ProviderPart(
        items[0].provider,
        [deg.location_fragment(place)],
        [deg.fulfillment_fragment(place, [window]), deg.fulfillment_fragment(place, [])],
        [deg.item_fragment(one) for one in items],
    )
    return deg.catalog_message([part])


def test_catalogues(faults: Faults) -> None:
    green = item(location=location(energy_mix=EnergyMix(is_green_energy=True), name=None))

    assert faults("on_search", catalogue(green, item())) == []
    assert faults("on_search", dialect().catalog_message([])) == []


def test_other_answers(faults: Faults) -> None:
    deg = dialect()
    url = "https://bridge.example/session/x"

    for state in ("CONFIRMED", "CHARGING", "SETTLED"):
        assert faults("on_track", deg.render_tracking(order(state), url)) == []
    assert faults("on_rating", deg.render_rating(None)) == []
    assert faults("on_rating", deg.render_rating("https://bridge.example/form")) == []
    assert faults("on_support", deg.render_support("x", None, None, None)) == []
    assert faults("on_support", deg.render_support("x", "1800", "a@b.example", url)) == []


@pytest.mark.parametrize("action", sorted(f"on_{action}" for action in ACTIONS))
@pytest.mark.parametrize(
    "error", [OrderUnknown(), CpoUnavailable("x"), BecknInvalid("message", "is missing")]
)
def test_errors(faults: Faults, action: str, error: BridgeError) -> None:
    deg = dialect()

    assert faults(action, deg.error_message(action), deg.render_error(error)) == []


CONFIRM = next(message for action, message in MESSAGES if action == "init")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_a_bap_gives_for_billing_and_customer_comes_back_valid(
    faults: Faults, data: st.DataObject
) -> None:
    order_ = data.draw(mutated(CONFIRM["order"]))
    found = parsed("confirm", {"order": order_})
    if not isinstance(found, Confirm):
        return
    echoed = order(
        "CONFIRMED",
        billing=found.billing,
        customer=found.customer,
        vehicle=found.wish.vehicle,
        quantity=found.wish.quantity,
        start=found.wish.start,
        end=found.wish.end,
    )

    assert faults("on_confirm", dialect().render_order("on_confirm", echoed, NOW)) == []
