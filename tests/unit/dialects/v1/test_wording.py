"""Numbers, places and addresses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.dialects.v1.wording import address, directions, gps, is_uri, place_of, price, short
from bridge.ocpi.locations import GeoLocation
from bridge.ocpi.types import DisplayText
from tests.unit.dialects.deg.given import evse, location


@pytest.mark.parametrize(
    ("latitude", "longitude", "text"),
    [
        ("18.516726", "73.841240", "18.516726,73.841240"),
        ("-33.86880", "151.20930", "-33.86880,151.20930"),
        ("0.00000", "-0.10000", "0.00000,-0.10000"),
        ("90.00000", "180.00000", "90.00000,180.00000"),
        ("08.50000", "073.80000", "8.5,73.8"),
        ("95.00000", "73.80000", None),
        ("18.50000", "199.00000", None),
    ],
)
def test_coordinates_are_sent_as_the_cpo_wrote_them_if_core_takes_them(
    latitude: str, longitude: str, text: str | None
) -> None:
    assert gps(GeoLocation(latitude=latitude, longitude=longitude)) == text


def test_the_evse_knows_best_where_it_is() -> None:
    own = GeoLocation(latitude="18.50000", longitude="73.80000")

    assert place_of(location(), evse(coordinates=own)) == "18.50000,73.80000"
    assert place_of(location(), evse()) == "18.516726,73.841240"
    assert place_of(location()) == "18.516726,73.841240"


def test_an_address_is_one_line_of_what_is_known() -> None:
    assert address(location()) == "12 Deccan Road, Pune, 411004"
    assert address(location(postal_code=None)) == "12 Deccan Road, Pune"


def test_directions_of_the_evse_then_of_the_location_then_what_is_painted() -> None:
    told = (
        DisplayText(language="mr", text="डावीकडे"),
        DisplayText(language="en", text="to the left"),
    )

    assert directions(location(directions=told[:1]), evse(directions=told)) == "to the left"
    assert directions(location(directions=told[:1]), evse()) == "डावीकडे"
    assert directions(location(), evse(physical_reference="B7")) == "Level -1, B7"
    assert directions(location(), evse(floor_level=None)) is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [("18", "18.00"), ("18.5", "18.50"), ("18.125", "18.125"), ("0", "0.00"), ("1E+3", "1000.00")],
)
def test_a_unit_price_is_exact(amount: str, text: str) -> None:
    assert price(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [("5.0000", "5"), ("0.3333333", "0.333"), ("7.40", "7.4"), ("1E+40", "1" + "0" * 40)],
)
def test_a_quantity_is_short(number: str, text: str) -> None:
    assert short(Decimal(number)) == text


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("https://cpo.example/logo.png?x=1&y=%20", True),
        ("https://cpo.example/a b.png", False),
        ("logo.png", False),
        ("https://cpo.example/ü.png", False),
        ("", False),
    ],
)
def test_what_may_stand_for_a_uri(text: str, valid: bool) -> None:
    assert is_uri(text) is valid
