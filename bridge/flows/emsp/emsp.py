"""What every flow of the eMSP side gets (``Emsp``, ``Call``) and what it gives back (``Reply``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from msgspec.structs import astuple

from bridge.errors import OcpiInvalid, PartyUnknown
from bridge.flows.ports import (
    Connections,
    Correlation,
    Inbox,
    ObjectStore,
    Orders,
    PeerApi,
    PullSoon,
    Tokens,
)
from bridge.flows.register import Overrides, Registrations
from bridge.ocpi import lenient, urls
from bridge.ocpi.connection import Presented
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met, first_of_each
from bridge.ocpi.types import VersionNumber

VERSION = VersionNumber.V2_2_1


Event = Literal[
    "cdr.conflict",
    "cdr.credit_of_unknown",
    "cdr.orphan",
    "connection.ended",
    "connection.registered",
    "connection.renewed",
    "hub.party_changed",
    "session.changed_when_final",
    "session.foreign_order",
    "session.orphan",
    "session.status_fell",
    "session.weak_correlation",
    "token.authorized",
]
"""What the eMSP side notices."""


class Notice(Protocol):
    """Logs an event of a CPO's connection and counts it."""

    def __call__(self, event: Event, *, cpo_id: str, **fields: object) -> None:
        """Take note; never a token among the fields."""
        ...


About = Callable[[str, str | None], Awaitable[None]]


async def about_nothing(order_key: str, session_id: str | None) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emsp:
    """The eMSP: who we are, and the ports its flows need.

    Args:
        peers: gives the API of the platform of the CPO with this id.
        public_url: our address as the CPO with this id reaches it.
        overrides: endpoints that the operator configured for a CPO.
        wake: called after jobs were queued, so that a worker looks at once.
        pull_soon: called when a push shows that we lack something.
        sync_soon: asks for all that a party has: its hub reaches it again.
        hubs: whether the operator said that a CPO's platform is a hub.
        flags: what the operator said about a CPO's deviations.
        tolerated: counts a deviation of a CPO that was forgiven.
        refused: takes note of a request that a flag, named, would have had forgiven.
        pushed: told of each push of a CPO that was taken.
        cpo_ids: the CPOs there are.
        about: told which order a request is about, and of which session of it, before anything is
            queued for that order: log and trace of the request show it.
    """

    objects: ObjectStore
    orders: Orders
    correlation: Correlation
    tokens: Tokens
    inbox: Inbox
    connections: Connections
    registrations: Registrations
    peers: Callable[[str], PeerApi]
    party: Party
    business_name: str
    public_url: Callable[[str], str]
    overrides: Callable[[str], Overrides]
    now: Callable[[], datetime]
    wake: Callable[[], None]
    pull_soon: PullSoon
    notice: Notice
    sync_soon: Callable[[str, Party], None] = lambda cpo_id, party: None
    hubs: Callable[[str], bool] = lambda cpo_id: False
    flags: Callable[[str], Flags] = lambda cpo_id: NO_FLAGS
    tolerated: Callable[[str, Met], None] = lambda cpo_id, met: None
    refused: Callable[[str, str, str], None] = lambda cpo_id, flag, place: None
    pushed: Callable[[str], None] = lambda cpo_id: None
    cpo_ids: Sequence[str] = ()
    about: About = about_nothing

    def url(self, cpo_id: str, *segments: str) -> str:
        """Return an address below our 2.2.1 root, as the CPO reaches it."""
        return urls.join(self.public_url(cpo_id), "ocpi", VERSION, *segments)

    async def is_hub(self, cpo_id: str) -> bool:
        """Tell whether a platform is a hub: it has that role, or the operator said so."""
        return self.hubs(cpo_id) or (await self.connections.get(cpo_id)).hub is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that may be answered: the caller is known, path and method fit a row of 3.0.

    Args:
        ids: the decoded path segments after the module.
        body: the JSON document; None when the body was empty, or the method has none.
        sender: the party that the routing headers name, if they do.
    """

    caller: Presented
    ids: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = field(default=None, repr=False)
    sender: Party | None = None

    @property
    def cpo_id(self) -> str:
        """Whose connection the request came over."""
        return self.caller.cpo_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with OCPI status 1000.

    Args:
        data: what stands in the envelope; None = no ``data`` at all, as acknowledgements have it.
        created: HTTP 201 instead of 200.
    """

    data: object = None
    created: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


Flow = Callable[[Emsp, Call], Awaitable[Reply]]
T = TypeVar("T")

DONE = Reply()
"""Acknowledged."""


def read(emsp: Emsp, call: Call, type_: type[T]) -> T:
    """Make an OCPI object of the body, as far as it can be forgiven.

    Raises:
        OcpiInvalid: it cannot; nothing of it is kept.
    """
    met: list[Met] = []
    try:
        return lenient.read(call.body, type_, met, emsp.party)
    finally:
        forgive(emsp, call, *first_of_each(met))


def read_patch(emsp: Emsp, call: Call, type_: type[object]) -> dict[str, object]:
    """Make of the body of a PATCH what ``codec.merge_patch`` takes.

    Raises:
        OcpiInvalid: a value in it can be none of its type, or it has no date and must have one.
    """
    met: list[Met] = []
    try:
        patch = lenient.read_patch(call.body, type_, met, emsp.party)
        if "last_updated" not in patch:
            if not emsp.flags(call.cpo_id).patch_without_last_updated:
                emsp.refused(call.cpo_id, "patch_without_last_updated", "last_updated")
                raise OcpiInvalid("last_updated", "is required in a PATCH")
            met.append(Met(Leniency.PATCH_WITHOUT_LAST_UPDATED, "last_updated"))
        return patch
    finally:
        forgive(emsp, call, *first_of_each(met))


def forgive(emsp: Emsp, call: Call, *met: Met) -> None:
    """Count what was forgiven to the caller."""
    for each in met:
        emsp.tolerated(call.cpo_id, each)


async def owner(emsp: Emsp, call: Call) -> Party:
    """Return the party that the URL's first two segments name.

    Raises:
        PartyUnknown: it is none behind the connection, so its objects are not the caller's.
    """
    named = Party(call.ids[0], call.ids[1])
    party = (await emsp.connections.get(call.cpo_id)).owner(named)
    if party is None:
        raise PartyUnknown(f"{named} is not among the parties of this connection")
    if astuple(party) != astuple(named):
        forgive(emsp, call, Met(Leniency.ID_CASE, "country_code and party_id"))
    return party
