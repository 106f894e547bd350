"""What a driver is offered of what a CPO pushes (OCPI 2.2.1 mod_locations, mod_tariffs)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bridge.ocpi.locations import Capability, Status
from bridge.ocpi.types import ModuleID
from bridge.sandbox import stations
from bridge.sandbox.bap import Message
from tests.contract.requirements.scene import Scene, item_id, scene, station, with_evse
from tests.waiting import until


def refusal(answer: Message) -> str:
    """Return the error code of a callback that quotes nothing; empty when it quotes."""
    return "" if "quote" in str(answer.get("message")) else answer["error"]["code"]


async def offered(play: Scene) -> set[str]:
    """Return the ids of the Locations on offer."""
    return {each.split("*")[2] for each in await play.on_sale()}


@pytest.mark.requirement("O63")
async def test_a_removed_evse_is_offered_no_more(play: Scene) -> None:
    first, second = play.cpo.locations["INDIRANAGAR"].evses
    await play.cpo.set_status("INDIRANAGAR", first.uid, Status.REMOVED)
    await play.until_seen()

    left = {each.split("*")[3] for each in await play.on_sale()}
    assert first.uid not in left
    assert second.uid in left
    assert refusal(await play.select(play.cpo.locations["INDIRANAGAR"])) == "30004"


@pytest.mark.requirement("O63")
async def test_a_location_without_evses_that_are_left_disappears(play: Scene) -> None:
    assert "WHITEFIELD" in await offered(play)
    await play.cpo.set_status("WHITEFIELD", "WHITEFIELD-1", Status.REMOVED)
    await play.until_seen()

    assert "WHITEFIELD" not in await offered(play)
    assert "INDIRANAGAR" in await offered(play)


@pytest.mark.requirement("O64")
async def test_what_is_not_published_is_shown_to_nobody(play: Scene) -> None:
    hidden, shown = station("PRIVATE", publish=False), station("PUBLIC")
    await play.put_station(hidden)
    await play.put_station(shown)
    await play.until_seen()
    assert not await play.sells(hidden)
    assert await play.sells(shown)
    assert refusal(await play.select(hidden)) == "30004"

    await play.put_station(replace(shown, publish=False, last_updated=datetime.now(UTC)))
    await play.until_seen()
    assert not await play.sells(shown)
    assert refusal(await play.select(shown)) == "30004"


@pytest.mark.requirement("O73")
async def test_an_unknown_tariff_is_no_price_and_not_free(play: Scene) -> None:
    unpriced = station("UNPRICED")
    (connector, *_) = unpriced.evses[0].connectors
    unpriced = with_evse(unpriced, connectors=(replace(connector, tariff_ids=("NEWS-TO-US",)),))
    await play.put_station(unpriced)
    await play.until_seen()
    assert not await play.sells(unpriced)
    assert refusal(await play.select(unpriced)) == "30004"

    tariff = replace(stations.tariff(play.cpo.party), id="NEWS-TO-US")
    url = play.cpo.receiver(ModuleID.TARIFFS, tariff.id)
    assert await play.cpo.call("PUT", url, tariff.id, tariff)

    async def priced() -> bool:
        return await play.sells(unpriced)

    await until(priced)
    quote = (await play.select(unpriced))["message"]["order"]["quote"]
    assert quote["price"]["value"] == "100.00"


@pytest.mark.requirement("O132")
async def test_what_cannot_be_started_remotely_is_never_commanded(play: Scene) -> None:
    local = with_evse(station("LOCAL"), capabilities=(Capability.RFID_READER,))
    silent = with_evse(station("SILENT"), capabilities=())
    await play.put_station(local)
    await play.put_station(silent)
    await play.until_seen()

    assert not await play.sells(local)
    assert refusal(await play.select(local)) == "30004"
    assert item_id(silent) in await play.on_sale(), "no capabilities given counts as capable"
    assert play.cpo.commands == []


@pytest.mark.requirement("O132")
async def test_the_operator_may_say_what_silent_evses_can_do(redis_url: str) -> None:
    async with scene(redis_url, default_capabilities=["RFID_READER"]) as play:
        silent = with_evse(station("SILENT"), capabilities=())
        await play.put_station(silent)
        await play.until_seen()
        assert not await play.sells(silent)
        assert refusal(await play.select(silent)) == "30004"
