"""What is read of requests of Beckn 1.1.0: the parts of core that matter to charging.

The pages' own deviations that concern shape are taken here (use cases, 10); code words are left
as they came, since what they mean stands in mappings/.
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from bridge.beckn.quirks import Quirk
from bridge.beckn.shape import HttpUrl, Id, Instant, Number, Part, Text, Word, reading_of
from bridge.dialects.v1.echo import Billing, Customer, Vehicle

_GPS = re.compile(r"\s*([+-]?\d{1,2}(?:\.\d{1,15})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,15})?)\s*", re.A)


class Point(NamedTuple):
    """Degrees of WGS 84."""

    latitude: float
    longitude: float


def _point(value: object) -> object:
    found = _GPS.fullmatch(value) if isinstance(value, str) else None
    point = Point(float(found[1]), float(found[2])) if found else None
    if point is None or abs(point.latitude) > 90 or abs(point.longitude) > 180:
        raise ValueError('must be "latitude,longitude" in degrees')
    return point


Gps = Annotated[Point, BeforeValidator(_point)]


class Descriptor(Part):
    """Names of a thing, for people and for machines."""

    name: Text | None = None
    code: Word | None = None
    short_desc: Text | None = None


class Tag(Part):
    """One entry of a tag group."""

    descriptor: Descriptor = Descriptor()
    value: Text | None = None


class TagGroup(Part):
    """Tags under one heading, which some messages leave out (Q19)."""

    descriptor: Descriptor = Descriptor()
    tags: tuple[Tag, ...] = Field(default=(), alias="list", max_length=100)


Tags = Annotated[tuple[TagGroup, ...], Field(max_length=100)]


class Radius(Part):
    """A distance; the unit is a code word."""

    value: Number
    unit: Word | None = None


class Circle(Part):
    """Where to look."""

    gps: Gps | None = None
    radius: Radius | None = None


class Place(Part):
    """A location as a search names it."""

    id: Id | None = None
    gps: Gps | None = None
    circle: Circle | None = None


class Range(Part):
    """A stretch of time, open where an end is missing."""

    start: Instant | None = None
    end: Instant | None = None


class Time(Part):
    """A point or a stretch of time."""

    timestamp: Instant | None = None
    range: Range | None = None


class Authorization(Part):
    """What the driver proves to be authorized with."""

    type: Word | None = None
    token: Id | None = None


class Stop(Part):
    """Start or end of charging."""

    type: Word | None = None
    time: Time = Time()
    location: Place | None = None
    authorization: Authorization | None = None


Stops = Annotated[tuple[Stop, ...], Field(max_length=100)]


class State(Part):
    """State of a fulfillment; in an update: what it shall become."""

    descriptor: Descriptor = Descriptor()


class Fulfillment(Part):
    """A charging session, wished or agreed."""

    id: Id | None = None
    type: Word | None = None
    stops: Stops = ()
    tags: Tags = ()
    state: State | None = None
    vehicle: Vehicle | None = None
    customer: Customer | None = None


class Measure(Part):
    """An amount of money, energy or time; the unit says which."""

    value: Number
    unit: Word


class Selected(Part):
    """The wished amount; a mere count of chargers says nothing."""

    measure: Measure | None = None


class Quantity(Part):
    """How much is wanted."""

    selected: Selected | None = None


class Offer(Part):
    """An offer that the driver chose."""

    id: Id


Offers = Annotated[tuple[Offer, ...], Field(max_length=100)]


class Item(Part):
    """The wished charger; the first edition of the pages has offers in it."""

    id: Id
    quantity: Quantity | None = None
    offers: Offers = ()


class Provider(Part):
    """The wished provider."""

    id: Id


class PaymentParams(Part):
    """What is or was to be paid, and how."""

    amount: Number | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    transaction_id: Id | None = None
    source_virtual_payment_address: Id | None = None


class Payment(Part):
    """What the BAP says about the payment."""

    id: Id | None = None
    collected_by: Word | None = None
    type: Word | None = None
    status: Word | None = None
    params: PaymentParams = PaymentParams()
    tags: Tags = ()


class Order(Part):
    """The order of select, init, confirm."""

    provider: Provider | None = None
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]
    fulfillments: Annotated[tuple[Fulfillment, ...], Field(max_length=100)] = ()
    offers: Offers = ()
    billing: Billing | None = None
    payments: Annotated[tuple[Payment, ...], Field(max_length=100)] = ()
    tags: tuple[object, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _providers_for_provider(cls, value: object, info: ValidationInfo) -> object:
        """Take ``providers``, an object or a list of one, for ``provider`` (UEI Postman)."""
        if isinstance(value, dict) and "provider" not in value and "providers" in value:
            reading_of(info).quirk(Quirk.PROVIDERS)
            named = value["providers"]
            one = named[0] if isinstance(named, list) and len(named) == 1 else named
            return value | {"provider": one}
        return value

    @model_validator(mode="before")
    @classmethod
    def _item_for_items(cls, value: object, info: ValidationInfo) -> object:
        """Take ``item``, one object, for ``items`` (Q18)."""
        if isinstance(value, dict) and "items" not in value and "item" in value:
            reading_of(info).quirk(Quirk.ITEM_OBJECT)
            item = value["item"]
            return value | {"items": item if isinstance(item, list) else [item]}
        return value


class OrderMessage(Part):
    """``message`` of select, init and confirm."""

    order: Order


class IntentProvider(Part):
    """The provider a search is about."""

    id: Id | None = None
    descriptor: Descriptor = Descriptor()
    locations: Annotated[tuple[Place, ...], Field(max_length=100)] = ()


class IntentItem(Part):
    """The item a search is about."""

    id: Id | None = None
    descriptor: Descriptor = Descriptor()
    tags: Tags = ()


class Category(Part):
    """The category a search is about."""

    id: Id | None = None
    descriptor: Descriptor = Descriptor()


class Intent(Part):
    """What a driver is looking for."""

    descriptor: Descriptor = Descriptor()
    category: Category | None = None
    provider: IntentProvider = IntentProvider()
    item: IntentItem = IntentItem()
    fulfillment: Fulfillment = Fulfillment()
    tags: Tags = ()


class SearchMessage(Part):
    """``message`` of search."""

    intent: Intent


class UpdateOrder(Part):
    """The order of an update: its id, and the state its fulfillment shall take."""

    id: Id | None = None
    fulfillments: Annotated[tuple[Fulfillment, ...], Field(min_length=1, max_length=100)]


class UpdateMessage(Part):
    """``message`` of update."""

    update_target: Text | None = None
    order: UpdateOrder


class OrderReference(Part):
    """``message`` of status, track and cancel: which order, and what else they say."""

    order_id: Id
    callback_url: HttpUrl | None = None
    cancellation_reason_id: Id | None = None
    descriptor: Descriptor = Descriptor()

    @model_validator(mode="before")
    @classmethod
    def _ref_id_for_order_id(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict) and "order_id" not in value and "ref_id" in value:
            reading_of(info).quirk(Quirk.REF_ID_FOR_ORDER_ID)
            return value | {"order_id": value["ref_id"]}
        return value


class RatingPart(Part):
    """One rating; the value is an expression in core 1.1.0, the pages send a number."""

    id: Id
    rating_category: Word
    value: Word


class RatingMessage(Part):
    """``message`` of rating."""

    ratings: Annotated[tuple[RatingPart, ...], Field(min_length=1, max_length=100)]


class SupportPart(Part):
    """A call for help; ``callback_phone`` is where to call back."""

    ref_id: Id | None = None
    callback_phone: Word | None = None
    phone: Word | None = None
    email: Word | None = None


class SupportMessage(Part):
    """``message`` of support."""

    support: SupportPart = SupportPart()

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict) and "support" not in value and value:
            reading_of(info).quirk(Quirk.SUPPORT_FLAT)
            return {"support": value}
        return value
