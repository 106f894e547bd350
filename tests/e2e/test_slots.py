"""Use case 2 over HTTP: slots, their nearest neighbours, late drivers and those who never come."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import BILLING, Choice, Driver, find, state_of
from tests.e2e.rig import Rig, rig
from tests.reference import load_tool
from tests.waiting import until

TERMS: dict[str, Any] = {
    "reserve": True,
    "reserve_lead_s": 1,
    "cdr_wait_s": 3,
    "session_wait_s": 10,
    "command_timeout_s": 4,
    "reply_deadline_s": 60,
}
COMMERCIAL: dict[str, Any] = {
    "spot_within_s": 1,
    "grace_s": 60,
    "refunds": {
        "steps": [{"before_s": 14400, "share": 0.85}, {"before_s": 0, "share": 0}],
        "no_show_share": 0.1,
        "within": "PT2H",
    },
}
HOUR = timedelta(hours=1)
DRIVERS = 200


@pytest.fixture
async def world(tmp_path: Path, redis_url: str) -> AsyncIterator[Rig]:
    """Give a bridge that reserves, and waits a minute for the driver."""
    async with rig(tmp_path, redis_url, terms=TERMS, commercial=COMMERCIAL) as running:
        yield running


def soon(seconds: float) -> datetime:
    """Return a whole second that far ahead."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


def tomorrow() -> datetime:
    """Return a full hour a day ahead."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 24 * HOUR


def times(order: Message) -> list[datetime]:
    """Return the slot that an order shows."""
    stops = order["fulfillments"][0]["stops"]
    return [datetime.fromisoformat(stop["time"]["timestamp"]) for stop in stops]


async def choice_at(world: Rig) -> Choice:
    return await find(world.bap, str(uuid.uuid4()))


def driver(world: Rig, choice: Choice, start: datetime, long: timedelta = HOUR) -> Driver:
    return Driver(world.bap, choice, start=start, end=start + long)


def commands(world: Rig) -> list[str]:
    return [name for name, _ in world.cpo.commands]


async def test_a_slot_is_kept_for_a_driver_who_comes_late(world: Rig, shared: Path) -> None:
    start = soon(4)
    booked = driver(world, await choice_at(world), start)
    confirmed = await booked.books()
    assert state_of(confirmed) == "PENDING"
    assert times(booked.order) == [start, start + HOUR]

    other = driver(world, await choice_at(world), start + timedelta(minutes=10))
    await other.selects()
    assert times(other.order) == [start + HOUR, start + 2 * HOUR]

    await until(lambda: len(world.cpo.reservations) == 1, timeout_s=20)
    await until(lambda: datetime.now(UTC) > start + timedelta(seconds=1))
    await booked.starts()
    final = await booked.is_billed()
    order = final["message"]["order"]
    assert Decimal(order["quote"]["price"]["value"]) == Decimal("76.60")
    assert commands(world) == ["RESERVE_NOW", "START_SESSION"]

    other = driver(world, await choice_at(world), soon(600))
    await other.selects()
    assert times(other.order)[0] == other.start, "the slot was let go when charging was over"

    validate = load_tool(shared, "validate_layer2").validate
    core = load_tool(shared, "validate_layer2").SPECS["core"]
    assert world.beckn_sent
    assert [
        found for m in world.beckn_sent if (found := validate(m, spec=core, formats="strict"))
    ] == []


async def test_a_driver_who_does_not_come_loses_the_slot(tmp_path: Path, redis_url: str) -> None:
    hasty = {**COMMERCIAL, "grace_s": 2}
    terms = {**TERMS, "reserve": False}
    async with rig(tmp_path, redis_url, terms=terms, commercial=hasty) as world:
        booked = driver(world, await choice_at(world), soon(4))
        await booked.books()

        told = await booked.hears(lambda m: m["context"]["action"] == "on_cancel", within_s=30)

        order = told["message"]["order"]
        assert order["cancellation"]["reason"]["id"] == "no-show"
        lines = {line["title"]: line["price"]["value"] for line in order["quote"]["breakup"]}
        assert lines["Cancellation fee"] == "90.00"
        assert order["payments"][1]["params"]["amount"] == "10.00"
        assert commands(world) == []
        other = driver(world, await choice_at(world), soon(10))
        await other.selects()
        assert times(other.order)[0] == other.start


async def test_a_taken_slot_is_answered_with_the_nearest(world: Rig) -> None:
    choice, start = await choice_at(world), tomorrow()
    await driver(world, choice, start).books()

    second = driver(world, choice, start + HOUR / 2)
    await second.selects()
    offered = times(second.order)
    assert offered == [start + HOUR, start + 2 * HOUR]

    refused = await second.inits()
    assert refused["error"]["code"] == "40002"
    zone = datetime.fromisoformat(refused["error"]["message"].split()[-3])
    assert zone == offered[0]

    second.start, second.end = offered
    agreed = await second.inits()
    terms = agreed["message"]["order"]["refund_terms"]
    assert "85%" in terms[0]["fulfillment_state"]["descriptor"]["long_desc"]
    assert terms[0]["refund_amount"]["value"] == "85.00"
    await second.confirms()
    answer = await second.ask(
        "cancel", {"order_id": second.order["id"], "cancellation_reason_id": "1"}
    )
    assert answer["message"]["order"]["payments"][1]["params"]["amount"] == "85.00"
    third = driver(world, choice, offered[0])
    await third.books()
    assert times(third.order) == offered


async def test_one_of_many_drivers_gets_the_slot(world: Rig) -> None:
    replica = world.add_bridge(terms=TERMS, commercial=str(world.folder / "commercial.yaml"))
    await replica.start()
    choice, start = await choice_at(world), tomorrow()
    drivers = [driver(world, choice, start) for _ in range(DRIVERS)]
    await every(world, drivers, "select")
    answers = await every(world, drivers, "init")

    won = [each for each in answers if "message" in each]
    lost = [each["error"] for each in answers if "error" in each]
    assert (len(won), len(lost)) == (1, DRIVERS - 1)
    assert {error["code"] for error in lost} == {"40002"}
    assert all("the nearest free one is" in error["message"] for error in lost)

    (winner,) = (
        each for each in drivers if each.transaction_id == won[0]["context"]["transaction_id"]
    )
    winner.order = won[0]["message"]["order"]
    await winner.confirms()
    assert times(winner.order) == [start, start + HOUR]


async def every(world: Rig, drivers: Sequence[Driver], action: str) -> list[Message]:
    """Let all drivers send the same request at once; return what each is answered."""

    parts: dict[str, Any] = {"billing": BILLING} if action == "init" else {}

    async def asks(one: Driver) -> Message:
        while True:
            message_id, ack = await world.bap.send(action, one.wish(**parts), one.transaction_id)
            if ack["message"]["ack"]["status"] == "ACK":
                return await world.bap.answer_to(message_id, within_s=60)
            # More at once than a busy machine takes: 503, and a BAP asks again.
            assert ack["error"]["code"] == "40000", ack

    return await asyncio.gather(*(asks(each) for each in drivers))


async def test_what_is_booked_is_not_found(world: Rig) -> None:
    place = {"location": {"circle": {"gps": "12.93458,77.61662", "radius": {"value": "1"}}}}
    start, end = tomorrow(), tomorrow() + HOUR
    window = {"time": {"range": {"start": start.isoformat(), "end": end.isoformat()}}}
    intent = {"intent": {"fulfillment": {"type": "CHARGING", "stops": [place | window]}}}

    async def found() -> list[Message]:
        answer = await world.bap.ask("search", intent, str(uuid.uuid4()))
        providers: list[Message] = answer["message"]["catalog"]["providers"]
        return providers

    (provider,) = await found()
    choice = Choice(provider["id"], provider["items"][0]["id"])
    booked = driver(world, choice, start)
    await booked.books()

    async def gone() -> bool:
        return await found() == []

    await until(gone)
    await booked.ask("cancel", {"order_id": booked.order["id"], "cancellation_reason_id": "1"})

    async def back() -> bool:
        return await found() == [provider]

    await until(back)


async def test_a_driver_sees_energy_cost_and_when_it_will_be_over(world: Rig) -> None:
    world.cpo.behaviour.step_s = 2
    charging = Driver(world.bap, await choice_at(world))
    await charging.books()
    await charging.starts()
    tracked = await charging.ask("track", {"order_id": charging.order["id"]})
    page = tracked["message"]["tracking"]["url"]

    async def has_energy() -> bool:
        answer = await charging.ask("status", {"order_id": charging.order["id"]})
        return details(answer)["energy-delivered"] not in ("0kWh", "")

    await until(has_energy, timeout_s=20)
    shown = details({"message": {"order": charging.order}})
    kwh = Decimal(shown["energy-delivered"].removesuffix("kWh"))
    assert Decimal(shown["cost"].removesuffix(" INR")) == round(kwh * 18 + 10, 2)
    end = datetime.fromisoformat(shown["estimated-end-time"])
    left = (5 - kwh) * 3600 / 30  # 5 kWh are quoted, and the connector gives 30 kW
    assert abs((end - datetime.now(UTC)).total_seconds() - float(left)) < 30

    async with aiohttp.ClientSession() as http, http.get(page) as answer:
        live = await answer.json()
    assert live["state"] == "CHARGING"
    assert live["cost"].endswith(" INR")
    assert datetime.fromisoformat(live["estimated end"]) > datetime.now(UTC)


def details(message: Message) -> dict[str, str]:
    """Return the charging details of a callback."""
    groups = message["message"]["order"]["fulfillments"][0].get("tags", [])
    (found,) = (each for each in groups if each["descriptor"]["code"] == "charging-details")
    return {tag["descriptor"]["code"]: tag["value"] for tag in found["list"]}
