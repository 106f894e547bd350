"""How deep a JSON document may be nested, on either side of the bridge."""

from __future__ import annotations

from typing import Final

MAX_DEPTH: Final = 64
"""Nesting of objects and lists that is read; no message of either standard comes near it."""


def is_too_deep(value: object, levels: int = MAX_DEPTH) -> bool:
    """Tell whether a document has more levels than that, without recursion of our own."""
    layer = [value]
    for _ in range(levels):
        layer = [
            child
            for parent in layer
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return any(isinstance(child, (dict, list)) for child in layer)
