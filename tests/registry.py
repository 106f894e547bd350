"""A Beckn registry on loopback: knows keys, in the form in which it is asked."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.beckn.signing import KeyId, public_bytes


class TestRegistry:
    """``entries`` by keyId; ``asked`` has each question's path and body."""

    __test__ = False

    def __init__(self) -> None:
        self.entries: dict[KeyId, dict[str, Any]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.status = 200

    def put(self, who: KeyId, key: Ed25519PrivateKey, at: str, **changes: object) -> None:
        """Make a key known, or replace it; ``changes`` replace fields, None takes one away."""
        entry: dict[str, Any] = {
            "subscriber_id": who.subscriber_id,
            "ukId": who.unique_key_id,
            "subscriber_url": at,
            "type": "BAP",
            "status": "SUBSCRIBED",
            "signing_public_key": base64.b64encode(public_bytes(key)).decode(),
            "valid_until": "2099-01-01T00:00:00.000Z",
            **changes,
        }
        self.entries[who] = {name: value for name, value in entry.items() if value is not None}

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/lookup", self._lookup),
                web.get("/lookup/{subscriber}/subscribers.beckn.one/{key}", self._details),
            ]
        )
        return app

    async def _lookup(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        self.asked.append((request.path, asked))
        key = asked.get("ukId") or asked.get("key_id")
        found = self.entries.get(KeyId(asked["subscriber_id"], key))
        return web.json_response([found] if found else [], status=self.status)

    async def _details(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, None))
        names = request.match_info
        found = self.entries.get(KeyId(names["subscriber"], names["key"]))
        if found is None:
            return web.json_response({"error": "unknown"}, status=404)
        return web.json_response({"data": {"details": found, "ttl": 300}}, status=self.status)
