"""Layer-2 files for tests: a small one to be spoiled, and the one that ships for ``deg``."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bridge.beckn.layer2 import Layer2, Violation
from bridge.sandbox.bap import DOMAINS
from bridge.settings.layer2 import document_of
from tests.reference import shared_path

DEG_FILE = Path(__file__).resolve().parents[1] / "config/layer2/deg_ev-charging_1.1.0.yaml"

DEG = Layer2(document_of(DEG_FILE), source=DEG_FILE.name, protocol_server=True)
"""What every message of the dialect ``deg`` has to pass."""

UEI_FILE = "data/layer2/ev-charging_uei_1.1.0.corrected.yaml"
"""The published file of ``uei``, mended; part of the reference material."""

ERROR_ALONE = frozenset({"on_search", "on_select", "on_init", "on_confirm"})
"""Callbacks that ``UEI_FILE`` wants a message of, and that have none with an error (decisions 9).

on_rating is one of them too, but for its empty message.
"""


@cache
def uei() -> Layer2 | None:
    """Return what every message of the dialect ``uei`` has to pass; None without the material."""
    shared = shared_path(os.environ)
    if shared is None:
        return None
    return Layer2(document_of(shared / UEI_FILE), source=UEI_FILE, protocol_server=True)


def violation_of(message: Mapping[str, Any]) -> Violation | None:
    """Return what a message of the bridge breaks in the layer 2 of its domain."""
    context = message["context"]
    action: str = context["action"]
    if context["domain"] == DOMAINS["deg"]:
        return DEG.violation(action, message)
    if "error" in message and action in ERROR_ALONE:
        return None
    layer2 = uei()
    return None if layer2 is None else layer2.violation(action, message)


Document = dict[str, Any]

CONTEXT: Document = {
    "type": "object",
    "properties": {
        "action": {"type": "string"},
        "bap_id": {"type": "string"},
        "transaction_id": {"type": "string"},
        "message_id": {"type": "string"},
        "ttl": {"type": "string"},
    },
    "required": ["action", "ttl"],
}

ORDER: Document = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 8},
        "payments": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["id"],
}


def body(message: Document) -> Document:
    """Return a path whose request body is a context and this message."""
    schema = {
        "type": "object",
        "properties": {
            "context": {"$ref": "#/components/schemas/Context"},
            "message": {"type": "object", "properties": message, "required": list(message)},
        },
        "required": ["context", "message"],
    }
    return {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}


def document(change: Callable[[Document], None] = lambda whole: None) -> Document:
    """Return the file, changed in place."""
    whole: Document = {
        "openapi": "3.1.0",
        "paths": {
            "/search": body({"intent": {"type": "object"}}),
            "/on_update": body({"order": {"$ref": "#/components/schemas/Order"}}),
        },
        "components": {"schemas": {"Context": CONTEXT, "Order": ORDER}},
    }
    whole = copy.deepcopy(whole)
    change(whole)
    return whole


def ttl_is_an_instant(whole: Document) -> None:
    """Type the ttl as the published file of one network does."""
    whole["components"]["schemas"]["Context"]["properties"]["ttl"]["format"] = "date-time"


def context_is_closed(whole: Document) -> None:
    """Let the context have no further keys."""
    whole["components"]["schemas"]["Context"]["additionalProperties"] = False


def condition_is_misplaced(whole: Document) -> None:
    """Put a condition on payments beside their list instead of into it."""
    rule = {
        "if": {"properties": {"type": {"const": "PRE-ORDER"}}},
        "then": {"required": ["params"]},
    }
    whole["components"]["schemas"]["Order"]["properties"]["payments"]["allOf"] = [rule]
