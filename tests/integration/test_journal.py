"""The story of an order, in a real Redis."""

from __future__ import annotations

from decimal import Decimal

from redis.asyncio import Redis

from bridge.store.database import Database, key
from bridge.store.journal import ENTRIES_KEPT, Journal


async def test_steps_are_told_in_their_order(redis: Redis) -> None:
    database = Database(redis)
    journal = Journal(database, retention_s=1000)
    await database.commit(
        [
            *journal.note("o1", "BAP > bridge", "Beckn", "confirm", message_id="m1"),
            *journal.note("o1", "CPO > bridge", "OCPI", "session", kwh=Decimal("1.50"), error=""),
            *journal.note("o2", "bridge", "bridge", "deadline reply", nothing=None),
        ]
    )

    first, second = await journal.read("o1")
    assert (first.hop, first.protocol, first.what) == ("BAP > bridge", "Beckn", "confirm")
    assert (first.detail, second.detail) == ({"message_id": "m1"}, {"kwh": "1.50"})
    assert first.at <= second.at
    assert [entry.detail for entry in await journal.read("o2")] == [{}]
    assert await journal.read("o3") == []


async def test_a_story_is_bounded_and_forgotten(redis: Redis) -> None:
    database = Database(redis)
    journal = Journal(database, retention_s=1000)
    for _ in range(3):
        await database.commit(
            [
                command
                for number in range(ENTRIES_KEPT)
                for command in journal.note("o1", "bridge", "bridge", f"step {number}")
            ]
        )

    entries = await journal.read("o1")
    assert ENTRIES_KEPT <= len(entries) < ENTRIES_KEPT * 1.2
    assert entries[-1].what == f"step {ENTRIES_KEPT - 1}"
    assert 0 < await database.do("TTL", key("journal", "o1")) <= 1000
