"""Processes die, Redis goes away, BAPs are down: nothing is lost, nothing happens twice."""

from __future__ import annotations

import uuid
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

from bridge.sandbox.drive import book, find, is_final, state_of, update, walk_in
from tests.e2e.rig import Rig, rig
from tests.valkey import free_port, valkey
from tests.waiting import until


async def test_a_killed_bridge_goes_on_where_it_was(world: Rig) -> None:
    # Slow enough that the session outlives the bridge's absence: lost pushes are not repeated.
    world.cpo.behaviour.steps, world.cpo.behaviour.step_s = 6, 1.0
    transaction_id = str(uuid.uuid4())
    choice = await find(world.bap, transaction_id)
    confirmed = await book(world.bap, transaction_id, choice, "100")
    order = confirmed["message"]["order"]

    # Between the BAP's ACK and our note of it a callback is repeated, under its message_id.
    await until(lambda: world.bridges[0].has_delivered(confirmed))
    await world.bridges[0].kill()
    await world.bridges[0].start()
    started = await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    await until(lambda: world.bridges[0].has_delivered(started))
    await world.bridges[0].kill()
    await world.bridges[0].start()

    final = await world.bap.wait_for(is_final, within_s=60)
    assert Decimal(final["message"]["order"]["quote"]["price"]["value"]) == Decimal("76.60")
    ids = [m["context"]["message_id"] for m in world.bap.callbacks]
    assert len(ids) == len(set(ids))
    assert sum(is_final(m) for m in world.bap.callbacks) == 1
    assert [name for name, _ in world.cpo.commands] == ["START_SESSION"]


async def test_two_bridges_on_one_redis(world: Rig) -> None:
    await world.add_bridge().start()
    turns = [bridge.url for bridge in world.bridges]
    sent = world.bap.post

    async def alternating(path: str, body: object) -> tuple[int, dict[str, object]]:
        turns.append(turns.pop(0))
        world.bap.bridge_url = turns[0]
        return await sent(path, body)

    world.bap.post = alternating  # type: ignore[method-assign]
    final = await walk_in(world.bap)
    assert Decimal(final["message"]["order"]["quote"]["price"]["value"]) == Decimal("76.60")
    assert [name for name, _ in world.cpo.commands] == ["START_SESSION"]


async def test_a_bap_that_is_away_gets_everything_in_order(world: Rig) -> None:
    world.cpo.behaviour.steps, world.cpo.behaviour.step_s = 6, 0.5
    transaction_id = str(uuid.uuid4())
    choice = await find(world.bap, transaction_id)
    confirmed = await book(world.bap, transaction_id, choice, "100")
    order = confirmed["message"]["order"]
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)

    await world.bap_site.stop()
    await until(lambda: bool(world.cpo.cdrs), timeout_s=20)
    await world.bap_site.start()

    await world.bap.wait_for(is_final, within_s=60)
    states = [state_of(m) for m in world.bap.callbacks if state_of(m)]
    assert states.index("ACTIVE") < states.index("COMPLETED")


async def test_redis_away_and_back(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "redis"
    durable = ("appendonly yes", "appendfsync always")
    async with AsyncExitStack() as stack:
        async with valkey(folder, *durable, port=port):
            world = await stack.enter_async_context(rig(tmp_path, f"redis://127.0.0.1:{port}"))
        context = world.bap.context("search", str(uuid.uuid4()))
        body = {"context": context, "message": {"intent": {}}}
        status, answer = await world.bap.post("/beckn/search", body)
        assert (status, answer["message"]["ack"]["status"]) == (503, "NACK")
        # What Kubernetes asks: no requests for it, and no restart (decisions 28).
        assert not await world.bridges[0].is_ready()
        assert await world.bridges[0].is_live()
        await stack.enter_async_context(valkey(folder, *durable, port=port))
        await world.bridges[0].until_ready()
        final = await walk_in(world.bap)
        assert state_of(final) == "COMPLETED"
        await stack.pop_all().aclose()
