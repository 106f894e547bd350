"""Where a Beckn message names a person, and the message without that (core 1.1.0 Order)."""

from __future__ import annotations

import json
from typing import Final

_PERSONAL: Final = frozenset(
    {"billing", "customer", "vehicle", "source_virtual_payment_address", "authorization"}
)
"""Fields that are about a person wherever they stand; each may be missing."""


def impersonal(body: bytes) -> bytes:
    """Return an encoded message without the fields that name a person.

    Its context stays as it is, to the byte if nothing was taken away.
    """
    message = json.loads(body)
    stripped = _without(message)
    if stripped == message:
        return body
    return json.dumps(stripped, ensure_ascii=False, separators=(",", ":")).encode()


def _without(node: object) -> object:
    if isinstance(node, dict):
        return {name: _without(value) for name, value in node.items() if name not in _PERSONAL}
    return [_without(each) for each in node] if isinstance(node, list) else node
