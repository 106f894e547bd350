"""The handshake as initiator: its order of steps, and what is left behind when one fails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bridge.errors import CpoUnavailable
from bridge.flows.peer import CallFailed
from bridge.flows.register import (
    AlreadyRegistered,
    Claim,
    CredentialsRefused,
    EndpointsNotOffered,
    OurApiUnusable,
    OutcomeUnknown,
    Overrides,
    Platform,
    PlatformUnreachable,
    RegistrationFailed,
    TokenARefused,
    VersionNotOffered,
    register,
    with_overrides,
)
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role, VersionNumber
from bridge.ocpi.versions import Endpoint, Version, VersionDetails

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VERSIONS_URL = "https://cpo.test/ocpi/versions"


def credentials(token: str, role: Role) -> Credentials:
    """Return credentials of one party."""
    party = CredentialsRole(
        role=role,
        business_details=BusinessDetails(name="A business"),
        party_id="ABC",
        country_code="IN",
    )
    return Credentials(token=token, url="https://any.test/versions", roles=(party,))


def endpoint(module: ModuleID, role: InterfaceRole) -> Endpoint:
    """Return an endpoint of the CPO."""
    return Endpoint(identifier=module, role=role, url=f"https://cpo.test/2.2.1/{module}")


ENDPOINTS = (
    endpoint(ModuleID.CREDENTIALS, InterfaceRole.RECEIVER),
    endpoint(ModuleID.LOCATIONS, InterfaceRole.SENDER),
    endpoint(ModuleID.COMMANDS, InterfaceRole.RECEIVER),
)


class Peer:
    """A CPO that answers as told and writes every step into ``steps``."""

    def __init__(self, steps: list[str]) -> None:
        self.steps = steps
        self.offered: Sequence[VersionNumber] = (VersionNumber.V2_1_1, VersionNumber.V2_2_1)
        self.endpoints: tuple[Endpoint, ...] = ENDPOINTS
        self.fails: dict[str, CpoUnavailable] = {}

    async def versions(self, url: str, token: str) -> Sequence[Version]:
        self._step("versions", url, token)
        return [Version(version=each, url=f"https://cpo.test/{each}") for each in self.offered]

    async def details(self, url: str, token: str) -> VersionDetails:
        self._step("details", url, token)
        return VersionDetails(version=VersionNumber.V2_2_1, endpoints=self.endpoints)

    async def post_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        self._step("post", url, token, body.token)
        return credentials("token-c", Role.CPO)

    def _step(self, name: str, *what: str) -> None:
        self.steps.append(" ".join((name, *what)))
        if name in self.fails:
            raise self.fails[name]


class Marks:
    """Registrations as they would be stored."""

    def __init__(self, steps: list[str]) -> None:
        self.steps = steps
        self.inbound: dict[str, str] = {}
        self.connection: Connection | None = None

    async def offer(self, cpo_id: str, token: str) -> None:
        self.steps.append(f"offer {token}")
        self.inbound[token] = "PENDING"

    async def withdraw(self, cpo_id: str, token: str) -> None:
        self.steps.append(f"withdraw {token}")
        del self.inbound[token]

    async def complete(self, connection: Connection, token: str) -> Claim | None:
        self.steps.append(f"complete {token}")
        self.connection = connection
        self.inbound = {token: "REGISTERED"}
        return None

    async def hand_over(self, connection: Connection, token: str, old: str) -> Claim | None:
        raise AssertionError("that is for the side that is called")

    async def end(self, cpo_id: str) -> None:
        raise AssertionError("no handshake ends what it did not make")


class Handshake:
    """One handshake with its two sides."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.peer = Peer(self.steps)
        self.marks = Marks(self.steps)

    async def run(self, overrides: Overrides | None = None) -> Connection:
        platform = Platform(
            cpo_id="cpo1",
            versions_url=VERSIONS_URL,
            token_a="token-a",
            overrides=overrides or {},
        )
        own = credentials("token-b", Role.EMSP)
        return await register(self.peer, self.marks, platform, own, now=NOW)


@pytest.fixture
def handshake() -> Handshake:
    return Handshake()


@pytest.mark.requirement("O43")
@pytest.mark.requirement("O44")
async def test_the_steps_come_in_the_order_of_the_standard(handshake: Handshake) -> None:
    connection = await handshake.run()

    assert handshake.steps == [
        f"versions {VERSIONS_URL} token-a",
        "details https://cpo.test/2.2.1 token-a",
        "offer token-b",
        "post https://cpo.test/2.2.1/credentials token-a token-b",
        "complete token-b",
    ]
    assert handshake.marks.inbound == {"token-b": "REGISTERED"}
    assert handshake.marks.connection == connection
    assert connection.token == "token-c"
    assert connection.registered_at == NOW
    assert connection.versions_url == "https://any.test/versions"
    assert connection.endpoints == ENDPOINTS
    assert [str(party) for party in connection.parties()] == ["IN*ABC"]


@pytest.mark.requirement("O45")
@pytest.mark.parametrize(
    ("present", "named"),
    [
        (ENDPOINTS[1:], "credentials (SENDER)"),
        ((ENDPOINTS[0], ENDPOINTS[2]), "locations (SENDER)"),
        (ENDPOINTS[:2], "commands (RECEIVER)"),
        (ENDPOINTS[:1], "locations (SENDER), commands (RECEIVER)"),
        (
            (*ENDPOINTS[:2], endpoint(ModuleID.COMMANDS, InterfaceRole.SENDER)),
            "commands (RECEIVER)",
        ),
    ],
)
async def test_missing_endpoints_are_named_and_nothing_is_posted(
    handshake: Handshake, present: tuple[Endpoint, ...], named: str
) -> None:
    handshake.peer.endpoints = present

    with pytest.raises(EndpointsNotOffered, match="lack") as raised:
        await handshake.run()

    assert f"lack {named}." in str(raised.value)
    assert len(handshake.steps) == 2
    assert handshake.marks.inbound == {}


async def test_an_endpoint_of_the_configuration_fills_a_gap(handshake: Handshake) -> None:
    handshake.peer.endpoints = ENDPOINTS[:2]
    url = "https://cpo.test/unadvertised/commands"

    connection = await handshake.run({(ModuleID.COMMANDS, InterfaceRole.RECEIVER): url})

    assert connection.endpoints == ENDPOINTS[:2], "the override belongs to the configuration"


async def test_the_credentials_endpoint_of_the_configuration_is_posted_to(
    handshake: Handshake,
) -> None:
    await handshake.run({(ModuleID.CREDENTIALS, InterfaceRole.SENDER): "https://cpo.test/here"})

    assert "post https://cpo.test/here token-a token-b" in handshake.steps


async def test_no_common_version_ends_before_the_details(handshake: Handshake) -> None:
    handshake.peer.offered = (VersionNumber.V2_1_1, VersionNumber.V2_2)

    with pytest.raises(VersionNotOffered, match=r"its versions: 2\.1\.1, 2\.2\."):
        await handshake.run()

    assert len(handshake.steps) == 1


@pytest.mark.parametrize("step", ["versions", "details"])
@pytest.mark.parametrize(
    ("failure", "named"),
    [
        (CallFailed("versions: HTTP 401", http=401), TokenARefused),
        (CallFailed("versions: HTTP 403", http=403), TokenARefused),
        (CallFailed("versions: HTTP 500", http=500), PlatformUnreachable),
        (CallFailed("versions: no connection", nothing_left=True), PlatformUnreachable),
        (CpoUnavailable("no word"), PlatformUnreachable),
    ],
)
async def test_a_failure_before_the_post_leaves_nothing_behind(
    handshake: Handshake, step: str, failure: CpoUnavailable, named: type[RegistrationFailed]
) -> None:
    handshake.peer.fails[step] = failure

    with pytest.raises(named) as raised:
        await handshake.run()

    assert raised.value.__cause__ is failure
    assert handshake.marks.inbound == {}
    assert not any(line.startswith(("offer", "post")) for line in handshake.steps)


@pytest.mark.parametrize(
    ("failure", "named", "retryable"),
    [
        (CallFailed("HTTP 401", http=401), TokenARefused, False),
        (CallFailed("HTTP 405", http=405, code=2000), AlreadyRegistered, False),
        (CallFailed("OCPI 3001", http=200, code=3001), OurApiUnusable, True),
        (CallFailed("OCPI 3002", http=200, code=3002), VersionNotOffered, False),
        (CallFailed("OCPI 3003", http=200, code=3003), CredentialsRefused, False),
        (CallFailed("OCPI 2001", http=200, code=2001), CredentialsRefused, False),
        (CallFailed("no connection", nothing_left=True), PlatformUnreachable, True),
        (CallFailed("no answer"), OutcomeUnknown, True),
        (CallFailed("HTTP 500", http=500), OutcomeUnknown, True),
        (CpoUnavailable("no word"), OutcomeUnknown, True),
    ],
)
async def test_a_failed_post_drops_token_b_and_says_what_to_do(
    handshake: Handshake,
    failure: CpoUnavailable,
    named: type[RegistrationFailed],
    retryable: bool,
) -> None:
    handshake.peer.fails["post"] = failure

    with pytest.raises(named) as raised:
        await handshake.run()

    assert raised.value.retryable is retryable
    assert raised.value.advice in str(raised.value)
    assert raised.value.advice.endswith(".")
    assert handshake.steps[-1] == "withdraw token-b"
    assert handshake.marks.inbound == {}
    assert handshake.marks.connection is None


async def test_the_peers_own_words_reach_the_operator_but_not_the_reason_for_drivers() -> None:
    failure = CallFailed("credentials: OCPI 2001", code=2001, said="party IN*ABC unknown")
    handshake = Handshake()
    handshake.peer.fails["post"] = failure

    with pytest.raises(CredentialsRefused, match=r"party IN\*ABC unknown"):
        await handshake.run()

    assert "unknown" not in failure.reason


def test_a_platform_does_not_show_its_token() -> None:
    platform = Platform(cpo_id="cpo1", versions_url=VERSIONS_URL, token_a="secret-a")

    assert "secret-a" not in repr(platform)


@pytest.mark.requirement("O42")
def test_an_override_replaces_module_and_role_and_credentials_in_every_role() -> None:
    sender = endpoint(ModuleID.LOCATIONS, InterfaceRole.SENDER)
    receiver = endpoint(ModuleID.LOCATIONS, InterfaceRole.RECEIVER)
    ours = endpoint(ModuleID.CREDENTIALS, InterfaceRole.RECEIVER)

    given = with_overrides(
        (sender, receiver, ours),
        {
            (ModuleID.LOCATIONS, InterfaceRole.SENDER): "https://proxy.test/locations",
            (ModuleID.CREDENTIALS, InterfaceRole.SENDER): "https://proxy.test/credentials",
        },
    )

    urls = {(each.identifier, each.role): each.url for each in given}
    assert urls == {
        (ModuleID.LOCATIONS, InterfaceRole.SENDER): "https://proxy.test/locations",
        (ModuleID.LOCATIONS, InterfaceRole.RECEIVER): receiver.url,
        (ModuleID.CREDENTIALS, InterfaceRole.SENDER): "https://proxy.test/credentials",
    }
