"""What a BAP wants, in our words: one struct for each Beckn action, the same for all dialects.

Parts that the bridge only hands back (billing, vehicle, customer) stay raw JSON.
"""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bridge.beckn.request import Request as Request
from bridge.ocpi.locations import ConnectorType, PowerType

Echo: TypeAlias = Raw | UnsetType
"""JSON that is handed back as it came; UNSET when it did not come."""


class Measure(enum.StrEnum):
    """How a driver says how much."""

    AMOUNT = "AMOUNT"
    ENERGY = "ENERGY"
    DURATION = "DURATION"


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """How much is wanted: money incl. all fees, kWh, or seconds.

    Args:
        value: INR (or the named ``currency``), kWh, or seconds, by ``measure``.
        unit: the word of the message (``INR``, ``kWh``, ``MINUTES``), for the echo.
        stated: the value of the message as it was written, for the echo.
    """

    measure: Measure
    value: Decimal
    unit: str
    stated: str


class Wish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part that select, init and confirm share.

    Args:
        item_id: as the BAP wrote it: an item id, or an alias of one.
        quantity: None when the message names no amount.
        start, end: the wanted slot; None when open. In the past means now.
        fulfillment_id: as the BAP wrote it; echoed.
        offers: ids of the offers that the driver chose, each once.
        vehicle, tags: raw JSON, echoed.
    """

    provider_id: str
    item_id: str
    quantity: Quantity | None = None
    start: datetime | None = None
    end: datetime | None = None
    fulfillment_id: str | None = None
    offers: tuple[str, ...] = ()
    vehicle: Echo = UNSET
    tags: Echo = UNSET


class Search(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """A catalogue query; every filter that is set must hold.

    Args:
        text: free text; filters only when it matches some name (decisions 10).
        category: category code, e.g. ``green-tariff``; unknown ones filter everything away.
        latitude, longitude, radius_m: the circle, inclusive; metres.
        connectors: accepted plugs; None = any, empty = none that OCPI knows.
        window_start, window_end: the driver wants to charge within; aware.
        charging: False when something else than charging is sought.
    """

    text: str | None = None
    category: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None
    connectors: tuple[ConnectorType, ...] | None = None
    power_types: tuple[PowerType, ...] | None = None
    min_power_kw: Decimal | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    provider_id: str | None = None
    provider_name: str | None = None
    location_id: str | None = None
    item_id: str | None = None
    charging: bool = True


class Select(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask for a quote."""

    wish: Wish


class Init(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Give billing details, ask for payment terms."""

    wish: Wish
    billing: Echo = UNSET
    customer: Echo = UNSET


class PaymentClaim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the BAP says about the payment in confirm.

    Args:
        amount: the amount it names, in ``currency``.
        paid: it says that the amount is paid.
        method: UPI-TRANSFER, BANK-TRANSFER, PAYMENT-LINK, regular spelling.
        source_address: virtual payment address of a UPI collect request.
    """

    id: str | None = None
    collected_by: str | None = None
    type: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    paid: bool = False
    method: str | None = None
    source_address: str | None = None
    transaction_id: str | None = None


class Confirm(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Place the order."""

    wish: Wish
    billing: Echo = UNSET
    customer: Echo = UNSET
    payment: PaymentClaim | None = None
    authorization_token: str | None = None


class Verb(enum.StrEnum):
    """What an ``update`` asks for."""

    START = "START"
    STOP = "STOP"


class Update(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Start or stop charging."""

    verb: Verb
    order_id: str | None = None
    authorization_token: str | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask for the order as it stands."""

    order_id: str


class Track(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Ask for live data; ``callback_url`` gets a PATCH for each change."""

    order_id: str
    callback_url: str | None = None


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Give the order up before charging.

    Args:
        only_asks: what it would cost; nothing is cancelled (``SOFT_CANCEL``).
    """

    order_id: str
    reason_id: str | None = None
    reason: str | None = None
    only_asks: bool = False


class RatingItem(msgspec.Struct, frozen=True, kw_only=True):
    """One rating; ``value`` 0..5 as text, as core 1.1.0 types it."""

    id: str
    category: str
    value: str


class Rating(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Rate the order, its fulfillment, its provider."""

    ratings: tuple[RatingItem, ...]


class Support(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Ask for help; ``ref_id`` is an order id when it is one of ours."""

    ref_id: str | None = None
    phone: str | None = None
    email: str | None = None


class GetCancellationReasons(msgspec.Struct, frozen=True, tag=True):
    """Ask for the reasons that a ``cancel`` may name."""


class GetRatingCategories(msgspec.Struct, frozen=True, tag=True):
    """Ask what a ``rating`` may be about."""


Meta = GetCancellationReasons | GetRatingCategories
"""Questions about no order."""

Intent = (
    Search | Select | Init | Confirm | Update | Status | Track | Cancel | Rating | Support | Meta
)


def named_by(intent: Intent) -> str | None:
    """Return what names an order in a request, if anything does; it need not be one of ours."""
    match intent:
        case Update() | Status() | Track() | Cancel():
            return intent.order_id
        case Support():
            return intent.ref_id
        case Rating(ratings=(first, *_)):
            return first.id
        case _:
            return None
