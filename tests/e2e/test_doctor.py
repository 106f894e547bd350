"""`bridge cpo doctor`: a CPO in order, one with ten quirks, and one that is not there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.ocpi.leniency import Leniency
from bridge.ocpi.locations import Status
from bridge.sandbox.quirky import BROKEN, QUIRKS, QuirkyCpo
from bridge.sandbox.stations import locations
from tests.e2e.rig import Rig, cli, rig
from tests.waiting import until

Row = dict[str, str]

COMMANDS = {"endpoints": {"commands": {"receiver": "{cpo}/ocpi/2.2.1/commands"}}}


@pytest.fixture
async def quirky(tmp_path: Path, redis_url: str) -> AsyncIterator[Rig]:
    """Give a bridge that is registered with a CPO of ten quirks."""
    async with rig(tmp_path, redis_url, cpo_of=QuirkyCpo, cpo_changes=COMMANDS) as running:
        yield running


async def examined(world: Rig, *options: str) -> tuple[int, list[Row]]:
    """Run the doctor; return its exit code and its rows."""
    code, out, _ = await cli(world.bridges[0].config, "cpo", "doctor", "cpo1", "--json", *options)
    report: dict[str, Any] = json.loads(out)
    assert report["cpo"] == "cpo1"
    return code, report["findings"]


def has(rows: list[Row], check: str, result: str, *words: str) -> bool:
    """Whether there is such a row."""
    return any(
        row["check"] == check
        and row["result"] == result
        and all(word in row.get("evidence", "") + row.get("setting", "") for word in words)
        for row in rows
    )


async def test_a_cpo_in_order_has_nothing_to_complain_of(world: Rig) -> None:
    code, rows = await examined(world)
    assert code == 0
    assert {row["result"] for row in rows} <= {"ok", "not tried"}
    for check in ("reachable", "versions", "endpoints", "handshake", "locations", "cdrs"):
        assert has(rows, check, "ok"), (check, rows)
    code, table, _ = await cli(world.bridges[0].config, "cpo", "doctor", "cpo1")
    assert code == 0
    assert "IN*SBX" in table


async def test_ten_planted_quirks_are_all_found(quirky: Rig) -> None:
    station = locations(quirky.cpo.party)[0]
    await quirky.cpo.set_status(station.id, station.evses[0].uid, Status.CHARGING)

    async def told() -> bool:
        return has((await examined(quirky))[1], "refused", "failed")

    await until(told, timeout_s=20)
    code, rows = await examined(quirky)

    L = Leniency
    found = {
        "commands are not advertised": has(rows, "endpoints", "forgiven", "commands"),
        "version details stand in a list of one": has(rows, L.OBJECT_IN_LIST, "forgiven"),
        "links lead to https and another port": has(rows, L.LINK_ORIGIN, "forgiven"),
        "X-Total-Count is wrong": has(rows, L.TOTAL_COUNT, "forgiven"),
        "timestamps have a space": has(rows, L.TIMESTAMP_SPELLING, "forgiven", "last_updated"),
        "numbers stand in quotes": has(rows, L.NUMBER_AS_STRING, "forgiven", "max_voltage"),
        "an EVSE can do what OCPI does not know": has(
            rows, L.UNKNOWN_VALUE, "forgiven", "capabilities"
        ),
        "a list of tariffs has a null in it": has(rows, L.NULL_IN_LIST, "forgiven", "tariff_ids"),
        "one Location has no city": has(rows, "locations", "failed", BROKEN, "/data/0", "city"),
        "PATCHes have no last_updated": has(
            rows, "refused", "failed", "flags.patch_without_last_updated: true"
        ),
    }
    assert found == dict.fromkeys(QUIRKS, True), rows
    assert code == 1


async def test_what_the_doctor_says_mends_it(quirky: Rig) -> None:
    bridge = quirky.bridges[0]
    await bridge.stop()
    bridge.reconfigure_cpo({"flags": {"patch_without_last_updated": True}})
    await bridge.start()
    await quirky.until_catalogue()
    station = locations(quirky.cpo.party)[0]
    assert await quirky.cpo.set_status(station.id, station.evses[0].uid, Status.CHARGING)


async def test_a_cpo_that_is_not_there(world: Rig) -> None:
    await world.cpo_site.stop()
    code, rows = await examined(world)
    assert code == 1
    assert has(rows, "reachable", "failed", "no connection")
    assert has(rows, "handshake", "ok")


async def test_an_unknown_cpo_is_named(world: Rig) -> None:
    code, _, err = await cli(world.bridges[0].config, "cpo", "doctor", "cpo9")
    assert code == 1
    assert "cpo9" in err
