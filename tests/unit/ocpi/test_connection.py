"""Whose objects come over a connection, and who behind it can be reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus
from bridge.ocpi.types import BusinessDetails, Role

NOW = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
HUB, ONE, TWO = Party("IN", "HUB"), Party("IN", "ONE"), Party("IN", "TWO")
S = ConnectionStatus


def connection(*roles: tuple[Role, Party]) -> Connection:
    """Make a registered connection."""
    return Connection(
        cpo_id="cpo1",
        token="token-c",
        roles=tuple(
            CredentialsRole(
                role=role,
                business_details=BusinessDetails(name=str(party)),
                party_id=party.party_id,
                country_code=party.country_code,
            )
            for role, party in roles
        ),
    )


def info(
    party: Party, status: ConnectionStatus = S.CONNECTED, *, role: Role = Role.CPO, minutes: int = 0
) -> ClientInfo:
    """Make a word on a party."""
    return ClientInfo(
        party_id=party.party_id,
        country_code=party.country_code,
        role=role,
        status=status,
        last_updated=NOW + timedelta(minutes=minutes),
    )


DIRECT = connection((Role.CPO, ONE), (Role.CPO, TWO), (Role.EMSP, ONE))
VIA_HUB = connection((Role.HUB, HUB))


@pytest.mark.requirement("O142")
def test_the_parties_of_a_hub_are_those_it_tells_of() -> None:
    assert VIA_HUB.hub == HUB
    assert VIA_HUB.parties() == ()

    told = VIA_HUB.with_client(info(ONE)).with_client(info(TWO, role=Role.EMSP))

    assert told.parties() == (ONE,)
    assert told.client(TWO) == info(TWO, role=Role.EMSP)


def test_without_a_hub_the_parties_are_the_cpo_roles() -> None:
    assert DIRECT.hub is None
    assert DIRECT.parties() == (ONE, TWO)


@pytest.mark.requirement("O143")
def test_a_list_is_asked_of_the_hub_itself_else_of_each_party() -> None:
    assert VIA_HUB.with_client(info(ONE)).askable() == (HUB,)
    assert DIRECT.askable() == (ONE, TWO)


@pytest.mark.requirement("O142")
def test_who_is_away_is_not_asked_for_lists() -> None:
    away = VIA_HUB.with_client(info(ONE, S.OFFLINE)).with_client(info(TWO))
    assert (away.reachable(), away.askable()) == ((TWO,), (HUB,))
    # A platform may tell of its parties without saying that it is a hub.
    several = DIRECT.with_client(info(ONE, S.PLANNED))
    assert several.parties() == (ONE, TWO)
    assert several.askable() == (TWO,)


@pytest.mark.requirement("O32")
def test_a_hub_brings_anybodys_objects_until_it_has_told_of_its_parties() -> None:
    assert VIA_HUB.owner(TWO) == TWO
    told = VIA_HUB.with_client(info(ONE))
    assert told.owner(ONE) == ONE
    assert told.owner(TWO) is None
    assert DIRECT.owner(HUB) is None
    # What is stored keeps the spelling of the role.
    assert str(told.owner(Party("in", "one"))) == "IN*ONE"


@pytest.mark.parametrize("status", S)
def test_a_party_has_the_status_its_hub_tells(status: ConnectionStatus) -> None:
    told = VIA_HUB.with_client(info(ONE, status))
    assert told.status_of(ONE) is status
    assert told.status_of(HUB) is S.CONNECTED
    assert DIRECT.status_of(ONE) is S.CONNECTED


def test_a_party_has_one_status_in_each_role() -> None:
    told = VIA_HUB.with_client(info(ONE, S.OFFLINE)).with_client(info(ONE, role=Role.EMSP))
    assert told.parties() == (ONE,)
    assert told.status_of(ONE) is S.OFFLINE
    assert told.client(ONE) == info(ONE, S.OFFLINE)
    assert told.client(ONE, Role.EMSP) == info(ONE, role=Role.EMSP)
    assert told.client(TWO) is None


def test_the_newest_word_counts_whatever_the_order() -> None:
    old, new = info(ONE, S.OFFLINE, minutes=1), info(ONE, minutes=2)
    again = info(Party("in", "one"), S.PLANNED, minutes=2)
    in_order = VIA_HUB.with_client(old).with_client(new)
    assert in_order.clients == (new,)
    assert VIA_HUB.with_client(new).with_client(old).clients == (new,)
    assert in_order.with_client(again).clients == (again,)


def test_a_connection_that_has_ended_learns_of_nobody() -> None:
    ended = Connection(cpo_id="cpo1")
    assert ended.with_client(info(ONE)) is ended


def test_a_party_is_forgotten_unless_there_is_another_word_on_it() -> None:
    told = VIA_HUB.with_client(info(ONE)).with_client(info(TWO))
    assert told.without_clients([info(ONE)]).clients == (info(TWO),)
    assert told.without_clients([info(TWO, S.OFFLINE)]) == told
