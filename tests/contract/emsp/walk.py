"""A walk over every endpoint that the eMSP side serves: each is called as it should be, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

from msgspec import Raw

from bridge.flows.register import REQUIRED
from bridge.ocpi.commands import CommandType
from bridge.ocpi.headers import Party
from bridge.ocpi.types import ModuleID, Role, VersionNumber
from bridge.ocpi.versions import Endpoint, Version, VersionDetails
from bridge.orders.order import OrderState
from bridge.orders.plans import CommandPlan
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import Answer, Rig
from tests.contract.emsp.samples import (
    CPO,
    LOC,
    PARTY,
    TOKEN,
    TOKEN_A,
    Json,
    at,
    cdr,
    client_info,
    connector,
    credentials,
    evse,
    location,
    order,
    session,
    tariff,
)

OCPI, ROOT = "/ocpi/", "/ocpi/2.2.1/"
PLATFORM = "http://cpo.example/ocpi"
HUB, HUB_TOKEN = "hub1", "token-of-hub1"


class Step(NamedTuple):
    """A request that is in order.

    Args:
        endpoint: its row in tests/conformance/endpoints.yaml.
        created: the answer is HTTP 201.
        payload: the standard puts something into ``data``; without it there is no such key.
        ids: whether the path has CiStrings in it.
    """

    endpoint: str
    path: str
    body: Json | None = None
    root: str = ROOT
    token: str = TOKEN
    created: bool = False
    payload: bool = False
    ids: bool = True

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return self.endpoint.split()[1]

    @property
    def module(self) -> str:
        """The first segment below its root."""
        return self.path.partition("/")[0]

    @property
    def registers(self) -> bool:
        """Whether a TOKEN_A opens it."""
        return self.module in ("versions", "2.2.1", "credentials")

    @property
    def routed(self) -> bool:
        """Whether it has routing headers."""
        return not self.registers and self.module != "hubclientinfo"


_PLACE: Final = "{locations}/{country_code}/{party_id}/{location_id}"
_EVSE: Final = _PLACE + "/{evse_uid}"
_CONNECTOR: Final = _EVSE + "/{connector_id}"
_TARIFF: Final = "{tariffs}/{country_code}/{party_id}/{tariff_id}"
_SESSION: Final = "{sessions}/{country_code}/{party_id}/{session_id}"
_CLIENT: Final = "{hubclientinfo}/{country_code}/{party_id}"

_NEWCOMER: Final = credentials("token-b")
_NEWCOMER["roles"][0]["party_id"] = "NEW"

WALK: Final = (
    Step("serves GET {versions_url}", "versions", root=OCPI, payload=True, ids=False),
    Step("serves GET {version_details_url}", "2.2.1", root=OCPI, payload=True, ids=False),
    Step("serves GET {credentials}", "credentials", payload=True, ids=False),
    Step(f"serves PUT {_PLACE}", f"locations/{LOC}", location(), created=True),
    Step(f"serves GET {_PLACE}", f"locations/{LOC}", payload=True),
    Step(f"serves PATCH {_PLACE}", f"locations/{LOC}", {"name": "New", "last_updated": at(1)}),
    Step(f"serves PUT {_EVSE}", f"locations/{LOC}/E2", evse("E2"), created=True),
    Step(f"serves GET {_EVSE}", f"locations/{LOC}/E2", payload=True),
    Step(
        f"serves PATCH {_EVSE}",
        f"locations/{LOC}/E2",
        {"status": "CHARGING", "last_updated": at(2)},
    ),
    Step(f"serves PUT {_CONNECTOR}", f"locations/{LOC}/E2/2", connector("2"), created=True),
    Step(f"serves GET {_CONNECTOR}", f"locations/{LOC}/E2/2", payload=True),
    Step(
        f"serves PATCH {_CONNECTOR}",
        f"locations/{LOC}/E2/2",
        {"max_amperage": 60, "last_updated": at(3)},
    ),
    Step(f"serves PUT {_TARIFF}", "tariffs/IN/ABC/T1", tariff(), created=True),
    Step(f"serves GET {_TARIFF}", "tariffs/IN/ABC/T1", payload=True),
    Step(f"serves DELETE {_TARIFF}", "tariffs/IN/ABC/T1"),
    Step(f"serves PUT {_SESSION}", "sessions/IN/ABC/S1", session(), created=True),
    Step(f"serves GET {_SESSION}", "sessions/IN/ABC/S1", payload=True),
    Step(f"serves PATCH {_SESSION}", "sessions/IN/ABC/S1", {"kwh": 2, "last_updated": at(1)}),
    Step("serves POST {cdrs}", "cdrs", cdr(), created=True, ids=False),
    Step("serves GET {Location URL returned by POST}", "cdrs/IN/ABC/CDR1", payload=True),
    Step("serves GET {tokens}", "tokens", payload=True, ids=False),
    Step(
        "serves POST {tokens}/{token_uid}/authorize",
        "tokens/TOK1/authorize",
        {"location_id": "LOC1"},
        payload=True,
    ),
    Step(
        "serves POST {response_url}",
        "commands/START_SESSION/command-1",
        {"result": "ACCEPTED"},
        ids=False,
    ),
    Step(
        f"serves PUT {_CLIENT}",
        "hubclientinfo/IN/ONE",
        client_info("ONE"),
        token=HUB_TOKEN,
        created=True,
    ),
    Step(f"serves GET {_CLIENT}", "hubclientinfo/IN/ONE", token=HUB_TOKEN, payload=True),
    Step(
        "serves POST {credentials}",
        "credentials",
        _NEWCOMER,
        token=TOKEN_A,
        payload=True,
        ids=False,
    ),
    Step("serves PUT {credentials}", "credentials", credentials(), payload=True, ids=False),
    Step("serves DELETE {credentials}", "credentials", ids=False),
)
"""Everything, in an order in which each is possible after those before it."""

ENDPOINTS: Final = tuple(step.endpoint for step in WALK)


async def ready(rig: Rig) -> Rig:
    """Bring a rig to where the walk begins: an order with its START, a hub, a platform."""
    await registered(rig.backend, HUB, HUB_TOKEN, Party("IN", "HUB"), Role.HUB)
    await rig.backend.put_order(order("1", OrderState.STARTING))
    await rig.backend.put_command(
        CommandPlan(
            id="command-1",
            type=CommandType.START_SESSION,
            cpo_id=CPO,
            party=PARTY,
            order_key=order("1").key,
            correlation_id="correlation-1",
            body=Raw(b"{}"),
        )
    )
    rig.peers.offered = (Version(version=VersionNumber.V2_2_1, url=f"{PLATFORM}/2.2.1"),)
    rig.peers.offered_details = VersionDetails(
        version=VersionNumber.V2_2_1,
        endpoints=tuple(
            Endpoint(identifier=ModuleID(module), role=role, url=f"{PLATFORM}/2.2.1/{module}")
            for module, role in REQUIRED
        ),
    )
    return rig


async def walk(
    rig: Rig,
    *,
    headers: dict[str, str] | None = None,
    spelled: Callable[[Step], str] = lambda step: step.root + step.path,
) -> AsyncIterator[tuple[Step, Answer]]:
    """Yield each step with its answer, every one of them a success.

    Args:
        spelled: from a step to the whole path that is asked for.
    """
    for step in WALK:
        answer = await rig.call(
            step.method, spelled(step), step.body, token=step.token, headers=headers, root=""
        )
        assert answer.status == (201 if step.created else 200, 1000), (step, answer.envelope)
        yield step, answer
