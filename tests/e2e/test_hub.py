"""One bridge, one hub, two CPOs behind it whose ids are all the same."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ConnectionStatus
from bridge.ocpi.tariffs import Tariff
from bridge.sandbox.bap import Message, SandboxBap
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import GPS, Choice, book, is_final, state_of, update
from bridge.sandbox.hub import SandboxHub
from tests.e2e.rig import Rig, Site
from tests.waiting import until

ONE, TWO = Party("IN", "ONE"), Party("IN", "TWO")
PROVIDERS = {"one.example", "IN*TWO"}
"""The operator named the one; the other goes by its ids."""

S = ConnectionStatus
SIZE = {"amount": "100", "unit": "INR"}


@dataclass
class Hub:
    """The hub, its two members, and the bridge's BAP."""

    hub: SandboxHub
    one: SandboxCpo
    two: SandboxCpo
    bap: SandboxBap
    sites: dict[str, Site]

    async def choices(self) -> dict[str, Choice]:
        """Search around the driver; return the first item of each provider."""
        return {
            provider["id"]: Choice(provider["id"], provider["items"][0]["id"])
            for provider in await self.providers()
        }

    async def providers(self) -> list[Message]:
        """Search around the driver; return the providers."""
        stop = {"location": {"circle": {"gps": GPS, "radius": {"value": "1", "unit": "km"}}}}
        intent = {"fulfillment": {"type": "CHARGING", "stops": [stop]}}
        found = await self.bap.ask("search", {"intent": intent}, str(uuid.uuid4()))
        return list(found["message"]["catalog"]["providers"])

    async def booked(self, choice: Choice) -> tuple[str, Message]:
        """Place an order; return its transaction and the order."""
        transaction_id = str(uuid.uuid4())
        confirmed = await book(self.bap, transaction_id, choice, "100")
        order: Message = confirmed["message"]["order"]
        assert order["provider"]["id"] == choice.provider_id
        return transaction_id, order

    async def start(self, transaction_id: str, order: Message) -> Message:
        """Ask for the start of an order; return the answer."""
        return await self.bap.ask("update", update(order, "start-charging"), transaction_id)

    async def price_of_final(self, transaction_id: str) -> Decimal:
        """Wait for the final bill; return its price."""
        final = await self.bap.wait_for(
            lambda m: m["context"]["transaction_id"] == transaction_id and is_final(m),
            within_s=30,
        )
        return Decimal(final["message"]["order"]["quote"]["price"]["value"])

    def sent_to(self, member: SandboxCpo) -> list[str]:
        """Return what the bridge sent to a member by way of the hub."""
        return [what for what, to in self.hub.passed if to == str(member.party)]


def dearer(tariff: Tariff) -> Tariff:
    """Return the tariff of the sandbox at 20 INR for a kWh, under its own id."""
    (element,) = tariff.elements
    energy, start = element.price_components
    components = (replace(energy, price=Decimal(20)), start)
    return replace(tariff, elements=(replace(element, price_components=components),))


@pytest.fixture
async def hub(world: Rig) -> AsyncIterator[Hub]:
    """Give a bridge whose only connection is one to a hub with two members."""
    one = SandboxCpo(token_a="", party=ONE, name="One")
    two = SandboxCpo(token_a="", party=TWO, name="Two")
    (price,) = two.tariffs.values()
    two.tariffs[price.id] = dearer(price)
    at_hub = SandboxHub(token_a="token-a-of-the-hub", members=(one, two))
    sites: dict[str, Site] = {}
    for name, platform in (("one", one), ("two", two), ("hub", at_hub)):
        sites[name] = site = Site(platform.app)
        platform.url = site.url
        await site.start()
    entry: dict[str, Any] = {
        "id": "hub1",
        "versions_url": f"{at_hub.url}/ocpi/versions",
        "token_a": at_hub.token_a,
        "provider": {"id": "hub.example", "name": "The Hub"},
        "hub": True,
        "parties": [
            {
                "country_code": "IN",
                "party_id": "ONE",
                "provider": {"id": "one.example", "name": "One Power"},
            }
        ],
    }
    await world.bridges[0].restart(cpos=[entry])
    running = Hub(at_hub, one, two, world.bap, sites)

    async def both_found() -> bool:
        return set(await running.choices()) == PROVIDERS

    try:
        await until(both_found, timeout_s=30)
        yield running
    finally:
        for site in sites.values():
            await site.stop()
    # Whatever a test did: the bridge never wrote to whom it should not.
    assert at_hub.faults == []


@pytest.mark.requirement("O143")
async def test_equal_ids_of_two_parties_are_two_stations(hub: Hub) -> None:
    found = await hub.choices()
    at_one, at_two = found["one.example"], found["IN*TWO"]
    assert at_one.item_id.replace("ONE", "TWO") == at_two.item_id
    hub.two.behaviour.delivers_kwh = Decimal(1)

    # Both at the same time: the same location, EVSE, connector and tariff ids at each.
    second, order_of_second = await hub.booked(at_two)
    first, order_of_first = await hub.booked(at_one)
    assert state_of(await hub.start(second, order_of_second)) == "ACTIVE"
    assert (len(hub.one.commands), len(hub.two.commands)) == (0, 1)
    assert state_of(await hub.start(first, order_of_first)) == "ACTIVE"
    assert (len(hub.one.commands), len(hub.two.commands)) == (1, 1)

    # 20 for the kWh of the one, 18 for each of the other; and 10 for the start of either.
    assert await hub.price_of_final(second) == 30
    assert await hub.price_of_final(first) == Decimal("76.60")


@pytest.mark.requirement("O142")
async def test_a_party_that_goes_away_sells_nothing_and_comes_back_with_its_news(hub: Hub) -> None:
    at_two = (await hub.choices())["IN*TWO"]
    transaction_id, order = await hub.booked(at_two)

    assert await hub.hub.tell(TWO, S.OFFLINE)
    await until(lambda: _sold_by(hub, {"one.example"}))
    refused = await hub.bap.ask("select", at_two.order(**SIZE), str(uuid.uuid4()))
    assert refused["error"]["code"] == "40002"
    before = hub.sent_to(hub.two)
    failed = await hub.start(transaction_id, order)
    assert failed["error"]["code"] == "40006"
    assert "OFFLINE" in failed["error"]["message"]

    # Nobody keeps for us what it changes meanwhile.
    station = hub.two.locations["INDIRANAGAR"]
    hub.two.locations[station.id] = replace(
        station, name="Renamed Meanwhile", last_updated=datetime.now(UTC)
    )
    assert hub.sent_to(hub.two) == before
    assert await hub.hub.tell(TWO, S.CONNECTED)
    await until(lambda: _shows(hub, "Renamed Meanwhile"), timeout_s=20)
    assert state_of(await hub.start(transaction_id, order)) == "ACTIVE"


async def test_a_command_that_the_hub_cannot_pass_on_fails_at_once(hub: Hub) -> None:
    at_two = (await hub.choices())["IN*TWO"]
    transaction_id, order = await hub.booked(at_two)
    await hub.sites["two"].stop()
    failed = await hub.start(transaction_id, order)
    assert failed["error"]["code"] == "40006"


async def _sold_by(hub: Hub, providers: set[str]) -> bool:
    return set(await hub.choices()) == providers


async def _shows(hub: Hub, name: str) -> bool:
    return name in str(await hub.providers())
