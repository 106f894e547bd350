"""Laws of the breakup of ``uei``, over lines of every kind and amount."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.orders.order import Line, LineKind
from tests.unit.dialects.deg.given import order, quote
from tests.unit.dialects.uei.given import rendered

AMOUNTS = st.decimals("-500", "500", places=2, allow_nan=False)
LINES = st.lists(
    st.builds(Line, kind=st.sampled_from(sorted(set(LineKind) - {LineKind.PASS})), amount=AMOUNTS),
    max_size=12,
)


@given(lines=LINES, refund=st.decimals("0", "99", places=2))
def test_no_price_is_negative_and_all_sum_up_to_the_total(
    lines: list[Line], refund: Decimal
) -> None:
    real = [
        each for each in lines if each.kind not in (LineKind.UNUSED_PREPAYMENT, LineKind.REFUND)
    ]
    price = sum((each.amount for each in real), Decimal(0))
    assume(price >= 0)
    back = [
        Line(kind=LineKind.UNUSED_PREPAYMENT, amount=refund),
        Line(kind=LineKind.REFUND, amount=-refund),
    ]
    shown = replace(quote(), price=price, lines=(*real, *back))

    told = rendered(order("SELECTED", quote=shown), "on_select")["quote"]

    prices = [Decimal(each["price"]["value"]) for each in told["breakup"]]
    assert min(prices) >= 0
    assert sum(prices) == Decimal(told["price"]["value"]) == price
    natures = [
        Decimal(each["item"]["price"]["value"]) for each in told["breakup"] if "item" in each
    ]
    assert natures == [each.amount for each in real]
    assert {each["title"] for each in told["breakup"]} == {"WHEELING_CHARGE", "PLATFORM_CHARGE"}
