"""A BAP that speaks Beckn 1.1.0: sends requests, collects callbacks, waits for what it expects."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from aiohttp import web

from bridge.sandbox.calls import client

Message = dict[str, Any]
Sign = Callable[[bytes], str]
"""Gives the Authorization header of exactly these bytes."""

DOMAINS: Final[Mapping[str, str]] = {"deg": "deg:ev-charging", "uei": "ev-charging:uei"}
"""What stands in ``context.domain``, by dialect."""

Seen = Callable[[str, str, Message], None]
"""Told of every Beckn message: direction (``in``, ``out``), action, the message."""


@dataclass
class SandboxBap:
    """The driver's app. ``url`` is its base once it is served.

    Args:
        bridge_url: base of the bridge, ``/beckn/{action}`` is added.
        bpp_id: to whom requests but search are sent, until a search tells.
        refuses: callbacks with these actions are answered NACK.
        sign: gives the Authorization of what is sent; None = nothing is signed.
        otps: one-time passwords that came to the driver's phone, which the BAP stands for as well.
        received: each callback as it came: its Authorization, and its bytes.
    """

    bridge_url: str
    bap_id: str = "sandbox-bap.example"
    bpp_id: str = "bridge.example"
    domain: str = DOMAINS["deg"]
    seen: Seen = lambda direction, action, message: None
    url: str = ""
    refuses: frozenset[str] = frozenset()
    sign: Sign | None = None
    received: list[tuple[str | None, bytes]] = field(default_factory=list)
    callbacks: list[Message] = field(default_factory=list)
    patches: list[Message] = field(default_factory=list)
    otps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._arrived = asyncio.Condition()
        self._waiting: dict[asyncio.Future[Message], Callable[[Message], bool]] = {}
        self._http: aiohttp.ClientSession | None = None

    def app(self, routes: Sequence[web.RouteDef] = ()) -> web.Application:
        """Return the aiohttp application; ``routes`` are some besides its own."""
        app = web.Application(client_max_size=2**20)
        app.cleanup_ctx.append(self._running)
        app.add_routes(
            [
                *routes,
                web.post("/otp", self._otp),
                web.post("/{action}", self._callback),
                web.patch("/live", self._live),
            ]
        )
        return app

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        self._http = client()
        yield
        await self._http.close()

    async def _callback(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received.append((request.headers.get("Authorization"), body))
        message = json.loads(body)
        action = message["context"]["action"]
        if action in self.refuses:
            nack = {"message": {"ack": {"status": "NACK"}}, "error": {"code": "30000"}}
            return web.json_response(nack)
        self.seen("in", action, message)
        self.callbacks.append(message)
        for waiter, wanted in tuple(self._waiting.items()):
            if not waiter.done() and wanted(message):
                waiter.set_result(message)
        return web.json_response({"message": {"ack": {"status": "ACK"}}})

    async def _otp(self, request: web.Request) -> web.Response:
        async with self._arrived:
            self.otps.append(json.loads(await request.read())["code"])
            self._arrived.notify_all()
        return web.Response()

    async def otp(self, *, within_s: float = 15.0) -> str:
        """Return the next one-time password that comes to the driver's phone.

        Raises:
            TimeoutError: none came in time.
        """
        async with asyncio.timeout(within_s), self._arrived:
            await self._arrived.wait_for(lambda: self.otps)
            return self.otps.pop(0)

    async def _live(self, request: web.Request) -> web.Response:
        async with self._arrived:
            self.patches.append(json.loads(await request.read()))
            self._arrived.notify_all()
        return web.Response()

    def context(self, action: str, transaction_id: str, **changes: object) -> Message:
        """Return a context; ``changes`` replace fields, None removes them."""
        context: Message = {
            "domain": self.domain,
            "action": action,
            "location": {"country": {"code": "IND"}, "city": {"code": "std:080"}},
            "version": "1.1.0",
            "bap_id": self.bap_id,
            "bap_uri": self.url,
            "bpp_id": self.bpp_id,
            "bpp_uri": f"{self.bridge_url}/beckn",
            "transaction_id": transaction_id,
            "message_id": str(uuid.uuid4()),
            "timestamp": datetime.now(UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "ttl": "PT30S",
        }
        if action == "search":
            del context["bpp_id"], context["bpp_uri"]
        context |= changes
        return {name: value for name, value in context.items() if value is not None}

    async def send(
        self, action: str, message: Message, transaction_id: str, **changes: object
    ) -> tuple[str, Message]:
        """Post a request; return its message_id and the ACK or NACK."""
        context = self.context(action, transaction_id, **changes)
        body = {"context": context, "message": message}
        self.seen("out", action, body)
        _, answer = await self.post(f"/beckn/{action}", body)
        return context["message_id"], answer

    async def post(self, path: str, body: object) -> tuple[int, Message]:
        """Post anything to the bridge; return HTTP status and JSON."""
        assert self._http is not None
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.sign is not None:
            headers["Authorization"] = self.sign(data)
        async with self._http.post(self.bridge_url + path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    async def wait_for(
        self, wanted: Callable[[Message], bool], *, within_s: float = 15.0
    ) -> Message:
        """Return the first callback that fits, already here or still to come.

        Raises:
            TimeoutError: none came in time.
        """
        for message in self.callbacks:
            if wanted(message):
                return message
        waiter: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = wanted
        try:
            async with asyncio.timeout(within_s):
                return await waiter
        finally:
            del self._waiting[waiter]

    async def answer_to(self, message_id: str, *, within_s: float = 15.0) -> Message:
        """Return the callback that answers a request."""
        return await self.wait_for(
            lambda message: message["context"]["message_id"] == message_id, within_s=within_s
        )

    async def ask(
        self, action: str, message: Message, transaction_id: str, **changes: object
    ) -> Message:
        """Send a request and return its callback.

        Raises:
            AssertionError: the bridge did not ACK.
            TimeoutError: no callback came in time.
        """
        return await self.answer_to(await self.acked(action, message, transaction_id, **changes))

    async def acked(
        self, action: str, message: Message, transaction_id: str, **changes: object
    ) -> str:
        """Send a request and return its message_id.

        Raises:
            AssertionError: the bridge did not ACK.
        """
        message_id, ack = await self.send(action, message, transaction_id, **changes)
        if ack["message"]["ack"]["status"] != "ACK":
            raise AssertionError(f"{action} was refused: {ack}")
        return message_id
