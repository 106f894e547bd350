"""Sessions as a CPO pushes them, and the order each belongs to (OCPI 2.2.1 mod_sessions)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.flows.jobs import SessionJob
from bridge.ocpi import codec
from bridge.ocpi.sessions import Session
from bridge.orders.order import OrderState, SessionKey
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import (
    EMSP,
    ISSUER,
    LOC,
    NOW,
    OTHER_CPO,
    OTHER_PARTY,
    OTHER_TOKEN,
    Json,
    at,
    cdr_token,
    evse,
    exact,
    location,
    order,
    period,
    session,
)
from tests.fakes import MemoryObjects, MemoryOrders

PATH = "sessions/IN/ABC/S1"
JOB = SessionJob(session=SessionKey("IN", "ABC", "S1"), at=NOW)
STRANGE: Json = {"authorization_reference": None, "cdr_token": cdr_token("SOMEBODY")}


async def stored(rig: Rig) -> Any:
    """Return the session as the CPO reads it."""
    return (await rig.get(PATH)).data


@pytest.fixture
async def known(rig: Rig) -> Rig:
    """Give a rig that knows session S1, which belongs to no order."""
    assert (await rig.put(PATH, session(**STRANGE))).status == (201, 1000)
    return rig


@pytest.mark.endpoint("serves GET {sessions}/{country_code}/{party_id}/{session_id}")
async def test_get_returns_what_was_put(known: Rig) -> None:
    body = session(**STRANGE)
    del body["authorization_reference"]
    assert await stored(known) == body


@pytest.mark.requirement("O80")
@pytest.mark.endpoint("serves PUT {sessions}/{country_code}/{party_id}/{session_id}")
@pytest.mark.parametrize("periods", [None, [], [period(3, 1)]])
async def test_put_replaces_the_periods(known: Rig, periods: list[Json] | None) -> None:
    body = session(charging_periods=periods, last_updated=at(1))
    assert (await known.put(PATH, body)).status == (200, 1000)
    assert (await stored(known)).get("charging_periods") == (periods or None)


@pytest.mark.requirement("O81")
@pytest.mark.endpoint("serves PATCH {sessions}/{country_code}/{party_id}/{session_id}")
@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        (None, [period(0, 0.5)]),
        ([], [period(0, 0.5)]),
        ([period(5, 1)], [period(0, 0.5), period(5, 1)]),
    ],
)
async def test_patch_appends_periods(
    known: Rig, periods: list[Json] | None, expected: list[Json]
) -> None:
    patch = {"charging_periods": periods, "kwh": 1.5, "last_updated": at(6)}
    assert (await known.patch(PATH, patch)).status == (200, 1000)
    after = await stored(known)
    assert after["charging_periods"] == expected
    assert (str(after["kwh"]), after["currency"]) == ("1.5", "INR")


@pytest.mark.requirement("O82")
async def test_a_period_sent_again_is_not_doubled(known: Rig) -> None:
    patch = {"charging_periods": [period(0, 0.5), period(5, 1)], "last_updated": at(6)}
    for _ in range(2):
        assert (await known.patch(PATH, patch)).status == (200, 1000)
    assert (await stored(known))["charging_periods"] == [period(0, 0.5), period(5, 1)]


@pytest.mark.requirement("O27")
async def test_a_patch_changes_only_what_it_names(rig: Rig) -> None:
    before = session(meter_id="M1", total_cost={"excl_vat": 9, "incl_vat": 10.62})
    await rig.put(PATH, before)
    await rig.patch(PATH, {"kwh": 2.5, "last_updated": at(1)})
    assert await stored(rig) == exact({**before, "kwh": 2.5, "last_updated": at(1)})


@pytest.mark.requirement("O26", "O28")
async def test_put_forgets_what_it_omits(rig: Rig) -> None:
    await rig.put(PATH, session(meter_id="M1", total_cost={"excl_vat": 9}))
    after = session(meter_id=None, last_updated=at(1))
    assert (await rig.put(PATH, after)).status == (200, 1000)
    assert await stored(rig) == exact(session(last_updated=at(1)))


@pytest.mark.requirement("O28")
async def test_null_in_a_patch_keeps_the_reference(rig: Rig) -> None:
    await rig.put(PATH, session())
    await rig.patch(PATH, {"authorization_reference": None, "kwh": 2, "last_updated": at(1)})
    assert (await stored(rig))["authorization_reference"] == "REF1"


@pytest.mark.requirement("O29")
async def test_a_patch_needs_last_updated(known: Rig) -> None:
    assert (await known.patch(PATH, {"kwh": 9})).status == (200, 2001)
    assert str((await stored(known))["kwh"]) == "0.5"


@pytest.mark.requirement("O83")
async def test_a_patch_of_an_unknown_session_is_404_and_a_pull_is_due(rig: Rig) -> None:
    answer = await rig.patch(PATH, {"kwh": 9, "last_updated": at(1)})
    assert answer.status == (404, 2000)
    assert rig.pulls == [("cpo1", "sessions")]


@pytest.mark.requirement("O84")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
async def test_there_is_nothing_below_a_session(known: Rig, method: str) -> None:
    answer = await known.call(method, f"{PATH}/charging_periods", {"last_updated": at(1)})
    assert answer.status == (404, 2000)


@pytest.mark.requirement("O30", "O31")
@pytest.mark.parametrize("change", [{"id": "S2"}, {"party_id": "XYZ"}, {"country_code": "NL"}])
async def test_a_patch_cannot_move_a_session(known: Rig, change: Json) -> None:
    answer = await known.patch(PATH, {**change, "last_updated": at(1)})
    assert answer.status == (200, 2001)


@pytest.mark.requirement("O85")
@pytest.mark.parametrize("final", ["COMPLETED", "INVALID"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_final_session_never_changes(rig: Rig, final: str, method: str) -> None:
    last = session(status=final, last_updated=at(5))
    await rig.put(PATH, last)
    assert (await rig.put(PATH, last)).status == (200, 1000)
    assert "session.changed_when_final" not in rig.notices
    change = session(kwh=99, status="ACTIVE", last_updated=at(6))
    assert (await rig.call(method, PATH, change)).status == (200, 1000)
    assert await stored(rig) == last
    assert "session.changed_when_final" in rig.notices


@pytest.mark.requirement("O85")
async def test_the_status_never_falls_but_the_rest_counts(known: Rig) -> None:
    late = {"status": "PENDING", "kwh": 2, "last_updated": at(1)}
    assert (await known.patch(PATH, late)).status == (200, 1000)
    after = await stored(known)
    assert (after["status"], after["kwh"]) == ("ACTIVE", 2)
    assert "session.status_fell" in known.notices


@pytest.mark.requirement("O87")
async def test_a_reservation_needs_no_evse(rig: Rig) -> None:
    body = session(evse_uid="#NA", connector_id="#NA", status="RESERVATION")
    assert (await rig.put(PATH, body)).status == (201, 1000)
    assert (await stored(rig))["evse_uid"] == "#NA"


# The order a session belongs to


@pytest.mark.requirement("O86")
@pytest.mark.parametrize(
    "clues",
    [
        {"cdr_token": cdr_token("SOMEBODY")},
        {"authorization_reference": "ref1", "cdr_token": cdr_token("SOMEBODY")},
        {"authorization_reference": None},
        {"authorization_reference": "THEIRS", "cdr_token": cdr_token("tok1")},
        {"authorization_reference": "REF1", "cdr_token": cdr_token("TOK2")},
    ],
)
async def test_reference_then_token_lead_to_the_order(rig: Rig, clues: Json) -> None:
    ours, another = order("1"), order("2", evse_uid="E2")
    await rig.backend.put_order(ours)
    await rig.backend.put_order(another)
    await rig.put(PATH, session(**clues))
    assert await rig.backend.jobs(ours.key) == [JOB]
    assert await rig.backend.jobs(another.key) == []
    assert rig.notices == []
    assert len(rig.wakes) == 1


@pytest.mark.requirement("O86")
async def test_a_known_session_stays_with_its_order_whatever_it_says_later(rig: Rig) -> None:
    first, second = order("1"), order("2")
    await rig.backend.put_order(first)
    await rig.backend.put_order(second)
    await rig.put(PATH, session())
    later = {"cdr_token": cdr_token("TOK2"), "authorization_reference": "REF2"}
    await rig.patch(PATH, {**later, "last_updated": at(1)})
    assert await rig.backend.jobs(first.key) == [JOB, JOB]
    assert await rig.backend.jobs(second.key) == []


async def test_every_attempt_of_an_order_leads_to_it(rig: Rig) -> None:
    twice = order("1")
    (first,) = twice.attempts
    again = replace(first, authorization_reference="REF1b", command_id="command-1b")
    await rig.backend.put_order(replace(twice, attempts=(replace(first, open=False), again)))
    await rig.put(PATH, session(cdr_token=cdr_token("SOMEBODY")))
    assert await rig.backend.jobs(twice.key) == [JOB]


async def test_what_changes_nothing_is_not_told_again(rig: Rig) -> None:
    ours = order("1")
    await rig.backend.put_order(ours)
    for body in (session(), session(), session(kwh=0.1, last_updated=at(-1))):
        assert (await rig.put(PATH, body)).envelope["status_code"] == 1000
    assert await rig.backend.jobs(ours.key) == [JOB]


async def test_an_order_of_another_party_is_never_touched(rig: Rig) -> None:
    """A CPO that copies reference, token and place of a foreign order gets nowhere."""
    foreign = order("1", party=OTHER_PARTY, cpo_id=OTHER_CPO)
    here = order("2")
    await rig.backend.put_order(foreign)
    await rig.backend.put_order(here)
    assert (await rig.put(PATH, session())).status == (201, 1000)
    assert await rig.backend.jobs(foreign.key) == []
    assert await rig.backend.jobs(here.key) == []
    assert rig.notices == ["session.foreign_order", "session.foreign_order", "session.orphan"]


async def test_the_same_ids_of_another_party_are_another_session(rig: Rig) -> None:
    here, there = order("1"), order("2", party=OTHER_PARTY, cpo_id=OTHER_CPO)
    await rig.backend.put_order(here)
    await rig.backend.put_order(there)
    await rig.put(PATH, session())
    theirs = session(
        party_id="XYZ", authorization_reference="REF2", cdr_token=cdr_token("TOK2"), kwh=7
    )
    answer = await rig.put("sessions/IN/XYZ/S1", theirs, token=OTHER_TOKEN)
    assert answer.status == (201, 1000)
    assert await rig.backend.jobs(here.key) == [JOB]
    assert len(await rig.backend.jobs(there.key)) == 1
    assert str((await stored(rig))["kwh"]) == "0.5"


@pytest.mark.requirement("O86")
@pytest.mark.parametrize(
    "place",
    [
        {},
        {"connector_id": "2"},
        {"connector_id": "#NA"},
        {"evse_uid": "#NA", "connector_id": "#NA"},
        {"evse_uid": "e1", "location_id": "loc1"},
        {"status": "COMPLETED"},
    ],
)
async def test_without_a_name_the_only_waiting_start_is_taken(rig: Rig, place: Json) -> None:
    await rig.put(f"locations/{LOC}", location(evses=[evse("E1"), evse("E2")]))
    ours = order("1")
    await rig.backend.put_order(ours)
    await rig.put(PATH, session(**STRANGE, **place))
    assert await rig.backend.jobs(ours.key) == [JOB]
    assert rig.notices == ["session.weak_correlation"]


async def test_a_start_on_the_very_connector_comes_before_one_beside_it(rig: Rig) -> None:
    one, two = order("1", connector_id="1"), order("2", connector_id="2")
    await rig.backend.put_order(one)
    await rig.backend.put_order(two)
    await rig.put(PATH, session(**STRANGE, connector_id="2"))
    assert await rig.backend.jobs(one.key) == []
    assert await rig.backend.jobs(two.key) == [JOB]


@pytest.mark.parametrize(
    ("waiting", "place"),
    [
        ([order("1"), order("2")], {}),
        ([order("1", connector_id="1"), order("2", connector_id="2")], {"connector_id": "3"}),
        (
            [order("1", evse_uid="E1"), order("2", evse_uid="E2")],
            {"evse_uid": "#NA", "connector_id": "#NA"},
        ),
        ([order("1", evse_uid="E2")], {}),
        ([order("1", location_id="LOC2")], {}),
        ([order("1", party=OTHER_PARTY, cpo_id=OTHER_CPO)], {}),
        ([order("1", OrderState.CONFIRMED)], {}),
        ([order("1", OrderState.CHARGING)], {}),
        ([order("1")], {"start_date_time": at(-2)}),
        ([], {}),
    ],
    ids=[
        "two on the connector",
        "two on the EVSE",
        "two at the Location",
        "another EVSE",
        "another Location",
        "another party",
        "not started",
        "charging already",
        "began before",
        "nobody",
    ],
)
async def test_what_is_not_clear_stays_an_orphan(rig: Rig, waiting: list[Any], place: Json) -> None:
    await rig.put(f"locations/{LOC}", location(evses=[evse("E1"), evse("E2")]))
    for each in waiting:
        await rig.backend.put_order(each)
    body = session(**STRANGE, **place)
    assert (await rig.put(PATH, body)).status == (201, 1000)
    assert (await rig.put(PATH, {**body, "last_updated": at(1)})).status == (200, 1000)
    assert (await rig.get(PATH)).http == 200
    for each in waiting:
        assert await rig.backend.jobs(each.key) == []
    assert rig.notices == ["session.orphan"]
    assert rig.wakes == []


async def test_a_start_that_has_its_session_takes_no_second_one_by_place(rig: Rig) -> None:
    pending = codec.convert(exact(session("S0", status="PENDING")), Session)
    served = replace(order("1"), session=pending)
    await rig.backend.put_order(served)
    await rig.put(PATH, session(**STRANGE))
    assert await rig.backend.jobs(served.key) == []
    assert rig.notices == ["session.orphan"]


async def test_the_clock_of_a_cpo_may_be_a_little_behind(rig: Rig) -> None:
    ours = order("1")
    await rig.backend.put_order(ours)
    start = (NOW - timedelta(seconds=50)).isoformat().replace("+00:00", "Z")
    await rig.put(PATH, session(**STRANGE, start_date_time=start))
    assert await rig.backend.jobs(ours.key) == [JOB]


async def test_an_orphan_finds_its_order_when_it_comes_again(rig: Rig) -> None:
    ours = order("1")
    await rig.put(PATH, session())
    await rig.backend.put_order(ours)
    await rig.put(PATH, session())
    assert await rig.backend.jobs(ours.key) == [JOB]


async def test_a_name_that_outlived_its_order_leads_nowhere(memory_rig: Rig) -> None:
    await memory_rig.backend.put_order(order("1", OrderState.SETTLED))
    forgotten = MemoryOrders(MemoryObjects(), EMSP, ISSUER)
    rig = await memory_rig.on(orders=forgotten)
    assert (await rig.put(PATH, session())).status == (201, 1000)
    assert rig.notices == ["session.orphan"]
