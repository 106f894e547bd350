"""What a receiver's NACK says, in each of the forms that are out there."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

SAID: Final = 500
"""Letters of a NACK's error that are kept."""

PLACES: Final = 20
"""Faults of a message that are kept of a NACK."""


class Refusal(NamedTuple):
    """A NACK.

    Args:
        words: code and text of its error.
        places: where in our message a schema failed, JSON pointers (protocol-server).
    """

    words: str
    places: tuple[str, ...] = ()


class _Ack(msgspec.Struct, frozen=True):
    status: str = ""


class _AckMessage(msgspec.Struct, frozen=True):
    ack: _Ack = _Ack()
    status: str = ""
    error: Raw = Raw()


class _AckBody(msgspec.Struct, frozen=True):
    """An ACK or NACK: core has ``error`` beside ``message``, beckn-onix inside it.

    protocol-server has it beside, its code a number; from Beckn 2.0 on ``message`` is the status.
    """

    message: _AckMessage = _AckMessage()
    error: Raw = Raw()


class _Words(msgspec.Struct, frozen=True):
    code: str | int = ""
    message: str = ""


class _Fault(msgspec.Struct, frozen=True):
    place: str = msgspec.field(name="instanceLocation", default="")


class _Faults(msgspec.Struct, frozen=True):
    data: list[_Fault] = []


def read_refusal(answer: bytes) -> Refusal | None:
    """Return what a NACK says; None when the answer is not one."""
    try:
        body = msgspec.json.decode(answer, type=_AckBody)
    except (ValueError, RecursionError):
        return None
    if "NACK" not in (body.message.ack.status.upper(), body.message.status.upper()):
        return None
    error = body.error if bytes(body.error) else body.message.error
    return Refusal(words_of(error) or "no reason given", _places(error))


def words_of(error: Raw) -> str:
    """Return code and text of an error, whatever shape the peer gave it."""
    try:
        fault = msgspec.json.decode(error, type=_Words)
    except (ValueError, RecursionError):
        return bytes(error).decode(errors="replace")[:SAID]
    return f"{fault.code} {fault.message}".strip()[:SAID]


def _places(error: Raw) -> tuple[str, ...]:
    try:
        faults = msgspec.json.decode(error, type=_Faults).data
    except (ValueError, RecursionError):
        return ()
    return tuple(dict.fromkeys(fault.place for fault in faults if fault.place))[:PLACES]
