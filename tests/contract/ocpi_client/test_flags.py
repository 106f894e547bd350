"""What a peer needs of our requests, when the operator says so; nothing of it unasked."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bridge.clients.commands import command
from bridge.clients.configuration import ConfigurationApi
from bridge.clients.cpo import call_of
from bridge.clients.pages import pages
from bridge.ocpi.answers import whole
from bridge.ocpi.commands import CommandType
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.locations import Location
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.ocpi.urls import page_query
from tests.contract.ocpi_client.fake import FakeCpo
from tests.contract.ocpi_client.objects import location
from tests.contract.ocpi_client.side import CPO_PARTY, TOKEN, Side
from tests.contract.ocpi_client.test_commands import ACCEPTED, RESPONSE_URL, plan
from tests.contract.ocpi_client.test_configuration import OURS, THEIRS

RAW, ENCODED = f"Token {TOKEN}", f"Token {base64.b64encode(TOKEN.encode()).decode()}"

Drive = Callable[[Side, FakeCpo], Awaitable[None]]


def flagged(side: Side, flags: Flags) -> Side:
    """Return our side as it calls a CPO with flags."""
    return replace(side, cpo=replace(side.cpo, flags=flags))


async def read_a_list(side: Side, fake: FakeCpo) -> None:
    """Read the Locations."""
    first = call_of(
        side.cpo,
        side.connection,
        ModuleID.LOCATIONS,
        InterfaceRole.SENDER,
        to=CPO_PARTY,
        query=page_query(offset=0, limit=2),
    )
    _ = [page async for page in pages(side.client, first, Location, whole)]


async def start(side: Side, fake: FakeCpo) -> None:
    """Send a START_SESSION."""
    await command(side.client, side.cpo, side.connection, plan(), RESPONSE_URL)


async def shake_hands(side: Side, fake: FakeCpo) -> None:
    """Make every call of a handshake and of its end."""
    api = ConfigurationApi(side.client, side.cpo)
    await api.versions(fake.url("/versions"), TOKEN)
    await api.details(fake.url("/2.2.1"), TOKEN)
    await api.post_credentials(fake.url("/2.2.1/credentials"), TOKEN, OURS)
    await api.put_credentials(fake.url("/2.2.1/credentials"), TOKEN, OURS)
    await api.delete_credentials(fake.url("/2.2.1/credentials"), TOKEN)


@pytest.fixture
def fake(fake: FakeCpo) -> FakeCpo:
    """Let every URL answer with and without a slash at its end."""
    for end in ("", "/"):
        fake.on_data("GET", f"/2.2.1/locations{end}", [location("L0")])
        fake.on_data("GET", f"/2.2.1/locations/L0{end}", location("L0"))
        fake.on_data("POST", f"/2.2.1/commands/START_SESSION{end}", ACCEPTED)
        fake.on_data("DELETE", f"/2.2.1/credentials{end}", None)
        for method in ("POST", "PUT"):
            fake.on_data(method, f"/2.2.1/credentials{end}", THEIRS)
    fake.on_data("GET", "/versions", [])
    fake.on_data("GET", "/2.2.1", {"endpoints": []})
    return fake


@pytest.mark.requirement("O1")
@pytest.mark.parametrize("drive", [read_a_list, start, shake_hands])
@pytest.mark.parametrize(
    ("flags", "sent"), [(NO_FLAGS, ENCODED), (Flags(raw_token=True), RAW)], ids=["none", "flag"]
)
async def test_the_token_goes_out_raw_only_by_flag(
    side: Side, fake: FakeCpo, drive: Drive, flags: Flags, sent: str
) -> None:
    await drive(flagged(side, flags), fake)

    assert {asked.headers["Authorization"] for asked in fake.asked} == {sent}


@pytest.mark.requirement("O38")
@pytest.mark.parametrize(
    ("flags", "slash"), [(NO_FLAGS, ""), (Flags(append_slash=True), "/")], ids=["none", "flag"]
)
async def test_a_slash_ends_the_path_of_endpoints_only_by_flag(
    side: Side, fake: FakeCpo, flags: Flags, slash: str
) -> None:
    side = flagged(side, flags)
    await read_a_list(side, fake)
    await start(side, fake)
    await shake_hands(side, fake)

    assert fake.targets() == [
        f"GET /2.2.1/locations{slash}?offset=0&limit=2",
        f"POST /2.2.1/commands/START_SESSION{slash}",
        # These two are whole addresses: the operator's, and one that the CPO gave.
        "GET /versions",
        "GET /2.2.1",
        f"POST /2.2.1/credentials{slash}",
        f"PUT /2.2.1/credentials{slash}",
        f"DELETE /2.2.1/credentials{slash}",
    ]


async def test_what_is_absent_is_sent_as_null_only_by_flag(side: Side, fake: FakeCpo) -> None:
    await start(side, fake)
    await shake_hands(side, fake)
    plain = [json.loads(asked.body) for asked in fake.asked if asked.body]
    fake.asked.clear()

    whole = flagged(side, Flags(explicit_nulls=True))
    await start(whole, fake)
    await shake_hands(whole, fake)
    nulls = [json.loads(asked.body) for asked in fake.asked if asked.body]

    assert None not in leaves(plain)
    assert nulls[0]["token"]["visual_number"] is None
    assert nulls[1]["roles"][0]["business_details"] == {
        "name": "Bridge",
        "website": None,
        "logo": None,
    }
    assert [without_nulls(body) for body in nulls] == plain


async def test_a_command_without_options_has_its_nulls_too(side: Side, fake: FakeCpo) -> None:
    fake.on_data("POST", "/2.2.1/commands/START_SESSION", ACCEPTED)
    bare = plan(connector_id=None, authorization_reference=None)
    assert bare.type is CommandType.START_SESSION

    side = flagged(side, Flags(explicit_nulls=True))
    await command(side.client, side.cpo, side.connection, bare, RESPONSE_URL)

    (asked,) = fake.asked
    assert asked.json()["connector_id"] is None
    assert asked.json()["authorization_reference"] is None
    assert msgspec.json.decode(asked.body)["evse_uid"] == "E1"


def leaves(value: Any) -> list[Any]:
    """Return everything in a document that is neither object nor list."""
    match value:
        case dict():
            return [leaf for each in value.values() for leaf in leaves(each)]
        case list():
            return [leaf for each in value for leaf in leaves(each)]
        case _:
            return [value]


def without_nulls(value: Any) -> Any:
    """Return a document without the fields that are null."""
    match value:
        case dict():
            return {name: without_nulls(each) for name, each in value.items() if each is not None}
        case list():
            return [without_nulls(each) for each in value]
        case _:
            return value
