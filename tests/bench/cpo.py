"""The CPO of the benches, a program of its own: it registers anybody, and has its pages ready.

It is the BAP as well, one that takes every callback.
``python -m tests.bench.cpo PORT LOCATIONS PAGE``. Besides OCPI it answers, to the bench,
``GET /asked`` (what the bridge has asked for), and takes ``POST /change`` (one Location in a
hundred has another status).
"""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

import msgspec
import uvloop
from aiohttp import web

from bridge.beckn.ack import ack
from bridge.ocpi.headers import token_candidates
from tests.bench.locations import COUNTRY_CODE, PARTY_ID, TARIFFS, Json, location, tariff

TOKEN = "token-of-the-bench"

LISTS = ("locations", "tariffs", "sessions", "cdrs")


class Asked(msgspec.Struct):
    """What the bridge has asked for.

    Args:
        first: when it asked for the first page of the latest list; ``time.monotonic()``.
        pages: how many it has asked for, ever.
        token: what it registered with.
    """

    first: float = 0.0
    pages: int = 0
    token: str = ""


class Listed(NamedTuple):
    """A list, its pages encoded; ``total`` is how many objects it has."""

    pages: list[bytes]
    total: int


class Cpo:
    """A CPO whose answers are encoded before anybody asks."""

    def __init__(self, url: str, locations: int, page: int) -> None:
        self._url = url
        self._locations = locations
        self._page = page
        self._changes = 0
        self._asked = Asked()
        self._everything = self._pages([location(number) for number in range(locations)])
        self._changed = self._pages([])
        self._tariffs = self._pages([tariff(number) for number in range(TARIFFS)])

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/versions", self._versions),
                web.get("/2.2.1", self._details),
                web.post("/2.2.1/credentials", self._register),
                web.get("/2.2.1/tariffs", self._list_tariffs),
                web.get("/2.2.1/sessions", self._list_nothing),
                web.get("/2.2.1/cdrs", self._list_nothing),
                web.get("/2.2.1/locations", self._list_locations),
                web.post("/bap/{action}", self._acknowledge),
                web.get("/asked", self._tell),
                web.post("/change", self._change),
            ]
        )
        return app

    def _pages(self, objects: list[Json]) -> Listed:
        """Encode a list; one that is empty has one page."""
        starts = range(0, max(len(objects), 1), self._page)
        pages = [_enveloped(objects[start : start + self._page]) for start in starts]
        return Listed(pages, len(objects))

    async def _versions(self, _: web.Request) -> web.Response:
        return _answer(_enveloped([{"version": "2.2.1", "url": f"{self._url}/2.2.1"}]))

    async def _details(self, _: web.Request) -> web.Response:
        roles = {"credentials": "SENDER", "commands": "RECEIVER"} | dict.fromkeys(LISTS, "SENDER")
        endpoints = [
            {"identifier": name, "role": role, "url": f"{self._url}/2.2.1/{name}"}
            for name, role in roles.items()
        ]
        return _answer(_enveloped({"version": "2.2.1", "endpoints": endpoints}))

    async def _register(self, request: web.Request) -> web.Response:
        self._asked.token = (await request.json())["token"]
        role = {
            "role": "CPO",
            "country_code": COUNTRY_CODE,
            "party_id": PARTY_ID,
            "business_details": {"name": "Benchmark Charging"},
        }
        credentials = {"token": TOKEN, "url": f"{self._url}/versions", "roles": [role]}
        return _answer(_enveloped(credentials))

    async def _list_tariffs(self, request: web.Request) -> web.Response:
        return self._list(request, self._tariffs)

    async def _list_nothing(self, request: web.Request) -> web.Response:
        return self._list(request, self._pages([]))

    async def _list_locations(self, request: web.Request) -> web.Response:
        if request.query.get("offset", "0") == "0":
            self._asked.first = time.monotonic()
        self._asked.pages += 1
        changes = "date_from" in request.query
        return self._list(request, self._changed if changes else self._everything)

    def _list(self, request: web.Request, listed: Listed) -> web.Response:
        if not set(token_candidates(request.headers.get("Authorization", ""))) & {TOKEN}:
            raise web.HTTPUnauthorized
        number = int(request.query.get("offset", "0")) // self._page
        headers = {"X-Limit": str(self._page), "X-Total-Count": str(listed.total)}
        if number + 1 < len(listed.pages):
            following = request.url.update_query(offset=(number + 1) * self._page)
            headers["Link"] = f'<{following}>; rel="next"'
        beyond = number >= len(listed.pages)
        return _answer(_enveloped([]) if beyond else listed.pages[number], headers)

    async def _acknowledge(self, _: web.Request) -> web.Response:
        return _answer(ack())

    async def _tell(self, _: web.Request) -> web.Response:
        return _answer(msgspec.json.encode(self._asked))

    async def _change(self, _: web.Request) -> web.Response:
        numbers = range(0, self._locations, 100)
        self._changes += 1
        changed = [location(number, self._changes) for number in numbers]
        self._changed = self._pages(changed)
        for number, each in zip(numbers, changed, strict=True):
            page, place = divmod(number, self._page)
            objects = msgspec.json.decode(self._everything.pages[page])["data"]
            objects[place] = each
            self._everything.pages[page] = _enveloped(objects)
        return _answer(_enveloped(len(changed)))


def _enveloped(data: Any) -> bytes:
    return msgspec.json.encode(
        {"data": data, "status_code": 1000, "timestamp": "2026-06-01T06:00:00Z"}
    )


def _answer(body: bytes, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=headers)


if __name__ == "__main__":
    port, locations, page = map(int, sys.argv[1:])
    cpo = Cpo(f"http://127.0.0.1:{port}", locations, page)
    web.run_app(
        cpo.app(),
        host="127.0.0.1",
        port=port,
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
