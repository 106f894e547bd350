"""What protocol-server does on the BPP side, as far as its webhook can tell: it is easily killed.

Written from how the real one was seen to behave: 202 to whatever is readable, one webhook for all
actions, a context of its own making, and an end at the first answer of the webhook that is no 2xx.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from bridge.beckn.layer2 import Violation
from bridge.beckn.times import parse_ttl

Message = dict[str, Any]

LIMIT = 204_800
"""Bytes of a message; one more is too many."""


def js(value: object) -> bytes:
    """Write JSON as JSON.stringify does, as far as our messages go."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class ProtocolServer:
    """BPP client and BPP network in one.

    Args:
        webhook: where requests are posted.
        key: what signs them, if anything does.
        violation: says what is wrong with a callback, by its layer-2 file.
        posted: requests that the webhook has answered.
        died: why the process ended; it then takes nothing any more.
        gate: callbacks are answered once it is open.
        notices: what the webhook was told of replies that came too late.
    """

    webhook: str = ""
    url: str = ""
    key: bytes | None = None
    limit: int = LIMIT
    violation: Callable[[str, Message], Violation | None] = lambda action, message: None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    died: str | None = None
    posted: list[Message] = field(default_factory=list)
    notices: list[Message] = field(default_factory=list)
    callbacks: list[tuple[int, Message]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()
        self._http: aiohttp.ClientSession | None = None
        self._seen: dict[tuple[str, str], tuple[float, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """Return the aiohttp application: requests and callbacks come to one port."""
        app = web.Application(client_max_size=2**23)
        app.cleanup_ctx.append(self._running)
        app.router.add_post("/{path:.*?}{action:on_[a-z_]+}", self._callback)
        app.router.add_post("/{path:.*?}{action:[a-z_]+}", self._request)
        return app

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        self._http = aiohttp.ClientSession(headers={"User-Agent": "axios/0.26.1"})
        yield
        for task in self._tasks:
            task.cancel()
        await self._http.close()

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What a BAP sends

    async def _request(self, request: web.Request) -> web.Response:
        if self.died is not None:
            return web.Response(status=503)
        message = json.loads(await request.read())
        context = message["context"]
        ttl_s = parse_ttl(context.get("ttl", "PT0S"), lambda name: None) or 0.0
        self._seen[context["action"], context["message_id"]] = (time.monotonic(), ttl_s)
        self._later(self._post(message))
        ack = {"context": context, "message": {"ack": {"status": "ACK"}}}
        return web.json_response(ack, status=202)

    async def _post(self, original: Message) -> None:
        """Post to the webhook: signed is what came, sent are context and message."""
        body = {"context": original["context"], "message": original["message"]}
        headers = {"Content-Type": "application/json"}
        if self.key is not None:
            made = hmac.new(self.key, js(original), hashlib.sha256).hexdigest()
            headers["Authorization"] = f"HMAC-SHA-256 {made}"
        await self._tell_webhook(js(body), headers)
        self.posted.append(body)

    async def _tell_webhook(self, body: bytes, headers: dict[str, str]) -> None:
        assert self._http is not None
        try:
            async with self._http.post(self.webhook, data=body, headers=headers) as answer:
                if answer.status >= 300:
                    self.died = f"HTTP {answer.status}: {await answer.text()}"
        except aiohttp.ClientError as error:
            self.died = repr(error)

    # What the bridge sends

    async def _callback(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > self.limit or request.content_type != "application/json":
            return nack(500, {"message": "request entity too large"})
        message: Message = json.loads(body)
        context = message["context"]
        answer = self._checked(request.match_info["action"], message)
        self.callbacks.append((answer.status, message))
        await self.gate.wait()
        if answer.status == 202:
            self._later(self._deliver(message, self._rebuilt(context)))
        return answer

    def _checked(self, action: str, message: Message) -> web.Response:
        context = message["context"]
        if self.died is not None:
            return web.Response(status=503)
        if context["action"] != action or not context["transaction_id"]:
            return nack(404, {"code": 4001, "message": "not configured"})
        violation = self.violation(action, message)
        if violation is not None:
            fault = {"keywordLocation": "#", "instanceLocation": violation.path}
            error = {"code": 400, "message": "Schema validation failed", "data": [fault]}
            return nack(400, {**error, "type": "DOMAIN-ERROR"})
        ack = {"context": self._rebuilt(context), "message": {"ack": {"status": "ACK"}}}
        return web.json_response(ack, status=202)

    def _rebuilt(self, context: Message) -> Message:
        kept = (
            *("domain", "action", "version", "bpp_id", "bpp_uri", "location"),
            *("bap_id", "bap_uri", "transaction_id", "message_id"),
        )
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        added = {"country": "IND", "city": "std:080", "ttl": "PT10M", "timestamp": now}
        return {name: context[name] for name in kept if name in context} | added

    async def _deliver(self, message: Message, context: Message) -> None:
        """Hand a callback to its BAP; one that is late is told to the webhook instead."""
        asked = (context["action"].removeprefix("on_"), context["message_id"])
        received, ttl_s = self._seen.get(asked, (time.monotonic(), 0.0))
        if time.monotonic() - received > ttl_s and asked in self._seen:
            error = {"code": 651641, "type": "CORE-ERROR", "message": "Request timed out"}
            self.notices.append(message)
            headers = {"Content-Type": "application/json"}
            await self._tell_webhook(js({"context": context, "error": error}), headers)
            return
        assert self._http is not None
        sent = js({**message, "context": context})
        headers = {"Content-Type": "application/json"}
        url = f"{context['bap_uri']}/{context['action']}"
        for _ in range(3):
            try:
                async with self._http.post(url, data=sent, headers=headers) as answer:
                    if answer.status in (200, 201, 202, 204, 400):
                        return
            except aiohttp.ClientError:
                continue


def nack(status: int, error: Message) -> web.Response:
    """Return a NACK as protocol-server words it."""
    body = {"message": {"ack": {"status": "NACK"}}, "error": error}
    return web.json_response(body, status=status)
