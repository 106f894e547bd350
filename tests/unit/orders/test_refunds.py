"""What a cancellation gives back, step by step."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bridge.orders.refunds import no_show_share, share_back, steps_left
from bridge.orders.terms import Agreed, Refunds, RefundStep
from tests.factories import NOW, order

HOUR = timedelta(hours=1)
TERMS = Refunds(
    steps=(
        RefundStep(before_s=4 * 3600, share=Decimal("0.85")),
        RefundStep(before_s=3600, share=Decimal("0.5")),
        RefundStep(before_s=0, share=Decimal("0.1")),
    ),
    no_show_share=Decimal("0.05"),
    within="PT2H",
)
OTHERWISE = Decimal("0.99")


@pytest.mark.parametrize(
    ("start", "share"),
    [
        (NOW + 5 * HOUR, "0.85"),
        (NOW + 4 * HOUR, "0.85"),
        (NOW + 4 * HOUR - timedelta(seconds=1), "0.5"),
        (NOW + HOUR, "0.5"),
        (NOW + HOUR / 2, "0.1"),
        (NOW, "0.1"),
        (NOW - HOUR, "0.1"),
        (None, "0.1"),
    ],
)
def test_who_cancels_earlier_gets_more(start: datetime | None, share: str) -> None:
    placed = order(start=start, agreed=Agreed(refunds=TERMS))
    assert share_back(placed, NOW, OTHERWISE) == Decimal(share)
    assert steps_left(TERMS, placed, NOW)[0].share == Decimal(share)


def test_without_terms_of_its_own_the_settings_count() -> None:
    assert share_back(order(start=NOW), NOW, OTHERWISE) == OTHERWISE
    assert no_show_share(order(), OTHERWISE) == OTHERWISE


def test_nobody_coming_has_a_share_of_its_own() -> None:
    assert no_show_share(order(agreed=Agreed(refunds=TERMS)), OTHERWISE) == Decimal("0.05")
