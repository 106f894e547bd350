"""CPOs that call us in their own way: what is forgiven, what needs a flag, and that it is told."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.flags import Flags
from bridge.ocpi.leniency import Leniency
from tests.contract.emsp.backends import Backend, MemoryBackend
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import ROOT, Rig
from tests.contract.emsp.samples import (
    CPO,
    EMSP,
    ISSUER,
    LOC,
    OTHER_TOKEN,
    PARTY,
    TOKEN,
    at,
    cdr,
    evse,
    location,
    session,
)

L = Leniency


@pytest.fixture
def backend() -> Backend:
    """Stay in memory: none of this is about the store."""
    return MemoryBackend(EMSP, ISSUER)


async def flagged(rig: Rig, **flags: Any) -> Rig:
    """Return the rig with an operator who knows these deviations of the CPO."""
    return await rig.on(flags=lambda cpo_id: Flags(**flags) if cpo_id == CPO else Flags())


def refused_by(told: list[tuple[str, str]]) -> Callable[[str, str, str], None]:
    """Return what takes note of refusals that a flag would have avoided."""
    return lambda cpo_id, flag, place: told.append((cpo_id, flag))


async def test_what_a_flag_would_have_forgiven_is_told(rig: Rig) -> None:
    told: list[tuple[str, str]] = []
    knowing = await rig.on(refused=refused_by(told))
    await knowing.put(f"locations/{LOC}", location())
    await knowing.patch(f"locations/{LOC}", {"name": "New"})
    await knowing.put("cdrs/CDR1", cdr())
    await knowing.get("receiver/locations/IN/ABC/LOC1", root="/ocpi/")
    await knowing.put("locationsIN/ABC/LOC1", location())
    flags = ("patch_without_last_updated", "cdr_put", "receiver_alias", "endpoint_slash")
    assert told == [(CPO, flag) for flag in flags]


@pytest.mark.requirement("O4")
@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Token {}".format(b64encode(b"s3cret!!").decode()), []),
        ("Token {}".format(b64encode(b"s3cret!!\n").decode()), [L.NEWLINE_TOKEN]),
        ("Token {}".format(b64encode(b"s3cret!!").decode().rstrip("=")), [L.UNPADDED_TOKEN]),
        ("Token s3cret!!", [L.RAW_TOKEN]),
        ("token s3cret!!", [L.TOKEN_SCHEME_CASE, L.RAW_TOKEN]),
    ],
)
async def test_a_token_in_another_spelling_is_told(
    rig: Rig, header: str, told: list[Leniency]
) -> None:
    await registered(rig.backend, CPO, "s3cret!!", PARTY)
    assert (await rig.get("", authorization=header)).http == 200
    assert rig.forgiven == told


async def test_the_token_we_present_opens_nothing_unless_the_operator_says_so(rig: Rig) -> None:
    connection = await rig.backend.connections.get(CPO)
    await rig.backend.connections.save(replace(connection, token="theirs"))
    assert (await rig.get("", token="theirs")).status == (401, 2001)
    told: list[tuple[str, str]] = []
    knowing = await rig.on(cpo_ids=(CPO,), refused=refused_by(told))
    assert (await knowing.get("", token="theirs")).status == (401, 2001)
    assert told == [(CPO, "own_token_inbound")]
    allowing = await flagged(knowing, own_token_inbound=True)
    assert (await allowing.get("", token="theirs")).status == (200, 1000)
    assert rig.forgiven == [L.OWN_TOKEN]
    assert (await allowing.get("", token="another")).status == (401, 2001)


async def test_missing_message_ids_are_made_up_and_told(rig: Rig) -> None:
    answer = await rig.get("", headers={"X-Request-ID": "", "X-Correlation-ID": "c"})
    assert answer.headers["X-Request-ID"]
    assert answer.headers["X-Correlation-ID"] == "c"
    assert rig.forgiven == [L.MESSAGE_ID_MISSING]


@pytest.mark.requirement("O37")
async def test_a_doubled_slash_is_told(rig: Rig) -> None:
    assert (await rig.put(f"/locations//{LOC}", location())).http == 201
    assert rig.forgiven == [L.DOUBLED_SLASH]


async def test_a_byte_order_mark_is_passed_over(rig: Rig) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(location()).encode()
    assert (await rig.call("PUT", f"locations/{LOC}", raw=body)).http == 201
    assert rig.forgiven == [L.BYTE_ORDER_MARK]


async def test_modules_below_receiver_are_there_for_those_who_look_there(rig: Rig) -> None:
    path = f"receiver/locations/{LOC}"
    assert (await rig.put(path, location(), root="/ocpi/")).status == (404, 2000)
    looking = await flagged(rig, receiver_alias=True)
    assert (await looking.put(path, location(), root="/ocpi/")).http == 201
    assert (await looking.call("POST", path, {}, root="/ocpi/")).http == 405
    assert (await looking.put(path, location(), root="/ocpi/", token=OTHER_TOKEN)).http == 404
    assert (await rig.get(f"locations/{LOC}")).data["id"] == "LOC1"
    assert set(rig.forgiven) == {L.RECEIVER_ALIAS}


@pytest.mark.requirement("O41")
async def test_our_endpoints_end_in_a_slash_where_a_cpo_only_appends(rig: Rig) -> None:
    ending = await flagged(rig, endpoint_slash=True)
    urls = [each["url"] for each in (await ending.get("")).data["endpoints"]]
    assert f"{ROOT}/tokens/" in urls
    assert all(url.endswith("/") for url in urls)


async def test_what_is_absent_is_null_for_a_cpo_that_wants_it_so(rig: Rig) -> None:
    await rig.put(f"locations/{LOC}", location())
    assert "parking_type" not in (await rig.get(f"locations/{LOC}")).data
    wanting = (await flagged(rig, explicit_nulls=True)).unchecked()
    found = (await wanting.get(f"locations/{LOC}")).data
    assert found["parking_type"] is None
    assert found["evses"][0]["connectors"][0]["terms_and_conditions"] is None
    assert (await wanting.put(f"locations/{LOC}", location())).is_bare


@pytest.mark.requirement("O90")
@pytest.mark.parametrize("path", ["cdrs/CDR1", "cdrs/IN/ABC/CDR1"])
async def test_a_cdr_may_be_posted_to_an_address_of_its_own(rig: Rig, path: str) -> None:
    answer = await rig.post(path, cdr())
    assert answer.status == (201, 1000)
    assert answer.headers["Location"] == f"{ROOT}/cdrs/IN/ABC/CDR1"
    assert rig.forgiven == [L.CDR_ADDRESS]


async def test_a_cdr_comes_by_put_only_from_a_cpo_that_is_known_for_it(rig: Rig) -> None:
    refused = await rig.put("cdrs/CDR1", cdr())
    assert refused.status == (405, 2000)
    assert "PUT" not in refused.headers["Allow"]
    putting = await flagged(rig, cdr_put=True)
    assert (await putting.put("cdrs/CDR1", cdr())).status == (201, 1000)
    assert (await putting.put("cdrs/IN/ABC/CDR1", cdr())).status == (200, 1000)
    assert (await putting.put("cdrs", cdr())).status == (405, 2000)
    assert (await putting.put("cdrs/CDR1", cdr(), token=OTHER_TOKEN)).http == 405
    assert set(rig.forgiven) == {L.CDR_ADDRESS}


@pytest.mark.requirement("O29")
async def test_a_patch_without_a_date_is_taken_from_a_cpo_that_is_known_for_it(rig: Rig) -> None:
    await rig.put(f"locations/{LOC}", location())
    await rig.put("sessions/IN/ABC/S1", session())
    patches = [
        (f"locations/{LOC}", {"name": "New"}),
        (f"locations/{LOC}/E1", {"status": "CHARGING"}),
        (f"locations/{LOC}/E1/1", {"max_amperage": 16}),
        ("sessions/IN/ABC/S1", {"kwh": 2}),
    ]
    known = await flagged(rig, patch_without_last_updated=True)
    for path, patch in patches:
        assert (await rig.patch(path, patch)).status == (200, 2001)
        assert (await known.patch(path, patch)).status == (200, 1000)
    found = (await rig.get(f"locations/{LOC}")).data
    assert found["evses"][0]["status"] == "CHARGING"
    assert found["last_updated"] == location()["last_updated"]
    assert rig.forgiven == [L.PATCH_WITHOUT_LAST_UPDATED] * 4


async def test_a_patch_without_a_date_does_not_make_later_news_old(rig: Rig) -> None:
    known = await flagged(rig, patch_without_last_updated=True)
    await known.put("sessions/IN/ABC/S1", session())
    await known.patch("sessions/IN/ABC/S1", {"kwh": 2})
    later = session(kwh=3, status="COMPLETED", last_updated=at(0.1))
    await known.put("sessions/IN/ABC/S1", later)
    assert (await rig.get("sessions/IN/ABC/S1")).data["status"] == "COMPLETED"


async def test_the_patch_of_a_session_may_name_it_in_its_body_only(rig: Rig) -> None:
    await rig.put("sessions/IN/ABC/S1", session())
    patch = {"id": "S1", "kwh": 2, "last_updated": at(1)}
    assert (await rig.patch("sessions/IN/ABC/tx-77", patch)).status == (200, 1000)
    assert (await rig.get("sessions/IN/ABC/S1")).data["kwh"] == 2
    assert rig.forgiven == [L.PATCH_ADDRESS]
    unknown = await rig.patch("sessions/IN/ABC/tx-77", patch | {"id": "S9"})
    assert unknown.status == (404, 2000)


async def test_owners_in_another_case_are_told(rig: Rig) -> None:
    assert (await rig.put("locations/in/abc/loc1", location())).http == 201
    assert rig.forgiven == [L.ID_CASE]


@pytest.mark.requirement("O96")
async def test_energy_in_wh_becomes_kwh_in_a_patch_as_well(rig: Rig) -> None:
    def periods(*volumes: float) -> list[dict[str, object]]:
        return [
            {
                "start_date_time": at(minute),
                "dimensions": [{"type": "ENERGY", "volume": volume}],
            }
            for minute, volume in enumerate(volumes)
        ]

    await rig.put("sessions/IN/ABC/S1", session(kwh=1, charging_periods=periods(1000)))
    only_new = {"kwh": 3, "charging_periods": periods(0, 2000)[1:], "last_updated": at(1)}
    await rig.patch("sessions/IN/ABC/S1", only_new)
    repeated = {"kwh": 6, "charging_periods": periods(1000, 2000, 3000), "last_updated": at(2)}
    await rig.patch("sessions/IN/ABC/S1", repeated)
    found = (await rig.get("sessions/IN/ABC/S1")).data["charging_periods"]
    assert [period["dimensions"][0]["volume"] for period in found] == [1, 2, 3]
    assert rig.forgiven == [L.ENERGY_IN_WH] * 3


async def test_an_evse_without_connectors_is_kept(rig: Rig) -> None:
    await rig.put(f"locations/{LOC}", location())
    bare = evse("E2", connectors=[], status="UNKNOWN")
    assert (await rig.put(f"locations/{LOC}/E2", bare)).http == 201
    assert rig.forgiven == [L.REQUIRED_MISSING]


async def test_what_was_forgiven_is_told_although_the_object_is_refused(rig: Rig) -> None:
    body = location(publish="true", city=None)
    assert (await rig.put(f"locations/{LOC}", body)).status == (200, 2001)
    assert rig.forgiven == [L.BOOLEAN_SPELLING]


async def test_one_object_counts_once(rig: Rig) -> None:
    both = [evse("E1", floor_level=1), evse("E2", floor_level=2)]
    await rig.put(f"locations/{LOC}", location(evses=both), token=TOKEN)
    assert rig.forgiven == [L.STRING_AS_NUMBER]
