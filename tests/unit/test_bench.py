"""What the benches promise about themselves; that they run is shown in tests/e2e."""

from __future__ import annotations

import json

import pytest

from bridge.ocpi.codec import decode, encode
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff
from tests.bench.__main__ import BENCHES
from tests.bench.bench import Bench, Figure, Goal, report
from tests.bench.locations import TARIFFS, location, tariff
from tests.pages import quoted, read, rows

PAGE = read("docs/performance.md")


def test_the_page_has_every_bench() -> None:
    assert [quoted(row[0])[0] for row in rows(PAGE, "## Benches")] == [b.name for b in BENCHES]


def test_the_page_has_the_goals_of_the_code() -> None:
    told = [(quoted(bench)[0], name, goal) for bench, name, goal, _ in rows(PAGE, "## Figures")]
    known = [(bench.name, goal.figure, str(goal)) for bench in BENCHES for goal in bench.goals]
    assert [row for row in told if row[2]] == known


def test_locations_are_such_as_cpos_have() -> None:
    bodies = [json.dumps(location(number)).encode() for number in range(500)]
    read_back = [decode(body, Location) for body in bodies]
    assert len({each.id for each in read_back}) == 500
    assert len({each.coordinates for each in read_back}) == 500
    assert all(len(each.evses) == 2 for each in read_back)
    size = sum(len(encode(each)) for each in read_back) / 500
    assert 2000 < size < 3000


def test_a_change_is_news() -> None:
    before, after = (decode(json.dumps(location(7, n)).encode(), Location) for n in (0, 1))
    assert after.last_updated > before.last_updated
    assert after.evses[0].status != before.evses[0].status


def test_every_connector_has_a_tariff() -> None:
    known = {decode(json.dumps(tariff(number)).encode(), Tariff).id for number in range(TARIFFS)}
    used = {
        tariff_id
        for number in range(50)
        for evse in location(number)["evses"]
        for connector in evse["connectors"]
        for tariff_id in connector["tariff_ids"]
    }
    assert used == known


async def _nothing(*_: object) -> list[Figure]:
    return []


@pytest.mark.parametrize(
    ("figures", "met"),
    [
        ([Figure("rate", 0.5, ""), Figure("memory", 299, "MiB")], True),
        ([Figure("rate", 0.49, ""), Figure("memory", 299, "MiB")], False),
        ([Figure("rate", 0.5, ""), Figure("memory", 300, "MiB")], False),
        ([Figure("rate", 0.5, "")], False),
    ],
)
def test_a_goal_that_is_missed_or_not_measured_fails(figures: list[Figure], met: bool) -> None:
    goals = (Goal("rate", "at least", 0.5, ""), Goal("memory", "less than", 300, "MiB"))
    lines, verdict = report(Bench("pull", "", "", goals, _nothing), figures)
    assert verdict is met
    assert len(lines) == len(figures)
