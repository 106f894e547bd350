"""The walk-in on a Redis that is not one plain server: every transaction stays in one slot."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from redis.asyncio import Redis

from bridge.sandbox.drive import walk_in
from tests.e2e.rig import rig
from tests.valkey import free_port, valkey
from tests.waiting import until


async def test_the_walk_in_on_a_cluster(tmp_path: Path) -> None:
    lines = ("cluster-enabled yes", f"cluster-port {free_port()}")
    async with valkey(tmp_path / "redis", *lines, "cluster-announce-ip 127.0.0.1") as port:
        async with Redis(host="127.0.0.1", port=port) as node:
            await node.cluster("ADDSLOTSRANGE", 0, 16383)

            async def whole() -> bool:
                info = await node.cluster("INFO")
                return bool(info["cluster_state"] == "ok")

            await until(whole)
        async with rig(tmp_path, f"redis+cluster://127.0.0.1:{port}") as world:
            final = await walk_in(world.bap)
    assert Decimal(final["message"]["order"]["quote"]["price"]["value"]) == Decimal("76.60")
