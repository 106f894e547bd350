"""Everything that is said about loyalty passes is valid against Beckn core 1.1.0."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.catalog.fragments import ProviderPart
from bridge.dialects.v1.settings import PaymentOptions
from bridge.orders.order import Bill, Cancellation, Line, LineKind, Quote
from bridge.orders.pass_order import PassOrder, PassState, Usage
from tests.contract.beckn.test_core_validity import Faults, faults
from tests.factories import NOW, item, loyalty_pass, membership, pass_order
from tests.unit.dialects.deg.given import UUID, dialect

pytestmark = pytest.mark.shared

__all__ = ["faults"]

GOLD = loyalty_pass(id="gold", tier="Gold Plus")
RISING = loyalty_pass(next_tier="gold", next_tier_spend=Decimal(500), long_desc="long")
REFUND = Bill(
    quote=Quote(
        id=UUID,
        currency="INR",
        price=Decimal(0),
        lines=(
            Line(kind=LineKind.CANCELLATION_FEE, amount=Decimal(0)),
            Line(kind=LineKind.UNUSED_PREPAYMENT, amount=Decimal(299)),
            Line(kind=LineKind.REFUND, amount=Decimal(-299)),
        ),
        kwh=Decimal(0),
    ),
    refund=Decimal(299),
    due=Decimal(0),
)
ORDERS: dict[str, PassOrder] = {
    "selected": pass_order(PassState.SELECTED, membership=None, payment=None, id=None),
    "initialised": pass_order(PassState.INITIALISED, membership=None, id=None),
    "active": pass_order(),
    "bare": pass_order(
        sold=loyalty_pass(
            free_cancellation_days=0,
            benefits=(),
            info_url=None,
            image_url="no url",
            auto_renewal=None,
        )
    ),
    "used": pass_order(
        sold=RISING,
        membership=membership(held=RISING, above="Gold Plus"),
        usage=Usage(sessions=3, saved=Decimal("31.5"), spent=Decimal(283)),
    ),
    "risen": pass_order(
        sold=RISING, membership=membership(held=GOLD), risen_from=RISING, usage=Usage(sessions=9)
    ),
    "cancelled": pass_order(
        PassState.CANCELLED,
        bill=REFUND,
        cancellation=Cancellation(by="CONSUMER", at=NOW, reason_id="5", reason="moved away"),
    ),
}


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=31)])
@pytest.mark.parametrize("action", ["on_select", "on_init", "on_confirm", "on_status", "on_cancel"])
@pytest.mark.parametrize("case", ORDERS)
def test_orders_of_passes(faults: Faults, case: str, action: str, after: timedelta) -> None:
    assert faults(action, dialect().passes.render(ORDERS[case], NOW + after)) == []


def test_a_payment_link(faults: Faults) -> None:
    options = PaymentOptions(url="https://pay.example/?t=$transaction_id&a=$amount")
    message = dialect(payment=options).passes.render(ORDERS["initialised"], NOW)
    assert b'"payment_link":"https://pay.example/?t=t-pass&a=299.00"' in message
    assert faults("on_init", message) == []


def test_catalogues(faults: Faults) -> None:
    deg, provider = dialect(), item().provider
    sold = [deg.passes.item_fragment(each) for each in (loyalty_pass(), GOLD, RISING)]
    digital = deg.passes.fulfillment_fragment(provider.id, NOW)
    alone = ProviderPart(provider, [], [digital], sold, has_passes=True)
    message = deg.catalog_message([alone])
    assert b'"locations"' not in message
    assert b'"loyalty-program"' in message
    assert faults("on_search", message) == []

    place = item().location
    bundled = ProviderPart(
        replace(provider, id="another.example"),
        [deg.location_fragment(place)],
        [deg.fulfillment_fragment(place, []), digital],
        [deg.item_fragment(item()), *sold],
        has_passes=True,
    )
    assert faults("on_search", deg.catalog_message([alone, bundled])) == []
