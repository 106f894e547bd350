"""What only the first edition of the use-case pages has, as input: read, and never refused.

Messages of our own, each in the shape of one difference (use cases, 13). What a quirk is counted
for stands beside it; what nobody asks about is let pass without a word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from msgspec import Raw

from bridge.beckn.quirks import Quirk
from bridge.orders.intents import Confirm, Init, Intent, Search, Select, Update, Verb
from tests.unit.dialects.deg.given import dialect

PROVIDER = {"id": "sun.example"}
ITEM: Mapping[str, object] = {"id": "IN*SUN*PUNE-7*E1*1"}


def group(code: str, **values: str) -> dict[str, object]:
    """Return a tag group, names and all."""
    entries = [
        {"descriptor": {"code": key.replace("_", "-"), "name": key.title()}, "value": value}
        for key, value in values.items()
    ]
    return {"descriptor": {"code": code, "name": code.title()}, "list": entries}


def order(**parts: object) -> dict[str, object]:
    """Return a message about an order."""
    return {"order": {"provider": PROVIDER, "items": [ITEM], **parts}}


def intent(**parts: object) -> dict[str, object]:
    """Return a message with a search."""
    return {"intent": {"fulfillment": {"type": "CHARGING"}, **parts}}


def slot(start: str, end: str) -> list[dict[str, object]]:
    """Return fulfillments with a slot."""
    times = {"START": start, "END": end}
    stops = [{"type": kind, "time": {"timestamp": at}} for kind, at in times.items()]
    return [{"id": "1", "stops": stops}]


AGREEMENT = group(
    "b2b-agreement",
    agreement_id="SUNRISE-7",
    agreement_type="FLEET_CHARGING",
    discount_percentage="12",
    payment_terms="NET_45",
    priority_access="true",
)
FLEET = group("fleet-details", fleet_id="F7", driver_id="D70", vehicle_category="COMMERCIAL")
DETAILS = group(
    "offer-details",
    discount_type="PERCENTAGE",
    discount_value="15",
    valid_from="2026-03-01T00:00:00Z",
    valid_until="2026-04-01T00:00:00Z",
    min_session_value="40",
    max_discount="60",
)
NESTED = {
    **ITEM,
    "offers": [
        {
            "id": "spring-15",
            "descriptor": {"name": "Spring", "short_desc": "15% off"},
            "price": {"value": "15.30", "currency": "INR/kWh"},
            "tags": [DETAILS],
        }
    ],
}
ORGANIZATION = {"descriptor": {"name": "Sunrise Couriers", "code": "SUNRISE"}}
VAN = {"make": "Mahindra", "model": "Treo", "registration": "MH12QX0007"}
INVOICED = {
    "id": "payment-7",
    "collected_by": "BPP",
    "type": "POST-FULFILLMENT",
    "status": "NOT-PAID",
    "params": {
        "amount": "92.40",
        "currency": "INR",
        "billing_cycle": "MONTHLY",
        "invoice_number": "SC-7",
        "due_date": "2026-04-15",
    },
    "tags": [
        group(
            "b2b-payment-terms",
            payment_method="CORPORATE_BILLING",
            payment_terms="NET_45",
            billing_contact="accounts@sunrise.example",
        )
    ],
}
BY_AGREEMENT = {"type": "B2B_AGREEMENT", "agreement_id": "SUNRISE-7", "driver_id": "D70"}
STARTED = {"id": "1", "state": {"descriptor": {"code": "start-charging"}}}
MEMBER = {
    **ITEM,
    "tags": [
        group("loyalty-membership", membership_id="M-7", tier="SILVER"),
        group("loyalty-benefits", charging_discount="5"),
    ],
}


class Case(NamedTuple):
    """A message, and the leniencies it takes."""

    action: str
    message: dict[str, object]
    quirks: tuple[Quirk, ...] = ()


TIMES = slot("2026:03:04:18:00:00+05:30", "2026:03:04:13:30:00Z")
CASES = {
    # Offers (use case 6)
    "offers of a select": Case("select", order(offers=[{"id": "spring-15"}])),
    "offers in the item of a select": Case("select", order(items=[NESTED]), (Quirk.OFFER_IN_ITEM,)),
    "offers in the item of an init": Case("init", order(items=[NESTED]), (Quirk.OFFER_IN_ITEM,)),
    "offers in the item of a confirm": Case(
        "confirm", order(items=[NESTED]), (Quirk.OFFER_IN_ITEM,)
    ),
    "an offer that was validated": Case(
        "confirm",
        order(
            offers=[
                {
                    "id": "spring-15",
                    "descriptor": {"name": "Spring"},
                    "tags": [group("offer-validation", validated="true", offer_code="SPRING15")],
                }
            ]
        ),
    ),
    "the category of offers": Case(
        "search", intent(category={"descriptor": {"code": "promotional-offer"}})
    ),
    "offers and their details in a search": Case(
        "search", intent(item={**NESTED, "descriptor": {"code": "ev-charger"}}, tags=[DETAILS])
    ),
    "the offer of an update": Case(
        "update",
        order(
            offers=[{"id": "spring-15", "tags": [group("offer-usage", offer_applied="true")]}],
            fulfillments=[STARTED],
            tags=[group("offer-summary", total_savings="₹13.50")],
        ),
        (Quirk.ORDER_ID_MISSING, Quirk.UPDATE_TARGET),
    ),
    # Companies (use case 5)
    "an agreement, its fleet and its company": Case(
        "init",
        order(
            billing={"name": "Sunrise", "organization": ORGANIZATION, "phone": "+91-20-5550007"},
            fulfillments=[{"id": "1", "vehicle": VAN}],
            tags=[AGREEMENT, FLEET],
        ),
    ),
    "an agreement in a search": Case("search", intent(tags=[AGREEMENT, FLEET])),
    "an agreement in a select": Case("select", order(tags=[AGREEMENT, FLEET])),
    "a driver who is authorized by agreement": Case(
        "confirm",
        order(
            fulfillments=[{"id": "1", "stops": [{"type": "START", "authorization": BY_AGREEMENT}]}],
            tags=[group("b2b-agreement", agreement_id="SUNRISE-7", fleet_id="F7")],
        ),
    ),
    "an invoice by the month": Case("confirm", order(payments=[INVOICED])),
    "reports of a fleet in an update": Case(
        "update",
        order(
            fulfillments=[{**STARTED, "stops": [{"authorization": BY_AGREEMENT}]}],
            tags=[group("b2b-reporting", cost_center="LAST-MILE", department="Pune")],
        ),
        (Quirk.ORDER_ID_MISSING, Quirk.UPDATE_TARGET),
    ),
    # Surcharges (use case 7)
    "a surcharge that is asked for": Case(
        "select",
        order(tags=[group("surcharge-request", apply_surcharge="true", surcharge_type="PEAK")]),
    ),
    "a surcharge that is accepted": Case(
        "init",
        order(
            tags=[
                group(
                    "surcharge-acceptance",
                    surcharge_accepted="true",
                    surcharge_acknowledgment="The driver knows",
                )
            ]
        ),
    ),
    "a surcharge that is accepted in confirm": Case(
        "confirm", order(tags=[group("surcharge-acceptance", surcharge_accepted="true")])
    ),
    "surcharges in a search": Case(
        "search", intent(item={"tags": [group("surcharge-details", peak_hours="18:00-20:00")]})
    ),
    # Loyalty (use case 4)
    "a member without customer in init": Case(
        "init",
        order(
            items=[MEMBER],
            fulfillments=[{"id": "f-2", "type": "DIGITAL"}],
            billing={"name": "Meera", "phone": "+91-9800000007", "loyalty_id": "M-7"},
        ),
    ),
    "a pass that is paid": Case(
        "confirm",
        order(
            items=[MEMBER],
            fulfillments=[{"id": "f-2", "type": "DIGITAL"}],
            payments=[
                {
                    "id": "payment-7",
                    "type": "PRE-ORDER",
                    "status": "PAID",
                    "params": {"amount": "199", "currency": "INR", "transaction_id": "t-7"},
                }
            ],
        ),
    ),
    "loyalty in a select": Case("select", order(items=[MEMBER])),
    # Dates
    "colon dates with a zone": Case("select", order(fulfillments=TIMES), (Quirk.COLON_DATE,)),
    "colon dates with a zone in billing": Case(
        "init",
        order(billing={"time": {"timestamp": "2026:03:04:12:10:00Z"}}),
        (Quirk.COLON_DATE,),
    ),
    "dates without a zone": Case(
        "init",
        order(fulfillments=slot("2026-03-04T18:00:00", "2026-03-04T19:00:00")),
        (Quirk.ZONELESS_DATE,),
    ),
}


def read(case: Case) -> tuple[Intent, set[str]]:
    """Read a message; return it, and its quirks."""
    quirks: set[str] = set()
    message = json.loads(json.dumps(case.message))
    return dialect().parse(case.action, message, quirks.add), quirks


@pytest.mark.parametrize("name", CASES)
def test_it_is_read_and_what_deviates_is_counted(name: str) -> None:
    case = CASES[name]
    found, quirks = read(case)
    kinds = {"search": Search, "select": Select, "init": Init, "confirm": Confirm, "update": Update}
    assert type(found) is kinds[case.action]
    assert quirks == set(case.quirks)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("offers in the item")])
def test_nested_offers_are_chosen(name: str) -> None:
    found, _ = read(CASES[name])
    assert isinstance(found, Select | Init | Confirm)
    assert found.wish.offers == ("spring-15",)


def test_the_category_of_offers_is_known() -> None:
    found, _ = read(CASES["the category of offers"])
    assert isinstance(found, Search)
    assert (found.category, found.charging) == ("promotional-offer", True)


def test_an_agreement_is_no_token_and_an_invoice_no_payment() -> None:
    driver, _ = read(CASES["a driver who is authorized by agreement"])
    assert isinstance(driver, Confirm)
    assert driver.authorization_token is None

    invoice, _ = read(CASES["an invoice by the month"])
    assert isinstance(invoice, Confirm)
    assert invoice.payment is not None
    assert (invoice.payment.paid, invoice.payment.method) == (False, None)
    assert invoice.payment.type == "POST-FULFILLMENT"


def test_an_update_with_all_that_still_starts() -> None:
    found, _ = read(CASES["reports of a fleet in an update"])
    assert isinstance(found, Update)
    assert found.verb is Verb.START
    assert found.authorization_token is None


def test_a_company_and_its_vehicle_are_handed_back() -> None:
    found, _ = read(CASES["an agreement, its fleet and its company"])
    assert isinstance(found, Init)
    assert isinstance(found.billing, Raw)
    assert json.loads(bytes(found.billing))["organization"]["descriptor"]["code"] == "SUNRISE"
    assert isinstance(found.wish.vehicle, Raw)
    assert json.loads(bytes(found.wish.vehicle))["registration"] == "MH12QX0007"


def test_the_zone_of_a_colon_date_counts() -> None:
    found, _ = read(CASES["colon dates with a zone"])
    assert isinstance(found, Select)
    assert found.wish.start == datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    assert found.wish.end == datetime(2026, 3, 4, 13, 30, tzinfo=UTC)
