"""Live data for a track callback_url."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from bridge.orders.order import Order
from tests.unit.dialects.deg.given import LATER, dialect, order, session


def patch(before: Order | None, after: Order) -> dict[str, Any] | None:
    """Return the PATCH body."""
    body = dialect().render_live(before, after)
    return None if body is None else json.loads(body)


def test_the_first_patch_tells_everything() -> None:
    assert patch(None, order("CHARGING")) == {
        "kwh": 1.25,
        "status": "ACTIVE",
        "currency": "INR",
        "charging_periods": [
            {
                "start_date_time": "2026-03-04T06:32:00Z",
                "dimensions": [
                    {"type": "ENERGY", "volume": 1.25},
                    {"type": "POWER", "volume": 7.2},
                    {"type": "CURRENT", "volume": 16},
                    {"type": "STATE_OF_CHARGE", "volume": 63},
                ],
            }
        ],
        "last_updated": "2026-03-04T06:37:00Z",
    }


def test_a_later_patch_tells_what_changed() -> None:
    before = order("CHARGING")
    more = session(
        kwh="1.25",
        last_updated=LATER + timedelta(minutes=6),
    )

    after = replace(before, session=replace(more, kwh=Decimal("1.50")))

    assert patch(before, after) == {"kwh": 1.5, "last_updated": "2026-03-04T06:38:00Z"}


def test_new_and_changed_periods_are_told() -> None:
    before = order("CHARGING")
    assert before.session is not None
    (first,) = before.session.charging_periods
    second = replace(first, start_date_time=LATER + timedelta(minutes=15))
    after = replace(before, session=replace(before.session, charging_periods=(first, second)))

    told = patch(before, after)

    assert told is not None
    assert [period["start_date_time"] for period in told["charging_periods"]] == [
        "2026-03-04T06:47:00Z"
    ]
    assert told.keys() == {"charging_periods", "last_updated"}


def test_the_end_is_told() -> None:
    before = order("CHARGING")
    ended = session("COMPLETED", end_date_time=LATER + timedelta(minutes=30))

    told = patch(before, replace(before, session=ended))

    assert told is not None
    assert told["status"] == "COMPLETED"
    assert told["end_date_time"] == "2026-03-04T07:02:00Z"


def test_nothing_new_is_not_told() -> None:
    before = order("CHARGING")

    assert patch(before, before) is None
    assert patch(before, replace(before, session=replace(session(), last_updated=LATER))) is None
    assert patch(None, order("CONFIRMED")) is None
