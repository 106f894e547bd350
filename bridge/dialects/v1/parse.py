"""From ``message`` to intent: what a BAP asks for; the words are the dialect's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from msgspec import UNSET, Raw

from bridge.beckn.quirks import Quirk, Report
from bridge.beckn.shape import Reading, encode_json, read_as
from bridge.dialects.v1 import messages
from bridge.dialects.v1.echo import Encoder, as_it_came
from bridge.dialects.v1.search import SearchReader
from bridge.dialects.v1.words import WordReader
from bridge.errors import BecknInvalid
from bridge.mapping import Mappings, UnknownCode
from bridge.orders.intents import (
    Cancel,
    Confirm,
    GetCancellationReasons,
    GetRatingCategories,
    Init,
    Intent,
    Measure,
    PaymentClaim,
    Quantity,
    Rating,
    RatingItem,
    Select,
    Status,
    Support,
    Track,
    Update,
    Verb,
    Wish,
)
from bridge.orders.order import PaymentStatus

ORDER = "message.order"
ITEM = f"{ORDER}.items[0]"
FULFILLMENT = f"{ORDER}.fulfillments[0]"
CUSTOMER = f"{FULFILLMENT}.customer"
BILLING = f"{ORDER}.billing"
PAYMENT = f"{ORDER}.payments[0]"

LONGEST_S = 30 * 24 * 3600
"""Longest charging time that is wished for; more is a mistake in the unit."""

TARGET = "order.fulfillments[0].state"
_TARGETS = re.compile(r"(message\.)?(order\.)?fulfillments?(\[\d*\]|\.\d+)?(\.state.*)?")


class Parser:
    """Reads the requests; the code tables are looked up once."""

    def __init__(
        self, mappings: Mappings, dialect: str, zone: tzinfo, echo: Encoder = as_it_came
    ) -> None:
        def words(table: str) -> WordReader:
            return WordReader(mappings.table(dialect, table))

        self._zone = zone
        self._echo = echo
        self._search = SearchReader(mappings, dialect)
        self._units = words("quantity_units")
        self._stops = words("stop_types")
        self._verbs = words("verbs")
        self._payment_types = words("payment_type")
        self._payment_status = words("payment_status")
        self._payment_methods = words("payment_methods")
        self._collectors = words("collected_by")
        self._rated = words("rating_categories")
        self._cancel_steps = words("cancel_steps")
        self._reasons = mappings.table(dialect, "driver_reasons")

    def parse(self, action: str, message: Mapping[str, object], quirk: Report) -> Intent:
        """Read the ``message`` of a request.

        Raises:
            BecknInvalid: naming the field that is wrong.
        """
        reading = Reading(self._zone, quirk)
        match action:
            case "search":
                return self._search.read(message, reading)
            case "select":
                return Select(wish=self._wish(_order(message, reading), quirk))
            case "init":
                return self._init(_order(message, reading), quirk)
            case "confirm":
                return self._confirm(_order(message, reading), quirk)
            case "update":
                return self._update(message, reading)
            case "status":
                return Status(order_id=_reference(message, reading).order_id)
            case "track":
                return _track(_reference(message, reading))
            case "cancel":
                return self._cancel(_reference(message, reading), quirk)
            case "rating":
                return self._rating(message, reading)
            case "support":
                return _support(message, reading)
            case "get_cancellation_reasons":
                return GetCancellationReasons()
            case "get_rating_categories":
                return GetRatingCategories()
            case _:
                raise BecknInvalid("context.action", f"{action!r} is not an action of a BPP")

    def _init(self, order: messages.Order, quirk: Report) -> Init:
        return Init(
            wish=self._wish(order, quirk),
            billing=self._echo(order.billing, BILLING, quirk),
            customer=self._echo(_fulfillment(order).customer, CUSTOMER, quirk),
        )

    def _confirm(self, order: messages.Order, quirk: Report) -> Confirm:
        fulfillment = _fulfillment(order)
        return Confirm(
            wish=self._wish(order, quirk),
            billing=self._echo(order.billing, BILLING, quirk),
            customer=self._echo(fulfillment.customer, CUSTOMER, quirk),
            payment=self._claim(order.payments[0], quirk) if order.payments else None,
            authorization_token=_token(fulfillment),
        )

    def _wish(self, order: messages.Order, quirk: Report) -> Wish:
        """Return what select, init and confirm share.

        Without a provider the item id stands alone (Q18): it is unique over all of them.
        """
        if len(order.items) != 1:
            raise BecknInvalid(
                f"{ORDER}.items", "must be exactly one: a charging session has one connector"
            )
        if order.provider is None:
            quirk(Quirk.PROVIDER_MISSING)
        item, fulfillment = order.items[0], _fulfillment(order)
        start, end = self._slot(fulfillment.stops, quirk)
        return Wish(
            provider_id=order.provider.id if order.provider else "",
            item_id=item.id,
            quantity=self._quantity(item, quirk),
            start=start,
            end=end,
            fulfillment_id=fulfillment.id,
            offers=_chosen(order, quirk),
            vehicle=self._echo(fulfillment.vehicle, f"{FULFILLMENT}.vehicle", quirk),
            tags=Raw(encode_json(order.tags)) if order.tags else UNSET,
        )

    def _quantity(self, item: messages.Item, quirk: Report) -> Quantity | None:
        """Return how much is wanted: money, energy or time."""
        selected = item.quantity.selected if item.quantity else None
        if selected is None or selected.measure is None:
            return None
        wanted, path = selected.measure, f"{ITEM}.quantity.selected.measure"
        if wanted.value <= 0:
            raise BecknInvalid(f"{path}.value", "must be more than 0")
        measure = Measure(self._units.read(wanted.unit, f"{path}.unit", quirk))
        value = self._units.scaled(wanted.value, wanted.unit)
        if measure is Measure.DURATION and value > LONGEST_S:
            raise BecknInvalid(f"{path}.value", "is longer than 30 days")
        return Quantity(
            measure=measure, value=value, unit=wanted.unit, stated=format(wanted.value, "f")
        )

    def _slot(
        self, stops: messages.Stops, quirk: Report
    ) -> tuple[datetime | None, datetime | None]:
        """Return start and end of charging, by the stops' types, else their places (Q11, Q12)."""
        said = [
            self._stops.read(stop.type, f"{FULFILLMENT}.stops[{place}].type", quirk)
            if stop.type
            else None
            for place, stop in enumerate(stops[:2])
        ]
        regular = None not in said and len(set(said)) == len(said)
        if not regular:
            quirk(Quirk.STOP_TYPE)
        kinds = said if regular else ("START", "END")
        times = {kind: stop.time for kind, stop in zip(kinds, stops, strict=False)}
        first, last = times.get("START", messages.Time()), times.get("END", messages.Time())
        window = first.range or last.range or messages.Range()
        start, end = first.timestamp or window.start, last.timestamp or window.end
        if start is not None and end is not None and end <= start:
            raise BecknInvalid(f"{FULFILLMENT}.stops", "the end is not after the start")
        return start, end

    def _claim(self, payment: messages.Payment, quirk: Report) -> PaymentClaim:
        """Return what the BAP says about the payment, every word in its regular spelling (Q14)."""
        params = payment.params
        status = (
            self._payment_status.read(payment.status, f"{PAYMENT}.status", quirk)
            if payment.status
            else None
        )
        if params.amount is not None and params.amount < 0:
            raise BecknInvalid(f"{PAYMENT}.params.amount", "must not be negative")
        return PaymentClaim(
            id=payment.id,
            collected_by=_regular(
                self._collectors, payment.collected_by, f"{PAYMENT}.collected_by", quirk
            ),
            type=_regular(self._payment_types, payment.type, f"{PAYMENT}.type", quirk),
            amount=params.amount,
            currency=params.currency,
            paid=status == PaymentStatus.PAID,
            method=self._method(payment, quirk),
            source_address=params.source_virtual_payment_address,
            transaction_id=params.transaction_id,
        )

    def _method(self, payment: messages.Payment, quirk: Report) -> str | None:
        """Return the method the driver chose; a list of several is our own offer come back."""
        tags = [tag for group in payment.tags for tag in group.tags if tag.descriptor.code]
        known = [self._payment_methods.find(tag.descriptor.code or "", quirk) for tag in tags]
        chosen = [method for method in known if method is not None]
        return chosen[0] if len(chosen) == 1 else None

    def _update(self, message: Mapping[str, object], reading: Reading) -> Update:
        """Return whether to start or to stop; no other update is known."""
        update = read_as(messages.UpdateMessage, message, "message", reading)
        if update.order.id is None:
            reading.quirk(Quirk.ORDER_ID_MISSING)
        if update.update_target != TARGET:
            if update.update_target and not _TARGETS.fullmatch(update.update_target.strip()):
                raise BecknInvalid("message.update_target", f"only {TARGET} can be updated")
            reading.quirk(Quirk.UPDATE_TARGET)
        fulfillment = update.order.fulfillments[0]
        path = f"{FULFILLMENT}.state.descriptor.code"
        code = fulfillment.state.descriptor.code if fulfillment.state else None
        if code is None:
            raise BecknInvalid(path, "is missing")
        return Update(
            verb=Verb(self._verbs.read(code, path, reading.quirk)),
            order_id=update.order.id,
            authorization_token=_token(fulfillment),
        )

    def _cancel(self, message: messages.OrderReference, quirk: Report) -> Cancel:
        """Return whether to cancel, or to tell what it would cost; and why."""
        said, reason_id = message.descriptor, message.cancellation_reason_id
        step = self._cancel_steps.find(said.code, quirk) if said.code else None
        text = said.short_desc or said.name or (said.code if step is None else None)
        return Cancel(
            order_id=message.order_id,
            reason_id=reason_id,
            reason=text or self._reason(reason_id),
            only_asks=step == "ASK",
        )

    def _reason(self, reason_id: str | None) -> str | None:
        """Return what a reason of ours says; one that nobody knows says nothing."""
        try:
            reason = None if reason_id is None else self._reasons.to_ocpi(reason_id)
        except UnknownCode:
            return None
        return None if reason is None else self._reasons.name_of(reason)

    def _rating(self, message: Mapping[str, object], reading: Reading) -> Rating:
        ratings = read_as(messages.RatingMessage, message, "message", reading).ratings
        return Rating(
            ratings=tuple(
                RatingItem(
                    id=rating.id,
                    category=self._rated.regular(
                        rating.rating_category,
                        f"message.ratings[{place}].rating_category",
                        reading.quirk,
                    ),
                    value=rating.value,
                )
                for place, rating in enumerate(ratings)
            )
        )


def _order(message: Mapping[str, object], reading: Reading) -> messages.Order:
    return read_as(messages.OrderMessage, message, "message", reading).order


def _fulfillment(order: messages.Order) -> messages.Fulfillment:
    """Return the only fulfillment; a wish need not have one, its id does not matter (Q8)."""
    return order.fulfillments[0] if order.fulfillments else messages.Fulfillment()


def _chosen(order: messages.Order, quirk: Report) -> tuple[str, ...]:
    """Return the ids of the chosen offers; some stand in the item (use cases, 13)."""
    nested = order.items[0].offers
    if nested:
        quirk(Quirk.OFFER_IN_ITEM)
    return tuple(dict.fromkeys(offer.id for offer in (*order.offers, *nested)))


def _token(fulfillment: messages.Fulfillment) -> str | None:
    """Return the token of the first stop that has one."""
    said = (stop.authorization.token for stop in fulfillment.stops if stop.authorization)
    return next((token for token in said if token), None)


def _regular(words: WordReader, word: str | None, path: str, quirk: Report) -> str | None:
    return None if word is None else words.regular(word, path, quirk)


def _reference(message: Mapping[str, object], reading: Reading) -> messages.OrderReference:
    return read_as(messages.OrderReference, message, "message", reading)


def _track(message: messages.OrderReference) -> Track:
    return Track(order_id=message.order_id, callback_url=message.callback_url)


def _support(message: Mapping[str, object], reading: Reading) -> Support:
    asked = read_as(messages.SupportMessage, message, "message", reading).support
    return Support(
        ref_id=asked.ref_id, phone=asked.callback_phone or asked.phone, email=asked.email
    )
