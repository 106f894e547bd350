"""Our tokens at a CPO: the address, the body, and the little time there is for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest
from aiohttp import web

from bridge.clients.ocpi import Timeouts
from bridge.clients.pushes import PUSH_S, push_token
from bridge.flows.peer import CallFailed
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.plans import TokenPlan
from tests import factories
from tests.contract.ocpi_client.fake import Asked, FakeCpo, always
from tests.contract.ocpi_client.side import CPO_PARTY, Side, Validate

PATH = "/2.2.1/tokens/IN/BRG/TOK1"


def plan(*, valid: bool = True) -> TokenPlan:
    """Make the push of a token."""
    made = factories.token_plan(party=CPO_PARTY)
    return msgspec.structs.replace(made, token=msgspec.structs.replace(made.token, valid=valid))


def taking(side: Side, fake: FakeCpo, *methods: str, flags: Flags = NO_FLAGS) -> Side:
    """Let the CPO have a place for tokens that takes these methods."""
    for method in methods:
        fake.on(method, PATH, always(None))
    overrides = {(ModuleID.TOKENS, InterfaceRole.RECEIVER): fake.url("/2.2.1/tokens")}
    return replace(side, cpo=replace(side.cpo, overrides=overrides, flags=flags))


async def push(side: Side, what: TokenPlan) -> bool:
    """Push to the fake."""
    return await push_token(side.client, side.cpo, side.connection, what)


@pytest.mark.requirement("O109")
@pytest.mark.endpoint("calls PUT {tokens}/{country_code}/{party_id}/{token_uid}")
async def test_a_good_token_is_put_whole_under_our_party(side: Side, fake: FakeCpo) -> None:
    assert await push(taking(side, fake, "PUT"), plan())

    (asked,) = fake.asked
    assert fake.targets() == [f"PUT {PATH}?type=AD_HOC_USER"]
    assert asked.headers["OCPI-to-party-id"] == "ABC"
    assert asked.headers["OCPI-from-party-id"] == "BRG"
    assert asked.headers["X-Correlation-ID"] == "t1"
    assert asked.json() == {
        "country_code": "IN",
        "party_id": "BRG",
        "uid": "TOK1",
        "type": "AD_HOC_USER",
        "contract_id": "IN-BRG-TOK1",
        "issuer": "Example Bridge",
        "valid": True,
        "whitelist": "NEVER",
        "last_updated": "2026-03-04T06:30:00Z",
    }


@pytest.mark.shared
async def test_what_is_put_passes_the_strict_checker(
    side: Side, fake: FakeCpo, validate: Validate
) -> None:
    await push(taking(side, fake, "PUT"), plan())
    assert validate(fake.asked[0].json(), "Token") == []


@pytest.mark.requirement("O109")
@pytest.mark.requirement("O110")
@pytest.mark.endpoint("calls PATCH {tokens}/{country_code}/{party_id}/{token_uid}")
@pytest.mark.parametrize("explicit_nulls", [True, False])
async def test_one_that_is_over_is_patched_with_its_date(
    side: Side, fake: FakeCpo, explicit_nulls: bool
) -> None:
    known = taking(side, fake, "PATCH", flags=Flags(explicit_nulls=explicit_nulls))
    assert await push(known, plan(valid=False))

    assert fake.targets() == [f"PATCH {PATH}?type=AD_HOC_USER"]
    assert fake.asked[0].json() == {"valid": False, "last_updated": "2026-03-04T06:30:00Z"}


async def test_nulls_are_put_where_the_cpo_wants_them(side: Side, fake: FakeCpo) -> None:
    await push(taking(side, fake, "PUT", flags=Flags(explicit_nulls=True)), plan())
    assert fake.asked[0].json()["visual_number"] is None


@pytest.mark.parametrize("valid", [True, False])
async def test_where_there_is_no_place_for_tokens_nothing_is_sent(
    side: Side, fake: FakeCpo, valid: bool
) -> None:
    assert not await push(side, plan(valid=valid))
    assert fake.asked == []


@pytest.mark.requirement("O34")
@pytest.mark.parametrize("valid", [True, False])
async def test_a_refusal_is_final(side: Side, fake: FakeCpo, valid: bool) -> None:
    with pytest.raises(CallFailed) as raised:
        await push(taking(side, fake), plan(valid=valid))
    assert raised.value.http == 404
    assert len(fake.asked) == 1


async def test_it_has_a_time_of_its_own(side: Side, fake: FakeCpo) -> None:
    assert PUSH_S == 5
    known = taking(side, fake)
    known = replace(known, cpo=replace(known.cpo, timeouts=Timeouts(connect_s=2, total_s=60)))
    released = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return await always(None)(asked)

    fake.on("PUT", PATH, slow)
    with pytest.raises(CallFailed, match=r"no answer within 0\.1 s"):
        await push_token(known.client, known.cpo, known.connection, plan(), within_s=0.1)
    released.set()
