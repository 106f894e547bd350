"""Lanes: in order within one, parallel across them, one holder at a time."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from bridge.store.database import Database, key
from bridge.store.lanes import FAILED, Claim, Lanes
from tests.clock import Clock

LEASE_S = 10.0


class Side:
    """The lanes as two replicas share them, on one clock."""

    def __init__(self, redis: Redis) -> None:
        self.clock = Clock()
        self.db = Database(redis)
        self.lanes = Lanes(self.db, "outbox", lease_s=LEASE_S, clock=self.clock.ms)

    async def push(self, lane: str, *entries: bytes, wake: bool = False) -> None:
        """Append entries."""
        for entry in entries:
            await self.db.commit(self.lanes.push(lane, entry, wake=wake))

    async def claim(self) -> Claim:
        """Claim the only lane that is due."""
        [claim] = await self.lanes.claim(10)
        return claim

    async def finish(self, claim: Claim) -> bool:
        """Finish a head entry; False when the lane was lost."""
        return await self.db.commit(self.lanes.finished(claim), [self.lanes.held(claim)])

    async def due(self) -> list[tuple[str, bytes]]:
        """Claim all that is due; return lanes and heads."""
        return [(claim.lane, claim.entry) for claim in await self.lanes.claim(10)]


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


async def test_entries_of_a_lane_come_one_at_a_time_in_order(side: Side) -> None:
    await side.push("a", b"1", b"2", b"3")

    seen = []
    while claims := await side.lanes.claim(10):
        [claim] = claims
        assert await side.due() == []
        seen.append(claim.entry)
        assert await side.finish(claim)

    assert seen == [b"1", b"2", b"3"]


async def test_lanes_go_side_by_side_up_to_the_number_asked_for(side: Side) -> None:
    for lane in ("a", "b", "c"):
        await side.push(lane, b"x")
        side.clock.forward(0.001)

    assert [claim.lane for claim in await side.lanes.claim(2)] == ["a", "b"]
    assert [claim.lane for claim in await side.lanes.claim(2)] == ["c"]


async def test_two_replicas_never_hold_one_lane(side: Side) -> None:
    for number in range(40):
        await side.push(f"lane {number}", b"x")

    rounds = await asyncio.gather(*(side.lanes.claim(7) for _ in range(10)))

    lanes = [claim.lane for claims in rounds for claim in claims]
    assert sorted(lanes) == sorted({f"lane {number}" for number in range(40)})


async def test_any_name_and_any_bytes_go_through(side: Side) -> None:
    name, entry = "bap.example|{x}:\x1f ü", bytes(range(256))
    await side.push(name, entry)

    assert await side.due() == [(name, entry)]


async def test_a_postponed_lane_waits_with_its_changed_head(side: Side) -> None:
    await side.push("a", b"1", b"2")

    assert await side.lanes.postpone(await side.claim(), b"1 again", 5)

    await side.push("a", b"3")
    side.clock.forward(4.999)
    assert await side.due() == []
    side.clock.forward(0.001)
    assert await side.due() == [("a", b"1 again")]
    assert await side.lanes.entries("a") == [b"1 again", b"2", b"3"]


async def test_a_fraction_of_a_millisecond_is_rounded_up(side: Side) -> None:
    await side.push("a", b"1")

    await side.lanes.postpone(await side.claim(), b"1", 0.0001)

    assert await side.due() == []
    side.clock.forward(0.001)
    assert await side.due() == [("a", b"1")]


async def test_a_push_that_wakes_makes_a_postponed_lane_due(side: Side) -> None:
    await side.push("a", b"1")
    await side.lanes.postpone(await side.claim(), b"1", 1800)

    await side.push("a", b"2", wake=True)

    assert await side.due() == [("a", b"1")]


async def test_a_push_that_wakes_takes_no_lane_from_its_holder(side: Side) -> None:
    await side.push("a", b"1")
    claim = await side.claim()

    await side.push("a", b"2", wake=True)

    assert await side.due() == []
    assert await side.finish(claim)
    assert await side.due() == [("a", b"2")]


async def test_a_lane_that_was_woken_while_held_is_not_postponed(side: Side) -> None:
    await side.push("a", b"1")
    claim = await side.claim()
    await side.push("a", b"2", wake=True)

    await side.lanes.postpone(claim, b"1 again", 1800)

    claim = await side.claim()
    assert claim.entry == b"1 again"
    await side.lanes.postpone(claim, b"1 again", 1800)
    assert await side.due() == []


async def test_a_lane_woken_while_its_dead_holder_had_it_is_woken_once(side: Side) -> None:
    await side.push("a", b"1")
    await side.claim()
    await side.push("a", b"2", wake=True)
    side.clock.forward(LEASE_S)

    await side.lanes.postpone(await side.claim(), b"1", 1800)

    assert await side.due() == []


async def test_a_dead_holder_keeps_its_lane_for_the_lease_only(side: Side) -> None:
    await side.push("a", b"1")
    await side.claim()

    side.clock.forward(LEASE_S - 0.001)
    assert await side.due() == []
    side.clock.forward(0.001)
    assert await side.due() == [("a", b"1")]


async def test_who_lost_a_lane_changes_nothing(side: Side) -> None:
    await side.push("a", b"1", b"2")
    late = await side.claim()
    side.clock.forward(LEASE_S)
    holder = await side.claim()

    assert not await side.finish(late)
    assert not await side.lanes.postpone(late, b"late", 0)
    assert not await side.lanes.rewrite(late, b"late")
    await side.lanes.renew([late])
    await side.lanes.bury(late, "late")

    assert await side.lanes.entries("a") == [b"1", b"2"]
    assert await side.db.do("EXISTS", FAILED) == 0
    assert await side.due() == []
    side.clock.forward(LEASE_S)
    assert await side.due() == [("a", b"1")]
    assert not await side.finish(holder)


async def test_a_late_holder_whose_lane_nobody_took_may_finish(side: Side) -> None:
    await side.push("a", b"1")
    late = await side.claim()
    side.clock.forward(LEASE_S * 2)

    assert await side.finish(late)

    assert await side.due() == []


async def test_nothing_is_finished_twice(side: Side) -> None:
    await side.push("a", b"1", b"2")
    claim = await side.claim()

    assert await side.finish(claim)
    assert not await side.finish(claim)

    assert await side.lanes.entries("a") == [b"2"]


async def test_a_renewed_lease_begins_anew(side: Side) -> None:
    await side.push("a", b"1")
    await side.push("b", b"1")
    claims = await side.lanes.claim(10)
    side.clock.forward(LEASE_S / 2)

    await side.lanes.renew([claim for claim in claims if claim.lane == "a"])

    side.clock.forward(LEASE_S / 2)
    assert await side.due() == [("b", b"1")]


async def test_renewing_what_was_just_finished_puts_nothing_off(side: Side) -> None:
    await side.push("a", b"1", b"2")
    claim = await side.claim()
    await side.finish(claim)

    await side.lanes.renew([claim])

    assert await side.due() == [("a", b"2")]


async def test_a_rewritten_head_stays_with_its_holder(side: Side) -> None:
    await side.push("a", b"1")
    claim = await side.claim()

    assert await side.lanes.rewrite(claim, b"1 marked")

    assert await side.due() == []
    side.clock.forward(LEASE_S)
    assert await side.due() == [("a", b"1 marked")]


async def test_a_buried_entry_is_kept_and_holds_nothing_up(side: Side) -> None:
    await side.push("a", b"\xff", b"2")

    await side.lanes.bury(await side.claim(), "ValueError: what is this")

    assert await side.due() == [("a", b"2")]
    [(_, kept)] = await side.db.do("XRANGE", FAILED, "-", "+")
    assert kept == {
        b"lanes": b"outbox",
        b"lane": b"a",
        b"entry": b"\xff",
        b"error": b"ValueError: what is this",
    }


async def test_the_depth_is_the_number_of_lanes_with_work(side: Side) -> None:
    assert await side.lanes.depth() == 0
    await side.push("a", b"1", b"2")
    await side.push("b", b"1")
    assert await side.lanes.depth() == 2
    claim = (await side.lanes.claim(10))[1]
    await side.finish(claim)
    assert await side.lanes.depth() == 1


async def test_kinds_do_not_mix(side: Side) -> None:
    other = Lanes(side.db, "inbox", clock=side.clock.ms)
    await side.push("a", b"1")

    assert await other.claim(10) == []
    assert await other.depth() == 0


async def test_finished_lanes_leave_nothing_behind(side: Side) -> None:
    await side.push("a", b"1", b"2", wake=True)
    claim = await side.claim()
    await side.push("a", b"3", wake=True)
    await side.lanes.postpone(claim, b"1", 0)
    while claims := await side.lanes.claim(10):
        assert await side.finish(claims[0])

    assert await side.db.do("KEYS", "*") == []


async def test_a_lane_whose_entries_were_deleted_by_hand_is_forgotten(side: Side) -> None:
    await side.push("a", b"1")
    await side.claim()
    await side.db.do("DEL", key("lane", "outbox", "a"))
    side.clock.forward(LEASE_S)

    assert await side.due() == []

    assert await side.db.do("KEYS", "*") == []


async def test_how_long_the_head_waits_that_waits_longest(side: Side) -> None:
    assert await side.lanes.oldest_s() == 0
    await side.push("a", b"1")
    side.clock.forward(5)
    await side.push("a", b"2")
    await side.push("b", b"3")
    assert await side.lanes.oldest_s() == 5

    first, _ = await side.lanes.claim(10)
    assert await side.lanes.postpone(first, b"1 again", 60)
    assert await side.lanes.oldest_s() == 5

    side.clock.forward(60)
    again = next(each for each in await side.lanes.claim(10) if each.lane == "a")
    assert await side.finish(again)
    assert await side.lanes.oldest_s() == 60


async def test_what_is_done_does_not_wait(side: Side) -> None:
    await side.push("a", b"1")
    assert await side.finish(await side.claim())
    side.clock.forward(5)
    assert await side.lanes.oldest_s() == 0


async def test_an_entry_keeps_its_stamp_until_it_is_done(side: Side) -> None:
    await side.push("a", b"1")
    pushed_ms = side.clock.ms()
    side.clock.forward(5)
    claim = await side.claim()
    assert claim.queued_ms == pushed_ms
    assert await side.lanes.rewrite(claim, b"1 sent")
    assert await side.lanes.postpone(claim, b"1 again", 0)
    again = await side.claim()
    assert (again.entry, again.queued_ms) == (b"1 again", pushed_ms)


async def test_an_entry_of_a_bridge_without_stamps_is_read(side: Side) -> None:
    await side.push("a", b"1")
    await side.db.do("LSET", key("lane", "outbox", "a"), 0, b'{"of": "old"}\n')
    claim = await side.claim()
    assert (claim.entry, claim.facts) == (b'{"of": "old"}\n', {})
    await side.push("a", b"2")
    assert await side.finish(claim)
    assert (await side.claim()).entry == b"2"
