"""What dialects of Beckn 1.1.0 answer alike; their words and field maps are their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from bridge.beckn.ack import error_part
from bridge.beckn.quirks import Report
from bridge.catalog.fragments import ProviderPart, Window
from bridge.dialects.v1.catalogue import Catalogue
from bridge.dialects.v1.live import live_patch
from bridge.dialects.v1.meta import MetaRenderer
from bridge.dialects.v1.order import OrderRenderer
from bridge.dialects.v1.parse import Parser
from bridge.errors import BridgeError
from bridge.mapping import Mappings
from bridge.ocpi.locations import Location
from bridge.orders.intents import Intent
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order
from bridge.orders.terms import Offer, Surcharge


class DialectV1:
    """A dialect without passes; a subclass says its name, its domain and who renders what."""

    name: str
    domain: str
    versions = frozenset({"1.1.0", "1.0.0"})
    """The pages say 1.0.0 in track."""

    def __init__(
        self, mappings: Mappings, parser: Parser, catalogue: Catalogue, orders: OrderRenderer
    ) -> None:
        self._parser = parser
        self._catalogue = catalogue
        self._orders = orders
        self._meta = MetaRenderer(mappings, self.name)
        self._tracking = mappings.fields(self.name, "tracking")
        self._tracked = mappings.table(self.name, "tracking_status")
        self._form = mappings.fields(self.name, "feedback_form")
        self._support = mappings.fields(self.name, "support")

    def parse(self, action: str, message: Mapping[str, object], quirk: Report) -> Intent:
        """Read the ``message`` of a request.

        Raises:
            BecknInvalid: naming the field that is wrong.
        """
        return self._parser.parse(action, message, quirk)

    def fulfillment_id(self, location: Location) -> str:
        """Return the id of the Location's charging fulfillment; stable over searches."""
        return self._catalogue.fulfillment_id(location)

    def location_fragment(self, location: Location) -> bytes:
        """Encode ``providers[].locations[]``."""
        return self._catalogue.location_fragment(location)

    def fulfillment_fragment(self, location: Location, windows: Sequence[Window]) -> bytes:
        """Encode ``providers[].fulfillments[]``."""
        return self._catalogue.fulfillment_fragment(location, windows)

    def item_fragment(self, item: ChargingItem, surcharges: Sequence[Surcharge] = ()) -> bytes:
        """Encode ``providers[].items[]``, with the surcharges that are for it."""
        return self._catalogue.item_fragment(item, surcharges)

    def offer_fragment(self, offer: Offer) -> bytes:
        """Encode ``providers[].offers[]``."""
        return self._catalogue.offer_fragment(offer)

    def catalog_message(self, parts: Sequence[ProviderPart]) -> bytes:
        """Join fragments to the ``message`` of one on_search."""
        return self._catalogue.catalog_message(parts)

    def render_order(self, action: str, order: Order, now: datetime) -> bytes:
        """Return ``{"order": ...}``: the order as it stands."""
        return self._orders.render(action, order, now)

    def render_tracking(self, order: Order, url: str | None) -> bytes:
        """Return the ``message`` of on_track."""
        session = order.session
        facts = {
            "id": None if session is None else f"TRACK-{session.id}",
            "url": url,
            "status": self.tracking_status(order),
        }
        tracking = self._tracking.render({"order": order, "facts": facts})
        return msgspec.json.encode({"tracking": tracking})

    def tracking_status(self, order: Order) -> str | None:
        """Return whether an order can be tracked."""
        return self._tracked.to_beckn(order.state)

    def render_rating(self, feedback_url: str | None) -> bytes:
        """Return the ``message`` of on_rating, with a form when there is one."""
        if feedback_url is None:
            return b"{}"
        form = self._form.render({"facts": {"url": feedback_url}})
        return msgspec.json.encode({"feedback_form": form})

    def render_support(
        self, ref_id: str, phone: str | None, email: str | None, url: str | None
    ) -> bytes:
        """Return the ``message`` of on_support."""
        facts = {"ref_id": ref_id, "phone": self.support_phone(phone), "email": email, "url": url}
        return msgspec.json.encode({"support": self._support.render({"facts": facts})})

    def support_phone(self, phone: str | None) -> str | None:
        """Return the phone of a help desk, as the operator wrote it."""
        return phone

    def render_rating_categories(self) -> bytes:
        """Return the ``message`` of rating_categories."""
        return self._meta.rating_categories

    def render_cancellation_reasons(self) -> bytes:
        """Return the ``message`` of cancellation_reasons."""
        return self._meta.cancellation_reasons

    def render_error(self, error: BridgeError) -> bytes:
        """Return the ``error`` object of a callback."""
        return msgspec.json.encode(error_part(error))

    def error_message(self, action: str) -> bytes | None:
        """Return the ``message`` beside ``error``; core 1.1.0 demands one in on_rating only."""
        return b"{}" if action == "on_rating" else None

    def render_live(self, previous: Order | None, order: Order) -> bytes | None:
        """Return the body of the PATCH to a track callback_url, None when nothing changed."""
        return live_patch(None if previous is None else previous.session, order.session)
