"""OCPI objects in a real Redis: compared and set, announced, with the jobs they cause."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from redis.asyncio import Redis

from bridge.flows.jobs import EvseJob, Job, SessionJob
from bridge.flows.ports import Kind
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Status
from bridge.orders.order import SessionKey
from bridge.store.database import Database, key
from bridge.store.lanes import Lanes
from bridge.store.objects import CHANGES, SCANNED, ObjectStore, Write
from tests.factories import EMSP, NOW, PARTY

RETENTION_S = 1000

KINDS = pytest.mark.parametrize("kind", list(Kind))


class Side:
    """The store, with the database and the lanes under it."""

    def __init__(self, redis: Redis) -> None:
        self.db = Database(redis)
        self.lanes = Lanes(self.db, "inbox")
        self.objects = ObjectStore(self.db, self.lanes, retention_s=RETENTION_S)

    async def put(self, kind: Kind, object_id: str, body: bytes, party: Party = PARTY) -> None:
        """Store an object, whatever was there."""
        old = await self.objects.read(kind, party, object_id)
        assert await self.objects.write(kind, party, object_id, body, old)

    async def jobs(self, order_key: str) -> list[Job]:
        """Return the jobs of an order."""
        entries = await self.lanes.entries(order_key)
        return [msgspec.json.decode(entry, type=Job) for entry in entries]

    async def changes(self) -> list[dict[str, str]]:
        """Return what was announced to all replicas."""
        rows = await self.db.do("XRANGE", CHANGES, "-", "+")
        return [{k.decode(): v.decode() for k, v in fields.items()} for _, fields in rows]


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


@KINDS
async def test_an_object_is_read_as_it_was_written(side: Side, kind: Kind) -> None:
    assert await side.objects.read(kind, PARTY, "X1") is None
    await side.put(kind, "X1", b"\x00 any bytes")

    assert await side.objects.read(kind, PARTY, "X1") == b"\x00 any bytes"


@KINDS
async def test_ids_are_equal_whatever_their_case(side: Side, kind: Kind) -> None:
    await side.put(kind, "x1", b"one")

    assert await side.objects.read(kind, Party("in", "abc"), "X1") == b"one"
    assert not await side.objects.write(kind, PARTY, "X1", b"two", None)


@KINDS
async def test_parties_and_kinds_do_not_mix(side: Side, kind: Kind) -> None:
    await side.put(kind, "X1", b"ours")

    for other in set(Kind) - {kind}:
        assert await side.objects.read(other, PARTY, "X1") is None
    assert await side.objects.read(kind, EMSP, "X1") is None


@KINDS
async def test_what_changed_meanwhile_is_not_overwritten(side: Side, kind: Kind) -> None:
    await side.put(kind, "X1", b"one")
    await side.put(kind, "X1", b"two")
    job = EvseJob(status=Status.CHARGING, at=NOW)

    for stale in (None, b"one"):
        assert not await side.objects.write(kind, PARTY, "X1", b"mine", stale, {"o": job})
        assert not await side.objects.write(kind, PARTY, "X1", None, stale)

    assert await side.objects.read(kind, PARTY, "X1") == b"two"
    assert await side.jobs("o") == []
    assert len(await side.changes()) in (0, 2)


@KINDS
async def test_of_many_that_write_at_once_one_does(side: Side, kind: Kind) -> None:
    writes = [side.objects.write(kind, PARTY, "X1", b"%d" % n, None) for n in range(20)]

    assert sum(await asyncio.gather(*writes)) == 1


@KINDS
async def test_a_removed_object_is_gone(side: Side, kind: Kind) -> None:
    await side.put(kind, "X1", b"one")

    assert await side.objects.write(kind, PARTY, "X1", None, b"one")

    assert await side.objects.read(kind, PARTY, "X1") is None
    assert await side.objects.write(kind, PARTY, "X1", b"again", None)


async def test_what_the_catalogue_shows_is_announced(side: Side) -> None:
    await side.put(Kind.TARIFF, "T1", b"one")
    await side.put(Kind.LOCATION, "L1", b"one")
    await side.put(Kind.SESSION, "S1", b"one")
    await side.put(Kind.CDR, "C1", b"one")
    await side.objects.write(Kind.LOCATION, PARTY, "L1", None, b"one")

    owner = {"country_code": "IN", "party_id": "ABC"}
    assert await side.changes() == [
        {"kind": "tariff", "ids": "T1"} | owner,
        {"kind": "location", "ids": "L1"} | owner,
        {"kind": "location", "ids": "L1"} | owner,
    ]


async def test_all_objects_of_a_party_come_by_folded_id(side: Side) -> None:
    assert await everything(side, Kind.LOCATION) == {}
    await side.put(Kind.LOCATION, "L1", b"one")
    await side.put(Kind.LOCATION, "l2", b"two")
    await side.put(Kind.LOCATION, "L3", b"theirs", EMSP)
    await side.put(Kind.TARIFF, "T1", b"tariff")

    assert await everything(side, Kind.LOCATION) == {"l1": b"one", "l2": b"two"}
    assert await side.objects.ids(Kind.LOCATION, PARTY) == {"l1", "l2"}


async def everything(side: Side, kind: Kind) -> dict[str, bytes]:
    """Return all objects that a scan yields."""
    found: dict[str, bytes] = {}
    async for some in side.objects.scan(kind, PARTY):
        found |= some
    return found


async def test_a_large_catalogue_is_scanned_in_steps(side: Side) -> None:
    bodies = {f"l{number}": b"x" * 100 for number in range(3 * SCANNED)}
    writes = [Write(object_id, body, None) for object_id, body in bodies.items()]
    assert await side.objects.write_many(Kind.LOCATION, PARTY, writes)

    steps = [some async for some in side.objects.scan(Kind.LOCATION, PARTY)]

    assert len(steps) > 1
    assert {object_id: body for some in steps for object_id, body in some.items()} == bodies


async def test_many_are_read_in_their_order(side: Side) -> None:
    await side.put(Kind.LOCATION, "L1", b"one")
    await side.put(Kind.LOCATION, "L2", b"two")

    read = await side.objects.read_many(Kind.LOCATION, PARTY, ["l2", "L9", "L1"])

    assert read == [b"two", None, b"one"]
    assert await side.objects.read_many(Kind.LOCATION, PARTY, []) == []


async def test_many_are_written_at_once_or_not_at_all(side: Side) -> None:
    job = EvseJob(status=Status.OUTOFORDER, at=NOW)
    writes = [Write("L1", b"one", None, {"o1": job}), Write("L2", b"two", None)]
    assert await side.objects.write_many(Kind.LOCATION, PARTY, writes)
    assert await side.jobs("o1") == [job]
    announced = await side.changes()
    assert [each["ids"] for each in announced] == ["L1\nL2"]

    again = [Write("L1", b"ONE", b"one", {"o1": job}), Write("L2", b"TWO", b"somebody's")]
    assert not await side.objects.write_many(Kind.LOCATION, PARTY, again)
    assert await everything(side, Kind.LOCATION) == {"l1": b"one", "l2": b"two"}
    assert await side.jobs("o1") == [job]
    assert await side.changes() == announced

    mixed = [Write("L1", None, b"one"), Write("L2", b"TWO", b"two"), Write("L3", b"three", None)]
    assert await side.objects.write_many(Kind.LOCATION, PARTY, mixed)
    assert await everything(side, Kind.LOCATION) == {"l2": b"TWO", "l3": b"three"}
    assert await side.objects.write_many(Kind.LOCATION, PARTY, [])


async def test_many_events_are_written_at_once_or_not_at_all(side: Side) -> None:
    writes = [Write("S1", b"one", None), Write("S2", b"two", None)]
    assert await side.objects.write_many(Kind.SESSION, PARTY, writes)
    again = [Write("S1", b"ONE", b"one"), Write("S2", b"TWO", b"somebody's")]
    assert not await side.objects.write_many(Kind.SESSION, PARTY, again)
    assert await side.objects.read(Kind.SESSION, PARTY, "S1") == b"one"


@pytest.mark.parametrize("kind", [Kind.SESSION, Kind.CDR])
async def test_sessions_and_cdrs_are_no_list(side: Side, kind: Kind) -> None:
    with pytest.raises(ValueError, match=kind):
        await everything(side, kind)


async def test_jobs_are_queued_with_the_object(side: Side) -> None:
    session = SessionKey("IN", "ABC", "S1")
    jobs = {"o1": SessionJob(session=session, at=NOW), "o2": SessionJob(session=session, at=NOW)}

    assert await side.objects.write(Kind.SESSION, PARTY, "S1", b"one", None, jobs)
    assert await side.objects.write(Kind.SESSION, PARTY, "S1", b"two", b"one", {"o1": jobs["o1"]})

    assert await side.jobs("o1") == [jobs["o1"], jobs["o1"]]
    assert await side.jobs("o2") == [jobs["o2"]]
    assert {claim.lane for claim in await side.lanes.claim(10)} == {"o1", "o2"}


async def test_sessions_and_cdrs_are_forgotten_the_catalogue_is_not(side: Side) -> None:
    job = SessionJob(session=SessionKey("IN", "ABC", "S1"), at=datetime.now(UTC))
    await side.objects.write(Kind.SESSION, PARTY, "S1", b"one", None, {"o1": job})
    for kind in (Kind.CDR, Kind.LOCATION, Kind.TARIFF):
        await side.put(kind, "X1", b"one")

    for name in ("ocpi:session:in*abc:s1", "ocpi:cdr:in*abc:x1", "session:in*abc*s1"):
        assert 0 < await side.db.do("TTL", key(name)) <= RETENTION_S
    for name in ("ocpi:location:in*abc", "ocpi:tariff:in*abc"):
        assert await side.db.do("TTL", key(name)) == -1
