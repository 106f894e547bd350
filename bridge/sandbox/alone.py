"""The sandbox programs by themselves, each a process or a container of its own."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from bridge.errors import BridgeError
from bridge.sandbox.bap import SandboxBap
from bridge.sandbox.drive import GPS, Choice, Driver, find_all, play_walk_in
from bridge.sandbox.timeline import beckn_words


@dataclass
class Crowd:
    """Drivers that share a BAP: each goes to the EVSE where none of them is, or was last.

    So walk-ins may be played at any rate that the EVSEs have room for.

    Args:
        gps: around which they search.
    """

    bap: SandboxBap
    gps: str = GPS
    _taken: dict[str, None] = field(default_factory=dict)
    _left: dict[str, None] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        """Return ``POST /walk-in``: plays one, answers with its final on_update.

        ``?stops`` ends the session by the driver; without it the vehicle is full at some time.
        503: no EVSE is free. 502: a step did not happen, with its reason.
        """
        return [web.post("/walk-in", self._walk_in)]

    async def _walk_in(self, request: web.Request) -> web.Response:
        driver = Driver(self.bap)
        try:
            found = await find_all(self.bap, driver.transaction_id, gps=self.gps)
            driver.choice = self.takes(found)
            if driver.choice is None:
                return web.json_response({"error": "every EVSE is taken"}, status=503)
            try:
                final = await play_walk_in(driver, stops="stops" in request.query)
            finally:
                self.leaves(driver.choice)
        except (TimeoutError, AssertionError, LookupError, aiohttp.ClientError) as error:
            return web.json_response(self._story(driver, error), status=502)
        return web.json_response(final)

    def _story(self, driver: Driver, error: Exception) -> dict[str, object]:
        """Tell what went wrong: where the play stopped, and which callbacks had come by then."""
        own = driver.transaction_id
        came = [each for each in self.bap.callbacks if each["context"]["transaction_id"] == own]
        words = [f"{each['context']['action']}  {beckn_words(each)}".strip() for each in came]
        reason = str(error) or "no callback in time"
        return {"error": reason, "transaction_id": own, "callbacks": words}

    def takes(self, choices: list[Choice]) -> Choice | None:
        """Take an EVSE where nobody was yet, else the one left longest ago; None: all are taken."""
        free = {evse_of(each): each for each in choices if evse_of(each) not in self._taken}
        if not free:
            return None
        fresh = [evse for evse in free if evse not in self._left]
        evse = fresh[0] if fresh else next(each for each in self._left if each in free)
        self._taken[evse] = None
        return free[evse]

    def leaves(self, choice: Choice) -> None:
        """Give an EVSE back."""
        evse = evse_of(choice)
        del self._taken[evse]
        self._left.pop(evse, None)
        self._left[evse] = None


def evse_of(choice: Choice) -> str:
    """Return the part of an item's id that names its EVSE: all but the connector."""
    return choice.item_id.rpartition("*")[0]


def alive() -> web.RouteDef:
    """Return ``GET /health/live``, as the bridge has it."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    return web.get("/health/live", live)


async def serve(app: web.Application, host: str, port: int) -> None:
    """Serve an application, with ``/health/live``, until SIGTERM or SIGINT.

    Raises:
        BridgeError: somebody else has the port, or it is not ours to open.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    app.add_routes([alive()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await stop.wait()
    except OSError as error:
        raise BridgeError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    finally:
        await runner.cleanup()
