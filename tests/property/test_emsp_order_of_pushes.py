"""Pushes come late, twice and out of order; what is stored in the end does not depend on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ObjectUnknown
from bridge.flows.emsp import locations, sessions
from bridge.flows.emsp.emsp import Call, Emsp
from bridge.flows.jobs import SessionJob
from bridge.flows.ports import Kind
from bridge.ocpi import codec
from bridge.ocpi.connection import Presented, TokenUse
from bridge.ocpi.locations import Location
from bridge.ocpi.sessions import Session
from bridge.workers.keeping import Events
from bridge.workers.sources import Owned
from tests.contract.emsp.backends import MemoryBackend
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import emsp_on
from tests.contract.emsp.samples import (
    CPO,
    EMSP,
    ISSUER,
    PARTY,
    TOKEN,
    Json,
    at,
    evse,
    exact,
    location,
    order,
    period,
    session,
)
from tests.fakes import RecordedPeers
from tests.property.examples import examples

CALLER = Presented(CPO, TokenUse.REGISTERED, TOKEN)


PULLED = "PULLED"
"""In the place of a method: nobody pushed it, it stood in the CPO's list."""


class Push(NamedTuple):
    """A message of a CPO."""

    method: str
    ids: tuple[str, ...]
    body: Json


async def started() -> tuple[Emsp, MemoryBackend]:
    """Return an eMSP with one CPO and one order."""
    backend = MemoryBackend(EMSP, ISSUER)
    await registered(backend, CPO, TOKEN, PARTY)
    await backend.put_order(order("1"))
    peers = RecordedPeers()
    return emsp_on(backend, peers, notices=[], pulls=[], wakes=[], overrides={}), backend


async def pushed(history: Sequence[Push]) -> Session | None:
    """Return the session that is stored after these, and check what its order was told."""
    emsp, backend = await started()
    flows = {"PUT": sessions.put_session, "PATCH": sessions.patch_session}
    for push in history:
        if push.method == PULLED:
            read = Owned(PARTY, codec.convert(exact(push.body), Session))
            await Events(emsp, CPO).take([read])
            continue
        call = Call(caller=CALLER, ids=push.ids, body=exact(push.body))
        try:
            await flows[push.method](emsp, call)
        except ObjectUnknown:
            assert push.method == "PATCH"
    jobs = await backend.jobs(order("1").key)
    assert all(isinstance(job, SessionJob) for job in jobs)
    stored = await emsp.objects.read(Kind.SESSION, PARTY, "S1")
    assert bool(jobs) == (stored is not None)
    return None if stored is None else codec.decode(stored, Session)


@st.composite
def histories(draw: st.DrawFn, *, methods: Sequence[str]) -> list[Push]:
    """Make what a CPO sends in the life of a session, in its own order: a PUT comes first."""
    length = draw(st.integers(1, 6))
    ranks = sorted(draw(st.lists(st.integers(0, 1), min_size=length, max_size=length)))
    statuses = [("PENDING", "ACTIVE")[rank] for rank in ranks]
    if draw(st.booleans()):
        statuses[-1] = draw(st.sampled_from(["COMPLETED", "INVALID"]))
    history = []
    for minute, status in enumerate(statuses):
        method = "PUT" if minute == 0 else draw(st.sampled_from(methods))
        periods = [period(each, minute + 0.5) for each in draw(st.sets(st.integers(0, minute)))]
        body: Json = {
            "status": status,
            "kwh": minute,
            "charging_periods": periods,
            "last_updated": at(minute),
        }
        if method == "PUT":
            body = session(**body)
        history.append(Push(method, ("IN", "ABC", "S1"), body))
    return history


@st.composite
def stuttered(draw: st.DrawFn, history: Sequence[Push]) -> list[Push]:
    """Repeat any earlier message at any later moment, also the one that came just now."""
    told: list[Push] = []
    for number, push in enumerate(history):
        told.append(push)
        repeats = draw(st.lists(st.integers(0, number), max_size=2))
        told += [history[each] for each in repeats]
    return told


@pytest.mark.requirement("O39")
@pytest.mark.requirement("O82")
@examples()
@given(data=st.data())
def test_repeats_of_any_message_change_nothing(data: st.DataObject) -> None:
    history = data.draw(histories(methods=["PUT", "PATCH"]))
    told = data.draw(stuttered(history))
    assert asyncio.run(pushed(told)) == asyncio.run(pushed(history))


@pytest.mark.requirement("O39")
@pytest.mark.requirement("O85")
@examples()
@given(data=st.data())
def test_the_newest_put_wins_whatever_comes_around_it(data: st.DataObject) -> None:
    history = data.draw(histories(methods=["PUT", "PATCH"]))
    newest = history[-1]
    if newest.method != "PUT":
        newest = history[-1] = Push("PUT", newest.ids, session(**newest.body))
    told = data.draw(st.permutations([*history, *data.draw(stuttered(history))]))
    assert asyncio.run(pushed(told)) == codec.convert(exact(newest.body), Session)


@pytest.mark.requirement("O35")
@given(data=st.data())
def test_pulled_and_pushed_sessions_end_the_same(data: st.DataObject) -> None:
    history = data.draw(histories(methods=["PUT"]))
    told = data.draw(st.permutations([*history, *data.draw(stuttered(history))]))
    methods = st.sampled_from(["PUT", PULLED])
    mixed = [push._replace(method=data.draw(methods)) for push in told]
    all_pulled = [push._replace(method=PULLED) for push in history]
    newest = codec.convert(exact(history[-1].body), Session)
    assert asyncio.run(pushed(mixed)) == asyncio.run(pushed(all_pulled)) == newest


@pytest.mark.requirement("O81")
@examples()
@given(history=histories(methods=["PATCH"]))
def test_patches_in_order_keep_every_period_once(history: list[Push]) -> None:
    stored = asyncio.run(pushed(history))
    assert stored is not None
    starts = [each.start_date_time for each in stored.charging_periods]
    sent = {each["start_date_time"] for push in history for each in push.body["charging_periods"]}
    assert len(starts) == len(set(starts)) == len(sent)


EVSES = ("E1", "E2", "E3")


@pytest.mark.requirement("O60")
@examples()
@given(
    data=st.data(),
    statuses=st.lists(
        st.tuples(
            st.sampled_from(EVSES),
            st.sampled_from(["AVAILABLE", "CHARGING", "BLOCKED", "OUTOFORDER"]),
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_each_evse_ends_with_its_newest_status(
    data: st.DataObject, statuses: list[tuple[str, str]]
) -> None:
    pushes = [
        Push("PATCH", ("IN", "ABC", "LOC1", uid), {"status": status, "last_updated": at(minute)})
        for minute, (uid, status) in enumerate(statuses, start=1)
    ]
    told = data.draw(st.permutations(pushes + pushes))
    after = asyncio.run(located(told))
    expected = dict.fromkeys(EVSES, "AVAILABLE") | dict(statuses)
    assert {each.uid: each.status for each in after.evses} == expected
    assert after.last_updated == max(each.last_updated for each in after.evses)


async def located(history: Sequence[Push]) -> Location:
    """Return LOC1 after these PATCHes of its EVSEs, all sent at once."""
    emsp, _ = await started()
    put = location(evses=[evse(uid) for uid in EVSES])
    await locations.put_location(emsp, Call(caller=CALLER, ids=("IN", "ABC", "LOC1"), body=put))
    async with asyncio.TaskGroup() as tasks:
        for push in history:
            call = Call(caller=CALLER, ids=push.ids, body=push.body)
            tasks.create_task(locations.patch_part(emsp, call))
    stored = await emsp.objects.read(Kind.LOCATION, PARTY, "LOC1")
    assert stored is not None
    return codec.decode(stored, Location)
