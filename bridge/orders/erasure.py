"""What an order knows of a person, and the order without it (decisions 29).

Gone are billing, customer, vehicle, the tags of the BAP, the address a payment is collected at, the
one-time password and free words. What stays is accounting: quote, bill, payment, ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from bridge.orders import intents
from bridge.orders.customer import regular_email, regular_phone
from bridge.orders.intents import Echo, Intent
from bridge.orders.order import Cancellation, Order, Payment
from bridge.orders.pass_order import PassOrder, PassState, state_at
from bridge.orders.transitions import OVER, PLACED

_SHORTEST_WORD: Final = 4
"""Shorter values of billing or customer tell nobody, and would be found in any text."""


class Contacts(NamedTuple):
    """Phone numbers and e-mail addresses, in the form that is compared."""

    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()

    def meet(self, others: Contacts) -> bool:
        """Tell whether both have one in common."""
        return bool(self.phones & others.phones or self.emails & others.emails)


def contacts_in(document: object) -> Contacts:
    """Return every ``phone`` and ``email`` of a decoded JSON document, at any depth."""
    phones, emails = set[str](), set[str]()
    for name, text in _leaves(document, ""):
        if name == "phone" and (phone := regular_phone(text)):
            phones.add(phone)
        elif name == "email" and (email := regular_email(text)):
            emails.add(email)
    return Contacts(frozenset(phones), frozenset(emails))


def contacts_of(order: Order | PassOrder) -> Contacts:
    """Return whom an order names."""
    return contacts_in([_decoded(order.billing), _decoded(order.customer)])


def words_of(order: Order | PassOrder) -> frozenset[str]:
    """Return what must stand in no text about the order, as the BAP wrote it."""
    words = {text for _, text in _leaves([_decoded(order.billing), _decoded(order.customer)], "")}
    if isinstance(order, Order):
        words |= {text for name, text in _leaves(_decoded(order.vehicle), "") if name in _PLATE}
    if order.payment is not None:
        words.add(order.payment.source_address or "")
    return frozenset(word for word in words if len(word) >= _SHORTEST_WORD)


_PLATE: Final = frozenset({"registration"})


def known_of(order: Order | PassOrder) -> tuple[str, ...]:
    """Return the names of what an order knows of a person."""
    known = {
        "billing": order.billing is not UNSET,
        "customer": order.customer is not UNSET,
        "payment address": order.payment is not None and order.payment.source_address is not None,
        "reason of cancellation": order.cancellation is not None
        and bool(order.cancellation.reason),
    }
    if isinstance(order, Order):
        known |= {
            "vehicle": order.vehicle is not UNSET,
            "tags": order.tags is not UNSET,
            "one-time password": order.otp is not None,
            "live callback": order.callback_url is not None,
        }
    return tuple(name for name, is_known in known.items() if is_known)


def is_unfinished(order: Order | PassOrder, now: datetime) -> bool:
    """Tell whether somebody still needs the person: what is placed or paid, and not over."""
    if isinstance(order, PassOrder):
        return order.bound and state_at(order, now) not in (PassState.EXPIRED, PassState.CANCELLED)
    paid = order.payment is not None and order.payment.confirmed
    return (order.state in PLACED or paid) and order.state not in OVER


def forgotten(order: Order | PassOrder) -> Order | PassOrder:
    """Return the order without the person; a bill that comes later is made all the same."""
    if isinstance(order, PassOrder):
        return replace(
            order,
            billing=UNSET,
            customer=UNSET,
            payment=_unaddressed(order.payment),
            cancellation=_unsaid(order.cancellation),
        )
    return replace(
        order,
        billing=UNSET,
        customer=UNSET,
        vehicle=UNSET,
        tags=UNSET,
        otp=None,
        callback_url=None,
        payment=_unaddressed(order.payment),
        cancellation=_unsaid(order.cancellation),
    )


def intent_forgotten(intent: Intent) -> Intent:
    """Return a request that waits to be handled, without the person."""
    match intent:
        case intents.Select():
            return replace(intent, wish=_bare(intent.wish))
        case intents.Init():
            return replace(intent, wish=_bare(intent.wish), billing=UNSET, customer=UNSET)
        case intents.Confirm(payment=claim):
            return replace(
                intent,
                wish=_bare(intent.wish),
                billing=UNSET,
                customer=UNSET,
                payment=None if claim is None else replace(claim, source_address=None),
                authorization_token=None,
            )
        case intents.Update():
            return replace(intent, authorization_token=None)
        case intents.Track():
            return replace(intent, callback_url=None)
        case intents.Cancel():
            return replace(intent, reason=None)
        case intents.Support():
            return replace(intent, phone=None, email=None)
        case intents.Search() | intents.Status() | intents.Rating():
            return intent
        case intents.GetCancellationReasons() | intents.GetRatingCategories():
            return intent


def _bare(wish: intents.Wish) -> intents.Wish:
    return replace(wish, vehicle=UNSET, tags=UNSET)


def _unaddressed(payment: Payment | None) -> Payment | None:
    return None if payment is None else replace(payment, source_address=None)


def _unsaid(cancellation: Cancellation | None) -> Cancellation | None:
    return None if cancellation is None else replace(cancellation, reason=None)


def _decoded(part: Echo) -> Any:
    return None if isinstance(part, UnsetType) else json.loads(bytes(Raw(part)))


def _leaves(node: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield each text of a document with the name of its field."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, str(key))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, name)
    elif isinstance(node, str):
        yield name, node
