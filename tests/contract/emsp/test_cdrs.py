"""CDRs as a CPO posts them (OCPI 2.2.1 mod_cdrs, Receiver)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.flows.jobs import CdrJob
from bridge.orders.order import OrderState, SessionKey
from tests.contract.emsp.rig import PUBLIC_URL, ROOT, Rig
from tests.contract.emsp.samples import (
    LOC,
    NOW,
    OTHER_CPO,
    OTHER_PARTY,
    OTHER_TOKEN,
    Json,
    at,
    cdr,
    cdr_token,
    exact,
    location,
    order,
    period,
    session,
)

JOB = CdrJob(cdr=SessionKey("IN", "ABC", "CDR1"), at=NOW)
STRANGE: Json = {
    "authorization_reference": None,
    "cdr_token": cdr_token("SOMEBODY"),
    "session_id": None,
}


@pytest.mark.requirement("O89")
@pytest.mark.requirement("O7")
@pytest.mark.endpoint("serves POST {cdrs}")
@pytest.mark.endpoint("serves GET {Location URL returned by POST}")
@pytest.mark.parametrize("cdr_id", ["CDR1", "2026/03*1 a"])
async def test_post_keeps_the_cdr_and_says_where_it_is(rig: Rig, cdr_id: str) -> None:
    answer = await rig.post("cdrs", cdr(cdr_id))
    assert answer.status == (201, 1000)
    assert answer.is_bare
    where = answer.headers["Location"]
    assert where.startswith(f"{ROOT}/cdrs/IN/ABC/")
    found = await rig.get("", root=where.removeprefix(PUBLIC_URL))
    assert found.status == (200, 1000)
    assert found.data == exact(cdr(cdr_id))
    foreign = await rig.get("", root=where.removeprefix(PUBLIC_URL), token=OTHER_TOKEN)
    assert foreign.status == (404, 2001)


@pytest.mark.requirement("O91", "O12")
async def test_the_same_cdr_again_gets_the_same_answer_with_200(rig: Rig) -> None:
    ours = order("1", OrderState.ENDED)
    await rig.backend.put_order(ours)
    first, second = await rig.post("cdrs", cdr()), await rig.post("cdrs", cdr())
    assert (first.http, second.status) == (201, (200, 1000))
    assert first.headers["Location"] == second.headers["Location"]
    assert await rig.backend.jobs(ours.key) == [JOB]


@pytest.mark.requirement("O91")
async def test_the_same_cdr_spelled_otherwise_is_the_same(rig: Rig) -> None:
    first = await rig.post("cdrs", cdr())
    body = json.dumps(dict(reversed(cdr().items()))).replace(":30:00Z", ":30:00.000Z")
    body = body.replace("66.6", "66.60").replace("0.5", "5e-1")
    answer = await rig.call("POST", "cdrs", raw=body.encode())
    assert answer.status == (200, 1000)
    assert answer.headers["Location"] == first.headers["Location"]
    assert "cdr.conflict" not in rig.notices


@pytest.mark.requirement("O90")
@pytest.mark.requirement("O91")
async def test_another_cdr_under_the_same_id_is_2001(rig: Rig) -> None:
    await rig.post("cdrs", cdr())
    other = cdr(total_cost={"excl_vat": 1}, last_updated=at(99))
    answer = await rig.post("cdrs", other)
    assert answer.status == (200, 2001)
    assert "Location" not in answer.headers
    assert (await rig.get("cdrs/IN/ABC/CDR1")).data == exact(cdr())
    assert "cdr.conflict" in rig.notices


@pytest.mark.requirement("O90")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_nothing_changes_a_cdr(rig: Rig, method: str) -> None:
    await rig.post("cdrs", cdr())
    for path in ("cdrs", "cdrs/IN/ABC/CDR1"):
        answer = await rig.call(method, path, cdr(total_energy=1))
        assert answer.status == (405, 2000)
    assert (await rig.get("cdrs/IN/ABC/CDR1")).data == exact(cdr())


@pytest.mark.requirement("O92")
@pytest.mark.requirement("O93")
async def test_a_credit_cdr_is_kept_and_one_of_an_unknown_cdr_noticed(rig: Rig) -> None:
    credit: Json = {
        "credit": True,
        "credit_reference_id": "CDR1",
        "total_cost": {"excl_vat": -66.6},
    }
    long_id = "C" * 39
    assert (await rig.post("cdrs", cdr(long_id, **credit))).status == (201, 1000)
    assert "cdr.credit_of_unknown" in rig.notices
    rig.notices.clear()
    await rig.post("cdrs", cdr())
    assert (await rig.post("cdrs", cdr("C2", **credit))).status == (201, 1000)
    assert "cdr.credit_of_unknown" not in rig.notices
    found = (await rig.get(f"cdrs/IN/ABC/{long_id}")).data
    assert str(found["total_cost"]["excl_vat"]) == "-66.6"


@pytest.mark.requirement("O92")
@pytest.mark.parametrize("wrong", [{"credit": True}, {"id": "C" * 37}, {"total_cost": None}])
async def test_a_cdr_that_breaks_the_standard_is_2001(rig: Rig, wrong: Json) -> None:
    body = cdr() | wrong
    assert (await rig.post("cdrs", body)).status == (200, 2001)
    assert (await rig.get(f"cdrs/IN/ABC/{body['id']}")).http == 404


@pytest.mark.requirement("O10")
@pytest.mark.parametrize("type_", [["ENERGY"], {"a": 1}, 7, True])
async def test_a_dimension_of_any_type_at_all_is_2001(rig: Rig, type_: object) -> None:
    odd = {**period(0, 3.7), "dimensions": [{"type": type_, "volume": 3.7}]}
    assert (await rig.post("cdrs", cdr(charging_periods=[odd]))).status == (200, 2001)


@pytest.mark.requirement("O10")
async def test_a_foreign_owner_is_2001_for_the_address_exists(rig: Rig) -> None:
    answer = await rig.post("cdrs", cdr(), token=OTHER_TOKEN)
    assert answer.status == (200, 2001)
    assert (await rig.get("cdrs/IN/ABC/CDR1")).http == 404


@pytest.mark.parametrize("cdr_id", [".", "..", ""])
async def test_an_id_that_no_address_can_hold_is_2001(rig: Rig, cdr_id: str) -> None:
    assert (await rig.post("cdrs", cdr(cdr_id))).status == (200, 2001)


@pytest.mark.requirement("O94")
async def test_a_cdr_of_a_location_that_is_not_published_is_kept(rig: Rig) -> None:
    ours = order("1", OrderState.ENDED)
    await rig.backend.put_order(ours)
    await rig.put(f"locations/{LOC}", location(publish=False))
    assert (await rig.post("cdrs", cdr())).status == (201, 1000)
    assert await rig.backend.jobs(ours.key) == [JOB]


@pytest.mark.requirement("O94")
async def test_a_cdr_of_nothing_we_know_is_kept(rig: Rig) -> None:
    assert (await rig.post("cdrs", cdr(session_id="NEVER"))).status == (201, 1000)
    assert rig.notices == ["cdr.orphan"]
    assert rig.wakes == []


@pytest.mark.requirement("O87")
async def test_the_cdr_of_a_reservation_needs_no_evse(rig: Rig) -> None:
    body = cdr()
    nowhere = {"evse_uid": "#NA", "evse_id": "#NA", "connector_id": "#NA"}
    body["cdr_location"] = {**body["cdr_location"], **nowhere}
    assert (await rig.post("cdrs", body)).status == (201, 1000)


@pytest.mark.parametrize(
    "clues",
    [
        {**STRANGE, "authorization_reference": "ref1"},
        {**STRANGE, "cdr_token": cdr_token("TOK1")},
        {**STRANGE, "session_id": "S1"},
        {**STRANGE, "session_id": "s1", "authorization_reference": "REF2"},
    ],
    ids=["reference", "token", "session", "session before reference"],
)
async def test_a_cdr_reaches_its_order(rig: Rig, clues: Json) -> None:
    ours, other = order("1", OrderState.CHARGING), order("2", OrderState.CHARGING)
    await rig.backend.put_order(ours)
    await rig.backend.put_order(other)
    if clues["session_id"]:
        await rig.put("sessions/IN/ABC/S1", session())
        assert len(await rig.backend.jobs(ours.key)) == 1
    await rig.post("cdrs", cdr(**clues))
    assert (await rig.backend.jobs(ours.key))[-1] == JOB
    assert await rig.backend.jobs(other.key) == []


async def test_a_cdr_without_a_name_goes_to_the_only_waiting_start(rig: Rig) -> None:
    ours = order("1")
    await rig.backend.put_order(ours)
    await rig.post("cdrs", cdr(**STRANGE))
    assert await rig.backend.jobs(ours.key) == [JOB]
    assert rig.notices == ["session.weak_correlation"]


async def test_a_cdr_never_reaches_an_order_of_another_party(rig: Rig) -> None:
    foreign: Any = order("1", OrderState.ENDED, party=OTHER_PARTY, cpo_id=OTHER_CPO)
    await rig.backend.put_order(foreign)
    assert (await rig.post("cdrs", cdr())).status == (201, 1000)
    assert await rig.backend.jobs(foreign.key) == []
