"""What is to be sent to a CPO for an order: written down first, sent by a worker."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Raw

from bridge.ocpi.commands import CommandType
from bridge.ocpi.headers import Party
from bridge.ocpi.sessions import ChargingPreferences
from bridge.ocpi.tokens import Token


class _Plan(msgspec.Struct, frozen=True, kw_only=True, tag_field="plan"):
    """What all plans have.

    Args:
        party: the CPO party that owns the Location.
        correlation_id: one for all calls of the Beckn transaction (X-Correlation-ID).
    """

    cpo_id: str
    party: Party
    order_key: str
    correlation_id: str


class CommandPlan(_Plan, frozen=True, kw_only=True, tag="command"):
    """An OCPI command (mod_commands, Receiver).

    Args:
        id: last segment of its response_url; unguessable.
        body: the OCPI object as JSON, without response_url (the sender knows our address).
        until: when the order gives it up; None = it is to be sent whatever became of the order.
    """

    id: str
    type: CommandType
    body: Raw
    until: datetime | None = None


class TokenPlan(_Plan, frozen=True, kw_only=True, tag="token"):
    """The token of an order, for a CPO that keeps our tokens (mod_tokens, Receiver).

    Args:
        token: PUT whole while it is valid; then a PATCH says that it is not.
    """

    token: Token


class PreferencesPlan(_Plan, frozen=True, kw_only=True, tag="preferences"):
    """What the driver wishes of a session (mod_sessions, Sender: charging_preferences)."""

    session_id: str
    preferences: ChargingPreferences


Plan = CommandPlan | TokenPlan | PreferencesPlan
"""An entry of a command lane; those of one order leave in their order."""
