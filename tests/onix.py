"""What beckn-onix does on the BPP side: a reverse proxy that gives nobody more than 5 s.

Written from how the real one was seen to behave. Signatures are not its affair here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

Message = dict[str, Any]

TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass
class Onix:
    """Receiver and caller in one.

    Args:
        bridge_url: where requests go; the action is added.
        routes: domains and versions that it knows.
        away: callbacks whose BAP is away.
        statuses: what the bridge's answers were.
        callbacks: each one with the status it was answered with.
    """

    bridge_url: str = ""
    url: str = ""
    bpp_id: str = "bridge.example"
    routes: frozenset[tuple[str, str]] = frozenset({("deg:ev-charging", "1.1.0")})
    away: Callable[[Message], bool] = lambda message: False
    statuses: list[int] = field(default_factory=list)
    callbacks: list[tuple[int, Message]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._http: aiohttp.ClientSession | None = None

    def app(self) -> web.Application:
        """Return the aiohttp application; ``/beckn`` is where a BAP reaches the receiver."""
        app = web.Application(client_max_size=2**23)
        app.cleanup_ctx.append(self._running)
        app.router.add_post("/beckn/{action}", self._receive)
        app.router.add_post("/bpp/caller/{action}", self._call)
        return app

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        self._http = aiohttp.ClientSession(timeout=TIMEOUT)
        yield
        await self._http.close()

    async def _receive(self, request: web.Request) -> web.Response:
        """Pass a request on as it is, and the answer too."""
        passed = {
            "Content-Type": "application/json",
            "Authorization": request.headers.get("Authorization", 'Signature keyId="b|k|ed25519"'),
            "X-Forwarded-For": "127.0.0.1, 127.0.0.1",
            "X-Module-Name": "bppTxnReceiver",
            "X-Role": "bpp",
        }
        url = f"{self.bridge_url}/beckn/{request.match_info['action']}"
        answer = await self._proxied(url, await request.read(), passed)
        self.statuses.append(answer.status)
        return answer

    async def _call(self, request: web.Request) -> web.Response:
        """Pass a callback on to the BAP that its context names."""
        body = await request.read()
        message: Message = msgspec.json.decode(body)
        if self.away(message):
            answer = web.Response(status=502)
        else:
            answer = await self._called(message["context"], request.match_info["action"], body)
        self.callbacks.append((answer.status, message))
        return answer

    async def _called(self, context: Message, action: str, body: bytes) -> web.Response:
        if (context["domain"], context["version"]) not in self.routes:
            return nack("NET_INTERNAL_ERROR", "no matching route")
        if context.get("bpp_id", self.bpp_id) != self.bpp_id:
            return nack("NET_INTERNAL_ERROR", "keyset not found")
        url, headers = f"{context['bap_uri']}/{action}", {"Content-Type": "application/json"}
        return await self._proxied(url, body, headers)

    async def _proxied(self, url: str, body: bytes, headers: dict[str, str]) -> web.Response:
        assert self._http is not None
        try:
            async with self._http.post(url, data=body, headers=headers) as answer:
                return web.Response(
                    body=await answer.read(), status=answer.status, content_type="application/json"
                )
        except (aiohttp.ClientError, TimeoutError):
            return web.Response(status=502)


def nack(code: str, message: str) -> web.Response:
    """Return a NACK as beckn-onix words it: the error is inside the message."""
    error = {"code": code, "message": message}
    body = {"message": {"ack": {"status": "NACK"}, "error": error}}
    return web.json_response(body, status=500)
