"""The handshake as initiator: its order of steps, and what is left behind when one fails."""

from __future__ import annotations

import pytest

from bridge.errors import CpoUnavailable
from bridge.flows.failures import (
    AlreadyRegistered,
    CredentialsRefused,
    EndpointsNotOffered,
    NoCpoRole,
    OurApiUnusable,
    OutcomeUnknown,
    PartyClaimed,
    PlatformUnreachable,
    RegistrationFailed,
    TokenARefused,
    VersionNotOffered,
)
from bridge.flows.peer import CallFailed
from bridge.flows.register import Claim, Overrides, Platform, register, with_overrides
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.types import InterfaceRole, ModuleID, Role, VersionNumber
from bridge.ocpi.versions import Endpoint
from tests.unit.flows.handshake import (
    ENDPOINTS,
    NOW,
    VERSIONS_URL,
    Marks,
    Peer,
    credentials,
    endpoint,
)


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
        (CallFailed("HTTP 422", http=422), CredentialsRefused, False),
        (CallFailed("HTTP 429", http=429), PlatformUnreachable, True),
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


@pytest.mark.parametrize("roles", [(Role.HUB,), (Role.EMSP, Role.CPO)])
async def test_a_hub_or_one_role_of_several_will_do(
    handshake: Handshake, roles: tuple[Role, ...]
) -> None:
    handshake.peer.theirs = credentials("token-c", *roles)

    connection = await handshake.run()

    assert [each.role for each in connection.roles] == list(roles)


async def test_a_platform_that_serves_nothing_is_told_to_forget_us(handshake: Handshake) -> None:
    handshake.peer.theirs = credentials("token-c", Role.EMSP, Role.NSP)

    with pytest.raises(NoCpoRole, match="neither CPO nor HUB, but EMSP, NSP; it was told"):
        await handshake.run()

    assert handshake.steps[-2:] == ["end", "delete https://cpo.test/2.2.1/credentials token-c"]
    assert (handshake.marks.connection, handshake.marks.inbound) == (None, {})


async def test_a_party_of_another_connection_is_named_and_the_cpo_told_to_forget_us(
    handshake: Handshake,
) -> None:
    handshake.marks.claim = Claim(Party("IN", "ABC"), "cpo2")

    with pytest.raises(PartyClaimed, match=r"its party IN\*ABC is one of cpo2; it was told"):
        await handshake.run()

    assert handshake.steps[-2:] == ["end", "delete https://cpo.test/2.2.1/credentials token-c"]
    assert (handshake.marks.connection, handshake.marks.inbound) == (None, {})


async def test_a_cpo_that_does_not_forget_us_is_told_of(handshake: Handshake) -> None:
    handshake.marks.claim = Claim(Party("IN", "ABC"), "cpo2")
    handshake.peer.fails["delete"] = CallFailed("credentials: HTTP 500", http=500, said="oops")

    with pytest.raises(PartyClaimed, match=r"still holds us for registered: .*\(oops\)"):
        await handshake.run()

    assert handshake.marks.inbound == {}


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
