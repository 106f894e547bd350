"""The end of a connection on the operator's wish."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.flows.failures import NotUnregistered
from bridge.flows.peer import CallFailed
from bridge.flows.unregister import unregister
from bridge.ocpi.connection import Connection
from bridge.ocpi.types import InterfaceRole, ModuleID
from tests.unit.flows.handshake import ENDPOINTS, NOW, Marks, Peer

CONNECTION = Connection(cpo_id="cpo1", token="token-c", endpoints=ENDPOINTS, registered_at=NOW)


@pytest.fixture
def peer() -> Peer:
    return Peer([])


@pytest.fixture
def marks(peer: Peer) -> Marks:
    kept = Marks(peer.steps)
    kept.connection = CONNECTION
    kept.inbound = {"token-b": "REGISTERED"}
    return kept


@pytest.mark.requirement("O52")
async def test_first_the_cpo_then_we_forget(peer: Peer, marks: Marks) -> None:
    await unregister(peer, marks, CONNECTION, {})

    assert peer.steps == ["delete https://cpo.test/2.2.1/credentials token-c", "end"]


async def test_the_credentials_endpoint_of_the_configuration_wins(peer: Peer, marks: Marks) -> None:
    here = "https://cpo.test/here"

    await unregister(peer, marks, CONNECTION, {(ModuleID.CREDENTIALS, InterfaceRole.SENDER): here})

    assert peer.steps == [f"delete {here} token-c", "end"]


async def test_a_cpo_that_has_forgotten_us_before_is_no_obstacle(peer: Peer, marks: Marks) -> None:
    peer.fails["delete"] = CallFailed("credentials: HTTP 405, OCPI 2000", http=405, code=2000)

    await unregister(peer, marks, CONNECTION, {})

    assert peer.steps[-1] == "end"


@pytest.mark.parametrize(
    "failure",
    [
        CallFailed("credentials: HTTP 401", http=401),
        CallFailed("credentials: no connection", nothing_left=True),
        CallFailed("credentials: HTTP 500", http=500),
        CpoUnavailable("no word"),
    ],
)
async def test_without_a_yes_nothing_is_changed(
    peer: Peer, marks: Marks, failure: CpoUnavailable
) -> None:
    peer.fails["delete"] = failure

    with pytest.raises(NotUnregistered, match="--local"):
        await unregister(peer, marks, CONNECTION, {})

    assert marks.connection == CONNECTION
    assert marks.inbound == {"token-b": "REGISTERED"}


@pytest.mark.parametrize(
    ("connection", "why"),
    [
        (replace(CONNECTION, token=None), "not registered"),
        (replace(CONNECTION, endpoints=()), "no credentials endpoint"),
    ],
)
async def test_where_nobody_can_be_asked_that_is_said(
    peer: Peer, marks: Marks, connection: Connection, why: str
) -> None:
    with pytest.raises(NotUnregistered, match=why):
        await unregister(peer, marks, connection, {})

    assert peer.steps == []
