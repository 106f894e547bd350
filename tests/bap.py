"""A BAP for single tests: a real server that keeps what it got and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

ACK: dict[str, Any] = {"message": {"ack": {"status": "ACK"}}}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def nack(code: str = "30001", message: str = "not ours") -> dict[str, Any]:
    """Return a NACK with its error."""
    return {"message": {"ack": {"status": "NACK"}}, "error": {"code": code, "message": message}}


def says(body: object = ACK, status: int = 200) -> Answer:
    """Answer with JSON."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return answer


class Bap:
    """Keeps the body of each request in ``got``; ``answers`` come first, then ACKs.

    ``gates``: an answer to the message of this id waits until its gate is open.
    """

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.answers: list[Answer] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.url = ""

    @property
    def ids(self) -> list[str]:
        """The message ids of what was got."""
        return [str(body["context"]["message_id"]) for body in self.got]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take a callback."""
        body = await request.json()
        self.got.append(body)
        self.paths.append(f"{request.method} {request.path}")
        gate = self.gates.get(body.get("context", {}).get("message_id", ""))
        if gate is not None:
            await gate.wait()
        answer = self.answers.pop(0) if self.answers else says()
        return await answer(request)

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on loopback; give the address."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        async with TestServer(app, port=port) as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield self.url
