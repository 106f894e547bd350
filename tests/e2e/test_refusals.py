"""What is understood and cannot be: ACKed, then answered with an error that says why."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from bridge.ocpi.locations import Status
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import BILLING, Choice, book, find, is_final, state_of, update
from tests.e2e.rig import Rig, rig
from tests.redis_source import empty
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE: dict[str, object] = {"amount": "100", "unit": "INR"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> AsyncIterator[Rig]:
    """Give one bridge for all of these tests; it asks the CPO for the status at each select."""
    folder = tmp_path_factory.mktemp("bridge")
    async with rig(folder, redis_server, evse_status_ttl_s=0.001) as running:
        yield running
    await empty(redis_server)


@pytest.fixture
def transaction() -> str:
    """Give a transaction_id of its own."""
    return str(uuid.uuid4())


async def refused(
    world: Rig, action: str, message: Message, transaction_id: str, **context: str
) -> str:
    """Send a request that is ACKed and answered with an error; return its code."""
    answer = await world.bap.ask(action, message, transaction_id, **context)
    assert answer["context"]["action"] == f"on_{action}"
    assert answer.get("message") == ({} if action == "rating" else None)
    error = answer["error"]
    assert isinstance(error["code"], str)
    assert error["message"]
    return str(error["code"])


def fulfilled(choice: Choice, **parts: object) -> Message:
    """Return the message of init or confirm for 100 INR."""
    return choice.order(**SIZE, billing=BILLING, fulfillments=[{"id": "1"}], **parts)


async def offered(world: Rig, choice: Choice, transaction_id: str) -> Message:
    """Send init for 100 INR; return the payment that is asked for, as paid."""
    answer = await world.bap.ask("init", fulfilled(choice), transaction_id)
    payment: Message = answer["message"]["order"]["payments"][0]
    return {**payment, "status": "PAID"}


# What is unknown


@pytest.mark.parametrize("action", ["select", "init", "confirm"])
async def test_an_unknown_provider_or_item(world: Rig, transaction: str, action: str) -> None:
    choice = await find(world.bap, transaction)
    payment = await offered(world, choice, transaction)
    others = [
        (Choice("nobody.example", choice.item_id), "30001"),
        (Choice(choice.provider_id, f"{choice.item_id}x"), "30004"),
        (Choice(choice.provider_id, "IN*SBX*NOWHERE*1*1"), "30004"),
    ]
    for other, code in others:
        message = fulfilled(other, payments=[payment])
        if action != "confirm":
            transaction = str(uuid.uuid4())
        assert await refused(world, action, message, transaction) == code


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("status", {"order_id": "no-such-order"}),
        ("track", {"order_id": "no-such-order"}),
        ("cancel", {"order_id": "no-such-order", "cancellation_reason_id": "5"}),
        (
            "update",
            update({"id": "no-such-order", "fulfillments": [{"id": "1"}]}, "start-charging"),
        ),
        ("rating", {"ratings": [{"id": "1", "rating_category": "Order", "value": "5"}]}),
    ],
)
async def test_an_unknown_order(
    world: Rig, transaction: str, action: str, message: Message
) -> None:
    assert await refused(world, action, message, transaction) == "30010"


async def test_the_order_of_another_bap_is_as_unknown_as_any(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    order = (await book(world.bap, transaction, choice, "100"))["message"]["order"]
    commands = len(world.cpo.commands)

    mine = {"order_id": order["id"]}
    for action, message in [
        *((action, mine) for action in ("status", "track", "cancel")),
        ("update", update(order, "start-charging")),
        ("rating", {"ratings": [{"id": "1", "rating_category": "Order", "value": "5"}]}),
    ]:
        code = await refused(world, action, message, transaction, bap_id="other-bap.example")
        assert code == "30010", action

    assert len(world.cpo.commands) == commands
    assert state_of(await world.bap.ask("status", mine, transaction)) == "PENDING"


# What is not to be had


async def test_an_evse_in_use(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    location_id, evse_uid = place_of(choice)
    payment = await offered(world, choice, transaction)
    try:
        # The CPO forgets to push it: the bridge asks.
        set_status_silently(world, location_id, evse_uid, Status.BLOCKED)
        confirm = fulfilled(choice, payments=[payment])
        assert await refused(world, "confirm", confirm, transaction) == "40002"
        await world.cpo.set_status(location_id, evse_uid, Status.CHARGING)
        for action in ("select", "init"):
            assert await refused(world, action, fulfilled(choice), transaction) == "40002"
    finally:
        await world.cpo.set_status(location_id, evse_uid, Status.AVAILABLE)
    assert "error" not in await world.bap.ask("confirm", confirm, transaction)


def place_of(choice: Choice) -> tuple[str, str]:
    """Return location id and EVSE uid of an item of the sandbox."""
    _, _, location_id, evse_uid, _ = choice.item_id.split("*")
    return location_id, evse_uid


def set_status_silently(world: Rig, location_id: str, evse_uid: str, status: Status) -> None:
    """Change the status of an EVSE at the CPO; it tells nobody."""
    location = world.cpo.locations[location_id]
    evses = tuple(
        replace(evse, status=status) if evse.uid == evse_uid else evse for evse in location.evses
    )
    world.cpo.locations[location_id] = replace(location, evses=evses)


async def test_a_cpo_that_is_away(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    confirm = fulfilled(choice, payments=[await offered(world, choice, transaction)])
    another = str(uuid.uuid4())
    order = (await book(world.bap, another, choice, "100"))["message"]["order"]
    start = update(order, "start-charging")

    await world.cpo_site.stop()
    try:
        # A search is answered all the same.
        assert await find(world.bap, str(uuid.uuid4())) == choice
        assert await refused(world, "select", fulfilled(choice), str(uuid.uuid4())) == "40000"
        assert await refused(world, "confirm", confirm, transaction) == "40000"
        assert await refused(world, "update", start, another) == "40006"
        # To Kubernetes that is nothing: neither a restart nor fewer requests (decisions 28).
        assert await world.bridges[0].is_ready()
        assert await world.bridges[0].is_live()
    finally:
        await world.cpo_site.start()

    assert "error" not in await world.bap.ask("confirm", confirm, transaction)
    assert state_of(await world.bap.ask("update", start, another)) == "ACTIVE"
    await world.bap.wait_for(
        lambda m: m["context"]["transaction_id"] == another and is_final(m), within_s=30
    )


async def test_an_evse_that_the_cpo_does_not_know_any_more(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    location_id, _ = place_of(choice)
    location = world.cpo.locations.pop(location_id)
    try:
        assert await refused(world, "select", fulfilled(choice), transaction) == "40002"
    finally:
        world.cpo.locations[location_id] = location


# What was not agreed


async def test_confirm_without_init(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    confirm = fulfilled(choice, payments=[{"status": "PAID", "params": {"amount": "100"}}])
    assert await refused(world, "confirm", confirm, transaction) == "40003"
    await world.bap.ask("select", fulfilled(choice), transaction)
    assert await refused(world, "confirm", confirm, transaction) == "40003"


async def test_confirm_of_another_item_than_in_init(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    payment = await offered(world, choice, transaction)
    other = Choice(choice.provider_id, choice.item_id.removesuffix("1") + "2")
    confirm = fulfilled(other, payments=[payment])
    assert await refused(world, "confirm", confirm, transaction) == "30004"


async def test_an_expired_quote(world: Rig, transaction: str) -> None:
    bridge = world.bridges[0]
    await bridge.restart(terms={"quote_ttl_s": 1})
    try:
        choice = await find(world.bap, transaction)
        payment = await offered(world, choice, transaction)
        expires_at = datetime.fromisoformat(payment["time"]["timestamp"])
        await until(lambda: datetime.now(UTC) > expires_at)

        confirm = fulfilled(choice, payments=[payment])
        assert await refused(world, "confirm", confirm, transaction) == "40003"
    finally:
        await bridge.restart(terms={})
    confirm = fulfilled(choice, payments=[await offered(world, choice, transaction)])
    assert "error" not in await world.bap.ask("confirm", confirm, transaction)


async def test_a_payment_that_is_not_what_was_asked_for(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    payment = await offered(world, choice, transaction)
    assert Decimal(payment["params"]["amount"]) == 100

    def params(**changes: str) -> Message:
        return {"params": {**payment["params"], **changes}}

    by_link = [{"list": [{"descriptor": {"code": "PAYMENT-LINK"}}]}]
    wrong: list[list[dict[str, Any]]] = [
        [],
        [{**payment, **params(amount="99.99")}],
        [{**payment, **params(amount="100.01")}],
        [{**payment, **params(currency="EUR")}],
        [{**payment, "params": {}}],
        [{**payment, "id": "payment-of-somebody"}],
        [{**payment, "status": "NOT-PAID", "tags": by_link}],
    ]
    for payments in wrong:
        confirm = fulfilled(choice, payments=payments)
        assert await refused(world, "confirm", confirm, transaction) == "40004", payments

    confirm = fulfilled(choice, payments=[{**payment, **params(amount="100.0")}])
    assert "error" not in await world.bap.ask("confirm", confirm, transaction)


async def test_a_rating_out_of_range(world: Rig, transaction: str) -> None:
    await book(world.bap, transaction, await find(world.bap, transaction), "100")
    rating = {"ratings": [{"id": "1", "rating_category": "Order", "value": "6"}]}
    assert await refused(world, "rating", rating, transaction) == "30015"


# What is over


async def test_what_is_confirmed_is_not_agreed_anew(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    confirm = fulfilled(choice, payments=[await offered(world, choice, transaction)])

    # Not repeats: each has a message_id of its own.
    first = await world.bap.ask("confirm", confirm, transaction)
    again = await world.bap.ask("confirm", confirm, transaction)

    assert again["message"]["order"]["id"] == first["message"]["order"]["id"]
    for action in ("select", "init"):
        assert await refused(world, action, fulfilled(choice), transaction) == "40000"
    status = {"order_id": first["message"]["order"]["id"]}
    assert state_of(await world.bap.ask("status", status, transaction)) == "PENDING"


async def test_stopping_what_does_not_charge(world: Rig, transaction: str) -> None:
    choice = await find(world.bap, transaction)
    order = (await book(world.bap, transaction, choice, "100"))["message"]["order"]
    stop = update(order, "end-charging")
    assert await refused(world, "update", stop, transaction) == "50002"
