"""One bridge between several CPOs whose ids are alike: each id counts inside its party."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Status
from bridge.sandbox.bap import Message
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import GPS, Choice, book, is_final, state_of, update
from tests.e2e.rig import Rig, Site
from tests.waiting import until


@pytest.fixture
async def other(world: Rig) -> AsyncIterator[SandboxCpo]:
    """Give a second CPO with the same stations as the first, both known to the bridge."""
    cpo = SandboxCpo(token_a="token-a-of-the-other", party=Party("IN", "OTH"), name="Other")
    site = Site(cpo.app)
    cpo.url = site.url
    await site.start()
    entries = [
        {
            "id": name,
            "versions_url": f"{each.url}/ocpi/versions",
            "token_a": each.token_a,
            "provider": {"id": f"{name}.example", "name": each.name},
        }
        for name, each in (("cpo1", world.cpo), ("cpo2", cpo))
    ]
    await world.bridges[0].restart(cpos=entries)

    async def both_found() -> bool:
        return len(await choices(world)) == 2

    await until(both_found, timeout_s=30)
    yield cpo
    await site.stop()


async def choices(world: Rig) -> dict[str, Choice]:
    """Search around the driver; return the first item of each provider."""
    stop = {"location": {"circle": {"gps": GPS, "radius": {"value": "1", "unit": "km"}}}}
    intent = {"fulfillment": {"type": "CHARGING", "stops": [stop]}}
    found = await world.bap.ask("search", {"intent": intent}, str(uuid.uuid4()))
    return {
        provider["id"]: Choice(provider["id"], provider["items"][0]["id"])
        for provider in found["message"]["catalog"]["providers"]
    }


async def started(world: Rig, choice: Choice) -> str:
    """Book a choice and start charging; return the transaction."""
    transaction_id = str(uuid.uuid4())
    order: Message = (await book(world.bap, transaction_id, choice, "100"))["message"]["order"]
    assert order["provider"]["id"] == choice.provider_id
    answer = await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert state_of(answer) == "ACTIVE"
    return transaction_id


async def price_of_final(world: Rig, transaction_id: str) -> Decimal:
    final = await world.bap.wait_for(
        lambda m: m["context"]["transaction_id"] == transaction_id and is_final(m), within_s=30
    )
    return Decimal(final["message"]["order"]["quote"]["price"]["value"])


async def test_equal_ids_of_two_cpos_are_two_stations(world: Rig, other: SandboxCpo) -> None:
    found = await choices(world)
    first, second = found["cpo1.example"], found["cpo2.example"]
    assert first.item_id.replace("SBX", "OTH") == second.item_id
    other.behaviour.delivers_kwh = Decimal(1)

    # Both at the same time: the same location, EVSE and connector ids at each.
    at_second = await started(world, second)
    assert (len(world.cpo.commands), len(other.commands)) == (0, 1)
    at_first = await started(world, first)
    assert (len(world.cpo.commands), len(other.commands)) == (1, 1)

    assert await price_of_final(world, at_second) == 28
    assert await price_of_final(world, at_first) == Decimal("76.60")


async def test_a_status_of_one_cpo_is_none_of_the_other(world: Rig, other: SandboxCpo) -> None:
    found = await choices(world)
    _, _, location_id, evse_uid, _ = found["cpo2.example"].item_id.split("*")
    await other.set_status(location_id, evse_uid, Status.CHARGING)

    size = {"amount": "100", "unit": "INR"}
    busy = await world.bap.ask("select", found["cpo2.example"].order(**size), str(uuid.uuid4()))
    free = await world.bap.ask("select", found["cpo1.example"].order(**size), str(uuid.uuid4()))

    assert busy["error"]["code"] == "40002"
    assert "error" not in free
    crossed = Choice("cpo1.example", found["cpo2.example"].item_id)
    unknown = await world.bap.ask("select", crossed.order(**size), str(uuid.uuid4()))
    assert unknown["error"]["code"] == "30004"
