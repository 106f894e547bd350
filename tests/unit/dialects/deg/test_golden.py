"""Golden pairs: a message and the intent it means, an order and the message it makes.

A new request is two files in tests/golden/deg/parse (``ACTION-words.in.json`` and ``.out.json``)
and no code.
"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from bridge.orders.order import Cancellation, Order
from tests.reference import PROJECT
from tests.unit.dialects.deg.given import (
    LATER,
    NOW,
    dialect,
    due_bill,
    order,
    payment,
    refund_bill,
)

GOLDEN = PROJECT / "tests" / "golden" / "deg"
REQUESTS = sorted((GOLDEN / "parse").glob("*.in.json"))

ORDERS: dict[str, Order] = {
    "selected": order("SELECTED"),
    "initialised": order("INITIALISED"),
    "confirmed": order("CONFIRMED"),
    "confirmed-to-be-collected": order("CONFIRMED", payment=payment("NOT-PAID")),
    "charging": order("CHARGING"),
    "interrupted": order(
        "INTERRUPTED",
        bill=refund_bill(provisional=True),
        state_since=LATER + timedelta(minutes=9),
    ),
    "ended-provisional": order("ENDED"),
    "settled-refund": order("SETTLED"),
    "settled-due": order("SETTLED", payment=payment("NOT-PAID"), bill=due_bill()),
    "cancelled-by-driver": order("CANCELLED"),
    "cancelled-by-provider": order(
        "CANCELLED",
        cancellation=Cancellation(
            by="PROVIDER", at=LATER, reason_id="hardware-failure", reason="ignored"
        ),
    ),
}


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.name.partition(".")[0])
def test_a_request_means_what_its_pair_says(path: Path) -> None:
    quirks: set[str] = set()
    message = msgspec.json.Decoder(float_hook=Decimal).decode(path.read_bytes())
    action = path.name.partition("-")[0]

    intent = dialect().parse(action, message, quirks.add)

    expected = json.loads(path.with_name(path.name.replace(".in.", ".out.")).read_text())
    assert json.loads(msgspec.json.encode(intent)) == expected["intent"]
    assert sorted(quirks) == expected["quirks"]


def test_every_request_has_its_pair() -> None:
    outs = {path.name.replace(".out.", ".in.") for path in (GOLDEN / "parse").glob("*.out.json")}

    assert outs == {path.name for path in REQUESTS}
    assert len(REQUESTS) >= 10


@pytest.mark.parametrize("case", ORDERS)
def test_an_order_makes_the_message_of_its_pair(case: str) -> None:
    message = json.loads(dialect().render_order("on_status", ORDERS[case], NOW))

    assert message == json.loads((GOLDEN / "order" / f"{case}.json").read_text())


def test_every_golden_order_is_a_case() -> None:
    assert {path.stem for path in (GOLDEN / "order").glob("*.json")} == ORDERS.keys()
