"""Searches beyond the golden pairs: filters, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bridge.beckn.quirks import Quirk
from bridge.errors import BecknInvalid
from bridge.ocpi.locations import ConnectorType, PowerType
from bridge.orders.intents import Search
from tests.unit.dialects.deg.given import dialect


def search(**intent: object) -> Search:
    """Read a search."""
    found = dialect().parse("search", {"intent": intent}, lambda _: None)
    assert isinstance(found, Search)
    return found


def at_stop(**stop: object) -> dict[str, object]:
    """Return the fulfillment of an intent with one stop."""
    return {"stops": [stop]}


def around(gps: object, **radius: object) -> dict[str, object]:
    """Return a fulfillment with a circle."""
    circle = {"gps": gps, "radius": radius} if radius else {"gps": gps}
    return at_stop(location={"circle": circle})


def tagged(*tags: tuple[str, str], code: str | None = None) -> dict[str, object]:
    """Return a fulfillment with one tag group."""
    entries = [{"descriptor": {"code": name}, "value": value} for name, value in tags]
    group: dict[str, object] = {"list": entries}
    return {"tags": [group if code is None else group | {"descriptor": {"code": code}}]}


def test_a_search_for_anything() -> None:
    assert search() == Search()


@pytest.mark.parametrize(
    ("value", "unit", "metres"),
    [
        ("5", "km", 5000),
        ("5", "KM", 5000),
        ("500", "m", 500),
        ("1", "miles", 1609.344),
        ("0", "km", 0),
        (2.5, "km", 2500),
        ("5", None, 5000),
    ],
)
def test_a_radius_in_metres(value: object, unit: str | None, metres: float) -> None:
    number = Decimal(str(value)) if isinstance(value, float) else value

    assert search(fulfillment=around("18.5,73.8", value=number, unit=unit)).radius_m == metres


def test_without_a_radius_the_catalogue_has_its_own() -> None:
    found = search(fulfillment=around("18.5,73.8"))

    assert (found.latitude, found.longitude, found.radius_m) == (18.5, 73.8, None)


@pytest.mark.parametrize("gps", ["-33.86,151.2", "+18.5, +73.8", "90,180", "0,-0.0001"])
def test_places_on_earth(gps: str) -> None:
    assert search(fulfillment=around(gps)).latitude == float(gps.partition(",")[0])


CIRCLE = "message.intent.fulfillment.stops[0].location.circle"


@pytest.mark.parametrize(
    ("fulfillment", "path"),
    [
        (around("91,0"), f"{CIRCLE}.gps"),
        (around("0,181"), f"{CIRCLE}.gps"),
        (around("here"), f"{CIRCLE}.gps"),
        (around([18.5, 73.8]), f"{CIRCLE}.gps"),
        (around("18.5,73.8", value="-1"), f"{CIRCLE}.radius.value"),
        (around("18.5,73.8", value="wide"), f"{CIRCLE}.radius.value"),
        (around("18.5,73.8", unit="km"), f"{CIRCLE}.radius.value"),
        (around("18.5,73.8", value="1", unit="parsec"), f"{CIRCLE}.radius.unit"),
        (at_stop(location={"circle": {"radius": {"value": "1"}}}), f"{CIRCLE}.gps"),
        (
            at_stop(time={"range": {"start": "now"}}),
            "message.intent.fulfillment.stops[0].time.range.start",
        ),
        (
            at_stop(
                time={"range": {"start": "2026-03-05T00:00:00Z", "end": "2026-03-04T00:00:00Z"}}
            ),
            "message.intent.fulfillment.stops",
        ),
        ({"tags": {"list": []}}, "message.intent.fulfillment.tags"),
    ],
)
def test_what_is_wrong_in_a_search_is_named(fulfillment: Mapping[str, object], path: str) -> None:
    with pytest.raises(BecknInvalid) as caught:
        search(fulfillment=fulfillment)

    assert caught.value.path == path


def test_a_search_without_intent_is_refused() -> None:
    with pytest.raises(BecknInvalid) as caught:
        dialect().parse("search", {}, lambda _: None)

    assert (caught.value.path, caught.value.reason) == ("message.intent", "is missing")


@pytest.mark.parametrize(
    ("words", "plugs"),
    [
        (["CCS2"], {ConnectorType.IEC_62196_T2_COMBO}),
        (["c-c/s 2"], {ConnectorType.IEC_62196_T2_COMBO}),
        (["iec62196 t1"], {ConnectorType.IEC_62196_T1}),
        (["chademo", "GB/T DC"], {ConnectorType.CHADEMO, ConnectorType.GBT_DC}),
        (["ccs2"], {ConnectorType.IEC_62196_T2_COMBO}),
        (["CHAdeMO", "Type 2"], {ConnectorType.CHADEMO, ConnectorType.IEC_62196_T2}),
        (["IEC_62196_T2"], {ConnectorType.IEC_62196_T2}),
        (["CCS2", "Schuko-X"], {ConnectorType.IEC_62196_T2_COMBO}),
        (["Schuko-X"], set()),
    ],
)
def test_plugs_are_translated_and_unknown_ones_match_nothing(
    words: list[str], plugs: set[ConnectorType]
) -> None:
    found = search(fulfillment=tagged(*(("connector-type", word) for word in words)))

    assert found.connectors is not None
    assert set(found.connectors) == plugs
    assert all(isinstance(plug, ConnectorType) for plug in found.connectors)


@pytest.mark.parametrize("place", ["fulfillment", "item", "intent"])
def test_filters_are_found_wherever_they_stand(place: str) -> None:
    filters = tagged(("connector-type", "CCS2"), code="whatever")
    found = search(**filters) if place == "intent" else search(**{place: filters})

    assert found.connectors == (ConnectorType.IEC_62196_T2_COMBO,)


def test_power_filters() -> None:
    found = search(
        fulfillment=tagged(("power_type", "ac_3_phase"), ("power-rating", "7.4kW"), ("x", "y"))
    )

    assert found.power_types == (PowerType.AC_3_PHASE,)
    assert found.min_power_kw == Decimal("7.4")
    assert found.connectors is None


@pytest.mark.parametrize(
    ("words", "powers"),
    [
        ([("charger-type", "DC")], {PowerType.DC}),
        ([("CHARGER-TYPE", "ac")], {each for each in PowerType if each is not PowerType.DC}),
        ([("charger-type", "DC"), ("power-type", "AC_1_PHASE")], {"DC", "AC_1_PHASE"}),
        ([("charger-type", "steam")], set()),
    ],
)
def test_a_charger_is_sought_by_its_current(
    words: list[tuple[str, str]], powers: set[PowerType]
) -> None:
    found = search(fulfillment=tagged(*words)).power_types

    assert found is not None
    assert set(found) == powers


def test_a_power_nobody_can_read_does_not_filter() -> None:
    assert search(fulfillment=tagged(("power-rating", "strong"))).min_power_kw is None


@pytest.mark.parametrize(
    ("intent", "charging"),
    [
        ({}, True),
        ({"item": {"descriptor": {"code": "CHARGER"}}}, True),
        ({"item": {"descriptor": {"code": "ev-charger"}}}, True),
        ({"item": {"descriptor": {"code": "loyalty-subscription"}}}, False),
        ({"fulfillment": {"type": "CHARGING"}}, True),
        ({"fulfillment": {"type": "DIGITAL"}}, False),
        ({"fulfillment": {"type": "DELIVERY"}}, False),
    ],
)
def test_whether_charging_is_sought(intent: dict[str, object], charging: bool) -> None:
    assert search(**intent).charging is charging


@pytest.mark.parametrize(
    ("category", "word"),
    [
        ({"descriptor": {"code": "green-tariff"}}, "green-tariff"),
        ({"descriptor": {"code": "Green_Tariff"}}, "green-tariff"),
        ({"id": "loyalty-programs"}, "loyalty-program"),
        ({"descriptor": {"code": "solar-only"}}, "solar-only"),
        ({}, None),
    ],
)
def test_a_category_is_spelled_as_in_the_table(
    category: dict[str, object], word: str | None
) -> None:
    assert search(category=category).category == word


def test_text_of_the_intent_goes_before_that_of_the_item() -> None:
    item = {"descriptor": {"name": "charger"}}

    assert search(descriptor={"name": "Sun"}, item=item).text == "Sun"
    assert search(item=item).text == "charger"


def test_the_window_of_two_stops() -> None:
    start, end = {"timestamp": "2026-03-04T06:30:00Z"}, {"timestamp": "2026-03-04T07:30:00Z"}
    found = search(
        fulfillment={"stops": [{"type": "START", "time": start}, {"type": "END", "time": end}]}
    )

    assert found.window_start == datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
    assert found.window_end == datetime(2026, 3, 4, 7, 30, tzinfo=UTC)


def test_the_location_of_a_stop_goes_before_that_of_the_provider() -> None:
    provider = {"descriptor": {"name": "Sun"}, "locations": [{"id": "L2"}]}

    both = search(provider=provider, fulfillment=at_stop(location={"id": "L1"}))

    assert both.location_id == "L1"
    assert search(provider=provider).location_id == "L2"
    assert both.provider_name == "Sun"


def test_quirks_of_a_search_are_reported() -> None:
    quirks: list[str] = []
    fulfillment = tagged(("connector-type", "CCS2")) | at_stop(location={"gps": "18.5,73.8"})

    dialect().parse("search", {"intent": {"fulfillment": fulfillment}}, quirks.append)

    assert quirks == [Quirk.LOCATION_GPS, Quirk.GROUP_WITHOUT_CODE]
