"""Where callbacks may go: a BAP cannot make the bridge call what only the bridge reaches."""

from __future__ import annotations

import pytest

from bridge.clients.guard import Guard
from tests.contract.edge.rig import Edge, message, post

GUARD = Guard(tls=False)
SEARCH: dict[str, object] = {"intent": {}}


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.8",
        "127.0.0.1:6379",
        "169.254.169.254",
        "192.168.1.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f000001",
        "127.1",
        "[::1]",
        "[::ffff:10.0.0.8]",
        "[fd00:ec2::254]",
        "bap.example@10.0.0.8",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_address_inside_is_refused(scheme: str, host: str) -> None:
    edge = Edge()
    async with edge.client(guard=GUARD) as client:
        body = message("search", SEARCH, bap_uri=f"{scheme}://{host}/beckn")
        status, answer = await post(client, body)
    assert (status, answer["error"]["paths"]) == (400, "context.bap_uri")
    assert edge.inbox.queued == []


@pytest.mark.parametrize(
    ("uri", "guard"),
    [
        ("http://bap.example/beckn", GUARD),
        ("https://93.184.216.34/beckn", GUARD),
        ("http://10.0.0.8/beckn", GUARD._replace(allow_hosts=("10.0.0.8",))),
        ("http://10.0.0.8/beckn", GUARD._replace(allow_private=True)),
        ("http://127.0.0.1:5000/beckn", GUARD._replace(allow_loopback=True)),
        ("http://10.0.0.8/beckn", None),
    ],
)
async def test_others_are_taken(uri: str, guard: Guard | None) -> None:
    edge = Edge()
    async with edge.client(guard=guard) as client:
        status, _ = await post(client, message("search", SEARCH, bap_uri=uri))
    assert status == 200
    assert len(edge.inbox.queued) == 1
