"""Golden pairs: an order and the message it makes."""

from __future__ import annotations

import json

import pytest

from tests.reference import PROJECT
from tests.unit.dialects.deg.given import NOW
from tests.unit.dialects.uei.given import ORDERS, SENT, dialect

GOLDEN = PROJECT / "tests" / "golden" / "uei" / "order"


@pytest.mark.parametrize("case", ORDERS)
def test_an_order_makes_the_message_of_its_pair(case: str) -> None:
    order = ORDERS[case]
    message = json.loads(dialect().render_order(SENT[order.state][-1], order, NOW))

    assert message == json.loads((GOLDEN / f"{case}.json").read_text())


def test_every_golden_order_is_a_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == ORDERS.keys()
