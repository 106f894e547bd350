"""The sandbox CPO as many are: ten deviations from OCPI, each of a kind that was seen in the field.

Everything still works with it, but for what only an operator can know: where its commands are, and
that its PATCHes have no date. `bridge cpo doctor` finds all ten.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from bridge.ocpi.codec import encode, loads
from bridge.ocpi.headers import LINK, TOTAL_COUNT
from bridge.sandbox.cpo import SandboxCpo

QUIRKS: Final = (
    "commands are not advertised",
    "version details stand in a list of one",
    "links lead to https and another port",
    "X-Total-Count is wrong",
    "timestamps have a space",
    "numbers stand in quotes",
    "an EVSE can do what OCPI does not know",
    "a list of tariffs has a null in it",
    "one Location has no city",
    "PATCHes have no last_updated",
)

BROKEN: Final = "BROKEN"
"""Id of the Location without a city."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class QuirkyCpo(SandboxCpo):
    """A SandboxCpo whose answers and pushes are spoilt on their way out."""

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = super().app()
        app.middlewares.append(self._spoilt)
        return app

    @web.middleware
    async def _spoilt(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        answer = await handler(request)
        if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
            return answer
        body: Any = loads(answer.body)
        match request.path.removeprefix("/ocpi/2.2.1"):
            case "":
                body["data"] = [_without_commands(body["data"])]
            case "/locations":
                first = request.query.get("offset", "0") == "0"
                body["data"] = [*([self._broken()] if first else []), *map(_spoil, body["data"])]
                _spoil_paging(answer)
        answer.body = encode(body)
        return answer

    def _broken(self) -> dict[str, object]:
        location: Any = loads(encode(next(iter(self.locations.values()))))
        return {name: item for name, item in location.items() if name != "city"} | {"id": BROKEN}

    async def call(self, method: str, url: str, words: str, body: object) -> bool:
        """Push as a SandboxCpo does, but say in no PATCH when it was."""
        if method == "PATCH" and isinstance(body, dict):
            body = {name: item for name, item in body.items() if name != "last_updated"}
        return await super().call(method, url, words, body)


def _without_commands(details: dict[str, Any]) -> dict[str, Any]:
    endpoints = [each for each in details["endpoints"] if each["identifier"] != "commands"]
    return details | {"endpoints": endpoints}


def _spoil(location: dict[str, Any]) -> dict[str, Any]:
    location["last_updated"] = location["last_updated"].replace("T", " ")
    for evse in location.get("evses", []):
        evse["capabilities"] = [*evse.get("capabilities", []), "TELEPATHY"]
        for connector in evse["connectors"]:
            connector["max_voltage"] = str(connector["max_voltage"])
            connector["tariff_ids"] = [None, *connector.get("tariff_ids", [])]
    return location


def _spoil_paging(answer: web.Response) -> None:
    answer.headers[TOTAL_COUNT] = "1"
    if LINK in answer.headers:
        link = re.sub(r"http://([^/:]+):\d+", r"https://\1:9", answer.headers[LINK])
        answer.headers[LINK] = link
