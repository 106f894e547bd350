"""OCPI 2.2.1 mod_commands: what the eMSP asks a CPO to do, and the two answers."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from bridge.ocpi.tokens import Token
from bridge.ocpi.types import URL, CiString36, DisplayText, Int


class CommandType(enum.StrEnum):
    """The last segment of the URL a command is POSTed to."""

    CANCEL_RESERVATION = "CANCEL_RESERVATION"
    RESERVE_NOW = "RESERVE_NOW"
    START_SESSION = "START_SESSION"
    STOP_SESSION = "STOP_SESSION"
    UNLOCK_CONNECTOR = "UNLOCK_CONNECTOR"


class CommandResponseType(enum.StrEnum):
    """The CPO's immediate answer; a CommandResult follows only after ACCEPTED."""

    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class CommandResultType(enum.StrEnum):
    """The charge point's answer."""

    ACCEPTED = "ACCEPTED"
    CANCELED_RESERVATION = "CANCELED_RESERVATION"
    EVSE_OCCUPIED = "EVSE_OCCUPIED"
    EVSE_INOPERATIVE = "EVSE_INOPERATIVE"
    FAILED = "FAILED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"


class CommandResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The immediate answer; after ``timeout`` seconds no result is to be expected any more."""

    result: CommandResponseType
    timeout: Int
    message: tuple[DisplayText, ...] = ()


class CommandResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the CPO POSTs to the ``response_url``. ACCEPTED does not say that charging started."""

    result: CommandResultType
    message: tuple[DisplayText, ...] = ()


class StartSession(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Start charging with a token that is already authorized; a connector needs its EVSE."""

    response_url: URL
    token: Token
    location_id: CiString36
    evse_uid: CiString36 | None = None
    connector_id: CiString36 | None = None
    authorization_reference: CiString36 | None = None

    def __post_init__(self) -> None:
        if self.connector_id and not self.evse_uid:
            raise ValueError("evse_uid is required with connector_id")


class StopSession(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Stop the session the CPO knows under ``session_id``."""

    response_url: URL
    session_id: CiString36


class ReserveNow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reserve until ``expiry_date``; the same ``reservation_id`` again replaces it."""

    response_url: URL
    token: Token
    expiry_date: datetime
    reservation_id: CiString36
    location_id: CiString36
    evse_uid: CiString36 | None = None
    authorization_reference: CiString36 | None = None


class CancelReservation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Give a reservation back."""

    response_url: URL
    reservation_id: CiString36


class UnlockConnector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Free a stuck plug; for help desks, never for a driver directly."""

    response_url: URL
    location_id: CiString36
    evse_uid: CiString36
    connector_id: CiString36
