"""OCPI objects as a CPO writes them, and orders that stand at its charge points."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Raw

from bridge.ocpi import codec
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.orders.intents import Request
from bridge.orders.item import ChargingItem, ItemKey, Provider
from bridge.orders.order import Attempt, Order, OrderState, order_key

Json = dict[str, Any]

NOW = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
EMSP = Party("IN", "BRG")
ISSUER = "Example Bridge"
CPO = "cpo1"
TOKEN = "token-of-cpo1"
OTHER_CPO = "cpo2"
OTHER_TOKEN = "token-of-cpo2"
NEW_CPO = "cpo3"
TOKEN_A = "token-a"
TOKENS_A = {CPO: "token-a-of-cpo1", OTHER_CPO: "token-a-of-cpo2", NEW_CPO: TOKEN_A}
"""What the configuration has: the third CPO has not used its TOKEN_A yet."""
PARTY = Party("IN", "ABC")
OTHER_PARTY = Party("IN", "XYZ")
LOC = "IN/ABC/LOC1"


def exact(body: Json) -> Json:
    """Return an object as it comes back: every number with its digits."""
    read: Json = json.loads(json.dumps(body), parse_float=Decimal)
    return read


def at(minutes: float = 0) -> str:
    """Return a timestamp so many minutes after NOW."""
    return (NOW + timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


def connector(connector_id: str = "1", **fields: Any) -> Json:
    """Make a Connector."""
    return {
        "id": connector_id,
        "standard": "IEC_62196_T2_COMBO",
        "format": "CABLE",
        "power_type": "DC",
        "max_voltage": 500,
        "max_amperage": 120,
        "tariff_ids": ["T1"],
        "last_updated": at(),
    } | fields


def evse(uid: str = "E1", **fields: Any) -> Json:
    """Make an EVSE with one Connector."""
    return {
        "uid": uid,
        "evse_id": f"IN*ABC*{uid}",
        "status": "AVAILABLE",
        "capabilities": ["REMOTE_START_STOP_CAPABLE"],
        "connectors": [connector()],
        "last_updated": at(),
    } | fields


def location(location_id: str = "LOC1", **fields: Any) -> Json:
    """Make a Location with one EVSE."""
    return {
        "country_code": "IN",
        "party_id": "ABC",
        "id": location_id,
        "publish": True,
        "name": "Tank Road",
        "address": "1 Tank Road",
        "city": "Bengaluru",
        "country": "IND",
        "coordinates": {"latitude": "12.97160", "longitude": "77.59460"},
        "evses": [evse()],
        "time_zone": "Asia/Kolkata",
        "last_updated": at(),
    } | fields


def tariff(tariff_id: str = "T1", **fields: Any) -> Json:
    """Make a Tariff of 18 INR/kWh."""
    return {
        "country_code": "IN",
        "party_id": "ABC",
        "id": tariff_id,
        "currency": "INR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 18, "step_size": 1}]}],
        "last_updated": at(),
    } | fields


def cdr_token(uid: str = "TOK1") -> Json:
    """Make the token of a Session."""
    return {
        "country_code": "IN",
        "party_id": "BRG",
        "uid": uid,
        "type": "AD_HOC_USER",
        "contract_id": f"IN-BRG-{uid}",
    }


def period(minutes: float, kwh: float) -> Json:
    """Make a ChargingPeriod."""
    return {
        "start_date_time": at(minutes),
        "dimensions": [{"type": "ENERGY", "volume": kwh}],
        "tariff_id": "T1",
    }


def session(session_id: str = "S1", **fields: Any) -> Json:
    """Make a running Session that names an order by its reference and its token."""
    return {
        "country_code": "IN",
        "party_id": "ABC",
        "id": session_id,
        "start_date_time": at(),
        "kwh": 0.5,
        "cdr_token": cdr_token(),
        "auth_method": "COMMAND",
        "authorization_reference": "REF1",
        "location_id": "LOC1",
        "evse_uid": "E1",
        "connector_id": "1",
        "currency": "INR",
        "charging_periods": [period(0, 0.5)],
        "status": "ACTIVE",
        "last_updated": at(),
    } | fields


def cdr(cdr_id: str = "CDR1", **fields: Any) -> Json:
    """Make the CDR of a Session."""
    return {
        "country_code": "IN",
        "party_id": "ABC",
        "id": cdr_id,
        "start_date_time": at(),
        "end_date_time": at(30),
        "session_id": "S1",
        "cdr_token": cdr_token(),
        "auth_method": "COMMAND",
        "authorization_reference": "REF1",
        "cdr_location": {
            "id": "LOC1",
            "address": "1 Tank Road",
            "city": "Bengaluru",
            "country": "IND",
            "coordinates": {"latitude": "12.97160", "longitude": "77.59460"},
            "evse_uid": "E1",
            "evse_id": "IN*ABC*E1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2_COMBO",
            "connector_format": "CABLE",
            "connector_power_type": "DC",
        },
        "currency": "INR",
        "charging_periods": [period(0, 3.7)],
        "total_cost": {"excl_vat": 66.6},
        "total_energy": 3.7,
        "total_time": 0.5,
        "last_updated": at(31),
    } | fields


def client_info(party_id: str = "ABC", **fields: Any) -> Json:
    """Make what a hub tells of a CPO."""
    return {
        "country_code": "IN",
        "party_id": party_id,
        "role": "CPO",
        "status": "CONNECTED",
        "last_updated": at(),
    } | fields


def credentials(token: str = "token-b", **fields: Any) -> Json:
    """Make the Credentials of a CPO."""
    return {
        "token": token,
        "url": "http://cpo.example/ocpi/versions",
        "roles": [
            {
                "role": "CPO",
                "business_details": {"name": "Abc Charging"},
                "country_code": "IN",
                "party_id": "ABC",
            }
        ],
    } | fields


def order(
    name: str = "1",
    state: OrderState = OrderState.STARTING,
    *,
    party: Party = PARTY,
    cpo_id: str = CPO,
    location_id: str = "LOC1",
    evse_uid: str = "E1",
    connector_id: str = "1",
    started: bool = True,
    **fields: Any,
) -> Order:
    """Make order number ``name``: token TOK{name}, reference REF{name} once it was started."""
    place = codec.convert(
        location(
            location_id,
            country_code=party.country_code,
            party_id=party.party_id,
            evses=[evse(evse_uid, connectors=[connector(connector_id)])],
        ),
        Location,
    )
    key = ItemKey(party.country_code, party.party_id, location_id, evse_uid, connector_id)
    attempt = Attempt(
        authorization_reference=f"REF{name}",
        command_id=f"command-{name}",
        started_at=NOW,
        open=state is OrderState.STARTING,
    )
    defaults: Json = {
        "token_uid": f"TOK{name}",
        "attempts": (attempt,) if started else (),
        "reference": None if started else f"NEXT{name}",
    }
    return Order(
        key=order_key("bap.example", f"transaction-{name}"),
        request=Request(
            action="confirm",
            dialect="deg",
            domain="deg:ev-charging",
            version="1.1.0",
            bap_id="bap.example",
            bap_uri="http://bap.example",
            transaction_id=f"transaction-{name}",
            message_id="m1",
            context=Raw(b"{}"),
            received_at=NOW,
        ),
        state=state,
        item=ChargingItem(
            id=str(key),
            cpo_id=cpo_id,
            provider=Provider(id="abc.example", name="Abc Charging"),
            number=1,
            location=place,
            evse=place.evses[0],
            power_kw=Decimal(60),
        ),
        created_at=NOW + timedelta(seconds=int(name)),
        updated_at=NOW + timedelta(minutes=int(name)),
        **(defaults | fields),
    )
