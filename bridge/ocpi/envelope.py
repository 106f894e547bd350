"""The envelope around every OCPI answer (OCPI 2.2.1 transport_and_format, response format)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from bridge.ocpi.codec import decode, encode
from bridge.ocpi.types import Int

SUCCESS: Final = 1000
CLIENT_ERROR: Final = 2000
INVALID_PARAMETERS: Final = 2001
NOT_ENOUGH_INFORMATION: Final = 2002
UNKNOWN_LOCATION: Final = 2003
UNKNOWN_TOKEN: Final = 2004
SERVER_ERROR: Final = 3000
CLIENT_API_UNUSABLE: Final = 3001
UNSUPPORTED_VERSION: Final = 3002
ENDPOINTS_MISSING: Final = 3003
HUB_ERROR: Final = 4000
UNKNOWN_RECEIVER: Final = 4001
FORWARD_TIMEOUT: Final = 4002
FORWARD_FAILED: Final = 4003

ABSENT: Final = msgspec.UNSET
"""Stands where an answer has no ``data``."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer. ``data`` is untyped JSON, or ABSENT; a null counts as ABSENT."""

    data: object = ABSENT
    status_code: Int
    status_message: str | None = None
    timestamp: datetime

    @property
    def ok(self) -> bool:
        """Whether the status code is one of success."""
        return 1000 <= self.status_code < 2000


def success(data: object = ABSENT, *, nulls: bool = False) -> bytes:
    """Write an answer of success, now; without ``data`` the key is left out.

    ``nulls``: what is absent in the objects of ``data`` is written as null.
    """
    answer = Envelope(data=data, status_code=SUCCESS, timestamp=datetime.now(UTC))
    return encode(answer, nulls=nulls and data is not ABSENT)


def failure(status_code: int, message: str) -> bytes:
    """Write an answer of failure, now; it never has ``data``."""
    return encode(
        Envelope(status_code=status_code, status_message=message, timestamp=datetime.now(UTC))
    )


def open_envelope(body: bytes) -> Envelope:
    """Read a peer's answer. Raises NotJson, or OcpiInvalid when it is no envelope."""
    return decode(body, Envelope)
