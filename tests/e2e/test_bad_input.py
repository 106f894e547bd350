"""What cannot be read is refused at once and leaves no trace; what is merely odd is understood."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import pytest
import pytest_asyncio

from bridge.beckn.quirks import Quirk
from bridge.sandbox.bap import DOMAINS, Message
from bridge.sandbox.drive import GPS, Choice, book, find, is_final
from bridge.store.connect import connect
from tests.e2e.rig import Rig, rig
from tests.redis_source import empty

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACK = {"message": {"ack": {"status": "ACK"}}}
MAX_BODY_BYTES = 65_536
BOTH = {"subscriber_id": "bridge.example", "dialects": ["deg", "uei"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> AsyncIterator[Rig]:
    """Give one bridge for all of these tests: none leaves anything behind for the next."""
    folder = tmp_path_factory.mktemp("bridge")
    limits = {"max_body_bytes": MAX_BODY_BYTES}
    async with rig(folder, redis_server, limits=limits, beckn=BOTH) as running:
        yield running
    await empty(redis_server)


def new_transaction() -> str:
    return str(uuid.uuid4())


async def keys(world: Rig) -> set[bytes]:
    """Return the names of all that is stored."""
    async with connect(world.redis_url) as redis:
        return {bytes(name) async for name in redis.scan_iter()}


async def refused(world: Rig, path: str, body: object) -> Message:
    """Post what must be refused: nothing is stored, no callback comes; return the error."""
    before, callbacks = await keys(world), len(world.bap.callbacks)

    status, answer = await world.bap.post(path, body)

    assert await keys(world) <= before
    assert status == 400
    assert answer["message"] == {"ack": {"status": "NACK"}}
    error: Message = answer["error"]
    assert error["code"] == "30000"
    # A request that comes later is answered, and nothing but it.
    await find(world.bap, later := new_transaction())
    new = world.bap.callbacks[callbacks:]
    assert [m["context"]["transaction_id"] for m in new] == [later]
    return error


def names_field(error: Message, path: str) -> bool:
    return error["paths"] == path and path in error["message"]


# What is no Beckn message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"search",
        b'{"context": {}, "message": {}',
        b'{"context": {}, "message": NaN}',
        b'{"context": {}, "message": {"a": -Infinity}}',
        b'{"context": "\xff", "message": {}}',
        b'{"context": {}, "message": ' + b"[" * 100 + b"]" * 100 + b"}",
        b"[" * 50_000,
        b'{"context": {}, "message": "' + b"x" * MAX_BODY_BYTES + b'"}',
    ],
    ids=["empty", "word", "half", "NaN", "Infinity", "bytes", "nested", "brackets", "large"],
)
async def test_what_is_no_json_is_refused(world: Rig, body: bytes) -> None:
    error = await refused(world, "/beckn/search", body)
    assert error["message"]
    assert "paths" not in error


async def test_a_body_that_is_not_as_it_is_encoded_is_refused(world: Rig) -> None:
    url, headers = f"{world.bridges[0].url}/beckn/search", {"Content-Encoding": "gzip"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=b"no gzip", headers=headers) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "30000")


@pytest.mark.parametrize("body", [[], "search", 7, None, True])
async def test_json_that_is_no_object_is_refused(world: Rig, body: object) -> None:
    error = await refused(world, "/beckn/search", body)
    assert "object" in error["message"]


@pytest.mark.parametrize("part", ["context", "message"])
@pytest.mark.parametrize("wrong", [..., None, [], "x", 7])
async def test_context_and_message_are_objects(world: Rig, part: str, wrong: object) -> None:
    context = world.bap.context("search", new_transaction())
    body: Message = {"context": context, "message": {"intent": {}}, part: wrong}
    if wrong is ...:
        del body[part]
    assert names_field(await refused(world, "/beckn/search", body), part)


# What lacks what an answer needs, or is meant for somebody else

REQUIRED = (
    *("domain", "action", "bap_id", "bap_uri"),
    *("bpp_id", "transaction_id", "message_id"),
)


@pytest.mark.parametrize("field", REQUIRED)
@pytest.mark.parametrize("wrong", [None, "", 7, ["x"], {"id": "x"}], ids=str)
async def test_a_field_of_the_context_is_missing_or_wrong(
    world: Rig, field: str, wrong: object
) -> None:
    error = await refused(world, "/beckn/status", asked(world, field, wrong))
    assert names_field(error, f"context.{field}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", "deg:retail"),
        ("domain", "ev-charging"),
        ("version", "2.0.0"),
        ("bpp_id", "another-bpp.example"),
        ("action", "track"),
        ("bap_uri", "bap.example"),
        ("bap_uri", "ftp://bap.example"),
        ("bap_id", "two words"),
        ("timestamp", "yesterday"),
        ("timestamp", "2026-02-30T10:00:00Z"),
        ("location", "Bengaluru"),
    ],
)
async def test_a_context_that_is_not_for_us(world: Rig, field: str, value: str) -> None:
    error = await refused(world, "/beckn/status", asked(world, field, value))
    assert names_field(error, f"context.{field}")


def asked(world: Rig, field: str, value: object) -> Message:
    """Return a request with this value in its context, or without it."""
    context = {**world.bap.context("status", new_transaction()), field: value}
    if value is None:
        del context[field]
    return {"context": context, "message": {"order_id": "1"}}


@pytest.mark.parametrize("path", ["/beckn/fly", "/beckn/on_search", "/beckn"])
async def test_an_unknown_action(world: Rig, path: str) -> None:
    action = path.rpartition("/")[2]
    body = {"context": world.bap.context(action, new_transaction()), "message": {}}
    assert names_field(await refused(world, path, body), "context.action")


# What has the wrong shape

ORDER = {"provider": {"id": "p"}, "items": [{"id": "i"}]}


def sized(value: object, unit: object) -> Message:
    """Return an order for an amount."""
    measure = {"type": "CONSTANT", "value": value, "unit": unit}
    return {**ORDER, "items": [{"id": "i", "quantity": {"selected": {"measure": measure}}}]}


def around(gps: object, radius: object) -> Message:
    """Return an intent to charge within a circle."""
    stop = {"location": {"circle": {"gps": gps, "radius": radius}}}
    return {"intent": {"fulfillment": {"stops": [stop]}}}


CIRCLE = "message.intent.fulfillment.stops[0].location.circle"
MEASURE = "message.order.items[0].quantity.selected.measure"


@pytest.mark.parametrize(
    ("action", "message", "path"),
    [
        ("search", {}, "message.intent"),
        ("search", around("here", {"value": "5"}), f"{CIRCLE}.gps"),
        ("search", around("91.0,77.0", {"value": "5"}), f"{CIRCLE}.gps"),
        ("search", around(GPS, {"value": "far"}), f"{CIRCLE}.radius.value"),
        ("search", around(GPS, {"value": "5", "unit": "leagues"}), f"{CIRCLE}.radius.unit"),
        ("select", {}, "message.order"),
        ("select", {"order": {"provider": {"id": "p"}}}, "message.order.items"),
        ("select", {"order": {**ORDER, "items": []}}, "message.order.items"),
        (
            "select",
            {"order": {**ORDER, "items": [{"id": "1"}, {"id": "2"}]}},
            "message.order.items",
        ),
        ("select", {"order": {**ORDER, "provider": {}}}, "message.order.provider.id"),
        ("select", {"order": sized("much", "INR")}, f"{MEASURE}.value"),
        ("select", {"order": sized("-5", "kWh")}, f"{MEASURE}.value"),
        ("select", {"order": sized("1e9999999", "kWh")}, f"{MEASURE}.value"),
        ("select", {"order": sized("5", "barrels")}, f"{MEASURE}.unit"),
        ("init", {"order": {**ORDER, "billing": "me"}}, "message.order.billing"),
        (
            "confirm",
            {"order": {**ORDER, "payments": [{"status": "MAYBE"}]}},
            "message.order.payments[0].status",
        ),
        (
            "confirm",
            {"order": {**ORDER, "payments": [{"params": {"amount": "-1"}}]}},
            "message.order.payments[0].params.amount",
        ),
        ("update", {"order": {"id": "1"}}, "message.order.fulfillments"),
        (
            "update",
            {"order": {"id": "1", "fulfillments": [{"id": "1"}]}},
            "message.order.fulfillments[0].state.descriptor.code",
        ),
        ("status", {}, "message.order_id"),
        ("track", {"order_id": "1", "callback_url": "there"}, "message.callback_url"),
        ("cancel", {"order_id": ["1"]}, "message.order_id"),
        ("rating", {"ratings": []}, "message.ratings"),
        ("rating", {"ratings": [{"id": "1", "value": "5"}]}, "message.ratings[0].rating_category"),
        ("support", {"support": "help"}, "message.support"),
    ],
)
async def test_a_message_of_the_wrong_shape(
    world: Rig, action: str, message: Message, path: str
) -> None:
    body = {"context": world.bap.context(action, new_transaction()), "message": message}
    assert names_field(await refused(world, f"/beckn/{action}", body), path)


async def test_behind_protocol_server_a_refusal_is_http_200(world: Rig) -> None:
    bridge = world.bridges[0]
    adapter = {"adapter": "protocol-server", "reply_base_url": world.bap.url}
    await bridge.restart(beckn={**BOTH, **adapter})
    try:
        status, answer = await world.bap.post("/beckn/search", b"{")
        assert (status, answer["message"]) == (200, {"ack": {"status": "NACK"}})
        # Callbacks go to the adapter, wherever the BAP may be.
        found = await world.bap.ask(
            "search", {"intent": {}}, new_transaction(), bap_uri="http://127.0.0.1:1"
        )
        assert found["message"]["catalog"]["providers"]
    finally:
        await bridge.restart(beckn=BOTH)


# What comes twice


async def test_a_repeat_is_acked_again_and_answered_once(world: Rig) -> None:
    choice = await find(world.bap, transaction := new_transaction())
    context = world.bap.context("select", transaction)
    first = {"context": context, "message": choice.order(amount="100", unit="INR")}
    other = {"context": context, "message": choice.order(amount="280", unit="INR")}

    answers = [await world.bap.post("/beckn/select", first)]
    answers += await asyncio.gather(*(world.bap.post("/beckn/select", first) for _ in range(4)))
    # Under the same message_id, but another message: no repeat (decisions 4).
    answers.append(await world.bap.post("/beckn/select", other))

    assert answers == [(200, ACK)] * 6
    await world.bap.wait_for(lambda m: selected(m, transaction) == 280)
    # Callbacks of a transaction come in order: another one for the first would be here by now.
    found = [selected(m, transaction) for m in world.bap.callbacks]
    assert [price for price in found if price is not None] == [100, 280]


def selected(message: Message, transaction_id: str) -> Decimal | None:
    """Return the price of an on_select of a transaction."""
    context = message["context"]
    if (context["action"], context["transaction_id"]) != ("on_select", transaction_id):
        return None
    return Decimal(message["message"]["order"]["quote"]["price"]["value"])


# What is odd


@pytest.mark.parametrize("path", ["/beckn", "/search"])
async def test_where_a_request_may_come_to_besides(world: Rig, path: str) -> None:
    context = world.bap.context("search", new_transaction())
    body = {"context": context, "message": {"intent": {}}}

    assert await world.bap.post(path, body) == (200, ACK)
    assert (await world.bap.answer_to(context["message_id"]))["context"]["action"] == "on_search"


async def test_every_quirk_is_understood_and_counted(world: Rig) -> None:
    choice = await find(world.bap, transaction := new_transaction())
    order = (await book(world.bap, transaction, choice, "100"))["message"]["order"]
    before = await quirks(world)

    await understood(world, "search", odd_search(), new_transaction())
    await understood(world, "select", odd_select(choice), new_transaction(), ttl="15S")
    nobodys = await world.bap.ask("select", odd_choice(choice), new_transaction())
    assert "no-such-offer" in nobodys["error"]["message"]
    await understood(world, "search", {"intent": {}}, new_transaction(), version=None)
    uei = {"domain": DOMAINS["uei"]}
    await understood(world, "init", odd_init(choice), new_transaction(), **uei)
    reference = {"ref_id": order["id"]}
    await understood(world, "status", reference, transaction, ttl="soon")
    help_ = {**reference, "phone": "1800"}
    await understood(world, "support", help_, transaction, timestamp="2025:09:24:10:00:00")
    await understood(world, "update", odd_start(), transaction)

    after = await quirks(world)
    counted = {quirk for quirk in Quirk if after.get(quirk, 0) > before.get(quirk, 0)}
    assert counted == set(Quirk)
    await world.bap.wait_for(
        lambda m: m["context"]["transaction_id"] == transaction and is_final(m), within_s=30
    )


async def understood(
    world: Rig, action: str, message: Message, transaction_id: str, **changes: str | None
) -> None:
    """Send what is odd; its answer is no error."""
    assert "error" not in await world.bap.ask(action, message, transaction_id, **changes), action


def odd_search() -> Message:
    """Return a search with the circle in two parts, and a nameless list of tags."""
    plug = {"descriptor": {"code": "connector-type"}, "value": "ccs 2"}
    where = {"gps": GPS, "circle": {"radius": {"value": 5, "unit": "KM"}}}
    stop = {"type": "START-CHARGING", "location": where}
    return {"intent": {"fulfillment": {"stops": [stop], "tags": [{"list": [plug]}]}}}


def odd_select(choice: Choice) -> Message:
    """Return a select with one item and no provider, that starts twice."""
    measure = {"type": "CONSTANT", "value": "2", "unit": "kwh"}
    item = {"id": choice.item_id, "quantity": {"selected": {"measure": measure}}}
    stops = [
        {"type": "START", "time": {"timestamp": "2025-09-24T10:00:00"}},
        {"type": "START", "time": {"timestamp": "2025:09:24:11:00:00"}},
    ]
    return {"order": {"item": item, "fulfillments": [{"stops": stops}]}}


def odd_init(choice: Choice) -> Message:
    """Return an init whose provider is among several, with a phone as people write it."""
    message = choice.order(amount="2", unit="kWh", billing={"name": "A", "number": "+91 98-76 1"})
    message["order"]["providers"] = [message["order"].pop("provider")]
    return message


def odd_choice(choice: Choice) -> Message:
    """Return a select of an offer that stands in the item."""
    message = choice.order(amount="2", unit="kWh")
    message["order"]["items"][0]["offers"] = [{"id": "no-such-offer"}]
    return message


def odd_start() -> Message:
    """Return an update that says neither what it updates nor of which order."""
    fulfillment = {"id": "1", "state": {"descriptor": {"code": "start_charging"}}}
    return {"order": {"fulfillments": [fulfillment]}}


async def quirks(world: Rig) -> dict[str, float]:
    """Return how often each quirk was counted."""
    head, tail = 'bridge_beckn_quirk_total{quirk="', '"}'
    return {
        sample.removeprefix(head).removesuffix(tail): value
        for sample, value in (await world.bridges[0].metrics()).items()
        if sample.startswith(head)
    }
