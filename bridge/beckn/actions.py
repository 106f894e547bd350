"""The requests of Beckn 1.1.0 that a BPP gets, and the callback that answers each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ACTIONS: Final = frozenset(
    {
        *("search", "select", "init", "confirm", "update"),
        *("status", "track", "cancel", "rating", "support"),
    }
)
"""What a BAP may ask of a BPP (transaction API)."""

META: Final[Mapping[str, str]] = {
    "get_cancellation_reasons": "cancellation_reasons",
    "get_rating_categories": "rating_categories",
}
"""What it may ask besides, and the callback of each (meta API): no ``on_``, and no ``message`` in
the request."""

REQUESTS: Final = ACTIONS | META.keys()
"""All that is read."""

NOT_APPLICABLE: Final = frozenset({"get_return_reasons"})
"""Requests of the meta API that make no sense here: no driver brings energy back."""

META_CALLBACKS: Final = frozenset(META.values())


def callback_of(action: str) -> str:
    """Return the action of the callback that answers a request."""
    return META.get(action) or f"on_{action}"


def in_layer2(action: str) -> bool:
    """Return whether a network's layer-2 file has to know an action: none draws the meta API."""
    return action not in META and action not in META_CALLBACKS
