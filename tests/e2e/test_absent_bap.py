"""A BAP that is away for a while in mid-session misses nothing."""

from __future__ import annotations

import time
import uuid

from bridge.ocpi.locations import Status
from bridge.sandbox.drive import book, find, is_final, state_of, update
from tests.e2e.rig import Rig
from tests.waiting import until

AWAY_S = 20


async def test_a_bap_that_is_away_for_20_s_gets_everything_in_order(world: Rig) -> None:
    acts = world.cpo.behaviour
    acts.steps, acts.step_s = 8, 0.5
    transaction_id = str(uuid.uuid4())
    choice = await find(world.bap, transaction_id)
    order = (await book(world.bap, transaction_id, choice, "100"))["message"]["order"]
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    log, session = world.bridges[0].log, next(iter(world.cpo.sessions.values()))

    await world.bap_site.stop()
    back_at = time.monotonic() + AWAY_S
    # Enough happens meanwhile: the connection is lost, comes back, the session ends, the CDR.
    await world.cpo.set_status(session.location_id, session.evse_uid, Status.OUTOFORDER)
    await until(lambda: bool(world.cpo.cdrs), timeout_s=20)
    await until(lambda: time.monotonic() > back_at, timeout_s=AWAY_S + 1)
    assert log.read_text().count("callback.postponed") >= 2
    told = len(world.bap.callbacks)
    await world.bap_site.start()

    await world.bap.wait_for(is_final, within_s=40)
    late = world.bap.callbacks[told:]
    assert [(m["context"]["action"], state_of(m)) for m in late] == [
        ("on_status", "CONNECTION-INTERRUPTED"),
        ("on_status", "ACTIVE"),
        ("on_update", "COMPLETED"),
    ]
    ids = [m["context"]["message_id"] for m in world.bap.callbacks]
    assert len(ids) == len(set(ids))
    assert "callback.dead" not in log.read_text()
