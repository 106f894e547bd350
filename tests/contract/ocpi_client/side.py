"""Our side of the wire, and the CPO that is at the other end of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import Call, Exchange, OcpiClient, Timeouts
from bridge.errors import CpoUnavailable
from bridge.flows.peer import CallFailed
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint
from tests.contract.ocpi_client.fake import FakeCpo

Validate = Callable[[object, str], list[str]]
"""The strict checker: plain JSON and the name of its type, to faults."""

TOKEN = "token-c~1"
OWN = Party("IN", "BRG")
CPO_PARTY = Party("IN", "ABC")
QUICK = Timeouts(connect_s=2, total_s=5)


@dataclass
class Side:
    """Our side of the wire, and what it told of: requests, what it forgave to whom, its pauses."""

    client: OcpiClient
    cpo: Cpo
    connection: Connection
    exchanges: list[Exchange] = field(default_factory=list)
    forgiven: list[tuple[str, Met]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def forgave(self) -> list[tuple[Leniency, str]]:
        """Return what was forgiven and where, in order."""
        return [(met.leniency, met.place) for _, met in self.forgiven]


def connected(fake: FakeCpo, *parties: Party) -> Connection:
    """Return a connection whose endpoints are those of the fake."""
    return Connection(
        cpo_id="cpo1",
        token=TOKEN,
        roles=tuple(
            CredentialsRole(
                role=Role.CPO,
                business_details=BusinessDetails(name="A CPO"),
                party_id=party.party_id,
                country_code=party.country_code,
            )
            for party in parties or (CPO_PARTY,)
        ),
        endpoints=tuple(
            Endpoint(identifier=module, role=role, url=fake.url(f"/2.2.1/{module}"))
            for module, role in (
                (ModuleID.LOCATIONS, InterfaceRole.SENDER),
                (ModuleID.TARIFFS, InterfaceRole.SENDER),
                (ModuleID.COMMANDS, InterfaceRole.RECEIVER),
            )
        ),
    )


def get(url: str, **changes: object) -> Call:
    """Return a plain request for a list of locations."""
    given: dict[str, object] = {
        "method": "GET",
        "url": url,
        "token": TOKEN,
        "module": ModuleID.LOCATIONS,
        "cpo_id": "cpo1",
        "to": CPO_PARTY,
        "timeouts": QUICK,
        **changes,
    }
    return Call(**given)  # type: ignore[arg-type]  # a test's own mix of fields


async def fails(side: Side, call: Call) -> CallFailed:
    """Make a request that must fail."""
    with pytest.raises(CallFailed) as raised:
        await side.client.call(call)
    assert isinstance(raised.value, CpoUnavailable)
    assert raised.value.retryable
    return raised.value
