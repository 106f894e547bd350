"""A CPO to be called: requests made of what the operator set and what its connection says."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.clients.ocpi import TIMEOUTS, Call, Timeouts
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed, PartyAway
from bridge.flows.register import Overrides, with_overrides
from bridge.ocpi.answers import ACKNOWLEDGEMENT, Due
from bridge.ocpi.connection import Connection
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ConnectionStatus
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.ocpi.urls import closed, join, with_query


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpo:
    """What the operator set about calls to a CPO."""

    id: str
    overrides: Overrides = field(default_factory=dict)
    timeouts: Timeouts = TIMEOUTS
    flags: Flags = NO_FLAGS


def endpoint(cpo: Cpo, connection: Connection, module: ModuleID, role: InterfaceRole) -> str | None:
    """Return the URL of a module: of the configuration, else of the version details."""
    overridden = Connection(
        cpo_id=cpo.id, endpoints=with_overrides(connection.endpoints, cpo.overrides)
    )
    return overridden.url(module, role)


def at(cpo: Cpo, endpoint: str, *segments: str) -> str:
    """Return a URL at or below an endpoint, in the form the CPO needs. Raises OcpiInvalid."""
    url = join(endpoint, *segments) if segments else endpoint
    return closed(url) if cpo.flags.append_slash else url


def call_of(
    cpo: Cpo,
    connection: Connection,
    module: ModuleID,
    role: InterfaceRole,
    *segments: str,
    to: Party | None,
    method: str = "GET",
    query: str = "",
    body: bytes | None = None,
    correlation_id: str | None = None,
    at_least_s: float = 0,
    due: Due = ACKNOWLEDGEMENT,
    despite_pause: bool = False,
) -> Call:
    """Return a request to a module of a registered CPO.

    Args:
        to: the owner of what it is about, or whose list it is; None on configuration modules.
        segments: path below the endpoint, not encoded.
        at_least_s: raises the configured time-out to this.
        due: what the data of the answer is to be.
        despite_pause: it goes out although the CPO asked for a pause: somebody waits for it.

    Raises:
        CallFailed: not registered, no such endpoint, or no URL can be made; nothing was sent.
        PartyAway: the hub does not reach the party.
    """
    if connection.token is None:
        raise CallFailed(f"{module}: {cpo.id} is not registered", nothing_left=True)
    if to is not None and (status := connection.status_of(to)) is not ConnectionStatus.CONNECTED:
        raise PartyAway(f"{module}: {to} is {status} at its hub")
    base = endpoint(cpo, connection, module, role)
    if base is None:
        raise CallFailed(f"{module}: {cpo.id} has no such endpoint ({role})", nothing_left=True)
    try:
        url = with_query(at(cpo, base, *segments), query)
    except OcpiInvalid as error:
        raise CallFailed(f"{module}: {error.reason}", nothing_left=True) from error
    return Call(
        method=method,
        url=url,
        token=connection.token,
        module=module,
        cpo_id=cpo.id,
        to=to,
        hub=connection.hub is not None,
        body=body,
        correlation_id=correlation_id,
        timeouts=cpo.timeouts._replace(total_s=max(cpo.timeouts.total_s, at_least_s)),
        raw_token=cpo.flags.raw_token,
        due=due,
        despite_pause=despite_pause,
        # That a party behind a hub is silent says nothing about the hub, nor about the others.
        despite_silence=connection.hub is not None and to not in (None, connection.hub),
    )
