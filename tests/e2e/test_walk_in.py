"""The main job: a walk-in from search to the final bill, and what may go wrong on the way."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.ocpi.commands import CommandResponseType, CommandResultType
from bridge.ocpi.locations import Status
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import Choice, book, find, is_final, state_of, update, walk_in
from tests.e2e.rig import Rig, cli
from tests.reference import load_tool


def new_transaction() -> str:
    return str(uuid.uuid4())


def quote_of(message: Message) -> dict[str, Any]:
    quote: dict[str, Any] = message["message"]["order"]["quote"]
    return quote


def total(quote: dict[str, Any]) -> Decimal:
    return sum((Decimal(line["price"]["value"]) for line in quote["breakup"]), Decimal(0))


def error_code(message: Message) -> str:
    return str(message.get("error", {}).get("code"))


async def placed(world: Rig, transaction_id: str) -> tuple[Choice, Message]:
    """Book 100 INR at the nearest connector; return the choice and the order."""
    choice = await find(world.bap, transaction_id)
    confirmed = await book(world.bap, transaction_id, choice, "100")
    order: Message = confirmed["message"]["order"]
    return choice, order


async def final_bill(world: Rig, transaction_id: str, *, within_s: float = 30) -> Message:
    return await world.bap.wait_for(
        lambda m: m["context"]["transaction_id"] == transaction_id and is_final(m),
        within_s=within_s,
    )


def of_transaction(world: Rig, transaction_id: str) -> list[Message]:
    return [m for m in world.bap.callbacks if m["context"]["transaction_id"] == transaction_id]


async def test_walk_in_to_the_final_bill(world: Rig) -> None:
    final = await walk_in(world.bap)

    quote = quote_of(final)
    assert Decimal(quote["price"]["value"]) == Decimal("76.60") == total(quote)
    order = final["message"]["order"]
    assert order["items"][0]["quantity"]["allocated"]["measure"]["value"] == "3.7"
    refund = order["payments"][1]
    assert refund["type"] == "POST-FULFILLMENT"
    assert Decimal(refund["params"]["amount"]) == Decimal("23.40")
    assert world.bap.patches, "the track callback_url got no PATCH"
    agreed = next(m for m in world.bap.callbacks if m["context"]["action"] == "on_select")
    assert [Decimal(line["price"]["value"]) for line in quote_of(agreed)["breakup"]] == [90, 10]


async def test_every_message_of_a_walk_in_is_valid(world: Rig, shared: Path) -> None:
    validate = load_tool(shared, "validate_layer2").validate
    core = load_tool(shared, "validate_layer2").SPECS["core"]
    check = load_tool(shared, "ocpi_validate").validate

    await walk_in(world.bap)

    faults = {
        m["context"]["action"]: found
        for m in world.beckn_sent
        if (found := validate(m, spec=core, formats="strict"))
    }
    assert faults == {}
    assert {m["context"]["action"] for m in world.beckn_sent} >= {
        *("on_search", "on_select", "on_init", "on_confirm", "on_update", "on_track"),
        *("on_status", "on_rating", "on_support"),
    }
    sent = {
        name: check(msgspec.json.decode(body), "StartSession") for name, body in world.cpo.commands
    }
    assert sent == {"START_SESSION": []}


async def test_a_driver_stops(world: Rig) -> None:
    world.cpo.behaviour.steps, world.cpo.behaviour.step_s = 1000, 0.1
    world.cpo.behaviour.delivers_kwh = Decimal(100)
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)
    started = await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert state_of(started) == "ACTIVE"
    assert started["context"]["action"] == "on_update"

    stopped_id, _ = await world.bap.send("update", update(order, "end-charging"), transaction_id)

    answer = await world.bap.answer_to(stopped_id)
    assert state_of(answer) == "COMPLETED"
    assert [name for name, _ in world.cpo.commands] == ["START_SESSION", "STOP_SESSION"]


async def test_a_repeated_start_starts_once(world: Rig) -> None:
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)
    message = update(order, "start-charging")

    answers = await asyncio.gather(
        *(world.bap.ask("update", message, transaction_id) for _ in range(3))
    )

    assert {state_of(answer) for answer in answers} <= {"ACTIVE", "COMPLETED"}
    await final_bill(world, transaction_id)
    assert [name for name, _ in world.cpo.commands] == ["START_SESSION"]


@pytest.mark.parametrize(
    ("response", "result"),
    [
        (CommandResponseType.REJECTED, None),
        (CommandResponseType.NOT_SUPPORTED, None),
        (CommandResponseType.ACCEPTED, CommandResultType.EVSE_OCCUPIED),
        (CommandResponseType.ACCEPTED, CommandResultType.FAILED),
        (CommandResponseType.ACCEPTED, CommandResultType.TIMEOUT),
    ],
)
async def test_a_refused_start_may_be_tried_again(
    world: Rig, response: CommandResponseType, result: CommandResultType | None
) -> None:
    acts = world.cpo.behaviour
    acts.response, acts.result = response, result
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)

    refused = await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert error_code(refused) == "40006"

    acts.response, acts.result = CommandResponseType.ACCEPTED, CommandResultType.ACCEPTED
    again = await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert state_of(again) == "ACTIVE"


async def test_a_late_outcome_is_answered_pending_then_told(world: Rig) -> None:
    acts = world.cpo.behaviour
    acts.result = None
    acts.sends_session = False
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)

    answer = await world.bap.ask(
        "update", update(order, "start-charging"), transaction_id, ttl="PT1S"
    )
    assert state_of(answer) == "PENDING"

    failed = await world.bap.wait_for(
        lambda m: m["context"]["action"] == "on_update" and error_code(m) == "40006",
        within_s=30,
    )
    assert failed["context"]["message_id"] != answer["context"]["message_id"]


async def test_a_late_cdr_brings_a_provisional_bill_first(world: Rig) -> None:
    world.cpo.behaviour.cdr_after_s = 5
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)

    final = await final_bill(world, transaction_id)

    completed = [m for m in of_transaction(world, transaction_id) if state_of(m) == "COMPLETED"]
    assert len(completed) == 2
    assert "provisional" in str(completed[0])
    assert quote_of(completed[0])["price"] == quote_of(final)["price"]


async def test_a_cpo_that_repeats_no_reference_is_matched_by_token(world: Rig) -> None:
    world.cpo.behaviour.echoes_reference = False
    final = await walk_in(world.bap)
    assert Decimal(quote_of(final)["price"]["value"]) == Decimal("76.60")


async def test_cancel_before_charging_gives_the_money_back(world: Rig) -> None:
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)

    cancelled = await world.bap.ask(
        "cancel", {"order_id": order["id"], "cancellation_reason_id": "5"}, transaction_id
    )

    assert cancelled["message"]["order"]["status"] == "CANCELLED"
    assert state_of(cancelled) == "CANCELLED"
    quote = quote_of(cancelled)
    assert Decimal(quote["price"]["value"]) == 0 == total(quote)
    refused = await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    assert error_code(refused) == "50002"


async def test_cancel_while_charging_is_refused(world: Rig) -> None:
    world.cpo.behaviour.steps = 100
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)

    answer = await world.bap.ask("cancel", {"order_id": order["id"]}, transaction_id)

    assert error_code(answer) == "50001"


async def test_a_lost_connection_is_told_once_and_its_return_too(world: Rig) -> None:
    world.cpo.behaviour.steps, world.cpo.behaviour.step_s = 1000, 0.5
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    session = next(iter(world.cpo.sessions.values()))

    await world.cpo.set_status(session.location_id, session.evse_uid, Status.OUTOFORDER)
    lost = await world.bap.wait_for(lambda m: state_of(m) == "CONNECTION-INTERRUPTED")
    assert lost["context"]["action"] == "on_status"

    back = await world.bap.wait_for(
        lambda m: m["context"]["action"] == "on_status" and state_of(m) == "ACTIVE"
    )
    assert back["context"]["message_id"] != lost["context"]["message_id"]


async def test_unavailable_unknown_and_foreign_are_refused(world: Rig) -> None:
    transaction_id = new_transaction()
    choice, order = await placed(world, transaction_id)
    size = {"amount": "100", "unit": "INR"}

    unknown = Choice(choice.provider_id, choice.item_id + "x")
    assert (
        error_code(await world.bap.ask("select", unknown.order(**size), new_transaction()))
        == "30004"
    )
    nobody = Choice("nobody.example", choice.item_id)
    assert (
        error_code(await world.bap.ask("select", nobody.order(**size), new_transaction()))
        == "30001"
    )
    other = await world.bap.ask("status", {"order_id": str(uuid.uuid4())}, transaction_id)
    assert error_code(other) == "30010"
    stranger = await world.bap.ask(
        "status", {"order_id": order["id"]}, transaction_id, bap_id="other-bap.example"
    )
    assert error_code(stranger) == "30010"

    _, _, _, location_id, evse_uid, _ = ("", *choice.item_id.split("*"))
    await world.cpo.set_status(location_id, evse_uid, Status.CHARGING)
    busy = await world.bap.ask("select", choice.order(**size), new_transaction())
    assert error_code(busy) == "40002"


async def test_the_trace_tells_both_protocols_in_order(world: Rig) -> None:
    transaction_id = new_transaction()
    _, order = await placed(world, transaction_id)
    await world.bap.ask("update", update(order, "start-charging"), transaction_id)
    await final_bill(world, transaction_id)

    code, out, err = await cli(world.bridges[0].config, "trace", transaction_id)

    assert code == 0, err
    steps = ["select", "on_select", "init", "on_init", "confirm", "on_confirm", "update"]
    steps += ["START_SESSION", "CommandResult", "session", "on_update", "CDR", "76.60"]
    at = 0
    for step in steps:
        at = out.find(step, at)
        assert at >= 0, f"{step} is missing, or out of order, in\n{out}"
    for private in ("Asha", "+918000000001", "asha@example.com"):
        assert private not in out
    code, _, err = await cli(world.bridges[0].config, "trace", "no-such-transaction")
    assert code == 1
    assert "no-such-transaction" in err
