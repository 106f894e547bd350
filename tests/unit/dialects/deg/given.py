"""A charger in Pune, one order of it in each state, and the dialect that words them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from msgspec import Raw
from msgspec.structs import replace

from bridge.beckn.context import answer_context
from bridge.beckn.request import Request
from bridge.dialects.deg.dialect import Deg
from bridge.dialects.v1.settings import DialectSettings, PaymentOptions, RefundTerms
from bridge.mapping import Mappings, load
from bridge.ocpi.cdrs import (
    CDR,
    AuthMethod,
    CdrDimension,
    CdrDimensionType,
    CdrLocation,
    CdrToken,
    ChargingPeriod,
)
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
from bridge.ocpi.tariffs import (
    PriceComponent,
    Tariff,
    TariffDimensionType,
    TariffElement,
)
from bridge.ocpi.tokens import TokenType
from bridge.ocpi.types import Price
from bridge.orders.intents import Measure, Quantity
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.order import (
    Bill,
    Cancellation,
    Line,
    LineKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    Quote,
)
from tests.reference import PROJECT

NOW = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)
ZONE = ZoneInfo("Asia/Kolkata")
UUID = "4b7d9f8e-0a51-4f0c-9d55-6f1f4a3c2b10"
ME = "bridge.example"


@cache
def mappings() -> Mappings:
    """Load the project's own mappings, once."""
    return load(PROJECT / "mappings")


def dialect(
    *,
    payment: PaymentOptions | None = None,
    share: str = "1",
    zone: ZoneInfo = ZONE,
) -> Deg:
    """Make the dialect as an operator might set it up."""
    options = payment or PaymentOptions(
        methods=("UPI-TRANSFER", "PAYMENT-LINK", "BANK-TRANSFER"),
        url="https://pay.example/now?transaction_id=$transaction_id&amount=$amount",
        bank_code="BANK0001",
        bank_account_number="0042",
        upi_address="bridge@upi",
    )
    settings = DialectSettings(
        bpp_id=ME,
        zone=zone,
        payment=options,
        refund=RefundTerms(share=Decimal(share), within="PT2H"),
    )
    return Deg(mappings(), settings)


def envelope(action: str, message: object) -> dict[str, object]:
    """Return a request with a context that is right in every way."""
    return {
        "context": {
            "domain": "deg:ev-charging",
            "action": action,
            "version": "1.1.0",
            "bap_id": "bap.example",
            "bap_uri": "https://bap.example/beckn",
            "bpp_id": ME,
            "bpp_uri": "https://bridge.example/beckn",
            "transaction_id": UUID,
            "message_id": "b2c7b0f6-1d9d-4a52-8a3c-3d8d2f1f7e11",
            "timestamp": "2026-03-04T06:30:00Z",
            "ttl": "PT10M",
            "location": {"country": {"code": "IND"}, "city": {"code": "std:020"}},
        },
        "message": message,
    }


def request(action: str = "select") -> Request:
    """Return a request as the edge has read it."""
    context = envelope(action, {})["context"]
    assert isinstance(context, dict)
    return Request(
        action=action,
        dialect="deg",
        domain=context["domain"],
        version=context["version"],
        bap_id=context["bap_id"],
        bap_uri=context["bap_uri"],
        transaction_id=context["transaction_id"],
        message_id=context["message_id"],
        context=Raw(json.dumps(context).encode()),
        received_at=NOW,
        ttl_s=600,
    )


def callback(
    action: str, message: bytes | None, error: bytes | None = None, domain: str = Deg.domain
) -> dict[str, object]:
    """Return a whole callback: what a dialect words, with the context of its answer."""
    context = answer_context(
        replace(request(), domain=domain, context=Raw(_context_of(domain))),
        action=action,
        message_id=UUID,
        now=NOW,
        bpp_id=ME,
        bpp_uri="https://bridge.example/beckn",
    )
    parts = {"message": message, "error": error}
    said = {name: json.loads(part) for name, part in parts.items() if part is not None}
    return {"context": context} | said


def _context_of(domain: str) -> bytes:
    context = envelope("select", {})["context"]
    assert isinstance(context, dict)
    return json.dumps(context | {"domain": domain}).encode()


def location(**changes: object) -> Location:
    """Return the Location, without EVSEs."""
    return replace(
        Location(
            country_code="IN",
            party_id="SUN",
            id="PUNE-7",
            publish=True,
            name="Sun Charge Deccan",
            address="12 Deccan Road",
            city="Pune",
            postal_code="411004",
            state="Maharashtra",
            country="IND",
            coordinates=GeoLocation(latitude="18.516726", longitude="73.841240"),
            time_zone="Asia/Kolkata",
            last_updated=NOW,
        ),
        **changes,
    )


def connector(**changes: object) -> Connector:
    """Return the connector: CCS2, 30 kW."""
    return replace(
        Connector(
            id="1",
            standard=ConnectorType.IEC_62196_T2_COMBO,
            format=ConnectorFormat.CABLE,
            power_type=PowerType.DC,
            max_voltage=500,
            max_amperage=60,
            max_electric_power=30_000,
            last_updated=NOW,
        ),
        **changes,
    )


def evse(**changes: object) -> EVSE:
    """Return the EVSE with its one connector."""
    return replace(
        EVSE(
            uid="E1",
            evse_id="IN*SUN*E1",
            status=Status.AVAILABLE,
            connectors=(connector(),),
            floor_level="-1",
            last_updated=NOW,
        ),
        **changes,
    )


def tariff() -> Tariff:
    """Return 18 INR per kWh and 10 INR once."""
    kinds = ((TariffDimensionType.ENERGY, "18"), (TariffDimensionType.FLAT, "10"))
    return Tariff(
        country_code="IN",
        party_id="SUN",
        id="T1",
        currency="INR",
        elements=tuple(
            TariffElement(
                price_components=(PriceComponent(type=kind, price=Decimal(price), step_size=1),)
            )
            for kind, price in kinds
        ),
        last_updated=NOW,
    )


def item(**changes: object) -> ChargingItem:
    """Return the item that the connector is."""
    return replace(
        ChargingItem(
            id="IN*SUN*PUNE-7*E1*1",
            cpo_id="sun",
            provider=Provider(
                id="sun.example", name="Sun Charge", image_url="https://sun.example/logo.png"
            ),
            number=4,
            location=location(),
            evse=evse(),
            power_kw=Decimal(30),
            tariff=tariff(),
            price_kwh=Decimal(18),
        ),
        **changes,
    )


def lines(kwh: str, *more: Line) -> tuple[Line, ...]:
    """Return energy at 18 INR, 10 INR once, and what else."""
    energy = Line(
        kind=LineKind.ENERGY,
        amount=Decimal(kwh) * 18,
        quantity=Decimal(kwh),
        unit_price=Decimal(18),
    )
    return (energy, Line(kind=LineKind.FLAT, amount=Decimal(10)), *more)


def quote(kwh: str = "5", *more: Line, expires_at: datetime | None = None) -> Quote:
    """Return a quote whose price is the sum of its lines."""
    found = lines(kwh, *more)
    return Quote(
        id="0a8f3d52-8c13-4a0c-b0a5-1d2f60c0a001",
        currency="INR",
        price=sum((line.amount for line in found), Decimal(0)),
        lines=found,
        kwh=Decimal(kwh),
        expires_at=expires_at,
    )


def session(status: str = "ACTIVE", kwh: str = "1.25", **changes: object) -> Session:
    """Return the session of the order."""
    return replace(
        Session(
            country_code="IN",
            party_id="SUN",
            id="S-1",
            start_date_time=LATER,
            kwh=Decimal(kwh),
            cdr_token=_token(),
            auth_method=AuthMethod.COMMAND,
            location_id="PUNE-7",
            evse_uid="E1",
            connector_id="1",
            currency="INR",
            charging_periods=(
                ChargingPeriod(
                    start_date_time=LATER,
                    dimensions=(
                        CdrDimension(type=CdrDimensionType.ENERGY, volume=Decimal(kwh)),
                        CdrDimension(type=CdrDimensionType.POWER, volume=Decimal("7.2")),
                        CdrDimension(type=CdrDimensionType.CURRENT, volume=Decimal(16)),
                        CdrDimension(type=CdrDimensionType.STATE_OF_CHARGE, volume=Decimal(63)),
                    ),
                ),
            ),
            status=SessionStatus(status),
            last_updated=LATER + timedelta(minutes=5),
        ),
        **changes,
    )


def _token() -> CdrToken:
    return CdrToken(
        country_code="IN", party_id="BRG", uid="T", type=TokenType.AD_HOC_USER, contract_id="C"
    )


def cdr(kwh: str = "3.7") -> CDR:
    """Return the CDR of the order."""
    return CDR(
        country_code="IN",
        party_id="SUN",
        id="CDR-1",
        start_date_time=LATER,
        end_date_time=LATER + timedelta(minutes=30),
        session_id="S-1",
        cdr_token=_token(),
        auth_method=AuthMethod.COMMAND,
        cdr_location=CdrLocation(
            id="PUNE-7",
            address="12 Deccan Road",
            city="Pune",
            country="IND",
            coordinates=GeoLocation(latitude="18.516726", longitude="73.841240"),
            evse_uid="E1",
            evse_id="IN*SUN*E1",
            connector_id="1",
            connector_standard=ConnectorType.IEC_62196_T2_COMBO,
            connector_format=ConnectorFormat.CABLE,
            connector_power_type=PowerType.DC,
        ),
        currency="INR",
        charging_periods=(
            ChargingPeriod(
                start_date_time=LATER,
                dimensions=(CdrDimension(type=CdrDimensionType.ENERGY, volume=Decimal(kwh)),),
            ),
        ),
        total_cost=Price(excl_vat=Decimal(kwh) * 18 + 10),
        total_energy=Decimal(kwh),
        total_time=Decimal("0.5"),
        last_updated=LATER + timedelta(minutes=31),
    )


def refund_bill(*, provisional: bool = False) -> Bill:
    """Return 3.7 kWh of a paid 100: 76.60, and 23.40 back (decisions 17)."""
    back = Decimal("23.40")
    return Bill(
        quote=quote(
            "3.7",
            Line(kind=LineKind.UNUSED_PREPAYMENT, amount=back),
            Line(kind=LineKind.REFUND, amount=-back),
        ),
        refund=back,
        due=Decimal(0),
        provisional=provisional,
        cdr_id=None if provisional else "CDR-1",
    )


def due_bill() -> Bill:
    """Return 5 kWh that nobody paid yet."""
    return Bill(quote=quote(), refund=Decimal(0), due=Decimal(100), cdr_id="CDR-1")


def cancelled_bill() -> Bill:
    """Return the bill of a cancellation: everything comes back."""
    paid = Decimal(100)
    found = (
        Line(kind=LineKind.UNUSED_PREPAYMENT, amount=paid),
        Line(kind=LineKind.REFUND, amount=-paid),
    )
    return Bill(
        quote=Quote(
            id="0a8f3d52-8c13-4a0c-b0a5-1d2f60c0a002",
            currency="INR",
            price=Decimal(0),
            lines=found,
            kwh=Decimal(0),
        ),
        refund=paid,
        due=Decimal(0),
    )


def payment(status: str = "PAID") -> Payment:
    """Return the payment of the order."""
    return Payment(
        id=f"payment-{UUID}",
        collected_by="BPP",
        amount=Decimal(100),
        currency="INR",
        status=PaymentStatus(status),
        paid=Decimal(100) if status == "PAID" else Decimal(0),
        transaction_id="utr-1" if status == "PAID" else None,
        due_at=NOW + timedelta(minutes=15),
    )


BILLING = {"name": "Asha Rao", "phone": "+919812345678", "tax_id": "27ABCDE1234F1Z5"}
VEHICLE = {"make": "Tata", "model": "Tiago EV"}
CUSTOMER = {"person": {"name": "Asha Rao"}, "contact": {"phone": "+919812345678"}}


def raw(value: Mapping[str, object]) -> Raw:
    """Return JSON that is handed back as it came."""
    return Raw(json.dumps(value).encode())


def order(state: str, **changes: object) -> Order:
    """Return the order with what it must hold in a state; 100 INR were wished for."""
    found = OrderState(state)
    drafted = Order(
        key=f"bap.example|{UUID}",
        request=request(),
        state=found,
        item=item(),
        created_at=NOW,
        updated_at=NOW,
        state_since=NOW,
        fulfillment_id=dialect().fulfillment_id(location()),
        quantity=Quantity(measure=Measure.AMOUNT, value=Decimal(100), unit="INR", stated="100"),
        vehicle=raw(VEHICLE),
        quote=quote(expires_at=NOW + timedelta(minutes=15)),
    )
    more: dict[str, object] = {}
    if found is not OrderState.SELECTED:
        more |= {
            "billing": raw(BILLING),
            "customer": raw(CUSTOMER),
            "tariff": tariff(),
            "payment": payment("NOT-PAID"),
        }
    if found not in (OrderState.SELECTED, OrderState.INITIALISED):
        more |= {"id": "order-1", "payment": payment(), "token_uid": "T"}
    if found in (OrderState.CHARGING, OrderState.INTERRUPTED, OrderState.STOPPING):
        more |= {"session": session()}
    if found is OrderState.ENDED:
        ended = LATER + timedelta(minutes=30)
        more |= {
            "session": session("COMPLETED", "3.7", end_date_time=ended),
            "bill": refund_bill(provisional=True),
        }
    if found is OrderState.SETTLED:
        more |= {"session": session("COMPLETED", "3.7"), "cdr": cdr(), "bill": refund_bill()}
    if found is OrderState.CANCELLED:
        more |= {
            "cancellation": Cancellation(
                by="CONSUMER", at=LATER, reason_id="5", reason="plans changed"
            ),
            "bill": cancelled_bill(),
        }
    return replace(drafted, **(more | changes))
