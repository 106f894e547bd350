"""What can happen to an order: one struct for each kind of event, queued in Redis per order."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bridge.ocpi.commands import CommandResponseType, CommandResultType
from bridge.ocpi.locations import Status
from bridge.ocpi.sessions import ChargingPreferencesResponse
from bridge.orders.intents import Intent, Request
from bridge.orders.order import SessionKey
from bridge.orders.payments import PaymentEvent


class BecknJob(msgspec.Struct, frozen=True, kw_only=True, tag="beckn"):
    """A Beckn request that was ACKed.

    Args:
        order: its ``message.order``, kept where an error may have to be told beside it.
    """

    request: Request
    intent: Intent
    order: Raw | UnsetType = UNSET


class SessionJob(msgspec.Struct, frozen=True, kw_only=True, tag="session"):
    """A Session of the order was pushed or pulled; its state is in the object store."""

    session: SessionKey
    at: datetime


class CdrJob(msgspec.Struct, frozen=True, kw_only=True, tag="cdr"):
    """A CDR of the order arrived."""

    cdr: SessionKey
    at: datetime


class CommandResponseJob(msgspec.Struct, frozen=True, kw_only=True, tag="command_response"):
    """The CPO answered the command's POST, or did not.

    Args:
        result: None when no CommandResponse came: refused connection, time-out, OCPI error.
        sent: False when it is certain that nothing left.
        code: OCPI status_code of an answer that was no CommandResponse.
        timeout_s: how long to wait for the CommandResult.
    """

    command_id: str
    at: datetime
    result: CommandResponseType | None = None
    sent: bool = True
    code: int | None = None
    timeout_s: int = 0
    reason: str = ""


class CommandResultJob(msgspec.Struct, frozen=True, kw_only=True, tag="command_result"):
    """The charge point's answer to a command."""

    command_id: str
    result: CommandResultType
    at: datetime
    reason: str = ""


class TokenJob(msgspec.Struct, frozen=True, kw_only=True, tag="token"):
    """The token of the order was pushed to its CPO, or should have been.

    Args:
        taken: the CPO has it, or may have it.
    """

    taken: bool
    at: datetime
    reason: str = ""


class PreferencesJob(msgspec.Struct, frozen=True, kw_only=True, tag="preferences"):
    """The CPO was told what the driver wishes.

    Args:
        result: None when no answer could be used; ``reason`` says why.
    """

    session_id: str
    at: datetime
    result: ChargingPreferencesResponse | None = None
    reason: str = ""


class EvseJob(msgspec.Struct, frozen=True, kw_only=True, tag="evse"):
    """The EVSE of a running order changed its status."""

    status: Status
    at: datetime


class DeadlineJob(msgspec.Struct, frozen=True, kw_only=True, tag="deadline"):
    """A deadline of the order has passed."""

    name: str
    at: datetime


class ErrandJob(msgspec.Struct, frozen=True, kw_only=True, tag="errand"):
    """What became of an errand, where the order cares.

    Args:
        errand_id: tells which; the order may have a newer one of its kind.
        kind: as ``kind_of`` words it.
        done: False: it was given up, ``reason`` says why.
    """

    errand_id: str
    kind: str
    done: bool
    at: datetime
    reason: str = ""


class MemberUseJob(msgspec.Struct, frozen=True, kw_only=True, tag="member_use"):
    """A charging order that a membership made cheaper was settled, or settled anew."""

    at: datetime


class PaymentJob(msgspec.Struct, frozen=True, kw_only=True, tag="payment"):
    """The gateway told something of the order's payment."""

    event: PaymentEvent
    at: datetime


Job = (
    BecknJob
    | SessionJob
    | CdrJob
    | CommandResponseJob
    | CommandResultJob
    | TokenJob
    | PreferencesJob
    | EvseJob
    | DeadlineJob
    | ErrandJob
    | MemberUseJob
    | PaymentJob
)
