"""What drivers wish of their sessions, at a CPO: the address, the body, the bare word."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from bridge.clients.pushes import push_preferences
from bridge.flows.peer import CallFailed
from bridge.ocpi.flags import Flags
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.sessions import ChargingPreferences, ChargingPreferencesResponse, ProfileType
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.plans import PreferencesPlan
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, always, raw
from tests.contract.ocpi_client.side import CPO_PARTY, Side, Validate
from tests.factories import NOW

PATH = "/2.2.1/sessions/S%2F1/charging_preferences"

PLAN = PreferencesPlan(
    cpo_id="cpo1",
    party=CPO_PARTY,
    order_key="bap|t1",
    correlation_id="t1",
    session_id="S/1",
    preferences=ChargingPreferences(
        profile_type=ProfileType.REGULAR,
        departure_time=NOW + timedelta(hours=1),
        energy_need=Decimal("4.5"),
    ),
)
WORDS = list(ChargingPreferencesResponse)


@pytest.fixture
def side(side: Side, fake: FakeCpo) -> Side:
    """Give a side whose CPO has sessions."""
    overrides = {(ModuleID.SESSIONS, InterfaceRole.SENDER): fake.url("/2.2.1/sessions")}
    return replace(side, cpo=replace(side.cpo, overrides=overrides))


async def push(side: Side, *, within_s: float = 5) -> ChargingPreferencesResponse:
    """Push to the fake."""
    return await push_preferences(side.client, side.cpo, side.connection, PLAN, within_s=within_s)


@pytest.mark.requirement("O140")
@pytest.mark.endpoint("calls PUT {sessions}/{session_id}/charging_preferences")
@pytest.mark.parametrize("word", WORDS)
async def test_the_answer_is_a_bare_word(
    side: Side, fake: FakeCpo, word: ChargingPreferencesResponse
) -> None:
    fake.on_data("PUT", PATH, word)

    assert await push(side) is word

    (asked,) = fake.asked
    assert fake.targets() == [f"PUT {PATH}"]
    assert asked.headers["OCPI-to-party-id"] == "ABC"
    assert asked.headers["X-Correlation-ID"] == "t1"
    assert asked.json() == {
        "profile_type": "REGULAR",
        "departure_time": "2026-03-04T07:30:00Z",
        "energy_need": 4.5,
    }
    assert side.forgiven == []


@pytest.mark.requirement("O74")
async def test_nobody_is_allowed_to_discharge(side: Side, fake: FakeCpo) -> None:
    fake.on_data("PUT", PATH, "ACCEPTED")
    await push(side)
    assert "discharge_allowed" not in fake.asked[0].json()
    assert not PLAN.preferences.may_discharge


@pytest.mark.shared
async def test_what_is_put_passes_the_strict_checker(
    side: Side, fake: FakeCpo, validate: Validate
) -> None:
    fake.on_data("PUT", PATH, "ACCEPTED")
    await push(side)
    assert validate(fake.asked[0].json(), "ChargingPreferences") == []


async def test_nulls_are_put_where_the_cpo_wants_them(side: Side, fake: FakeCpo) -> None:
    fake.on_data("PUT", PATH, "ACCEPTED")
    await push(replace(side, cpo=replace(side.cpo, flags=Flags(explicit_nulls=True))))
    assert fake.asked[0].json()["discharge_allowed"] is None


@pytest.mark.parametrize(
    "data", [["ACCEPTED"], {"result": "ACCEPTED"}, [{"charging_preferences": "ACCEPTED"}]]
)
async def test_a_word_in_a_wrapping_is_forgiven(side: Side, fake: FakeCpo, data: object) -> None:
    fake.on_data("PUT", PATH, data)
    assert await push(side) is ChargingPreferencesResponse.ACCEPTED
    assert side.forgiven == [("cpo1", Met(Leniency.WRAPPED_WORD, "data"))]


@pytest.mark.parametrize(
    "answer",
    [
        always(None),
        always("PERHAPS"),
        always([]),
        always(["ACCEPTED", "ACCEPTED"]),
        always({"result": "ACCEPTED", "timeout": 5}),
        always(7),
        always("ACCEPTED", http=404, code=2003),
        raw(b"<html>"),
    ],
)
async def test_anything_else_is_no_answer(side: Side, fake: FakeCpo, answer: Answer) -> None:
    fake.on("PUT", PATH, answer)
    with pytest.raises(CallFailed):
        await push(side)
    assert len(fake.asked) == 1


async def test_it_has_a_time_of_its_own(side: Side, fake: FakeCpo) -> None:
    released = asyncio.Event()

    async def slow(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    fake.on("PUT", PATH, slow)
    with pytest.raises(CallFailed, match=r"no answer within 0\.1 s"):
        await push(side, within_s=0.1)
    released.set()
