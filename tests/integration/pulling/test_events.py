"""Sessions and CDRs that are pulled: from a date on, and kept as if they had been pushed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.flows.jobs import CdrJob, SessionJob
from bridge.flows.ports import Kind
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import convert, decode
from bridge.ocpi.headers import Party
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.types import ModuleID
from bridge.orders.order import Order, SessionKey
from bridge.workers.pull import LONGEST_RANGE, Outcome
from tests.contract.emsp.samples import OTHER_CPO, OTHER_PARTY, cdr, exact, order, session
from tests.contract.ocpi_client.fake import FakeCpo
from tests.contract.ocpi_client.objects import location, tariff
from tests.contract.ocpi_client.side import CPO_PARTY
from tests.integration.pulling.rig import (
    CDRS,
    LOCATIONS,
    NOW,
    SESSIONS,
    TARIFFS,
    Bridge,
    Lists,
    Made,
    outcome,
    queries,
    registered,
)

HOUR_AGO = "2026-03-10T11:00:00Z"
LATER = "2026-03-10T11:30:00Z"


def ask(bridge: Bridge, **options: Any) -> Any:
    """Pull sessions and CDRs."""
    return bridge.puller.pull_once("cpo1", [ModuleID.SESSIONS, ModuleID.CDRS], **options)


async def stored_session(bridge: Bridge, session_id: str = "S1") -> Session | None:
    """Return a session as it is stored."""
    body = await bridge.objects.read(Kind.SESSION, CPO_PARTY, session_id)
    return None if body is None else decode(body, Session)


async def placed(bridge: Bridge, placed: Order) -> Order:
    """Store an order."""
    await bridge.correlation.put(placed)
    return placed


@pytest.mark.requirement("O88")
@pytest.mark.endpoint("calls GET {sessions}")
async def test_sessions_are_always_asked_from_a_date_on(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    await ask(bridge)
    lists.sessions = [session(last_updated=LATER)]
    bridge.clock[0] += timedelta(minutes=10)
    await ask(bridge)
    await ask(bridge)
    await ask(bridge, full=True)

    assert [query["date_from"] for query in queries(fake, SESSIONS)] == [
        "2026-03-09T12:00:00Z",
        "2026-03-09T11:59:00Z",
        "2026-03-10T11:29:00Z",
        "2026-03-09T12:10:00Z",
    ]
    assert all("date_to" not in query for query in queries(fake, SESSIONS))


@pytest.mark.endpoint("calls GET {cdrs}")
async def test_a_first_pull_of_cdrs_reaches_back_four_weeks(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.cdrs = [
        cdr("OLD", last_updated="2026-02-10T11:00:00Z"),
        cdr("NEW", last_updated="2026-02-10T13:00:00Z"),
    ]

    report = await ask(bridge)

    assert queries(fake, CDRS)[0]["date_from"] == "2026-02-10T12:00:00Z"
    assert outcome(report, "cdrs").written == 1


async def test_a_pulled_session_reaches_its_order(bridge: Bridge, lists: Lists) -> None:
    waiting = await placed(bridge, order("1"))
    lists.sessions = [session(last_updated=HOUR_AGO), session("S9", last_updated=HOUR_AGO)]
    lists.sessions[1] |= {"authorization_reference": "NOBODY", "location_id": "ELSEWHERE"}
    lists.sessions[1]["cdr_token"] |= {"uid": "NOBODY"}

    report = await ask(bridge)

    assert outcome(report, "sessions") == Outcome(
        module="sessions", full=True, ending="COMPLETE", seen=2, written=2
    )
    key = SessionKey("IN", "ABC", "S1")
    assert await bridge.jobs(waiting.key) == [SessionJob(session=key, at=NOW)]
    assert bridge.woken == [True]
    assert [fields["session_id"] for fields in bridge.told("session.orphan")] == ["S9"]


async def test_a_session_that_did_not_change_is_no_event(bridge: Bridge, lists: Lists) -> None:
    waiting = await placed(bridge, order("1"))
    lists.sessions = [session(last_updated=HOUR_AGO)]
    await ask(bridge)

    again = await ask(bridge, full=True)

    assert (outcome(again, "sessions").written, outcome(again, "sessions").unchanged) == (0, 1)
    assert len(await bridge.jobs(waiting.key)) == 1


async def test_an_older_session_of_a_list_changes_nothing(bridge: Bridge, lists: Lists) -> None:
    lists.sessions = [session(last_updated=LATER, kwh=2)]
    await ask(bridge)
    lists.sessions = [session(last_updated=HOUR_AGO, kwh=1)]

    report = await ask(bridge, full=True)

    assert outcome(report, "sessions").unchanged == 1
    assert await stored_session(bridge) == convert(
        exact(session(last_updated=LATER, kwh=2)), Session
    )


async def test_sessions_and_cdrs_are_never_removed(bridge: Bridge, lists: Lists) -> None:
    lists.sessions, lists.cdrs = [session(last_updated=HOUR_AGO)], [cdr(last_updated=HOUR_AGO)]
    await ask(bridge)
    lists.sessions, lists.cdrs = [], []

    report = await ask(bridge, full=True)

    assert [each.removed for each in report.outcomes] == [0, 0]
    assert await stored_session(bridge) is not None
    assert await bridge.objects.read(Kind.CDR, CPO_PARTY, "CDR1") is not None


async def test_a_pulled_cdr_reaches_its_order_once(bridge: Bridge, lists: Lists) -> None:
    waiting = await placed(bridge, order("1"))
    lists.cdrs = [cdr(last_updated=HOUR_AGO)]

    await ask(bridge)
    await ask(bridge, full=True)

    key = SessionKey("IN", "ABC", "CDR1")
    assert await bridge.jobs(waiting.key) == [CdrJob(cdr=key, at=NOW)]


async def test_a_cdr_that_contradicts_the_stored_one_costs_nothing_else(
    bridge: Bridge, lists: Lists
) -> None:
    lists.cdrs = [cdr("A", last_updated=HOUR_AGO)]
    await ask(bridge)
    lists.cdrs = [
        cdr("A", last_updated=HOUR_AGO, total_energy=99),
        cdr("B", last_updated=HOUR_AGO),
    ]

    report = await ask(bridge, full=True)

    assert outcome(report, "cdrs") == Outcome(
        module="cdrs", full=True, ending="COMPLETE", seen=2, written=1, refused=1
    )
    assert [fields["cdr"] for fields in bridge.told("cdr.conflict")] == ["A"]
    kept = await bridge.objects.read(Kind.CDR, CPO_PARTY, "A")
    assert kept is not None
    assert decode(kept, CDR) == convert(exact(cdr("A", last_updated=HOUR_AGO)), CDR)


@pytest.mark.requirement("O33")
async def test_a_pulled_session_touches_no_order_of_another_party(
    bridge: Bridge, lists: Lists
) -> None:
    theirs = await placed(bridge, order("1", party=OTHER_PARTY, cpo_id=OTHER_CPO))
    lists.sessions = [
        session("S1", last_updated=HOUR_AGO),
        session("S2", last_updated=HOUR_AGO, party_id=OTHER_PARTY.party_id),
    ]

    report = await ask(bridge)

    assert (outcome(report, "sessions").written, outcome(report, "sessions").foreign) == (1, 1)
    assert await bridge.jobs(theirs.key) == []
    assert [fields["clue"] for fields in bridge.told("session.foreign_order")] == [
        "reference",
        "token",
    ]
    assert await bridge.objects.read(Kind.SESSION, OTHER_PARTY, "S2") is None


async def test_every_party_is_asked_for_its_sessions(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    await bridge.store.save(registered(fake, CPO_PARTY, Party("IN", "DEF")))

    await ask(bridge)

    asked = [each.headers["OCPI-to-party-id"] for each in fake.asked if SESSIONS in each.target]
    assert asked == ["ABC", "DEF"]


async def test_a_long_absence_is_asked_for_in_parts(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.sessions = [session("S1", last_updated="2026-03-10T10:00:00Z")]
    await ask(bridge)
    fake.asked.clear()
    missed = ["2026-03-12T00:00:00Z", "2026-04-20T00:00:00Z", "2026-05-09T00:00:00Z"]
    lists.sessions = [
        session(f"S{number}", last_updated=stamp) for number, stamp in enumerate(missed, start=2)
    ]
    bridge.clock[0] += timedelta(days=61)

    report = await ask(bridge)

    asked = [
        (moment(query["date_from"]), moment(query["date_to"]) if "date_to" in query else None)
        for query in queries(fake, SESSIONS)
    ]
    starts, ends = [start for start, _ in asked], [end for _, end in asked]
    assert starts[0] == NOW - timedelta(minutes=1)
    assert ends == [*starts[1:], None], "each part begins where the one before ended"
    assert all((end or bridge.clock[0]) - start <= LONGEST_RANGE for start, end in asked)
    assert outcome(report, "sessions").written == 3
    assert (await bridge.pulls.state("cpo1", "sessions")).cursor == moment(missed[-1])


def moment(text: str) -> datetime:
    """Read a DateTime."""
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.requirement("O35")
async def test_after_a_downtime_all_four_lists_are_asked_for_what_changed(
    make: Made, lists: Lists, fake: FakeCpo
) -> None:
    before = make()
    waiting = await placed(before, order("1"))
    lists.locations = [location("L0", "2026-03-10T10:00:00Z")]
    lists.tariffs = [tariff("T1", "2026-03-10T10:00:00Z")]
    lists.sessions = [session(last_updated="2026-03-10T10:00:00Z")]
    lists.cdrs = [cdr("EARLIER", last_updated="2026-03-10T10:00:00Z", session_id="S0")]
    await before.puller.pull_once("cpo1")
    fake.asked.clear()
    lists.locations.append(location("L1", LATER))
    lists.tariffs.append(tariff("T2", LATER))
    lists.sessions[0] = session(status="COMPLETED", kwh=3.7, last_updated=LATER)
    lists.cdrs.append(cdr(last_updated=LATER))

    restarted = make()
    restarted.clock[0] += timedelta(hours=2)
    await restarted.puller.pull_once("cpo1")

    for path in (TARIFFS, LOCATIONS, SESSIONS, CDRS):
        assert queries(fake, path)[0]["date_from"] == "2026-03-10T09:59:00Z", path
    assert sorted(await restarted.locations()) == ["l0", "l1"]
    completed = await stored_session(restarted)
    assert completed is not None
    assert completed.status is SessionStatus.COMPLETED
    kinds = [type(job).__name__ for job in await restarted.jobs(waiting.key)]
    assert kinds[-2:] == ["SessionJob", "CdrJob"]


@pytest.mark.requirement("O20")
async def test_a_bad_session_is_counted_and_loses_no_other(bridge: Bridge, lists: Lists) -> None:
    lists.sessions = [session(f"S{number}", last_updated=HOUR_AGO) for number in range(30)]
    for each in lists.sessions[:25]:
        each["charging_periods"] = [{"start_date_time": HOUR_AGO, "dimensions": "none"}]

    report = await ask(bridge)

    assert (outcome(report, "sessions").bad, outcome(report, "sessions").written) == (25, 5)
    assert bridge.bad == [("cpo1", ModuleID.SESSIONS)] * 25, "all are counted"
    told = bridge.told("pull.bad_object")
    assert len(told) == 20, "not all are told"
    assert told[0]["path"] == "/data/0/charging_periods/0/dimensions"
