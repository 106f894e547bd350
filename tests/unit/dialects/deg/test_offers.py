"""Offers on the wire: in the catalogue, and in an order with what they take off."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.catalog.fragments import OfferPart, ProviderPart
from bridge.ocpi.tariffs import DayOfWeek, TariffRestrictions
from bridge.orders.item import Provider
from bridge.orders.order import Line, LineKind
from bridge.orders.terms import NOTHING_AGREED, Agreed, Offer
from tests.unit.dialects.deg.given import NOW, dialect, order

FIFTH = Offer(id="fifth", title="A fifth off", share=Decimal("0.20"))


def told(offer: Offer) -> dict[str, Any]:
    """Return an offer as the catalogue has it."""
    found: dict[str, Any] = json.loads(dialect().offer_fragment(offer))
    return found


def group(offer: dict[str, Any], code: str) -> dict[str, str]:
    """Return the values of a tag group."""
    return {
        entry["descriptor"]["code"]: entry["value"]
        for tags in offer["tags"]
        if tags["descriptor"]["code"] == code
        for entry in tags["list"]
    }


def test_an_offer_of_few_words() -> None:
    assert told(FIFTH) == {
        "id": "fifth",
        "descriptor": {"name": "A fifth off"},
        "tags": [
            {
                "descriptor": {"code": "offer-details", "name": "Offer Details"},
                "list": [
                    {
                        "descriptor": {"code": "discount-type", "name": "Discount Type"},
                        "value": "PERCENTAGE",
                    },
                    {
                        "descriptor": {"code": "discount-value", "name": "Discount Value"},
                        "value": "20",
                    },
                    {"descriptor": {"code": "automatic", "name": "Automatic"}, "value": "false"},
                ],
            }
        ],
    }


def test_an_offer_of_many_words() -> None:
    offer = Offer(
        id="monsoon",
        title="Monsoon mornings",
        code="monsoon",
        short_desc="Off in the morning",
        long_desc="Twenty rupees off, weekdays before nine",
        image_url="https://sun.example/monsoon.png",
        amount=Decimal("20.00"),
        max_amount=Decimal(50),
        min_kwh=Decimal(5),
        min_value=Decimal("60.50"),
        valid_from=datetime.fromisoformat("2026-06-01T00:00:00+05:30"),
        valid_until=datetime.fromisoformat("2026-09-01T00:00:00+05:30"),
        when=TariffRestrictions(end_time="09:00", day_of_week=(DayOfWeek.MONDAY, DayOfWeek.FRIDAY)),
        uses_per_customer=2,
        automatic=True,
    )
    found = told(offer)
    begin, end = "2026-05-31T18:30:00Z", "2026-08-31T18:30:00Z"
    assert found["descriptor"] == {
        "name": "Monsoon mornings",
        "code": "monsoon",
        "short_desc": "Off in the morning",
        "long_desc": "Twenty rupees off, weekdays before nine",
        "images": [{"url": "https://sun.example/monsoon.png"}],
    }
    assert found["time"] == {"range": {"start": begin, "end": end}}
    assert group(found, "offer-details") == {
        "discount-type": "AMOUNT",
        "discount-value": "20",
        "valid-from": begin,
        "valid-until": end,
        "valid-days": "MONDAY,FRIDAY",
        "valid-hours": "00:00-09:00",
        "min-session-value": "60.5",
        "min-kwh": "5",
        "max-discount": "50",
        "uses-per-customer": "2",
        "automatic": "true",
    }


def test_an_offer_per_kwh() -> None:
    offer = replace(FIFTH, share=None, per_kwh=Decimal("1.5"), image_url="no address")
    found = told(offer)
    assert "images" not in found["descriptor"]
    details = group(found, "offer-details")
    assert (details["discount-type"], details["discount-value"]) == ("PER-KWH", "1.5")


@pytest.mark.parametrize("items", [[], [b'"E1"', b'"E2"']])
def test_an_answer_says_what_an_offer_is_for(items: list[bytes]) -> None:
    part = OfferPart(dialect().offer_fragment(FIFTH), [b'"L1"', b'"L2"'], items)
    provider = ProviderPart(Provider(id="sun.example", name="Sun"), [], [], [], [part])
    message = json.loads(dialect().catalog_message([provider]))
    (offer,) = message["catalog"]["providers"][0]["offers"]
    narrowed = {"item_ids": ["E1", "E2"]} if items else {}
    assert offer == told(FIFTH) | {"location_ids": ["L1", "L2"]} | narrowed


DISCOUNT = Line(kind=LineKind.OFFER, amount=Decimal(-18), share=Decimal("0.2"))


@pytest.mark.parametrize("state", ["SELECTED", "INITIALISED", "CONFIRMED"])
@pytest.mark.parametrize(
    ("lines", "applied", "amount"), [((DISCOUNT,), "true", "18.00"), ((), "false", "0.00")]
)
def test_an_order_repeats_its_offer_with_what_it_takes_off(
    state: str, lines: tuple[Line, ...], applied: str, amount: str
) -> None:
    made = order(state)
    assert made.quote is not None
    quote = replace(made.quote, lines=(*made.quote.lines, *lines))
    made = replace(made, quote=quote, agreed=Agreed(offers=(FIFTH,)))
    (offer,) = json.loads(dialect().render_order("on_status", made, NOW))["order"]["offers"]
    assert offer["id"] == "fifth"
    assert offer["descriptor"] == {"name": "A fifth off"}
    assert group(offer, "offer-details")["discount-value"] == "20"
    assert group(offer, "offer-usage") == {"offer-applied": applied, "discount-amount": amount}


def test_in_the_end_the_bill_says_what_it_takes_off() -> None:
    made = order("SETTLED", agreed=Agreed(offers=(FIFTH,)))
    assert made.quote is not None
    assert made.bill is not None
    made = replace(
        made, quote=replace(made.quote, lines=(DISCOUNT,)), agreed=Agreed(offers=(FIFTH,))
    )
    (offer,) = json.loads(dialect().render_order("on_update", made, NOW))["order"]["offers"]
    assert group(offer, "offer-usage")["offer-applied"] == "false"


def test_an_order_without_offers_does_not_speak_of_them() -> None:
    made = order("CONFIRMED", agreed=NOTHING_AGREED)
    assert "offers" not in json.loads(dialect().render_order("on_status", made, NOW))["order"]
