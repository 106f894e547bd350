"""A BAP that goes by the first edition of the use-case pages, from search to the final bill."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from bridge.beckn.quirks import Quirk
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import GPS, is_final, state_of
from tests.e2e.money import price_of, valid
from tests.e2e.rig import rig

INDIA = timezone(timedelta(hours=5, minutes=30))
FIFTH = {"id": "fifth", "title": "offer discount", "share": 0.2}


def group(code: str, **values: str) -> Message:
    """Return a tag group."""
    entries = [
        {"descriptor": {"code": key.replace("_", "-")}, "value": value}
        for key, value in values.items()
    ]
    return {"descriptor": {"code": code}, "list": entries}


def colons(at: datetime) -> str:
    """Write a date as only the first edition does: with colons, and a zone."""
    return at.astimezone(INDIA).strftime("%Y:%m:%d:%H:%M:%S") + "+05:30"


async def test_its_tags_dates_and_nested_offers_are_taken(
    tmp_path: Path, redis_url: str, shared: Path
) -> None:
    async with rig(tmp_path, redis_url, commercial={"offers": [FIFTH]}) as world:
        world.cpo.behaviour.delivers_kwh = Decimal(5)
        transaction_id = str(uuid.uuid4())
        begin = datetime.now(UTC) - timedelta(hours=1)

        async def ask(action: str, message: Message) -> Message:
            timestamp = colons(datetime.now(UTC))
            answer = await world.bap.ask(action, message, transaction_id, timestamp=timestamp)
            assert "error" not in answer, answer
            return answer

        circle = {"gps": GPS, "radius": {"value": "5", "unit": "km"}}
        found = await ask(
            "search",
            {
                "intent": {
                    "category": {"descriptor": {"code": "promotional-offer"}},
                    "item": {"descriptor": {"code": "ev-charger"}},
                    "fulfillment": {
                        "type": "CHARGING",
                        "stops": [{"location": {"circle": circle}}],
                    },
                    "tags": [group("b2b-agreement", agreement_id="SUNRISE-7")],
                }
            },
        )
        (provider,) = found["message"]["catalog"]["providers"]
        assert [offer["id"] for offer in provider["offers"]] == ["fifth"]

        measure = {"type": "CONSTANT", "value": "100", "unit": "INR"}
        chosen = {"id": "fifth", "price": {"value": "14.40", "currency": "INR/kWh"}}
        item = {
            "id": provider["items"][0]["id"],
            "quantity": {"selected": {"measure": measure}},
            "offers": [chosen],
        }
        start: dict[str, Any] = {"type": "START", "time": {"timestamp": colons(begin)}}
        fulfillment: dict[str, Any] = {
            "id": "1",
            "stops": [start],
            "vehicle": {"make": "Mahindra", "registration": "MH12QX0007"},
        }
        order = {
            "provider": {"id": provider["id"]},
            "items": [item],
            "fulfillments": [fulfillment],
            "tags": [group("surcharge-request", apply_surcharge="true")],
        }
        selected = await ask("select", {"order": order})
        assert price_of(selected) == 82

        agreement = group("b2b-agreement", agreement_id="SUNRISE-7", payment_terms="NET_45")
        order["tags"] = [
            agreement,
            group("fleet-details", fleet_id="F7", driver_id="D70"),
            group("surcharge-acceptance", surcharge_accepted="true"),
        ]
        order["billing"] = {
            "name": "Sunrise Couriers",
            "organization": {"descriptor": {"name": "Sunrise Couriers", "code": "SUNRISE"}},
            "phone": "+91-20-5550007",
            "loyalty_id": "M-7",
            "time": {"timestamp": colons(begin)},
        }
        offered = await ask("init", {"order": order})
        assert price_of(offered) == 82

        start["authorization"] = {"type": "B2B_AGREEMENT", "agreement_id": "SUNRISE-7"}
        payment = offered["message"]["order"]["payments"][0]
        params = {"amount": "82.00", "currency": "INR", "billing_cycle": "MONTHLY"}
        order["payments"] = [
            {
                "id": payment["id"],
                "collected_by": "BPP",
                "type": "POST-FULFILLMENT",
                "status": "NOT-PAID",
                "params": {**params, "due_date": "2026-04-15"},
                "tags": [group("b2b-payment-terms", payment_method="CORPORATE_BILLING")],
            }
        ]
        placed = (await ask("confirm", {"order": order}))["message"]["order"]

        started = await ask(
            "update",
            {
                "update_target": "order.fulfillments[0].state",
                "order": {
                    "id": placed["id"],
                    "offers": [
                        {"id": "fifth", "tags": [group("offer-usage", offer_applied="yes")]}
                    ],
                    "fulfillments": [{"state": {"descriptor": {"code": "start-charging"}}}],
                    "tags": [agreement],
                },
            },
        )
        assert state_of(started) == "ACTIVE"
        final = await world.bap.wait_for(is_final, within_s=60)
        assert price_of(final) == 82
        (due,) = final["message"]["order"]["payments"]
        assert (due["status"], due["params"]["amount"]) == ("NOT-PAID", "82.00")
        valid(world, shared)

        metrics = await world.bridges[0].metrics()
        for quirk in (Quirk.COLON_DATE, Quirk.OFFER_IN_ITEM):
            assert metrics[f'bridge_beckn_quirk_total{{quirk="{quirk}"}}'] > 0, quirk
