"""What the uei material sends, in all its spellings, is understood."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from msgspec import Raw

from bridge.beckn.quirks import Quirk
from bridge.errors import BecknInvalid
from bridge.ocpi.locations import ConnectorType
from bridge.orders.intents import (
    Cancel,
    Confirm,
    Init,
    Intent,
    Measure,
    Rating,
    Search,
    Select,
    Support,
    Update,
    Verb,
)
from tests.unit.dialects.uei.given import dialect

ITEM = "IN*SUN*PUNE-7*E1*1"
TEN, ELEVEN = "2026-03-04T10:00:00+05:30", "2026-03-04T10:30:00+05:30"


def read(action: str, message: Mapping[str, object], quirks: set[str] | None = None) -> Intent:
    """Read a message; ``quirks`` gets what had to be forgiven."""
    return dialect().parse(action, message, (quirks if quirks is not None else set()).add)


def order(**parts: object) -> dict[str, object]:
    """Return the message of a select by its ids alone, with more parts."""
    return {"order": {"provider": {"id": "p"}, "items": [{"id": ITEM}], **parts}}


def sized(value: str, unit: str) -> dict[str, object]:
    """Return the message of a select for an amount."""
    quantity = {"selected": {"measure": {"value": value, "unit": unit}}}
    return order(items=[{"id": ITEM, "quantity": quantity}])


@pytest.mark.parametrize("start", ["start", "START", "START-CHARGING"])
@pytest.mark.parametrize("end", ["end", "END", "finish", "STOP", "stop"])
def test_the_words_of_stops(start: str, end: str) -> None:
    stops = [
        {"type": end, "time": {"timestamp": ELEVEN}},
        {"type": start, "time": {"timestamp": TEN}},
    ]
    quirks: set[str] = set()

    found = read("select", order(fulfillments=[{"id": "1", "stops": stops}]), quirks)

    assert isinstance(found, Select)
    assert found.wish.start is not None
    assert found.wish.end is not None
    assert (found.wish.end - found.wish.start).total_seconds() == 1800
    assert quirks == (set() if (start, end) == ("START", "END") else {Quirk.SPELLING})


@pytest.mark.parametrize(
    ("value", "unit", "measure", "amount"),
    [
        ("4", "kWh", Measure.ENERGY, 4),
        ("4", "KWH", Measure.ENERGY, 4),
        ("4", "kWH", Measure.ENERGY, 4),
        ("100", "INR", Measure.AMOUNT, 100),
        ("30", "MINUTES", Measure.DURATION, 1800),
        ("2", "HOURS", Measure.DURATION, 7200),
    ],
)
def test_the_units_of_a_wish(value: str, unit: str, measure: Measure, amount: int) -> None:
    found = read("select", sized(value, unit))

    assert isinstance(found, Select)
    assert found.wish.quantity is not None
    assert found.wish.quantity.measure is measure
    assert found.wish.quantity.value == amount


@pytest.mark.parametrize(
    ("unit", "metres"),
    [("km", 5000), ("KM", 5000), ("m", 5), ("miles", 8046.72), ("mi", 8046.72)],
)
def test_the_units_of_a_radius(unit: str, metres: float) -> None:
    circle = {"gps": "12.423423,77.325647", "radius": {"type": "CONSTANT", "value": "5"}}
    circle["radius"] |= {"unit": unit}  # type: ignore[operator]
    stop = {"location": {"circle": circle}}

    found = read("search", {"intent": {"fulfillment": {"stops": [stop]}}})

    assert isinstance(found, Search)
    assert found.radius_m == metres


def test_another_unit_is_refused() -> None:
    circle = {"gps": "12.4,77.3", "radius": {"value": "5", "unit": "leagues"}}
    with pytest.raises(BecknInvalid, match="leagues"):
        read("search", {"intent": {"fulfillment": {"stops": [{"location": {"circle": circle}}]}}})


@pytest.mark.parametrize("code", ["connector-type", "CONNECTOR-TYPE"])
@pytest.mark.parametrize("group", [None, "connector-specifications", "CONNECTOR-SPECIFICATIONS"])
@pytest.mark.parametrize(
    ("word", "plug"),
    [
        ("CCS2", ConnectorType.IEC_62196_T2_COMBO),
        ("ccs-2", ConnectorType.IEC_62196_T2_COMBO),
        ("CCS1", ConnectorType.IEC_62196_T1_COMBO),
        ("Type 2", ConnectorType.IEC_62196_T2),
        ("type2", ConnectorType.IEC_62196_T2),
        ("J1772", ConnectorType.IEC_62196_T1),
        ("GB/T", ConnectorType.GBT_DC),
        ("CHAdeMO", ConnectorType.CHADEMO),
        ("chademo", ConnectorType.CHADEMO),
        ("iec_62196_t3a", ConnectorType.IEC_62196_T3A),
        ("nema_14_50", ConnectorType.NEMA_14_50),
    ],
)
def test_the_words_of_plugs(group: str | None, code: str, word: str, plug: ConnectorType) -> None:
    head = {} if group is None else {"descriptor": {"code": group}}
    tags = [{**head, "list": [{"descriptor": {"code": code}, "value": word}]}]

    found = read("search", {"intent": {"fulfillment": {"tags": tags}}})

    assert isinstance(found, Search)
    assert found.connectors == (plug,)


@pytest.mark.parametrize("plug", ConnectorType)
def test_every_plug_may_be_spelled_as_in_ocpi_in_lower_case(plug: ConnectorType) -> None:
    tag = {"descriptor": {"code": "connector-type"}, "value": plug.value.lower()}

    found = read("search", {"intent": {"fulfillment": {"tags": [{"list": [tag]}]}}})

    assert isinstance(found, Search)
    assert found.connectors == (plug,)


@pytest.mark.parametrize(
    ("code", "verb"),
    [
        ("start-charging", Verb.START),
        ("end-charging", Verb.STOP),
        ("stop-charging", Verb.STOP),
    ],
)
def test_an_update_of_the_guide_names_no_order(code: str, verb: Verb) -> None:
    message = {
        "update_target": "order.fulfillments[0].state",
        "order": {"fulfillments": [{"id": "1", "state": {"descriptor": {"code": code}}}]},
    }
    assert read("update", message) == Update(verb=verb)


@pytest.mark.parametrize(
    ("payment", "paid", "collected_by"),
    [
        ({"collected_by": "bpp", "status": "NOT_PAID", "type": "PRE-FULFILLMENT"}, False, "BPP"),
        ({"collected_by": "BAP", "status": "PAID", "type": "PRE-ORDER"}, True, "BAP"),
        ({"status": "NOT-PAID", "type": "ON-ORDER"}, False, None),
    ],
)
def test_what_is_said_of_the_payment(
    payment: dict[str, object], paid: bool, collected_by: str | None
) -> None:
    found = read("confirm", order(payments=[payment]))

    assert isinstance(found, Confirm)
    assert found.payment is not None
    assert (found.payment.paid, found.payment.collected_by) == (paid, collected_by)
    plain = read("confirm", order(payments=[{"type": "PRE-ORDER"}]))
    assert isinstance(plain, Confirm)
    assert plain.payment is not None
    assert found.payment.type == plain.payment.type


def test_the_confirm_of_the_postman_collection() -> None:
    billing = {"name": "Lisa", "number": "+91-98876 65554", "loyalty": 7}
    customer = {"person": {"name": "Lisa"}, "contact": {"phone": "+91-9887665554"}}
    message = order(billing=billing, fulfillments=[{"id": "1", "customer": customer}])
    message["order"]["providers"] = message["order"].pop("provider")  # type: ignore[index, attr-defined]
    quirks: set[str] = set()

    found = read("init", message, quirks)

    assert isinstance(found, Init)
    assert found.wish.provider_id == "p"
    assert isinstance(found.billing, Raw)
    assert json.loads(bytes(found.billing)) == {"name": "Lisa", "phone": "+919887665554"}
    assert isinstance(found.customer, Raw)
    assert json.loads(bytes(found.customer))["contact"] == {"phone": "+919887665554"}
    assert quirks == {Quirk.PROVIDERS, Quirk.BILLING_NUMBER, Quirk.PHONE}


def test_a_phone_that_is_none_is_named() -> None:
    with pytest.raises(BecknInvalid) as caught:
        read("init", order(billing={"name": "Lisa", "phone": "ask"}))

    assert caught.value.path == "message.order.billing.phone"


@pytest.mark.parametrize(
    ("code", "only_asks"), [(None, False), ("CONFIRM_CANCEL", False), ("SOFT_CANCEL", True)]
)
def test_the_two_steps_of_a_cancel(code: str | None, only_asks: bool) -> None:
    descriptor = {"short_desc": "can't attend booking"} | ({} if code is None else {"code": code})
    message = {"order_id": "o", "cancellation_reason_id": "5", "descriptor": descriptor}

    assert read("cancel", message) == Cancel(
        order_id="o", reason_id="5", reason="can't attend booking", only_asks=only_asks
    )


def test_a_rating_and_a_call_for_help() -> None:
    rated = read("rating", {"ratings": [{"id": "o", "rating_category": "Order", "value": "5"}]})

    assert isinstance(rated, Rating)
    assert rated.ratings[0].value == "5"
    assert read("support", {"support": {"ref_id": "o"}}) == Support(ref_id="o")
