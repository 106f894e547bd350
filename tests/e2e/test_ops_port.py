"""Operators may have a port of their own; the page of a session stays where drivers are."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from tests.e2e.rig import rig
from tests.valkey import free_port

FOR_OPERATORS = ("/health/live", "/health/ready", "/metrics")


async def test_health_and_metrics_move_to_their_own_port(tmp_path: Path, redis_url: str) -> None:
    at = {"host": "127.0.0.1", "port": free_port()}
    async with rig(tmp_path, redis_url) as world, aiohttp.ClientSession() as http:
        (bridge,) = world.bridges

        async def status(path: str, host: str = bridge.url) -> int:
            async with http.get(host + path) as answer:
                return answer.status

        assert [await status(path) for path in FOR_OPERATORS] == [200] * 3
        await bridge.restart(ops_listen=at)

        own = bridge.ops_url
        assert [await status(path, own) for path in FOR_OPERATORS] == [200] * 3
        assert [await status(path) for path in FOR_OPERATORS] == [404] * 3
        async with http.get(f"{bridge.url}/session/nobody-knows") as page:
            assert (page.status, await page.text()) == (404, "no such session")
        assert await status("/session/nobody-knows", own) == 404
        assert await status("/beckn/search", own) == 404
