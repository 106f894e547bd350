"""Delivery of callbacks to a real BAP: order, retries, dead letters and their replay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec import UNSET, Raw
from redis.asyncio import Redis

from bridge.clients.beckn import post_callback
from bridge.observability import Metrics
from bridge.store.database import Database
from bridge.store.journal import Journal
from bridge.store.lanes import Lanes
from bridge.store.outbox import ON_SEARCH_KEPT_S, CallbackEntry, DeadLetters
from bridge.workers.lane_runner import LaneRunner
from bridge.workers.outbox import OutboxWorker
from tests.bap import Bap, nack, says
from tests.clock import Clock
from tests.factories import BAP_ID
from tests.valkey import free_port
from tests.waiting import until

RETENTION_S = 100_000


class Side:
    """The outbox and its worker on a clock of the test's own."""

    def __init__(self, redis: Redis, http: aiohttp.ClientSession, bap_url: str) -> None:
        self.bap_url = bap_url
        self.clock = Clock()
        self.db = Database(redis)
        self.outbox = Lanes(self.db, "outbox", clock=self.clock.ms)
        self.dead = DeadLetters(self.db, self.outbox, retention_s=RETENTION_S)
        self.journal = Journal(self.db, retention_s=RETENTION_S)
        self.metrics = Metrics()
        self.worker = OutboxWorker(
            database=self.db,
            outbox=self.outbox,
            dead=self.dead,
            journal=self.journal,
            post=partial(post_callback, http),
            metrics=self.metrics,
            clock=self.clock.now,
        )

    async def queue(
        self, message_id: str, *, lane: str = "t1", wake: bool = False, **changes: Any
    ) -> None:
        """Queue an on_update, or another callback."""
        action = changes.pop("action", "on_update")
        parts = changes.pop("parts", {"message": {}})
        context = {"action": action, "transaction_id": lane, "message_id": message_id}
        entry = CallbackEntry(
            order_key=f"{BAP_ID}|{lane}",
            url=f"{self.bap_url}/{action}",
            action=action,
            transaction_id=lane,
            message_id=message_id,
            body=Raw(msgspec.json.encode({"context": context, **parts})),
            created_at=self.clock.now(),
            **({"solicited": False} | changes),
        )
        packed = msgspec.json.encode(entry)
        await self.db.commit(self.outbox.push(entry.order_key, packed, wake=wake))

    async def work(self) -> int:
        """Try what is due, until nothing is; return how many tries that took."""
        tries = 0
        while claims := await self.outbox.claim(10):
            for claim in claims:
                await self.worker.handle(claim)
                tries += 1
        return tries

    async def pass_(self, seconds: float) -> int:
        """Let time pass, then try what is due."""
        self.clock.forward(seconds)
        return await self.work()

    def counted(self, outcome: str, action: str = "on_update") -> float:
        """Return a value of the callback counter."""
        labels = {"action": action, "outcome": outcome}
        return self.metrics.registry.get_sample_value("bridge_callbacks_total", labels) or 0


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def bap() -> AsyncIterator[Bap]:
    bap = Bap()
    async with bap.listening():
        yield bap


@pytest.fixture
def side(redis: Redis, http: aiohttp.ClientSession, bap: Bap) -> Side:
    return Side(redis, http, bap.url)


async def test_a_callback_is_posted_to_its_address_as_it_was_written(side: Side, bap: Bap) -> None:
    await side.queue("m1", action="on_status")

    assert await side.work() == 1

    context = {"action": "on_status", "transaction_id": "t1", "message_id": "m1"}
    assert bap.got == [{"context": context, "message": {}}]
    assert bap.paths == ["POST /on_status"]
    assert side.counted("delivered", "on_status") == 1
    assert await side.outbox.depth() == 0


async def test_callbacks_of_an_order_come_in_order_behind_one_that_is_retried(
    side: Side, bap: Bap
) -> None:
    bap.answers = [says({}, 500), says({}, 503)]
    for message_id in ("m1", "m2", "m3"):
        await side.queue(message_id)

    assert await side.work() == 1
    assert await side.pass_(0.999) == 0
    assert await side.pass_(0.001) == 1
    assert await side.pass_(5) == 3

    assert bap.ids == ["m1", "m1", "m1", "m2", "m3"]
    assert (side.counted("retried"), side.counted("delivered")) == (2, 3)


async def test_unsolicited_ones_are_tried_seven_times_in_43_minutes(side: Side, bap: Bap) -> None:
    bap.answers = [says({}, 500)] * 8
    await side.queue("m1")

    assert await side.work() == 1
    for pause_s in (1, 5, 25, 120, 600, 1800):
        assert await side.dead.count() == 0
        assert await side.pass_(pause_s - 0.001) == 0
        assert await side.pass_(0.001) == 1

    [letter] = await side.dead.all()
    assert (letter.error, letter.entry.message_id) == ("HTTP 500", "m1")
    assert await side.pass_(100_000) == 0
    assert len(bap.got) == 7


async def test_answers_are_tried_four_times_in_two_seconds(side: Side, bap: Bap) -> None:
    bap.answers = [says({}, 500)] * 5
    until_ = side.clock.now() + timedelta(seconds=30)
    await side.queue("m1", solicited=True, until=until_)

    assert await side.work() == 1
    for pause_s in (0.2, 0.5, 1.0):
        assert await side.pass_(pause_s - 0.001) == 0
        assert await side.pass_(0.001) == 1

    assert await side.dead.count() == 1
    assert len(bap.got) == 4


async def test_an_answer_is_not_retried_past_its_time(side: Side, bap: Bap) -> None:
    bap.answers = [says({}, 500)] * 5
    until_ = side.clock.now() + timedelta(seconds=0.5)
    await side.queue("m1", solicited=True, until=until_)

    await side.work()
    await side.pass_(0.2)

    assert await side.dead.count() == 1
    assert len(bap.got) == 2


async def test_a_nack_is_a_dead_letter_at_once_and_holds_nothing_up(side: Side, bap: Bap) -> None:
    bap.answers = [says(nack("30001", "who are you"))]
    await side.queue("m1")
    await side.queue("m2")

    assert await side.work() == 2

    assert bap.ids == ["m1", "m2"]
    [letter] = await side.dead.all()
    assert letter.error == "NACK: 30001 who are you"
    assert (side.counted("dead"), side.counted("delivered")) == (1, 1)
    [told] = await side.journal.read(letter.entry.order_key)
    assert (told.hop, told.what) == ("bridge > BAP", "on_update refused")
    assert told.detail == {"error": letter.error}


async def test_a_nack_of_an_overloaded_receiver_is_retried(side: Side, bap: Bap) -> None:
    bap.answers = [says(nack(), 503)]
    await side.queue("m1")

    await side.work()
    await side.pass_(1)

    assert bap.ids == ["m1", "m1"]
    assert await side.dead.count() == 0


async def test_a_bap_that_was_away_gets_everything_afterwards_in_order(
    redis: Redis, http: aiohttp.ClientSession
) -> None:
    bap, port = Bap(), free_port()
    side = Side(redis, http, f"http://127.0.0.1:{port}")
    for number in range(5):
        await side.queue(f"m{number}")
        await side.pass_(4)
    assert bap.got == []

    async with bap.listening(port):
        await side.pass_(25)

    assert bap.ids == [f"m{number}" for number in range(5)]
    assert await side.outbox.depth() == 0


async def test_an_answer_wakes_what_waits_before_it(side: Side, bap: Bap) -> None:
    bap.answers = [says({}, 500)] * 3
    await side.queue("m1")
    await side.work()
    await side.pass_(1)
    await side.pass_(5)

    await side.queue("m2", wake=True, solicited=True)

    assert await side.work() == 2
    assert bap.ids[3:] == ["m1", "m2"]


async def test_a_try_before_its_time_does_not_count(side: Side, bap: Bap) -> None:
    bap.answers = [says({}, 500)] * 8
    await side.queue("m1")
    await side.work()
    await side.queue("m2", wake=True)

    assert await side.work() == 1
    for pause_s in (1, 5, 25, 120, 600):
        assert await side.pass_(pause_s) == 1
    assert await side.dead.count() == 0
    assert await side.pass_(1800) == 2

    assert bap.ids == ["m1"] * 8 + ["m2"]
    assert await side.dead.count() == 1


async def test_a_dead_letter_is_replayed_once(side: Side, bap: Bap) -> None:
    bap.answers = [says(nack())]
    until_ = side.clock.now() + timedelta(seconds=5)
    await side.queue("m1", solicited=True, until=until_)
    await side.work()
    [letter] = await side.dead.all()
    assert await side.dead.get(letter.id) == letter

    assert await side.dead.replay(letter)
    assert not await side.dead.replay(letter)

    assert await side.dead.all() == []
    assert await side.dead.get(letter.id) is None
    assert await side.work() == 1
    assert bap.ids == ["m1", "m1"]


async def test_a_replayed_letter_has_all_its_tries_again(side: Side, bap: Bap) -> None:
    bap.answers = [says(nack()), *[says({}, 500)] * 3]
    await side.queue("m1", solicited=True, until=side.clock.now())
    await side.work()
    [letter] = await side.dead.all()
    side.clock.forward(3600)

    await side.dead.replay(letter)

    assert await side.work() == 1
    for pause_s in (1, 5, 25):
        assert await side.pass_(pause_s) == 1
    assert bap.ids == ["m1"] * 5
    assert await side.dead.count() == 0


async def test_a_replay_does_not_wait_for_the_retry_before_it(side: Side, bap: Bap) -> None:
    bap.answers = [says(nack()), *[says({}, 500)] * 3]
    await side.queue("m1")
    await side.queue("m2")
    await side.work()
    await side.pass_(1)
    await side.pass_(5)
    [letter] = await side.dead.all()

    await side.dead.replay(letter)

    assert await side.work() == 2
    assert bap.ids[-2:] == ["m2", "m1"]


async def test_dead_letters_come_oldest_first_and_are_forgotten(side: Side, bap: Bap) -> None:
    bap.answers = [says(nack())] * 3
    for message_id, action in (("m1", "on_update"), ("m2", "on_search"), ("m3", "on_status")):
        await side.queue(message_id, action=action)
        await side.work()

    letters = await side.dead.all()
    assert [letter.entry.message_id for letter in letters] == ["m1", "m2", "m3"]
    assert await side.dead.count() == 3
    limits = (RETENTION_S, ON_SEARCH_KEPT_S, RETENTION_S)
    for letter, limit_s in zip(letters, limits, strict=True):
        name = f"{{bridge}}:dead-letter:{letter.id}"
        assert limit_s - 60 < await side.db.do("TTL", name) <= limit_s


async def test_a_slow_bap_holds_up_its_own_order_only(side: Side, bap: Bap) -> None:
    bap.gates["slow"] = asyncio.Event()
    runner = LaneRunner(side.outbox, side.worker.handle)
    task = asyncio.create_task(runner.run())
    await side.queue("slow", lane="t1")
    await side.queue("after", lane="t1")
    await until(lambda: bap.ids == ["slow"])

    for number in range(20):
        await side.queue(f"m{number:02}", lane=f"t{2 + number % 4}")
    await until(lambda: len(bap.got) == 21)
    assert "after" not in bap.ids
    bap.gates["slow"].set()
    await until(lambda: len(bap.got) == 22)
    runner.stop()
    await task

    for lane in range(4):
        ids = [f"m{number:02}" for number in range(20) if number % 4 == lane]
        assert [each for each in bap.ids if each in ids] == ids
    assert bap.ids[-1] == "after"


# What nobody waits for any more


async def test_an_answer_past_its_ttl_is_news_if_it_changed_an_order(side: Side, bap: Bap) -> None:
    await side.queue("m1", solicited=True, lapses_at=side.clock.now())
    await side.queue("m2", solicited=True, lapses_at=side.clock.now() + timedelta(seconds=60))
    bap.answers = [says({}, 500)] * 2

    # Unlike an answer it is tried for a long time.
    assert await side.pass_(0.1) == 2
    assert await side.pass_(1) == 1
    assert await side.pass_(5) == 2

    news, *_, last = bap.ids
    assert news not in ("m1", "m2")
    assert bap.ids == [news] * 3 + ["m2"]
    assert last == "m2"
    assert (side.counted("late"), side.counted("delivered")) == (1, 2)


@pytest.mark.parametrize("action", ["on_search", "on_select", "on_init", "on_status", "on_track"])
async def test_another_answer_past_its_ttl_is_not_sent(side: Side, bap: Bap, action: str) -> None:
    await side.queue("m1", action=action, solicited=True, lapses_at=side.clock.now())
    await side.queue("m2", action=action, solicited=True)

    await side.pass_(0.1)

    assert bap.ids == ["m2"]
    assert side.counted("late", action) == 1
    assert await side.dead.count() == 0


# What an adapter does not take as it is

SCHEMA = {"message": {"ack": {"status": "NACK"}}, "error": {"code": 400, "message": "schema"}}


def catalog(*ids: str) -> dict[str, Any]:
    """Return the parts of an on_search with these providers."""
    providers = [{"id": each, "items": [{"id": f"i-{each}"}]} for each in ids]
    return {"message": {"catalog": {"providers": providers}}}


def providers(message: dict[str, Any]) -> list[str]:
    return [each["id"] for each in message["message"]["catalog"]["providers"]]


async def test_an_on_search_that_is_too_large_is_sent_in_halves(side: Side, bap: Bap) -> None:
    too_large = says({"message": "request entity too large"}, 500)
    bap.answers = [too_large, too_large]
    await side.queue("m1", action="on_search", parts=catalog("a", "b", "c", "d"), solicited=True)

    await side.work()

    assert [providers(message) for message in bap.got] == [
        ["a", "b", "c", "d"],
        ["a", "b"],
        ["c", "d"],
        ["a"],
        ["b"],
    ]
    assert set(bap.ids) == {"m1"}
    assert (side.counted("split", "on_search"), side.counted("dead", "on_search")) == (2, 0)


@pytest.mark.parametrize(("action", "parts"), [("on_search", catalog("a")), ("on_update", {})])
async def test_what_is_too_large_and_cannot_be_split_is_a_dead_letter(
    side: Side, bap: Bap, action: str, parts: dict[str, Any]
) -> None:
    bap.answers = [says({}, 413)]
    await side.queue("m1", action=action, parts=parts)

    assert await side.work() == 1

    [letter] = await side.dead.all()
    assert letter.error.startswith("HTTP 413: ")


ECHO = Raw(b'{"provider":{"id":"p"},"items":[{"id":"i"}],"billing":{"phone":"1"}}')
BARE = {"error": {"code": "30004", "message": "no such item"}}


async def test_an_error_alone_that_breaks_a_schema_is_told_with_the_order_once(
    side: Side, bap: Bap
) -> None:
    bap.answers = [says(SCHEMA, 400), says(SCHEMA, 400)]
    await side.queue("m1", action="on_select", parts=BARE, echo=ECHO, solicited=True)

    assert await side.work() == 2

    bare, whole = bap.got
    assert "message" not in bare
    assert (whole["context"], whole["error"]) == (bare["context"], bare["error"])
    assert whole["message"]["order"]["items"][0]["id"] == "i"
    assert (side.counted("echoed", "on_select"), side.counted("dead", "on_select")) == (1, 1)


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_nack_that_is_no_broken_schema_gets_no_second_wording(
    side: Side, bap: Bap, status: int
) -> None:
    bap.answers = [says(nack(), status)]
    await side.queue("m1", action="on_select", parts=BARE, echo=ECHO, solicited=True)

    assert await side.work() == 1

    [letter] = await side.dead.all()
    # Nothing of it is kept for longer than it is needed: it names the driver.
    assert letter.entry.echo is UNSET
