"""A CPO platform on loopback that answers as a test tells it and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDictProxy

STAMP = "2026-03-01T12:00:00Z"

Answer = Callable[["Asked"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; ``target`` is path and query, undecoded."""

    method: str
    target: str
    headers: CIMultiDictProxy[str]
    body: bytes
    request: web.Request

    def json(self) -> Any:
        """Return the body."""
        return json.loads(self.body)


class FakeCpo:
    """The platform: ``on`` says what a method and path answer, everything else is 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.arrived = asyncio.Event()
        self.origin = ""
        self._answers: dict[tuple[str, str], Answer] = {}
        self.app = web.Application(client_max_size=2**24)
        self.app.router.add_route("*", "/{anything:.*}", self._answer)

    def on(self, method: str, path: str, answer: Answer) -> None:
        """Answer this, whatever the query, from now on."""
        self._answers[method, path] = answer

    def on_data(
        self, method: str, path: str, data: object, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer this with data in a good envelope."""
        self.on(method, path, always(data, headers=headers))

    def url(self, path: str) -> str:
        """Return the absolute URL of a path."""
        return self.origin + path

    def targets(self) -> list[str]:
        """Return what was asked, in order."""
        return [f"{each.method} {each.target}" for each in self.asked]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(
            method=request.method,
            target=request.raw_path,
            headers=request.headers,
            body=await request.read(),
            request=request,
        )
        self.asked.append(asked)
        self.arrived.set()
        answer = self._answers.get((request.method, request.raw_path.partition("?")[0]))
        if answer is None:
            return enveloped(None, http=404, code=2000)
        return await answer(asked)


@asynccontextmanager
async def serving() -> AsyncIterator[FakeCpo]:
    """Run a platform on a free port."""
    fake = FakeCpo()
    async with TestServer(fake.app) as server:
        fake.origin = str(server.make_url("")).rstrip("/")
        yield fake


def raw(body: bytes, *, http: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer of these bytes."""

    async def answer(asked: Asked) -> web.StreamResponse:
        return web.Response(body=body, status=http, headers=headers)

    return answer


def always(
    data: object,
    *,
    http: int = 200,
    code: int = 1000,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return an answer that is the same every time."""

    async def answer(asked: Asked) -> web.StreamResponse:
        return enveloped(data, http=http, code=code, message=message, headers=headers)

    return answer


def enveloped(
    data: object,
    *,
    http: int = 200,
    code: int = 1000,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return an OCPI answer; data of None is left out."""
    body: dict[str, object] = {"status_code": code, "timestamp": STAMP}
    if data is not None:
        body["data"] = data
    if message is not None:
        body["status_message"] = message
    return web.json_response(body, status=http, headers=headers)
