"""The order: one Beckn transaction, its money, its attempts to start, its OCPI session."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET

from bridge.ocpi.cdrs import CDR
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import Tariff
from bridge.orders.intents import Echo, Quantity, RatingItem, Request, Verb
from bridge.orders.item import ChargingItem
from bridge.orders.otp import IssuedOtp
from bridge.orders.terms import NOTHING_AGREED, Agreed


class OrderState(enum.StrEnum):
    """Where an order stands; the legal steps between are in transitions.py."""

    SELECTED = "SELECTED"
    INITIALISED = "INITIALISED"
    CONFIRMED = "CONFIRMED"
    STARTING = "STARTING"
    CHARGING = "CHARGING"
    INTERRUPTED = "INTERRUPTED"
    STOPPING = "STOPPING"
    ENDED = "ENDED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"


class LineKind(enum.StrEnum):
    """What a line of a quote or bill stands for; the dialect words its title."""

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"
    RESERVATION = "RESERVATION"
    SURCHARGE = "SURCHARGE"
    FEE = "FEE"
    OVERCHARGE_ESTIMATION = "OVERCHARGE_ESTIMATION"
    OFFER = "OFFER"
    LOYALTY = "LOYALTY"
    B2B = "B2B"
    TAX = "TAX"
    MINIMUM = "MINIMUM"
    MAXIMUM = "MAXIMUM"
    CHARGING = "CHARGING"
    PASS = "PASS"
    CANCELLATION_FEE = "CANCELLATION_FEE"
    CREDIT = "CREDIT"
    UNUSED_PREPAYMENT = "UNUSED_PREPAYMENT"
    REFUND = "REFUND"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a quote or bill.

    Args:
        amount: in the currency of the quote, rounded to its minor unit; negative for credits.
        quantity: kWh for ENERGY, hours for TIME, PARKING_TIME and RESERVATION.
        unit_price: price of one unit, excl. VAT.
        vat: percent, TAX lines only.
        title: of a commercial term, which is named by the operator and not by its kind.
        share: 0 to 1, where it was worked out as one.
    """

    kind: LineKind
    amount: Decimal
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    vat: Decimal | None = None
    title: str | None = None
    share: Decimal | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A price with its breakup: ``price == sum(line.amount for line in lines)``, always.

    Args:
        id: new whenever the content changes.
        kwh: the energy the price is for.
        price: rounded to the currency's minor unit.
        expires_at: not usable afterwards (a bill never expires: None).
    """

    id: str
    currency: str
    price: Decimal
    lines: tuple[Line, ...]
    kwh: Decimal
    expires_at: datetime | None = None


class Bill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the driver owes for what was delivered.

    Args:
        quote: lines and price; refund lines included, so they sum to ``price`` (decisions 17).
        refund: paid too much, to be given back; 0 when nothing.
        due: still to be paid; 0 when nothing.
        provisional: sent before the CDR (decisions 16).
        cdr_id: the CDR it was made from.
        deviates: our costing and the CPO's total differ by more than the tolerance.
    """

    quote: Quote
    refund: Decimal
    due: Decimal
    provisional: bool = False
    cdr_id: str | None = None
    deviates: bool = False


class PaymentStatus(enum.StrEnum):
    """core 1.1.0 Payment.status."""

    PAID = "PAID"
    NOT_PAID = "NOT-PAID"


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payment of the order as agreed and claimed.

    Args:
        id: stable for the life of the order.
        collected_by: ``BPP`` or ``BAP``.
        amount: what is to be paid before charging.
        paid: what counts as paid; 0 when collected later (decisions 19).
        confirmed: the gateway said so; else the BAP did.
        refund_asked: what was sent back to the driver in all, or is on its way.
        refunded: of that, what the gateway said has arrived.
        method: as chosen in confirm.
    """

    id: str
    collected_by: str
    amount: Decimal
    currency: str
    status: PaymentStatus = PaymentStatus.NOT_PAID
    paid: Decimal = Decimal(0)
    method: str | None = None
    source_address: str | None = None
    transaction_id: str | None = None
    due_at: datetime | None = None
    confirmed: bool = False
    refund_asked: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One START_SESSION; all attempts of an order lead its sessions and CDRs back to it.

    Args:
        authorization_reference: ours, new for each attempt; Session and CDR repeat it.
        command_id: last segment of the response_url.
        open: no outcome yet.
    """

    authorization_reference: str
    command_id: str
    started_at: datetime
    open: bool = True


class ReservationState(enum.StrEnum):
    """What is known of a reservation."""

    ASKED = "ASKED"
    HELD = "HELD"
    REFUSED = "REFUSED"
    OVER = "OVER"


class Reservation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connector that a CPO was asked to hold (RESERVE_NOW).

    Args:
        id: reservation_id; it stays when the reservation is changed.
        command_id: of the last RESERVE_NOW; its response_url takes a cancellation until ``expiry``.
        authorization_reference: the START that follows repeats it.
        cancel_id: command id of the CANCEL_RESERVATION.
        session_id: of the session that stands for it.
    """

    id: str
    command_id: str
    authorization_reference: str
    expiry: datetime
    state: ReservationState = ReservationState.ASKED
    cancel_id: str | None = None
    session_id: str | None = None


class SessionKey(msgspec.Struct, frozen=True):
    """The ids of an OCPI Session, or of a CDR."""

    country_code: str
    party_id: str
    id: str

    def __str__(self) -> str:
        """Return the key in lower case, as CiStrings compare."""
        return f"{self.country_code}*{self.party_id}*{self.id}".casefold()


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose real outcome is awaited; answered by ``until`` (decisions 7)."""

    request: Request
    verb: Verb
    until: datetime


class Cancellation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who gave the order up, and why."""

    by: str
    at: datetime
    reason_id: str | None = None
    reason: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record behind one Beckn transaction of one BAP; kept in Redis, changed by flows only.

    Args:
        key: ``{bap_id}|{transaction_id}``; a transaction id alone is the BAP's own affair.
        request: the last request about the order's substance; unsolicited callbacks take BAP,
            domain and version from it.
        id: Beckn order id, minted at on_confirm (decisions 13).
        fulfillment_id: ours; the BAP's own is accepted until confirm.
        booked: its connector is kept for it from ``start`` to ``end``, which are both there then;
            see slot.py for how long.
        tariff: frozen at on_init; bills are made from it.
        agreed: commercial terms, frozen at on_init as well.
        otp: what the driver has to say, or said; None: nothing.
        otps_sent: how many OTPs this transaction had.
        token_uid: uid of the AD_HOC_USER token of this order; <= 20 characters.
        reference: authorization_reference that the next START_SESSION will carry; also what a
            CPO gets that asks for real-time authorization.
        session_gap_s: longest silence between two Session updates while charging, outages apart;
            None before the second.
        deadlines: when to look at the order again, by name; the worker keeps them in Redis.
        session, cdr: last heard from the CPO.
        credited: folded ids of CDRs that the CPO took back.
        later_cdrs: CDRs that came after the bill; one of them bills once the first is taken back.
        stop_requested: STOP_SESSION as soon as there is a session.
        stop_command: command id of the STOP_SESSION under way.
        guarded: it was told to stop because what was paid is used up.
        accepted: command id of the last one that the charge point accepted.
        token_pushed: its CPO has the token, or may have it.
        reservation: the last that was asked for; None where nothing is reserved.
        told: other sessions by folded id, and their status when they were last told to stop.
    """

    key: str
    request: Request
    state: OrderState
    item: ChargingItem
    created_at: datetime
    updated_at: datetime
    id: str | None = None
    fulfillment_id: str = ""
    quantity: Quantity | None = None
    start: datetime | None = None
    end: datetime | None = None
    booked: bool = False
    vehicle: Echo = UNSET
    tags: Echo = UNSET
    billing: Echo = UNSET
    customer: Echo = UNSET
    tariff: Tariff | None = None
    agreed: Agreed = NOTHING_AGREED
    otp: IssuedOtp | None = None
    otps_sent: int = 0
    quote: Quote | None = None
    payment: Payment | None = None
    token_uid: str | None = None
    reference: str | None = None
    attempts: tuple[Attempt, ...] = ()
    session: Session | None = None
    session_seen_at: datetime | None = None
    session_gap_s: float | None = None
    cdr: CDR | None = None
    credited: tuple[str, ...] = ()
    later_cdrs: tuple[CDR, ...] = ()
    bill: Bill | None = None
    state_since: datetime | None = None
    stop_requested: bool = False
    stop_command: str | None = None
    guarded: bool = False
    accepted: str | None = None
    token_pushed: bool = False
    reservation: Reservation | None = None
    waiting: tuple[Waiting, ...] = ()
    cancellation: Cancellation | None = None
    tracking_id: str | None = None
    callback_url: str | None = None
    ratings: tuple[RatingItem, ...] = ()
    tickets: tuple[str, ...] = ()
    told: dict[str, str] = {}
    deadlines: dict[str, datetime] = {}


def references_of(order: Order) -> set[str]:
    """Return every authorization_reference that leads to the order."""
    references = {attempt.authorization_reference for attempt in order.attempts}
    if order.reservation is not None:
        references.add(order.reservation.authorization_reference)
    return references | ({order.reference} if order.reference else set())


def order_key(bap_id: str, transaction_id: str) -> str:
    """Return the key of the order of one BAP's transaction."""
    return f"{bap_id}|{transaction_id}"


def transaction_of(key: str) -> str | None:
    """Return the transaction in the key of an order; None: it is the key of something else."""
    return key.partition("|")[2] or None
