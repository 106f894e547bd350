"""Billing, customer and vehicle come back as they came, but always valid."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from msgspec import UNSET, Raw

from bridge.beckn.quirks import Quirk
from bridge.beckn.shape import Reading, read_as
from bridge.dialects.v1.echo import Billing, Customer, Encoder, Vehicle, as_it_came, in_core_words
from bridge.errors import BecknInvalid


def echoed(
    model: type[Billing | Customer | Vehicle],
    value: object,
    quirks: list[str] | None = None,
    encoder: Encoder = as_it_came,
) -> object:
    """Return what comes back."""
    reading = Reading(UTC, (quirks if quirks is not None else []).append)
    raw = encoder(read_as(model, value, "x", reading), "x", reading.quirk)
    assert isinstance(raw, Raw)
    return json.loads(bytes(raw))


BILLING: dict[str, object] = {
    "name": "Asha Rao",
    "organization": {"descriptor": {"name": "Rao Logistics", "code": "R"}, "address": "Pune"},
    "address": "3 Lake View, Pune",
    "state": {"name": "Maharashtra", "code": "MH"},
    "city": {"name": "Pune", "code": "std:020"},
    "email": "asha@example.org",
    "phone": "+91-9812345678",
    "time": {
        "label": "invoice",
        "timestamp": "2026-03-04T12:00:00.5+05:30",
        "range": {"start": "2026-03-04T06:30:00Z"},
    },
    "tax_id": "27ABCDE1234F1Z5",
    "x-cost-center": {"n": 7, "list": [1, "a"]},
}


def test_billing_comes_back_unchanged() -> None:
    assert echoed(Billing, BILLING) == BILLING


def test_nothing_comes_back_as_nothing() -> None:
    assert as_it_came(None, "x", print) is UNSET
    assert in_core_words(None, "x", print) is UNSET
    assert echoed(Customer, {}) == {}


def test_dates_come_back_as_rfc_3339() -> None:
    quirks: list[str] = []

    assert echoed(Billing, {"time": {"timestamp": "2026:03:04:12:00:00"}}, quirks) == {
        "time": {"timestamp": "2026-03-04T12:00:00Z"}
    }
    assert quirks == [Quirk.COLON_DATE]


def test_nulls_and_what_no_order_needs_are_dropped() -> None:
    customer = {
        "person": {"name": "Asha", "image": 5, "creds": "x", "tags": {}, "dob": "1990-01-31"},
        "contact": {"phone": None, "jcard": []},
    }

    assert echoed(Customer, customer) == {
        "person": {"name": "Asha", "dob": "1990-01-31"},
        "contact": {},
    }


def test_a_number_for_a_string_becomes_one() -> None:
    assert echoed(Vehicle, {"registration": 1234, "capacity": 4}) == {
        "registration": "1234",
        "capacity": 4,
    }


@pytest.mark.parametrize(
    ("model", "value", "path"),
    [
        (Billing, {"email": "asha"}, "x.email"),
        (Billing, {"email": ["asha@example.org"]}, "x.email"),
        (Billing, {"address": {"full": "Pune"}}, "x.address"),
        (Billing, {"city": "Pune"}, "x.city"),
        (Billing, {"time": {"timestamp": "soon"}}, "x.time.timestamp"),
        (Billing, {"name": "x" * 2049}, "x.name"),
        (Customer, {"person": {"dob": "31.01.1990"}}, "x.person.dob"),
        (Customer, {"person": {"dob": "1990-02-31"}}, "x.person.dob"),
        (Customer, {"person": {"url": "nowhere"}}, "x.person.url"),
        (Vehicle, {"make": {"x": 1}}, "x.make"),
        (Vehicle, {"capacity": 4.5}, "x.capacity"),
        (Vehicle, [], "x"),
    ],
)
def test_what_could_not_be_sent_back_is_refused(
    model: type[Billing | Customer | Vehicle], value: object, path: str
) -> None:
    with pytest.raises(BecknInvalid) as caught:
        echoed(model, value)

    assert caught.value.path == path


def test_in_core_words_what_core_does_not_know_is_left_out() -> None:
    quirks: list[str] = []

    found = echoed(Billing, BILLING, quirks, in_core_words)

    kept = {name: part for name, part in BILLING.items() if name != "x-cost-center"}
    assert found == kept | {"phone": "+919812345678"}
    assert quirks == [Quirk.PHONE]
    assert echoed(Vehicle, {"make": "Tata", "x": {"make": 1}}, encoder=in_core_words) == {
        "make": "Tata"
    }


@pytest.mark.parametrize(
    "written", ["+91-98876 65554", "+91 (98876) 65554", "+91.9887665554", "+919887665554"]
)
def test_in_core_words_a_phone_is_e164(written: str) -> None:
    customer = {"person": {"name": "Asha"}, "contact": {"phone": written, "y": 1}}

    assert echoed(Customer, customer, encoder=in_core_words) == {
        "person": {"name": "Asha"},
        "contact": {"phone": "+919887665554"},
    }


@pytest.mark.parametrize("written", ["09887665554", "call me", "+", "1" * 16])
def test_in_core_words_what_is_no_phone_is_refused(written: str) -> None:
    with pytest.raises(BecknInvalid) as caught:
        echoed(Customer, {"contact": {"phone": written}}, encoder=in_core_words)

    assert caught.value.path == "x.contact.phone"


def test_the_number_of_a_billing_is_its_phone() -> None:
    quirks: list[str] = []

    assert echoed(Billing, {"number": "+919887665554"}, quirks) == {"phone": "+919887665554"}
    assert quirks == [Quirk.BILLING_NUMBER]
    both = {"number": "1", "phone": "2"}
    assert echoed(Billing, both) == both
