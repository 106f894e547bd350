"""A bridge that is told to stop says so first and closes its port last."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import aiohttp

from bridge.sandbox.drive import find
from tests.bap import Bap
from tests.e2e.rig import rig
from tests.waiting import until

ACK = {"message": {"ack": {"status": "ACK"}}}


async def test_behind_protocol_server_the_port_is_open_until_the_work_is_done(
    tmp_path: Path, redis_url: str
) -> None:
    slow, gate = Bap(), asyncio.Event()
    async with rig(tmp_path, redis_url) as world, slow.listening() as url:
        adapter = {"adapter": "protocol-server", "reply_base_url": url}
        bridge = world.bridges[0]
        await bridge.restart(beckn={"subscriber_id": world.bap.bpp_id, **adapter})
        assert bridge.process is not None
        first = world.bap.context("search", str(uuid.uuid4()))
        slow.gates[first["message_id"]] = gate
        await world.bap.post("/beckn", {"context": first, "message": {"intent": {}}})
        await until(lambda: first["message_id"] in slow.ids)

        bridge.process.terminate()
        await until(lambda: leaves(bridge.url))
        later = await world.bap.send("search", {"intent": {}}, str(uuid.uuid4()))

        assert later[1] == ACK
        assert bridge.process.returncode is None
        gate.set()
        assert await asyncio.wait_for(bridge.process.wait(), 20) == 0
        # What came while it was leaving is answered by whoever is next.
        assert later[0] not in slow.ids
        await bridge.start()
        await until(lambda: later[0] in slow.ids)


async def test_during_the_grace_everything_is_as_before_but_the_readiness(
    tmp_path: Path, redis_url: str
) -> None:
    async with rig(tmp_path, redis_url, drain_grace_s=60) as world:
        process = world.bridges[0].process
        assert process is not None

        process.terminate()
        await until(lambda: leaves(world.bridges[0].url))

        await find(world.bap, str(uuid.uuid4()))
        await find(world.bap, str(uuid.uuid4()))
        assert process.returncode is None
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def leaves(url: str) -> bool:
    """Whether ``/health/ready`` says that the bridge stops, on a connection that ends with it."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/health/ready") as answer:
        said = await answer.json()
        if answer.status != 503 or "the bridge is stopping" not in said["faults"]:
            return False
        return answer.headers["Connection"] == "close"
