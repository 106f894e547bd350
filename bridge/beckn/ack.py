"""What a request is answered with at once: ACK, or NACK with the reason."""

from __future__ import annotations

import msgspec

from bridge.errors import BadInput, BridgeError

_ACK = msgspec.json.encode({"message": {"ack": {"status": "ACK"}}})


def ack() -> bytes:
    """Return the body that promises a callback."""
    return _ACK


def nack(error: BridgeError) -> bytes:
    """Return the body that says why there will be no callback.

    The code is a string, ``paths`` names the field (core 1.1.0 Error). What is wrong inside the
    bridge is none of the sender's business.
    """
    return msgspec.json.encode({"message": {"ack": {"status": "NACK"}}, "error": error_part(error)})


def error_part(error: BridgeError) -> dict[str, str]:
    """Return an ``error`` object as NACKs and callbacks carry it."""
    if error.retryable:
        reason = "not possible at the moment, try again later"
        return {"code": error.beckn_code, "message": reason}
    part = {"code": error.beckn_code, "message": str(error)}
    if isinstance(error, BadInput) and error.path:
        part["paths"] = error.path
    return part
