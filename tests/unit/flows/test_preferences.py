"""Charging preferences: told once, where operator and EVSE want it, and without consequences."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.flows.jobs import PreferencesJob
from bridge.ocpi.flags import Flags
from bridge.ocpi.locations import Capability, Status
from bridge.ocpi.sessions import ChargingPreferencesResponse, ProfileType
from bridge.orders.order import OrderState
from bridge.orders.plans import PreferencesPlan
from tests.factories import CPO_ID, NOW, PARTY
from tests.unit.flows.play import Play, confirmed
from tests.unit.flows.world import paid

CAPABLE = (Capability.REMOTE_START_STOP_CAPABLE, Capability.CHARGING_PREFERENCES_CAPABLE)
LATER = NOW + timedelta(hours=2)


async def wishing(
    capabilities: tuple[Capability, ...] = CAPABLE, flags: Flags | None = None
) -> Play:
    """Play until a START is on its way at an EVSE, at a CPO with the flag unless told otherwise."""
    play = Play()
    play.flags = flags or Flags(charging_preferences=True)
    evse = replace(play.offered.item.evse, capabilities=capabilities)
    play.offered.item = replace(play.offered.item, evse=evse)
    await play.select(end=LATER)
    await play.init(end=LATER)
    await play.confirm(paid(), end=LATER)
    await play.start()
    return play


async def test_a_session_that_charges_is_told_what_is_wished() -> None:
    play = await wishing()
    await play.session("PENDING", "0")
    assert play.preferences == []

    await play.session("ACTIVE", "0")

    (plan,) = play.preferences
    assert (plan.cpo_id, plan.party, plan.order_key) == (CPO_ID, PARTY, play.placed.key)
    assert plan.session_id == "S1"
    wishes = plan.preferences
    assert wishes.profile_type is ProfileType.REGULAR
    assert play.placed.quote is not None
    assert wishes.energy_need == play.placed.quote.kwh == Decimal(5)
    assert wishes.departure_time == LATER
    assert wishes.discharge_allowed is None


async def test_it_is_told_once() -> None:
    play = await wishing()
    for kwh in ("0", "0", "1"):
        await play.session("ACTIVE", kwh)
    await play.evse(Status.OUTOFORDER)
    await play.session("ACTIVE", "2")
    await play.stop()
    await play.no_response(sent=False)
    await play.session("ACTIVE", "3")
    assert play.state() is OrderState.CHARGING
    assert len(play.preferences) == 1


@pytest.mark.requirement("O140")
@pytest.mark.parametrize(
    ("capabilities", "flags", "told"),
    [
        (CAPABLE, Flags(charging_preferences=True), True),
        (CAPABLE, Flags(), False),
        (CAPABLE[:1], Flags(charging_preferences=True), False),
        ((), Flags(charging_preferences=True), False),
        ((), Flags(charging_preferences=True, default_capabilities=CAPABLE), True),
        (CAPABLE[:1], Flags(charging_preferences=True, default_capabilities=CAPABLE), False),
    ],
)
async def test_only_an_evse_that_can_use_them_of_a_cpo_that_wants_them(
    capabilities: tuple[Capability, ...], flags: Flags, told: bool
) -> None:
    play = await wishing(capabilities, flags)
    await play.session("ACTIVE", "0")
    assert bool(play.preferences) is told


async def test_an_end_that_is_past_is_no_wish() -> None:
    play = await wishing()
    play.now = LATER
    await play.session("ACTIVE", "0")
    assert play.preferences[0].preferences.departure_time is None


async def test_a_session_that_is_stopped_at_once_is_told_nothing() -> None:
    play = await wishing()
    await play.stop()
    await play.session("ACTIVE", "0")
    assert play.state() is OrderState.STOPPING
    assert play.preferences == []


@pytest.mark.parametrize("result", [None, *ChargingPreferencesResponse])
async def test_whatever_the_cpo_makes_of_it_is_noted(
    result: ChargingPreferencesResponse | None,
) -> None:
    play = await wishing()
    await play.session("ACTIVE", "0")
    before = play.order
    job = PreferencesJob(session_id="S1", at=play.now, result=result, reason="sessions: HTTP 404")
    decision = await play.happens(job)
    assert decision.order is before
    assert (decision.callbacks, decision.plans) == ((), ())
    assert decision.notes == (f"charging preferences: {result or 'sessions: HTTP 404'}",)


async def test_by_default_nobody_is_told() -> None:
    play = await confirmed()
    await play.start()
    decision = await play.session("ACTIVE", "0")
    assert not any(isinstance(plan, PreferencesPlan) for plan in decision.plans)
