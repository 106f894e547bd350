"""Answers and notices: under which ids, until when, and in a few words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.errors import OrderUnknown, RatingInvalid
from bridge.flows.decision import answer_by, lapses_at, notify, refuse, summary_of, with_deadline
from tests.factories import NOW
from tests.unit.flows.callbacks import check, code
from tests.unit.flows.play import Play, charging, confirmed, ended, interrupted, settled


@pytest.mark.parametrize(
    ("ttl_s", "waits_s"), [(None, 8), (600, 8), (8.4, 7.9), (2.5, 2), (0.4, 0.2), (0, 0)]
)
def test_an_answer_has_its_way_to_go_before_the_ttl_ends(
    ttl_s: float | None, waits_s: float
) -> None:
    request = Play().request("update", ttl_s=ttl_s)
    assert answer_by(request, limit_s=8) == NOW + timedelta(seconds=waits_s)


@pytest.mark.parametrize(
    ("ttl_s", "patience_s", "after_s"),
    [(30, None, 30), (600, 10, 10), (5, 10, 5), (None, 10, 10), (None, None, None)],
)
def test_an_answer_lapses_with_its_ttl_or_when_the_adapter_gives_it_up(
    ttl_s: float | None, patience_s: float | None, after_s: float | None
) -> None:
    request = Play().request("confirm", ttl_s=ttl_s)
    expected = None if after_s is None else NOW + timedelta(seconds=after_s)
    assert lapses_at(request, patience_s) == expected


@pytest.mark.parametrize(
    ("action", "error"), [("rating", RatingInvalid()), ("status", OrderUnknown())]
)
def test_a_refusal_answers_its_request(action: str, error: OrderUnknown | RatingInvalid) -> None:
    play = Play()
    refusal = refuse(play.world(), play.request(action), error)
    check(refusal)
    assert refusal.action == f"on_{action}"
    assert code(refusal) == error.beckn_code


async def test_each_notice_has_an_id_of_its_own() -> None:
    play = await charging()
    one, two = (notify(play.world(), play.placed, "on_update") for _ in range(2))
    assert one.message_id != two.message_id
    assert one.request == play.placed.request
    assert one.request.action == "confirm"


async def test_a_summary_tells_state_energy_and_money() -> None:
    assert summary_of((await confirmed()).placed) == "CONFIRMED, 100.00 INR"
    assert summary_of((await charging()).placed) == "CHARGING, 0.5 kWh, 100.00 INR"
    assert "provisional" in summary_of((await interrupted()).placed)
    assert "refund 23.40" in summary_of((await ended()).placed)
    final = (await settled()).placed
    assert summary_of(final) == "SETTLED, 3.7 kWh, 76.60 INR, refund 23.40"
    assert final.bill is not None
    due = replace(final, bill=replace(final.bill, refund=Decimal(0), due=Decimal(18)))
    assert summary_of(due) == "SETTLED, 3.7 kWh, 76.60 INR, due 18"


async def test_deadlines_are_set_moved_and_cleared_without_touching_others() -> None:
    order = with_deadline((await confirmed()).placed, "one", NOW)
    order = with_deadline(order, "two", NOW)
    later = NOW + timedelta(seconds=1)
    assert with_deadline(order, "one", later).deadlines == {"one": later, "two": NOW}
    assert with_deadline(order, "one", None).deadlines == {"two": NOW}
    assert with_deadline(order, "three", None).deadlines == {"one": NOW, "two": NOW}
