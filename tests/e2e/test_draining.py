"""A bridge that is told to stop says so first and closes its port last."""

from __future__ import annotations

import asyncio
import select
import socket
import uuid
from pathlib import Path

import aiohttp

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import find
from tests.e2e.rig import rig
from tests.protocol_server import ProtocolServer
from tests.waiting import until


async def test_protocol_server_survives_a_restart(tmp_path: Path, redis_url: str) -> None:
    adapter = ProtocolServer()
    async with rig(tmp_path, redis_url, adapter=adapter) as world:
        bridge = world.bridges[0]
        assert bridge.process is not None
        sent, told = len(adapter.posted), len(adapter.callbacks)
        adapter.gate.clear()
        first, _ = await world.bap.send(*search())
        await until(lambda: len(adapter.callbacks) > told)

        # While its last work is under way the port is open, and what comes is kept.
        bridge.process.terminate()
        await until(lambda: leaves(bridge.url))
        second, _ = await world.bap.send(*search())
        await until(lambda: len(adapter.posted) == sent + 2)
        assert bridge.process.returncode is None
        adapter.gate.set()
        assert await asyncio.wait_for(bridge.process.wait(), 20) == 0
        assert len(adapter.callbacks) == told + 1

        # While nobody is there the port is open where it was handed over, and what comes waits.
        with socket.create_server(("127.0.0.1", int(bridge.url.rpartition(":")[2]))) as opened:
            third, _ = await world.bap.send(*search())
            await until(lambda: waits(opened))
            bridge.socket = opened
            await bridge.start()
            for message_id in (first, second, third):
                answer = await world.bap.answer_to(message_id)
                assert answer["message"]["catalog"]["providers"]
            await bridge.stop()
        assert adapter.died is None


def search() -> tuple[str, Message, str]:
    """Return a search for anything."""
    return "search", {"intent": {}}, str(uuid.uuid4())


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


def waits(opened: socket.socket) -> bool:
    """Whether somebody has connected whom nobody has taken yet."""
    return bool(select.select([opened], [], [], 0)[0])


async def leaves(url: str) -> bool:
    """Whether ``/health/ready`` says that the bridge stops, on a connection that ends with it."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/health/ready") as answer:
        said = await answer.json()
        if answer.status != 503 or "the bridge is stopping" not in said["faults"]:
            return False
        return answer.headers["Connection"] == "close"
