"""A connector that is held: for a driver who comes, and for one who does not."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.ocpi.codec import decode
from bridge.ocpi.commands import CancelReservation, ReserveNow, StartSession
from bridge.ocpi.locations import Status
from bridge.ocpi.sessions import SessionStatus
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import book, find, is_final, state_of, update
from tests.e2e.rig import Rig, rig
from tests.reference import load_tool
from tests.waiting import until

TERMS: dict[str, Any] = {
    "reserve": True,
    "cdr_wait_s": 3,
    "session_wait_s": 10,
    "command_timeout_s": 4,
}


@pytest.fixture
async def patient(tmp_path: Path, redis_url: str) -> AsyncIterator[Rig]:
    """Give a bridge that reserves, and waits a minute for the driver."""
    async with rig(tmp_path, redis_url, terms={**TERMS, "no_show_s": 60}) as running:
        yield running


@pytest.fixture
async def hasty(tmp_path: Path, redis_url: str) -> AsyncIterator[Rig]:
    """Give a bridge that reserves, and soon gives the driver up."""
    async with rig(tmp_path, redis_url, terms={**TERMS, "no_show_s": 2}) as running:
        yield running


async def placed(world: Rig) -> tuple[str, Message]:
    """Place an order; return its transaction and the order."""
    transaction_id = str(uuid.uuid4())
    choice = await find(world.bap, transaction_id)
    confirmed = await book(world.bap, transaction_id, choice, "100")
    order: Message = confirmed["message"]["order"]
    return transaction_id, order


def commands(world: Rig) -> list[str]:
    """Return the names of the commands that the CPO got."""
    return [name for name, _ in world.cpo.commands]


async def test_a_driver_who_comes_charges_at_what_was_held(patient: Rig) -> None:
    cpo = patient.cpo
    transaction_id, order = await placed(patient)
    await until(lambda: len(cpo.reservations) == 1)
    reserve = decode(cpo.commands[0][1], ReserveNow)
    (held,) = cpo.reservations.values()
    assert held.status is SessionStatus.RESERVATION
    assert held.authorization_reference == reserve.authorization_reference

    started = await patient.bap.ask("update", update(order, "start-charging"), transaction_id)

    assert state_of(started) == "ACTIVE"
    final = await patient.bap.wait_for(is_final, within_s=30)
    assert Decimal(final["message"]["order"]["quote"]["price"]["value"]) == Decimal("76.60")
    assert commands(patient) == ["RESERVE_NOW", "START_SESSION"]
    start = decode(cpo.commands[1][1], StartSession)
    assert start.authorization_reference == reserve.authorization_reference
    assert start.token.uid == reserve.token.uid
    assert cpo.reservations == {}
    cancelled = [m for m in patient.bap.callbacks if m["context"]["action"] == "on_cancel"]
    assert cancelled == []


async def test_a_driver_who_does_not_come_is_given_up(hasty: Rig) -> None:
    cpo = hasty.cpo
    transaction_id, order = await placed(hasty)

    told = await hasty.bap.wait_for(
        lambda message: message["context"]["action"] == "on_cancel", within_s=30
    )

    assert told["context"]["transaction_id"] == transaction_id
    assert told["message"]["order"]["id"] == order["id"]
    assert told["message"]["order"]["cancellation"]["reason"]["id"] == "no-show"
    await until(lambda: len(cpo.commands) == 2 and cpo.reservations == {})
    assert commands(hasty) == ["RESERVE_NOW", "CANCEL_RESERVATION"]
    reserve = decode(cpo.commands[0][1], ReserveNow)
    cancel = decode(cpo.commands[1][1], CancelReservation)
    assert cancel.reservation_id == reserve.reservation_id

    def free() -> bool:
        evse = cpo.evse(reserve.location_id, reserve.evse_uid or "")
        return evse is not None and evse.status is Status.AVAILABLE

    await until(free)
    answer = await hasty.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert answer["error"]["code"] == "50002"


async def test_what_is_sent_passes_the_strict_checker(hasty: Rig, shared: Path) -> None:
    check = load_tool(shared, "ocpi_validate").validate
    await placed(hasty)
    await until(lambda: len(hasty.cpo.commands) == 2, timeout_s=30)
    names = {"RESERVE_NOW": "ReserveNow", "CANCEL_RESERVATION": "CancelReservation"}
    faults = [check(msgspec.json.decode(body), names[name]) for name, body in hasty.cpo.commands]
    assert faults == [[], []]
