"""The renewal of tokens as initiator: what is valid when, and what is left when it fails."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.flows.failures import (
    CredentialsRefused,
    EndpointsNotOffered,
    NoCpoRole,
    NotRegisteredThere,
    OurApiUnusable,
    PartyClaimed,
    PlatformUnreachable,
    RegistrationFailed,
    RenewalUnknown,
    TokenRefused,
    VersionNotOffered,
)
from bridge.flows.peer import CallFailed
from bridge.flows.register import Claim, Overrides
from bridge.flows.renew import Renewed, renew
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.headers import Party
from bridge.ocpi.types import InterfaceRole, ModuleID, Role, VersionNumber
from tests.unit.flows.handshake import (
    ENDPOINTS,
    NOW,
    VERSIONS_URL,
    Marks,
    Peer,
    credentials,
    endpoint,
    role_of,
)

OLD = Connection(
    cpo_id="cpo1",
    token="old-c",
    versions_url="https://cpo.test/old/versions",
    roles=(role_of(Role.CPO),),
    endpoints=ENDPOINTS,
    registered_at=NOW.replace(year=2025),
)
BOTH = {"old-b": "REGISTERED", "new-b": "REGISTERED"}


class Renewal:
    """One renewal with its two sides; ``during`` is what was valid when the PUT arrived."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.peer = Watching(self)
        self.marks = Marks(self.steps)
        self.marks.connection = OLD
        self.marks.inbound = {"old-b": "REGISTERED"}
        self.during: dict[str, str] = {}

    async def run(self, overrides: Overrides | None = None) -> Renewed:
        own = credentials("new-b", Role.EMSP)
        return await renew(
            self.peer,
            self.marks,
            OLD,
            own,
            versions_url=VERSIONS_URL,
            overrides=overrides or {},
            now=NOW,
        )


class Watching(Peer):
    """A CPO that looks at our store while the PUT is open."""

    def __init__(self, renewal: Renewal) -> None:
        super().__init__(renewal.steps)
        self.renewal = renewal
        self.theirs = credentials("new-c", Role.CPO)

    async def put_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        self.renewal.during = dict(self.renewal.marks.inbound)
        return await super().put_credentials(url, token, body)


@pytest.fixture
def renewal() -> Renewal:
    return Renewal()


@pytest.mark.requirement("O53")
async def test_everything_is_read_anew_and_both_sides_get_a_new_token(renewal: Renewal) -> None:
    renewed = await renewal.run()

    assert renewal.steps == [
        f"versions {VERSIONS_URL} old-c",
        "details https://cpo.test/2.2.1 old-c",
        "accept new-b",
        "put https://cpo.test/2.2.1/credentials old-c new-b",
        "complete new-b",
    ]
    assert renewal.during == BOTH
    assert renewal.marks.inbound == {"new-b": "REGISTERED"}
    assert renewal.marks.connection == renewed.connection
    assert renewed.problem is None
    assert renewed.connection == replace(
        OLD, token="new-c", versions_url="https://any.test/versions", renewed_at=NOW
    )


async def test_other_endpoints_and_parties_are_taken_over(renewal: Renewal) -> None:
    more = (*ENDPOINTS, endpoint(ModuleID.TARIFFS, InterfaceRole.SENDER))
    renewal.peer.endpoints = more
    renewal.peer.theirs = replace(
        credentials("new-c", Role.CPO), roles=(role_of(Role.CPO), role_of(Role.CPO, "TWO"))
    )

    connection = (await renewal.run()).connection

    assert connection.endpoints == more
    assert [str(party) for party in connection.parties()] == ["IN*ABC", "IN*TWO"]
    assert connection.registered_at == NOW, "there is more to pull"


async def test_the_credentials_endpoint_of_the_configuration_wins(renewal: Renewal) -> None:
    await renewal.run({(ModuleID.CREDENTIALS, InterfaceRole.SENDER): "https://cpo.test/here"})

    assert "put https://cpo.test/here old-c new-b" in renewal.steps


@pytest.mark.parametrize("step", ["versions", "details"])
@pytest.mark.parametrize(
    ("failure", "named"),
    [
        (CallFailed("versions: HTTP 401", http=401), TokenRefused),
        (CallFailed("versions: HTTP 403", http=403), TokenRefused),
        (CallFailed("versions: HTTP 500", http=500), PlatformUnreachable),
        (CpoUnavailable("no word"), PlatformUnreachable),
    ],
)
async def test_a_failure_before_the_put_touches_nothing(
    renewal: Renewal, step: str, failure: CpoUnavailable, named: type[RegistrationFailed]
) -> None:
    renewal.peer.fails[step] = failure

    with pytest.raises(named):
        await renewal.run()

    assert renewal.marks.connection == OLD
    assert renewal.marks.inbound == {"old-b": "REGISTERED"}
    assert not any(line.startswith(("accept", "put")) for line in renewal.steps)


async def test_without_version_or_endpoints_nothing_is_put(renewal: Renewal) -> None:
    renewal.peer.endpoints = ENDPOINTS[:2]
    with pytest.raises(EndpointsNotOffered):
        await renewal.run()
    renewal.peer.offered = (VersionNumber.V2_2,)
    with pytest.raises(VersionNotOffered):
        await renewal.run()

    assert not any(line.startswith(("accept", "put")) for line in renewal.steps)


@pytest.mark.parametrize(
    ("failure", "named"),
    [
        (CallFailed("HTTP 401", http=401), TokenRefused),
        (CallFailed("HTTP 405", http=405, code=2000), NotRegisteredThere),
        (CallFailed("OCPI 3001", http=200, code=3001), OurApiUnusable),
        (CallFailed("OCPI 3002", http=200, code=3002), VersionNotOffered),
        (CallFailed("OCPI 3003", http=200, code=3003), CredentialsRefused),
        (CallFailed("OCPI 2001", http=200, code=2001), CredentialsRefused),
        (CallFailed("HTTP 404", http=404), CredentialsRefused),
        (CallFailed("no connection", nothing_left=True), PlatformUnreachable),
    ],
)
async def test_a_no_leaves_everything_as_it_was(
    renewal: Renewal, failure: CpoUnavailable, named: type[RegistrationFailed]
) -> None:
    renewal.peer.fails["put"] = failure

    with pytest.raises(named) as raised:
        await renewal.run()

    assert raised.value.advice
    assert renewal.during == BOTH
    assert renewal.marks.inbound == {"old-b": "REGISTERED"}
    assert renewal.marks.connection == OLD


@pytest.mark.parametrize(
    "failure",
    [
        CallFailed("no answer within 30 s"),
        CallFailed("the connection broke"),
        CallFailed("HTTP 502", http=502),
        CallFailed("OCPI 3000", http=200, code=3000),
        CallFailed("unusable answer", http=200, code=1000),
        CpoUnavailable("no word"),
    ],
)
async def test_when_nobody_knows_both_inbound_tokens_stay_valid(
    renewal: Renewal, failure: CpoUnavailable
) -> None:
    renewal.peer.fails["put"] = failure

    with pytest.raises(RenewalUnknown, match="bridge cpo rotate") as raised:
        await renewal.run()

    assert raised.value.retryable
    assert renewal.marks.inbound == BOTH
    assert renewal.marks.connection == OLD, "what we present is kept as well"


async def test_an_attempt_after_a_lost_answer_ends_all_older_tokens(renewal: Renewal) -> None:
    renewal.peer.fails["put"] = CallFailed("the connection broke")
    with pytest.raises(RenewalUnknown):
        await renewal.run()
    renewal.peer.fails.clear()

    await renewal.run()

    assert renewal.marks.inbound == {"new-b": "REGISTERED"}


async def test_roles_that_cannot_be_used_do_not_cost_the_tokens(renewal: Renewal) -> None:
    renewal.peer.theirs = credentials("new-c", Role.EMSP)
    renewed = await renewal.run()
    assert isinstance(renewed.problem, NoCpoRole)
    assert renewed.connection.roles == OLD.roles

    renewal.peer.theirs = replace(
        credentials("newer-c", Role.CPO), roles=(role_of(Role.CPO, "TWO"),)
    )
    renewal.marks.claim = Claim(Party("IN", "TWO"), "cpo2")
    renewed = await renewal.run()

    assert isinstance(renewed.problem, PartyClaimed)
    assert renewal.marks.connection == renewed.connection
    assert (renewed.connection.token, renewed.connection.roles) == ("newer-c", OLD.roles)
    assert renewed.connection.registered_at == OLD.registered_at
    assert renewal.marks.inbound == {"new-b": "REGISTERED"}
