"""The dialect ``uei``: its messages from end to end, and beside ``deg`` on one bridge."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.beckn.actions import META, META_CALLBACKS
from bridge.ocpi.locations import Status
from bridge.sandbox.alone import evse_of
from bridge.sandbox.bap import DOMAINS, Message, SandboxBap
from bridge.sandbox.drive import Choice, Driver, find_all, state_of, update
from tests.e2e.rig import Rig, Site, rig
from tests.layer2 import ERROR_ALONE, UEI_FILE, violation_of
from tests.redis_source import empty
from tests.reference import load_tool

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTH = {"subscriber_id": "bridge.example", "dialects": ["deg", "uei"]}
TERMS = {"cdr_wait_s": 3, "session_wait_s": 10, "command_timeout_s": 4}
OFFER = {"id": "tenth", "title": "10 % off", "share": 0.1, "automatic": True}
FEE = {"id": "service", "amount": 5, "title": "app fee"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> AsyncIterator[Rig]:
    """Give a bridge that speaks both dialects, with a fee and a discount, and a BAP of ``uei``."""
    async with rig(
        tmp_path_factory.mktemp("uei"),
        redis_server,
        domain=DOMAINS["uei"],
        beckn=BOTH,
        terms=TERMS,
        commercial={"fees": [FEE], "offers": [OFFER]},
        feedback_url="https://bridge.example/feedback",
    ) as running:
        yield running
    await empty(redis_server)


@asynccontextmanager
async def bap_of_deg(world: Rig) -> AsyncIterator[SandboxBap]:
    """Give a second BAP, which speaks ``deg`` to the same bridge."""
    bap = SandboxBap(bridge_url=world.bap.bridge_url, bap_id="deg-bap.example")
    site = Site(bap.app)
    bap.url = site.url
    await site.start()
    try:
        yield bap
    finally:
        await site.stop()


def phase_of(message: Message) -> str:
    """Return the fine state, which ``uei`` has in the description of the coarse one."""
    fulfillments = message.get("message", {}).get("order", {}).get("fulfillments", [{}])
    return str(fulfillments[0].get("state", {}).get("descriptor", {}).get("short_desc", ""))


def unasked(driver: Driver, action: str, phase: str) -> Any:
    """Return what tells a callback of the driver's order that nobody asked for."""
    return lambda m: (m["context"]["action"], phase_of(m)) == (action, phase)


async def charges_and_stops(driver: Driver, world: Rig) -> Message:
    """Book, look, start, lose the connection and have it back, stop; return the final bill."""
    bap, cpo = driver.bap, world.cpo
    cpo.behaviour.steps, cpo.behaviour.step_s = 1000, 0.3
    cpo.behaviour.delivers_kwh = Decimal(100)
    for question in META:
        await driver.ask(question, {})
    order = (await driver.books())["message"]["order"]
    await driver.starts()
    await driver.ask("track", {"order_id": order["id"], "callback_url": f"{bap.url}/live"})
    await driver.ask("status", {"order_id": order["id"]})
    (session,) = cpo.sessions.values()
    await cpo.set_status(session.location_id, session.evse_uid, Status.OUTOFORDER)
    await driver.hears(unasked(driver, "on_status", "CONNECTION-INTERRUPTED"))
    await cpo.set_status(session.location_id, session.evse_uid, Status.CHARGING)
    await driver.hears(unasked(driver, "on_status", "ACTIVE"))
    await driver.ask("update", update(driver.order, "end-charging"))
    final = await driver.is_billed()
    ratings = [{"id": order["id"], "rating_category": "Order", "value": "5"}]
    await driver.ask("rating", {"ratings": ratings})
    await driver.ask("support", {"support": {"ref_id": order["id"]}})
    return final


async def asks_and_cancels(driver: Driver) -> None:
    """Book, ask what cancelling costs, and cancel."""
    order_id = (await driver.books())["message"]["order"]["id"]
    said = {"order_id": order_id, "cancellation_reason_id": "5"}
    asked = await driver.ask("cancel", said | {"descriptor": {"code": "SOFT_CANCEL"}})
    assert asked["message"]["order"]["status"] == "SOFT_CANCEL"
    kept = await driver.ask("status", {"order_id": order_id})
    assert kept["message"]["order"]["status"] == "ACTIVE"
    done = await driver.ask("cancel", said | {"descriptor": {"code": "CONFIRM_CANCEL"}})
    assert done["message"]["order"]["status"] == "CANCELLED"


async def loses_the_charger(driver: Driver, world: Rig) -> None:
    """Book a connector that its CPO takes away."""
    await driver.books()
    assert driver.choice is not None
    location_id, evse_uid = driver.choice.item_id.split("*")[2:4]
    await world.cpo.set_status(location_id, evse_uid, Status.REMOVED)
    await driver.hears(lambda m: m["context"]["action"] == "on_cancel")
    await world.cpo.set_status(location_id, evse_uid, Status.AVAILABLE)


async def is_refused(driver: Driver) -> None:
    """Ask for what is not there: each answer is an error."""
    nothing = Choice("nobody.example", "nothing").order(amount="1", unit="kWh")
    for action in ("select", "init", "confirm"):
        assert "error" in await driver.bap.ask(action, nothing, driver.transaction_id)
    for action in ("status", "track", "cancel"):
        assert "error" in await driver.bap.ask(action, {"order_id": "x"}, driver.transaction_id)
    rating = {"ratings": [{"id": "x", "rating_category": "Order", "value": "5"}]}
    assert "error" in await driver.bap.ask("rating", rating, driver.transaction_id)


def kind_of(message: Message) -> str:
    """Return what stands in the table for a message."""
    order = message.get("message", {}).get("order", {})
    words = [message["context"]["action"], order.get("status", ""), phase_of(message)]
    return " ".join([*words[:1], *filter(None, words[1:]), *(["error"] * ("error" in message))])


def table_of(messages: Iterable[Message], shared: Path) -> dict[str, dict[str, list[str]]]:
    """Return, by kind of message, what is wrong with it under each of the three."""
    tool = load_tool(shared, "validate_layer2")
    specs = {"3.1": str(shared / UEI_FILE), "3.0": tool.SPECS["3.0"], "core": tool.SPECS["core"]}
    table: dict[str, dict[str, list[str]]] = {}
    for message in messages:
        row = table.setdefault(kind_of(message), {name: [] for name in specs})
        for name, spec in specs.items():
            row[name] += tool.validate(message, spec=spec)
    return table


def exceptions(kind: str) -> set[str]:
    """Return under what a kind of message may be wrong."""
    action, *words = kind.split()
    if action in META_CALLBACKS:
        return {"3.1", "3.0", "core"}
    if action == "on_track" and not words:
        return {"3.0", "core"}
    if "SOFT_CANCEL" in words:
        return {"3.0", "core"}
    return {"3.1"} if "error" in words and action in ERROR_ALONE else set()


@pytest.mark.shared
async def test_every_message_is_valid_under_all_three(
    world: Rig, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    final = await charges_and_stops(driver := Driver(world.bap), world)
    await asks_and_cancels(Driver(world.bap))
    await loses_the_charger(Driver(world.bap), world)
    await is_refused(Driver(world.bap))

    assert final["message"]["order"]["status"] == "COMPLETE"
    offered = await driver.hears(lambda m: m["context"]["action"] == "on_select")
    lines = offered["message"]["order"]["quote"]["breakup"]
    assert any(line["item"]["price"]["value"].startswith("-") for line in lines if "item" in line)
    table = table_of(world.beckn_sent, shared)
    with capsys.disabled():
        print()
        for kind, row in sorted(table.items()):
            told = "  ".join(f"{spec} {'NO ' if row[spec] else 'yes'}" for spec in row)
            print(f"{kind:45} {told}")
    wrong = {kind: {spec for spec, faults in row.items() if faults} for kind, row in table.items()}
    assert {kind: found for kind, found in wrong.items() if found} == {
        kind: allowed for kind in table if (allowed := exceptions(kind))
    }
    said = {message["context"]["action"] for message in world.beckn_sent}
    assert said == {
        *("on_search", "on_select", "on_init", "on_confirm", "on_update", "on_status"),
        *("on_track", "on_cancel", "on_rating", "on_support", *META_CALLBACKS),
    }


async def test_a_driver_of_each_dialect_on_one_bridge(world: Rig) -> None:
    acts = world.cpo.behaviour
    acts.steps, acts.step_s, acts.delivers_kwh = 4, 0.2, Decimal("3.7")
    async with bap_of_deg(world) as bap:
        # Each on a connector of its own: what the one starts is in use for the other.
        choices = await find_all(bap, str(uuid.uuid4()))
        other = next(each for each in choices if evse_of(each) != evse_of(choices[0]))
        first, second = Driver(world.bap, choices[0]), Driver(bap, other)
        await first.books()
        await first.starts()
        await second.books()
        await second.starts()
        bills = await asyncio.gather(first.is_billed(), second.is_billed())

        prices = [bill["message"]["order"]["quote"]["price"]["value"] for bill in bills]
        assert len({Decimal(price) for price in prices}) == 1
        assert {state_of(bill) for bill in bills} == {"ORDER_FULFILLED", "COMPLETED"}
        for driver, domain in ((first, DOMAINS["uei"]), (second, DOMAINS["deg"])):
            heard = driver.bap.callbacks
            assert {message["context"]["domain"] for message in heard} == {domain}
        assert all(violation_of(message) is None for message in bap.callbacks)


async def test_nothing_found_is_said_by_deg_and_not_by_uei(world: Rig) -> None:
    nowhere = {"gps": "0.000000,0.000000", "radius": {"value": "1", "unit": "km"}}
    intent = {"intent": {"fulfillment": {"stops": [{"location": {"circle": nowhere}}]}}}
    async with bap_of_deg(world) as bap:
        transaction_id = str(uuid.uuid4())
        found = await bap.ask("search", intent, transaction_id)
        assert found["message"] == {"catalog": {"providers": []}}

        silent = await world.bap.acked("search", intent, transaction_id)
        # Callbacks of a transaction come in order: an on_search would be here before this one.
        await world.bap.ask("get_rating_categories", {}, transaction_id)
        heard = {message["context"]["message_id"] for message in world.bap.callbacks}
        assert silent not in heard


async def test_a_question_that_comes_twice_is_answered_once(world: Rig) -> None:
    context = world.bap.context("get_cancellation_reasons", str(uuid.uuid4()))
    body = {"context": context}
    ack = (200, {"message": {"ack": {"status": "ACK"}}})

    assert [await world.bap.post("/beckn", body) for _ in range(2)] == [ack, ack]
    answer = await world.bap.answer_to(context["message_id"])
    assert [each["id"] for each in answer["message"]["cancellation_reasons"]][:1] == ["1"]
    await world.bap.ask("get_rating_categories", {}, context["transaction_id"])
    ids = [message["context"]["message_id"] for message in world.bap.callbacks]
    assert ids.count(context["message_id"]) == 1


async def test_there_is_nothing_to_return(world: Rig) -> None:
    context = world.bap.context("get_return_reasons", str(uuid.uuid4()))

    status, answer = await world.bap.post("/beckn/get_return_reasons", {"context": context})

    assert (status, answer["error"]["code"]) == (400, "40001")
    assert json.dumps(answer).count("NACK") == 1
