"""What a CPO does not push it is asked for: nothing of an order depends on a push."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
import yaml

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import book, find, is_final, state_of, update, walk_in
from tests.e2e.rig import Rig
from tests.waiting import until


def price_of(message: Message) -> Decimal:
    return Decimal(message["message"]["order"]["quote"]["price"]["value"])


@pytest.mark.requirement("O35")
async def test_what_happened_while_the_bridge_was_away_is_billed(world: Rig) -> None:
    world.cpo.behaviour.steps, world.cpo.behaviour.step_s = 4, 60.0
    transaction_id = str(uuid.uuid4())
    choice = await find(world.bap, transaction_id)
    confirmed = await book(world.bap, transaction_id, choice, "100")
    order = confirmed["message"]["order"]
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    await world.bap.wait_for(lambda message: state_of(message) == "ACTIVE")

    await world.bridges[0].stop()
    world.cpo.behaviour.pushes = False
    for stop in world.cpo.stop_asked.values():
        stop.set()
    await until(lambda: bool(world.cpo.cdrs))
    await world.bridges[0].start()

    final = await world.bap.wait_for(is_final, within_s=60)
    (cdr,) = world.cpo.cdrs.values()
    assert final["message"]["order"]["id"] == order["id"]
    assert cdr.total_energy == 0


async def test_a_walk_in_at_a_cpo_that_pushes_nothing(world: Rig) -> None:
    world.cpo.behaviour.pushes = False
    await world.bridges[0].restart(cpos=often_asked(world))

    final = await walk_in(world.bap)

    assert price_of(final) == Decimal("76.60")
    assert [name for name, _ in world.cpo.commands] == ["START_SESSION"]


async def test_a_stop_at_a_cpo_that_pushes_nothing(world: Rig) -> None:
    world.cpo.behaviour.pushes = False
    world.cpo.behaviour.step_s = 60.0
    await world.bridges[0].restart(cpos=often_asked(world))
    transaction_id = str(uuid.uuid4())
    choice = await find(world.bap, transaction_id)
    order = (await book(world.bap, transaction_id, choice, "100"))["message"]["order"]
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    await world.bap.wait_for(lambda message: state_of(message) == "ACTIVE")

    await world.bap.ask("update", update(order, "end-charging"), transaction_id)

    await world.bap.wait_for(is_final, within_s=60)
    assert [name for name, _ in world.cpo.commands] == ["START_SESSION", "STOP_SESSION"]


def often_asked(world: Rig) -> list[dict[str, Any]]:
    """Return the configuration of the CPO, its sessions and CDRs asked for twice a second."""
    config = yaml.safe_load(world.bridges[0].config.read_text())
    poll = {"sessions_s": 0.5, "cdrs_s": 0.5}
    return [{**cpo, "poll": poll} for cpo in config["cpos"]]
