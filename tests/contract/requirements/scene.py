"""The whole bridge in this process, between a sandbox CPO and a sandbox BAP: three real servers."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp import web
from msgspec.structs import replace

from bridge.app import LISTENING, create_app
from bridge.ocpi.codec import decode
from bridge.ocpi.commands import CommandType, StartSession
from bridge.ocpi.headers import authorization
from bridge.ocpi.locations import EVSE, Location
from bridge.ocpi.types import ModuleID
from bridge.sandbox import stations
from bridge.sandbox.bap import Message, SandboxBap
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import Choice, book
from bridge.settings import Settings
from tests.factories import CPO_ID
from tests.waiting import until

PROVIDER = "cpo1.example"
SUBSCRIBER = "bridge.example"
TOKEN_A = "token-a"


@dataclass
class Scene:
    """The CPO, the bridge and the BAP."""

    cpo: SandboxCpo
    bap: SandboxBap

    async def on_sale(self) -> set[str]:
        """Search for everything; return the item ids."""
        found = await self.bap.ask("search", {"intent": {}}, new_transaction())
        providers = found["message"]["catalog"]["providers"]
        return {item["id"] for provider in providers for item in provider["items"]}

    async def sells(self, station: Location) -> bool:
        """Search for a Location's first connector."""
        return item_id(station) in await self.on_sale()

    async def put_station(self, station: Location) -> None:
        """Push a Location, and let the CPO have it itself."""
        self.cpo.locations[station.id] = station
        url = self.cpo.receiver(ModuleID.LOCATIONS, station.id)
        assert await self.cpo.call("PUT", url, station.id, station)

    async def until_seen(self) -> None:
        """Wait until all that was pushed so far is in the catalogue: one more Location shows it."""
        marker = station(f"MARKER-{uuid.uuid4().hex[:8]}")
        await self.put_station(marker)

        async def shown() -> bool:
            return await self.sells(marker)

        await until(shown)

    async def select(self, wanted: Location) -> Message:
        """Ask what 100 INR buy at a Location's first connector; return on_select."""
        choice = Choice(PROVIDER, item_id(wanted))
        message = choice.order(amount="100", unit="INR")
        return await self.bap.ask("select", message, new_transaction())

    async def book(self, wanted: Location) -> tuple[str, Message]:
        """Place an order of 100 INR; return its transaction id and the order."""
        transaction_id = new_transaction()
        choice = Choice(PROVIDER, item_id(wanted))
        confirmed = await book(self.bap, transaction_id, choice, "100")
        order: Message = confirmed["message"]["order"]
        return transaction_id, order

    def starts(self) -> list[StartSession]:
        """Return the START_SESSIONs that the CPO was sent."""
        return [
            decode(body, StartSession)
            for name, body in self.cpo.commands
            if name == CommandType.START_SESSION
        ]

    async def ask_bridge(self, method: str, path: str, body: object = None) -> Any:
        """Call the bridge's OCPI side as the CPO; return ``data``."""
        assert self.cpo.peer is not None
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                method,
                f"{self.bap.bridge_url}/ocpi/2.2.1/{path}",
                json=body,
                headers={"Authorization": authorization(self.cpo.peer.token)},
            ) as answer,
        ):
            envelope = await answer.json()
            assert (answer.status, envelope["status_code"]) == (200, 1000)
            return envelope["data"]

    async def metrics(self) -> str:
        """Return what the bridge tells Prometheus."""
        url = f"{self.bap.bridge_url}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return await answer.text()


def new_transaction() -> str:
    """Return an id for a transaction of its own."""
    return str(uuid.uuid4())


def station(location_id: str, **changes: Any) -> Location:
    """Return a Location of the sandbox under another id, with one EVSE."""
    (like, *_) = stations.locations(SandboxCpo("").party)
    evse = replace(like.evses[0], uid=f"{location_id}-1", evse_id=None)
    return replace(like, **{"id": location_id, "evses": (evse,), **changes})


def with_evse(place: Location, **changes: Any) -> Location:
    """Return the Location with its EVSE changed."""
    (evse,) = place.evses
    return replace(place, evses=(replace(evse, **changes),))


def item_id(place: Location) -> str:
    """Return the Beckn id of a Location's first connector."""
    evse: EVSE = place.evses[0]
    parts = (place.country_code, place.party_id, place.id, evse.uid, evse.connectors[0].id)
    return "*".join(parts)


@asynccontextmanager
async def scene(redis_url: str, **flags: object) -> AsyncIterator[Scene]:
    """Start the three; the bridge is registered, and its catalogue loaded.

    ``flags`` are what the operator says about the CPO.
    """
    cpo, bap = SandboxCpo(TOKEN_A), SandboxBap("", bpp_id=SUBSCRIBER)
    cpo.behaviour.step_s, cpo.behaviour.delivers_kwh = 0.01, Decimal("3.7")
    async with AsyncExitStack() as stack:
        cpo.url = await stack.enter_async_context(served(lambda url: cpo.app()))
        bap.url = await stack.enter_async_context(served(lambda url: bap.app()))
        bap.bridge_url = await stack.enter_async_context(
            served(
                lambda url: create_app(
                    settings(url, f"{cpo.url}/ocpi/versions", **flags), redis_url
                )
            )
        )
        playing = Scene(cpo, bap)
        await until(lambda: cpo.peer is not None)
        await until(lambda: _loaded(playing))
        yield playing


def settings(
    public_url: str, versions_url: str = "http://127.0.0.1:9/versions", **flags: object
) -> Settings:
    """Return the configuration of a bridge at an address, with one CPO."""
    return Settings.model_validate(
        {
            "public_url": public_url,
            "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Test Bridge"},
            "cpos": [
                {
                    "id": CPO_ID,
                    "versions_url": versions_url,
                    "token_a": TOKEN_A,
                    "provider": {"id": PROVIDER, "name": "CPO One"},
                    "flags": flags,
                }
            ],
            "beckn": {"subscriber_id": SUBSCRIBER},
            "allow_hosts": ["127.0.0.1"],
        }
    )


@asynccontextmanager
async def served(make: Callable[[str], web.Application]) -> AsyncIterator[str]:
    """Serve an application that is made for its address; give the address."""
    # The port is ours before anybody hears of it.
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = make(url)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        if LISTENING in app:
            app[LISTENING].set()
        yield url
    finally:
        await runner.cleanup()


async def _loaded(playing: Scene) -> bool:
    known = {item_id(each) for each in playing.cpo.locations.values()}
    return known <= await playing.on_sale()
