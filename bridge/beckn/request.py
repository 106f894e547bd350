"""The context of a Beckn request, read: whom to answer, and under which ids."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Raw

from bridge.beckn.actions import callback_of


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every answer needs to know of its request.

    Args:
        action: ``search`` ... ``support``, ``get_rating_categories``: never that of a callback.
        dialect: name of the dialect that reads and answers it.
        context: the context as received; what must be echoed is echoed from here.
        received_at: when the bridge got it; ``ttl_s`` counts from here (decisions 5).
        ttl_s: seconds the BAP waits; None when the context names no usable ttl.
    """

    action: str
    dialect: str
    domain: str
    version: str
    bap_id: str
    bap_uri: str
    transaction_id: str
    message_id: str
    context: Raw
    received_at: datetime
    ttl_s: float | None = None

    @property
    def callback(self) -> str:
        """The action of what answers it."""
        return callback_of(self.action)
