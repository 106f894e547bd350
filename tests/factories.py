"""Whole objects in few words: each valid as it is, each field to be replaced by its name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from bridge.ocpi.cdrs import (
    CDR,
    AuthMethod,
    CdrDimension,
    CdrDimensionType,
    CdrLocation,
    CdrToken,
    ChargingPeriod,
)
from bridge.ocpi.commands import CommandType
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import (
    EVSE,
    Connector,
    ConnectorFormat,
    ConnectorType,
    GeoLocation,
    Location,
    PowerType,
    Status,
)
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.tariffs import PriceComponent, Tariff, TariffDimensionType, TariffElement
from bridge.ocpi.tokens import TokenType
from bridge.ocpi.types import Price
from bridge.orders.intents import Request
from bridge.orders.item import ChargingItem, ItemKey, Provider
from bridge.orders.order import (
    Attempt,
    Line,
    LineKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    Quote,
    order_key,
)
from bridge.orders.pass_order import Membership, PassOrder, PassState
from bridge.orders.plans import CommandPlan, TokenPlan
from bridge.orders.terms import Pass
from bridge.orders.token import token_of

NOW = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
"""A Wednesday, noon in India."""

PARTY = Party("IN", "ABC")
"""The CPO party of all objects here."""

EMSP = Party("IN", "BRG")
CPO_ID = "cpo1"
BAP_ID = "bap.example"


def connector(**changes: Any) -> Connector:
    """Make connector ``1``: CCS2, 50 kW, tariff ``T1``."""
    made = Connector(
        id="1",
        standard=ConnectorType.IEC_62196_T2_COMBO,
        format=ConnectorFormat.CABLE,
        power_type=PowerType.DC,
        max_voltage=500,
        max_amperage=100,
        tariff_ids=("T1",),
        last_updated=NOW,
    )
    return replace(made, **changes)


def evse(**changes: Any) -> EVSE:
    """Make EVSE ``E1``, available, with one connector."""
    made = EVSE(uid="E1", status=Status.AVAILABLE, connectors=(connector(),), last_updated=NOW)
    return replace(made, **changes)


def location(**changes: Any) -> Location:
    """Make Location ``L1`` in Bengaluru, with one EVSE."""
    made = Location(
        country_code=PARTY.country_code,
        party_id=PARTY.party_id,
        id="L1",
        publish=True,
        name="Lake View",
        address="1 Main Road",
        city="Bengaluru",
        country="IND",
        coordinates=GeoLocation(latitude="12.970000", longitude="77.590000"),
        evses=(evse(),),
        time_zone="Asia/Kolkata",
        last_updated=NOW,
    )
    return replace(made, **changes)


def tariff(**changes: Any) -> Tariff:
    """Make tariff ``T1``: 18 INR per kWh and 10 INR once, no VAT."""
    prices = {TariffDimensionType.ENERGY: "18", TariffDimensionType.FLAT: "10"}
    components = tuple(
        PriceComponent(type=kind, price=Decimal(price), step_size=1)
        for kind, price in prices.items()
    )
    made = Tariff(
        country_code=PARTY.country_code,
        party_id=PARTY.party_id,
        id="T1",
        currency="INR",
        elements=(TariffElement(price_components=components),),
        last_updated=NOW,
    )
    return replace(made, **changes)


def item(at: Location | None = None, **changes: Any) -> ChargingItem:
    """Make the item of the first connector of a Location."""
    place = at or location()
    station = place.evses[0]
    plug = station.connectors[0]
    key = ItemKey(place.country_code, place.party_id, place.id, station.uid, plug.id)
    made = ChargingItem(
        id=str(key),
        cpo_id=CPO_ID,
        provider=Provider(id="cpo1.example", name="CPO One"),
        number=1,
        location=replace(place, evses=()),
        evse=replace(station, connectors=(plug,)),
        power_kw=Decimal(50),
        tariff=tariff(),
        price_kwh=Decimal(18),
    )
    return replace(made, **changes)


def request(**changes: Any) -> Request:
    """Make the context of a confirm in transaction ``t1``."""
    made = Request(
        action="confirm",
        dialect="deg",
        domain="deg:ev-charging",
        version="1.1.0",
        bap_id=BAP_ID,
        bap_uri="https://bap.example",
        transaction_id="t1",
        message_id="m1",
        context=Raw(b'{"action":"confirm"}'),
        received_at=NOW,
        ttl_s=30,
    )
    return replace(made, **changes)


def attempt(**changes: Any) -> Attempt:
    """Make a START_SESSION without outcome, under reference ``ref-1``."""
    made = Attempt(authorization_reference="ref-1", command_id="command-1", started_at=NOW)
    return replace(made, **changes)


def order(state: OrderState = OrderState.CONFIRMED, **changes: Any) -> Order:
    """Make an order of transaction ``t1``, with id and token; its key follows ``request``."""
    asked: Request = changes.get("request", request())
    made = Order(
        key=order_key(asked.bap_id, asked.transaction_id),
        request=asked,
        state=state,
        item=item(),
        created_at=NOW,
        updated_at=NOW,
        id="order-1",
        tariff=tariff(),
        token_uid="TOK1",
        reference="ref-1",
    )
    return replace(made, **changes)


def loyalty_pass(**changes: Any) -> Pass:
    """Make the pass ``silver``: 10 % off for 299 INR, 30 days, free to cancel in 7 of them."""
    made = Pass(
        id="silver",
        provider="cpo1.example",
        name="City Silver Pass",
        tier="Silver",
        price=Decimal(299),
        currency="INR",
        share=Decimal("0.10"),
        free_cancellation_days=7,
        benefits=(("all-time-discount", "10%"),),
        auto_renewal="optional",
        short_desc="For those who charge every week",
        info_url="https://cpo1.example/silver",
        image_url="https://cpo1.example/silver.png",
    )
    return replace(made, **changes)


def membership(**changes: Any) -> Membership:
    """Make a membership by ``loyalty_pass()``, from now on."""
    made = Membership(
        id="MEMBER-1",
        order_key=order_key(BAP_ID, "t-pass"),
        held=loyalty_pass(),
        valid_from=NOW,
        valid_until=NOW + timedelta(days=30),
    )
    return replace(made, **changes)


def pass_order(state: PassState = PassState.ACTIVE, **changes: Any) -> PassOrder:
    """Make the order of ``loyalty_pass()``, paid, of a customer with a phone."""
    asked: Request = changes.get("request", request(transaction_id="t-pass"))
    price = Decimal("299.00")
    made = PassOrder(
        key=order_key(asked.bap_id, asked.transaction_id),
        request=asked,
        state=state,
        provider=item().provider,
        cpo_id=CPO_ID,
        sold=loyalty_pass(),
        quote=Quote(
            id="7e0c8f0e-3a43-4f0d-9a52-0b5a6fd0d1aa",
            currency="INR",
            price=price,
            lines=(Line(kind=LineKind.PASS, amount=price),),
            kwh=Decimal(0),
            expires_at=NOW + timedelta(minutes=15),
        ),
        created_at=NOW,
        updated_at=NOW,
        id="pass-1",
        fulfillment_id="f-pass",
        billing=Raw(b'{"name":"Asha","phone":"+91-9876543210","email":"asha@example.com"}'),
        payment=Payment(
            id="payment-1",
            collected_by="BPP",
            amount=price,
            currency="INR",
            status=PaymentStatus.PAID,
            paid=price,
        ),
        membership=membership(),
    )
    return replace(made, **changes)


def _cdr_token() -> CdrToken:
    return CdrToken(
        country_code=EMSP.country_code,
        party_id=EMSP.party_id,
        uid="TOK1",
        type=TokenType.AD_HOC_USER,
        contract_id="IN-BRG-TOK1",
    )


def _period(kwh: Decimal) -> ChargingPeriod:
    energy = CdrDimension(type=CdrDimensionType.ENERGY, volume=kwh)
    return ChargingPeriod(start_date_time=NOW, dimensions=(energy,))


def session(kwh: str = "1.25", **changes: Any) -> Session:
    """Make session ``S1``, active, at the connector of ``item()``."""
    made = Session(
        country_code=PARTY.country_code,
        party_id=PARTY.party_id,
        id="S1",
        start_date_time=NOW,
        kwh=Decimal(kwh),
        cdr_token=_cdr_token(),
        auth_method=AuthMethod.COMMAND,
        authorization_reference="ref-1",
        location_id="L1",
        evse_uid="E1",
        connector_id="1",
        currency="INR",
        charging_periods=(_period(Decimal(kwh)),),
        status=SessionStatus.ACTIVE,
        last_updated=NOW,
    )
    return replace(made, **changes)


def cdr(kwh: str = "3.7", **changes: Any) -> CDR:
    """Make the CDR of session ``S1``: one hour, priced by ``tariff()``."""
    made = CDR(
        country_code=PARTY.country_code,
        party_id=PARTY.party_id,
        id="CDR1",
        start_date_time=NOW,
        end_date_time=NOW + timedelta(hours=1),
        session_id="S1",
        cdr_token=_cdr_token(),
        auth_method=AuthMethod.COMMAND,
        authorization_reference="ref-1",
        cdr_location=CdrLocation(
            id="L1",
            address="1 Main Road",
            city="Bengaluru",
            country="IND",
            coordinates=location().coordinates,
            evse_uid="E1",
            evse_id="IN*ABC*E1",
            connector_id="1",
            connector_standard=ConnectorType.IEC_62196_T2_COMBO,
            connector_format=ConnectorFormat.CABLE,
            connector_power_type=PowerType.DC,
        ),
        currency="INR",
        charging_periods=(_period(Decimal(kwh)),),
        total_cost=Price(excl_vat=Decimal(kwh) * 18 + 10),
        total_energy=Decimal(kwh),
        total_time=Decimal(1),
        last_updated=NOW,
    )
    return replace(made, **changes)


def command(**changes: Any) -> CommandPlan:
    """Make the START_SESSION ``command-1`` of ``order()``."""
    made = CommandPlan(
        id="command-1",
        type=CommandType.START_SESSION,
        cpo_id=CPO_ID,
        party=PARTY,
        order_key=order_key(BAP_ID, "t1"),
        correlation_id="t1",
        body=Raw(msgspec.json.encode({"location_id": "L1"})),
    )
    return replace(made, **changes)


def token_plan(**changes: Any) -> TokenPlan:
    """Make the push of the token of ``order()``, which is good."""
    token = token_of(order(), EMSP, "Example Bridge")
    assert token is not None
    made = TokenPlan(
        cpo_id=CPO_ID,
        party=PARTY,
        order_key=order_key(BAP_ID, "t1"),
        correlation_id="t1",
        token=token,
    )
    return replace(made, **changes)
