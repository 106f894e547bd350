"""What holds for the objects of every module: ids, owners, types, PUT (OCPI 2.2.1, 1.7 to 1.9)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.ocpi.leniency import Leniency
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import (
    LOC,
    OTHER_TOKEN,
    at,
    cdr,
    cdr_token,
    connector,
    evse,
    exact,
    location,
    session,
    tariff,
)


@pytest.mark.requirement("O25")
@pytest.mark.requirement("O31")
async def test_owners_are_compared_without_case(rig: Rig) -> None:
    assert (await rig.put("tariffs/in/abc/t1", tariff())).status == (201, 1000)
    stored = (await rig.get("tariffs/IN/ABC/T1")).data
    assert (stored["country_code"], stored["party_id"], stored["id"]) == ("IN", "ABC", "T1")


@pytest.mark.requirement("O25")
async def test_enums_are_compared_with_case(rig: Rig) -> None:
    """``active`` is no status of OCPI: the session is kept, and is not ACTIVE."""
    await rig.put("sessions/IN/ABC/S1", session(status="active"))
    assert (await rig.get("sessions/IN/ABC/S1")).data["status"] == "PENDING"
    assert rig.forgiven == [Leniency.UNKNOWN_VALUE]


@pytest.mark.requirement("O30")
@pytest.mark.requirement("O31")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tariffs/IN/ABC/T2", tariff("T1")),
        ("tariffs/IN/ABC/T1", tariff("T1", party_id="XYZ")),
        ("tariffs/IN/ABC/T1", tariff("T1", country_code="NL")),
        ("sessions/IN/ABC/S2", session("S1")),
        ("sessions/IN/ABC/S1", session("S1", party_id="XYZ")),
        ("sessions/IN/ABC/S1", session("S1", country_code="NL")),
        ("locations/IN/ABC/LOC2", location("LOC1")),
        (f"locations/{LOC}", location("LOC1", party_id="XYZ")),
        (f"locations/{LOC}", location("LOC1", country_code="NL")),
    ],
)
async def test_url_and_body_must_agree(rig: Rig, path: str, body: object) -> None:
    assert (await rig.put(path, body)).status == (200, 2001)
    assert (await rig.get(path)).http == 404


@pytest.mark.requirement("O32")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_the_party_must_be_a_role_of_the_connection(rig: Rig, method: str) -> None:
    """No CPO reads or writes what belongs to another one."""
    await rig.put("tariffs/IN/ABC/T1", tariff())
    changed = tariff(currency="EUR")
    answer = await rig.call(method, "tariffs/IN/ABC/T1", changed, token=OTHER_TOKEN)
    assert answer.status == ((404, 2001) if method != "PATCH" else (405, 2000))
    foreign = await rig.call(method, f"locations/{LOC}", location(), token=OTHER_TOKEN)
    assert foreign.status == ((404, 2001) if method != "DELETE" else (405, 2000))
    assert (await rig.get("tariffs/IN/ABC/T1")).data["currency"] == "INR"


@pytest.mark.requirement("O32")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"locations/{LOC}", None),
        ("GET", f"locations/{LOC}/E1/1", None),
        ("PUT", f"locations/{LOC}/E1", evse(last_updated=at(1))),
        ("PATCH", f"locations/{LOC}/E1/1", {"max_amperage": 1, "last_updated": at(1)}),
        ("DELETE", "tariffs/IN/ABC/T1", None),
        ("GET", "sessions/IN/ABC/S1", None),
        ("PUT", "sessions/IN/ABC/S1", session(kwh=9, last_updated=at(1))),
        ("PATCH", "sessions/IN/ABC/S1", {"kwh": 9, "last_updated": at(1)}),
        ("GET", "cdrs/IN/ABC/CDR1", None),
        ("GET", "cdrs/in/abc/cdr1", None),
    ],
)
async def test_what_is_there_is_404_for_another_cpo(
    rig: Rig, method: str, path: str, body: object
) -> None:
    owned = {
        f"locations/{LOC}": location(),
        "tariffs/IN/ABC/T1": tariff(),
        "sessions/IN/ABC/S1": session(),
    }
    for place, each in owned.items():
        await rig.put(place, each)
    await rig.post("cdrs", cdr())
    answer = await rig.call(method, path, body, token=OTHER_TOKEN)
    assert answer.status == (404, 2001)
    for place, each in owned.items():
        assert (await rig.get(place)).data == exact(each)


@pytest.mark.requirement("O23")
@pytest.mark.requirement("O22")
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-03-04T06:30:00Z", "2026-03-04T06:30:00Z"),
        ("2026-03-04T06:30:00", "2026-03-04T06:30:00Z"),
        ("2026-03-04T06:30:00.250Z", "2026-03-04T06:30:00.250Z"),
    ],
)
async def test_timestamps_are_utc_with_or_without_saying_so(rig: Rig, sent: str, kept: str) -> None:
    await rig.put("tariffs/IN/ABC/T1", tariff(last_updated=sent))
    assert (await rig.get("tariffs/IN/ABC/T1")).data["last_updated"] == kept


@pytest.mark.requirement("O24")
async def test_numbers_are_numbers(rig: Rig) -> None:
    await rig.put("sessions/IN/ABC/S1", session(kwh=1.25))
    assert str((await rig.get("sessions/IN/ABC/S1")).data["kwh"]) == "1.25"
    await rig.put("sessions/IN/ABC/S2", session("S2", kwh="1.25"))
    assert (await rig.get("sessions/IN/ABC/S2")).data["kwh"] == Decimal("1.25")


@pytest.mark.requirement("O26")
@pytest.mark.requirement("O28")
async def test_put_forgets_what_it_omits(rig: Rig) -> None:
    await rig.put("tariffs/IN/ABC/T1", tariff(tariff_alt_url="http://x", type="REGULAR"))
    await rig.put("tariffs/IN/ABC/T1", tariff(type=None))
    assert (await rig.get("tariffs/IN/ABC/T1")).data.keys() == tariff().keys()


STEAM = connector("2", standard="STEAM")


@pytest.mark.requirement("O36")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"locations/{LOC}", location(facilities=["MOON_BASE", "CAFE"], parking_type="ORBIT")),
        (f"locations/{LOC}", location(evses=[evse(status="DREAMING", capabilities=["TELEPATHY"])])),
        (f"locations/{LOC}", location(evses=[evse(), evse("E2", parking_restrictions=["UFO"])])),
        (f"locations/{LOC}", location(evses=[evse(connectors=[connector(), STEAM])])),
        ("sessions/IN/ABC/S1", session(status="PAUSED")),
        ("sessions/IN/ABC/S1", session(auth_method="TELEPATHY")),
        ("sessions/IN/ABC/S1", session(cdr_token={**cdr_token(), "type": "IMPLANT"})),
    ],
)
async def test_unknown_enum_values_do_not_cost_the_object(
    rig: Rig, path: str, body: object
) -> None:
    """What is read again is held against the standard by the rig."""
    assert (await rig.put(path, body)).status == (201, 1000)
    assert Leniency.UNKNOWN_VALUE in rig.forgiven
    found = (await rig.get(path)).data
    assert found["id"] == path.rpartition("/")[2]


@pytest.mark.requirement("O36")
async def test_an_unknown_enum_value_does_not_cost_a_cdr(rig: Rig) -> None:
    body = cdr(auth_method="TELEPATHY", cdr_token={**cdr_token(), "type": "IMPLANT"})
    assert (await rig.post("cdrs", body)).status == (201, 1000)
    assert (await rig.get("cdrs/IN/ABC/CDR1")).data["total_cost"] == exact(cdr())["total_cost"]


@pytest.mark.requirement("O36")
async def test_unknown_fields_are_ignored(rig: Rig) -> None:
    assert (await rig.put("tariffs/IN/ABC/T1", tariff(brand_new={"a": [1]}))).http == 201
    assert "brand_new" not in (await rig.get("tariffs/IN/ABC/T1")).data


@pytest.mark.requirement("O39")
@pytest.mark.parametrize(
    ("path", "body", "change"),
    [
        ("tariffs/IN/ABC/T1", tariff(), {"currency": "EUR"}),
        ("sessions/IN/ABC/S1", session(), {"currency": "EUR"}),
        (f"locations/{LOC}", location(), {"city": "Mysuru"}),
    ],
)
async def test_an_overtaken_update_is_acknowledged_and_ignored(
    rig: Rig, path: str, body: dict[str, object], change: dict[str, object]
) -> None:
    await rig.put(path, body)
    older = await rig.put(path, {**body, **change, "last_updated": at(-1)})
    assert older.status == (200, 1000)
    assert (await rig.get(path)).data[next(iter(change))] == body[next(iter(change))]


@pytest.mark.requirement("O39")
async def test_whole_seconds_are_not_older_than_a_part_of_the_same_second(rig: Rig) -> None:
    """Some CPOs cut the date of a PUT that they did not cut in the PATCH before."""
    second = at()
    await rig.put("sessions/IN/ABC/S1", session())
    patch = {"kwh": 2, "last_updated": second.replace("Z", ".400Z")}
    await rig.patch("sessions/IN/ABC/S1", patch)
    await rig.put("sessions/IN/ABC/S1", session(status="COMPLETED", last_updated=second))
    assert (await rig.get("sessions/IN/ABC/S1")).data["status"] == "COMPLETED"
