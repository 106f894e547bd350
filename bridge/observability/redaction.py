"""What must not be read in the log or a trace: persons, and secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias
from uuid import UUID

Shown: TypeAlias = "str | bool | int | float | dict[str, Shown] | list[Shown] | None"

_MASK = "***"

# Compared without case, dashes and underscores, so Beckn, OCPI and HTTP spellings are one. Of a
# billing or customer block nothing is shown at all: its names are as personal as its numbers.
_PRIVATE = {
    "authorization",
    "bankaccountnumber",
    "billing",
    "contact",
    "customer",
    "gstin",
    "person",
    "sourcevirtualpaymentaddress",
    "tokena",
    "tokenb",
    "tokenc",
    "upiaddress",
    "virtualpaymentaddress",
}
_PRIVATE_ENDINGS = ("email", "mobile", "otp", "password", "phone", "secret", "taxid", "taxnumber")

# In running text (a URL, a library's message): user and password of a URL, an Authorization
# header, an e-mail address, a telephone number with its country.
_PRIVATE_TEXT = re.compile(
    r"(?<=://)[^/@\s]+(?=@)"
    r"|\b(?:Token|Bearer|Basic|Signature)\s+[\w+/=.-]{12,}"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\+\d[\d -]{7,}\d"
)


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Mask what is personal or secret, at any depth; a structlog processor."""
    return {name: _MASK if _private(name) else _shown(value) for name, value in event.items()}


def shown_text(text: str) -> str:
    """Return running text without what is personal or secret in it."""
    return _PRIVATE_TEXT.sub(_MASK, text)


def _private(name: str) -> bool:
    plain = re.sub("[-_. ]", "", name).lower()
    return plain in _PRIVATE or plain.endswith((*_PRIVATE_ENDINGS, "token"))


def _shown(value: object) -> Shown:
    """Return what may stand in the log; of an object that could hold anything, its type only."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return shown_text(value)
        case Mapping():
            return {str(k): _MASK if _private(str(k)) else _shown(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown(item) for item in value]
        case Decimal() | date() | UUID() | Enum() | PurePath() | BaseException():
            return shown_text(str(value))
        case _:
            return f"<{type(value).__name__}>"
