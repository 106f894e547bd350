"""Whatever ``uei`` words is valid under layer 2 3.1 (corrected), layer 2 3.0 and core at once.

The exceptions stand in ``EXCEPTIONS``, each with what takes it, and nothing else may fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from bridge.beckn.actions import ACTIONS
from bridge.catalog.fragments import OfferPart, ProviderPart, Window
from bridge.dialects.uei.dialect import Uei
from bridge.errors import BecknInvalid, CpoUnavailable, OrderUnknown
from bridge.ocpi.locations import ConnectorType, EnergyMix, GeoLocation, Status
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.order import LineKind, OrderState
from tests.published import ALL, VALID, Faults, Published, accepted, show
from tests.unit.dialects.deg.given import (
    LATER,
    NOW,
    UUID,
    ZONE,
    callback,
    connector,
    evse,
    item,
    location,
    order,
)
from tests.unit.dialects.uei.given import AGREED, ORDERS, SENT, dialect, line, quoted

pytestmark = pytest.mark.shared


Verdicts = Callable[..., Faults]


@pytest.fixture(scope="module")
def verdicts(shared: Path) -> Verdicts:
    """Give what checks a message for an action: the faults under each of the three."""
    published = Published(shared)

    def check(action: str, message: bytes | None, error: bytes | None = None) -> Faults:
        return published.faults(callback(action, message, error, Uei.domain))

    return check


def test_the_checker_checks(verdicts: Verdicts) -> None:
    assert accepted(verdicts("on_select", b'{"order": {"status": "DONE"}}')) == frozenset()


# Orders


def test_orders(verdicts: Verdicts, capsys: pytest.CaptureFixture[str]) -> None:
    table: dict[str, Faults] = {}
    for case, found in ORDERS.items():
        for action in SENT[found.state]:
            message = dialect().render_order(action, found, NOW)
            table[f"{action} of {case}"] = verdicts(action, message)
    show(capsys, {name: accepted(found) for name, found in table.items()})

    assert {name: found for name, found in table.items() if accepted(found) != ALL} == {}


def test_every_state_is_a_case() -> None:
    assert {found.state for found in ORDERS.values()} == set(OrderState)


@pytest.mark.parametrize("kind", sorted(set(LineKind) - {LineKind.PASS}))
@pytest.mark.parametrize("amount", ["0.05", "-0.05"])
def test_every_kind_of_line(verdicts: Verdicts, kind: LineKind, amount: str) -> None:
    found = order("SELECTED", quote=quoted(line("ENERGY", "90"), line(kind, amount)))
    message = dialect().render_order("on_select", found, NOW)

    assert accepted(verdicts("on_select", message)) == ALL


def poor() -> ChargingItem:
    """Return an item of which a CPO tells as little as it may, at a place that is nowhere."""
    nowhere = location(
        name=None,
        postal_code=None,
        state=None,
        coordinates=GeoLocation(latitude="05.00000", longitude="999.00000"),
    )
    odd = evse(coordinates=GeoLocation(latitude="-8.5", longitude="7"))
    return item(
        location=nowhere,
        evse=odd,
        provider=Provider(id="p", name="P", image_url="not a url"),
        price_kwh=None,
    )


def test_an_order_with_the_least(verdicts: Verdicts) -> None:
    found = order(
        "CONFIRMED",
        item=replace(poor(), power_kw=poor().power_kw * 0),
        quantity=None,
        customer=Raw(b'{"contact": {"email": "a@b.example"}}'),
        billing=Raw(b'{"name": "A", "phone": "+919812345678"}'),
    )
    message = dialect(share="0").render_order("on_confirm", found, NOW)

    assert verdicts("on_confirm", message) == VALID


# Catalogues


def catalogue(*items: ChargingItem) -> bytes:
    """Return an on_search with these items at one Location."""
    uei = dialect()
    place = items[0].location
    window = Window(NOW.astimezone(ZONE), LATER.astimezone(ZONE))
    offer = OfferPart(uei.offer_fragment(AGREED.offers[0]), [b'"PUNE-7"'], [])
    part = ProviderPart(
        items[0].provider,
        [uei.location_fragment(place)],
        [uei.fulfillment_fragment(place, [window] * 3), uei.fulfillment_fragment(place, [])],
        [uei.item_fragment(one, AGREED.surcharges) for one in items],
        [offer],
    )
    return uei.catalog_message([part])


ITEMS = {
    **{
        f"plug {each}": item(evse=evse(connectors=(connector(standard=each),)))
        for each in ConnectorType
    },
    **{f"status {each}": item(evse=evse(status=each)) for each in Status},
    "poor": poor(),
    "green": item(location=location(energy_mix=EnergyMix(is_green_energy=True), name=None)),
}


@pytest.mark.parametrize("case", ITEMS)
def test_catalogues(verdicts: Verdicts, case: str) -> None:
    assert verdicts("on_search", catalogue(ITEMS[case])) == VALID


# The rest, and what fails where


URL = "https://bridge.example/session/x"
ERRORS = (OrderUnknown(), CpoUnavailable("x"), BecknInvalid("message", "is missing"))


def other_messages() -> Iterator[tuple[str, str, bytes | None, bytes | None]]:
    """Yield name, action, message and error of whatever else is sent."""
    uei, older = dialect(), dialect(profile="3.0")
    for state in ("CONFIRMED", "CHARGING", "SETTLED"):
        yield f"on_track {state}, 3.1", "on_track", uei.render_tracking(order(state), URL), None
        yield f"on_track {state}, 3.0", "on_track", older.render_tracking(order(state), URL), None
    yield "on_rating", "on_rating", uei.render_rating(None), None
    yield "on_rating with a form", "on_rating", uei.render_rating(URL), None
    for phone in ("+91 80 1234-5678", "1800 1080", None):
        told = uei.render_support(UUID, phone, None, URL if phone is None else None)
        yield f"on_support {phone}", "on_support", told, None
    asked = ORDERS["confirmed-slot"]
    for by, profile in ((uei, "3.1"), (older, "3.0")):
        told = by.render_order("on_cancel", asked, NOW)
        yield f"on_cancel that only tells the fee, {profile}", "on_cancel", told, None
    paid = replace(ORDERS["initialised"], payment=ORDERS["confirmed"].payment)
    early = uei.render_order("on_status", paid, NOW)
    yield "on_status before confirm", "on_status", early, None
    for action in sorted(f"on_{action}" for action in ACTIONS if not action.startswith("get_")):
        for error in ERRORS:
            message = uei.error_message(action)
            yield f"error in {action}", action, message, uei.render_error(error)


EXCEPTIONS = {
    **{f"on_track {state}, 3.1": {"3.1"} for state in ("CONFIRMED", "CHARGING", "SETTLED")},
    **{f"on_track {state}, 3.0": {"3.0", "core"} for state in ("CONFIRMED", "CHARGING", "SETTLED")},
    "on_cancel that only tells the fee, 3.1": {"3.1"},
    "on_cancel that only tells the fee, 3.0": {"3.0", "core"},
    "on_status before confirm": {"3.0", "core"},
    **{
        f"error in on_{action}": {"3.0", "core"}
        for action in ("search", "select", "init", "confirm")
    },
}
"""What is not valid under all three, and under which it is."""


def test_all_else(verdicts: Verdicts, capsys: pytest.CaptureFixture[str]) -> None:
    table = {
        name: accepted(verdicts(action, message, error))
        for name, action, message, error in other_messages()
    }
    show(capsys, table)

    assert {name: set(under) for name, under in table.items() if under != ALL} == EXCEPTIONS
