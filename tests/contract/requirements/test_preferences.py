"""What a driver wishes of a session, from the CPO's side of the wire."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.ocpi.sessions import ProfileType
from bridge.sandbox.drive import is_final, update
from tests.contract.requirements.scene import Scene, scene, station
from tests.waiting import until


async def charged(play: Scene) -> None:
    """Charge for 100 INR, from the order to the final bill."""
    place = station("HERE")
    await play.put_station(place)
    await play.until_seen()
    transaction_id, order = await play.book(place)
    await play.bap.ask("update", update(order, "start-charging"), transaction_id)
    await play.bap.wait_for(is_final)


@pytest.mark.requirement("O74")
@pytest.mark.requirement("O140")
async def test_a_cpo_that_wants_to_know_is_told_once(redis_url: str) -> None:
    asked: list[str] = []
    async with scene(redis_url, charging_preferences=True) as play:
        play.cpo.seen = lambda direction, what, words: asked.append(what)
        await charged(play)
        await until(lambda: len(play.cpo.preferences) == 1)

        ((session_id, wishes),) = play.cpo.preferences.items()
        assert session_id in play.cpo.sessions
        assert (wishes.profile_type, wishes.energy_need) == (ProfileType.REGULAR, Decimal(5))
        assert not wishes.may_discharge
    assert asked.count(f"PUT sessions/{session_id}/charging_preferences") == 1


@pytest.mark.requirement("O140")
async def test_any_other_is_not(play: Scene) -> None:
    await charged(play)
    assert play.cpo.preferences == {}
