"""What a Beckn dialect has to offer: read requests, word callbacks. Dialects are siblings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bridge.catalog.fragments import FragmentRenderer, PassFragments
from bridge.errors import BridgeError
from bridge.orders.intents import Intent
from bridge.orders.order import Order
from bridge.orders.pass_order import PassOrder

Quirk = Callable[[str], None]
"""Called with the name of every leniency that reading a message needed."""


class PassDialect(PassFragments, Protocol):
    """How a dialect words everything about loyalty passes."""

    def render(self, order: PassOrder, now: datetime) -> bytes:
        """Return the ``message`` of whatever answers about a pass: the order as it stands."""
        ...


class Dialect(FragmentRenderer, Protocol):
    """One domain and its versions on the wire; pure functions over JSON."""

    @property
    def domain(self) -> str:
        """``context.domain`` of its messages, e.g. ``deg:ev-charging``."""
        ...

    @property
    def versions(self) -> frozenset[str]:
        """Accepted values of ``context.version``; the answer repeats the request's."""
        ...

    @property
    def passes(self) -> PassDialect | None:
        """How it words passes; None where it has no place for them, so that none are sold."""
        ...

    def parse(self, action: str, message: Mapping[str, object], quirk: Quirk) -> Intent:
        """Read the ``message`` of a request.

        Raises:
            BecknInvalid: the shape is wrong; ``path`` starts with ``message.``.
        """
        ...

    def render_order(self, action: str, order: Order, now: datetime) -> bytes:
        """Return the ``message`` of on_select, on_init ... on_update, on_cancel.

        JSON bytes ``{"order": {...}}``, valid against core 1.1.0; what belongs in follows from the
        action and from what the order already holds.
        """
        ...

    def render_tracking(self, order: Order, url: str | None) -> bytes:
        """Return the ``message`` of on_track."""
        ...

    def render_rating(self, feedback_url: str | None) -> bytes:
        """Return the ``message`` of on_rating."""
        ...

    def render_support(
        self, ref_id: str, phone: str | None, email: str | None, url: str | None
    ) -> bytes:
        """Return the ``message`` of on_support."""
        ...

    def render_rating_categories(self) -> bytes:
        """Return the ``message`` of rating_categories: what a rating may be about."""
        ...

    def render_cancellation_reasons(self) -> bytes:
        """Return the ``message`` of cancellation_reasons: what a cancel may name."""
        ...

    def render_nothing_found(self) -> bytes | None:
        """Return the ``message`` of on_search when nothing fits; None = none is sent."""
        ...

    def render_error(self, error: BridgeError) -> bytes:
        """Return the ``error`` object of a callback: code (string) and message."""
        ...

    def error_message(self, action: str) -> bytes | None:
        """Return the ``message`` beside an ``error``: on_rating needs ``{}`` (decisions 9)."""
        ...

    def render_live(self, previous: Order | None, order: Order) -> bytes | None:
        """Return the body of the PATCH to a track callback_url: changed Session fields only.

        None when nothing changed. Use case 1, track; the body is part of an OCPI Session.
        """
        ...


Dialects = Sequence[Dialect]
