"""A BAP's requests never enter the lane of somebody else's order."""

from __future__ import annotations

import pytest

from bridge.orders.order import order_key
from tests.contract.edge.rig import Edge, message, post
from tests.factories import order


@pytest.mark.parametrize(
    ("action", "part"),
    [
        ("status", {"order_id": "order-1"}),
        ("track", {"order_id": "order-1"}),
        ("cancel", {"order_id": "order-1", "cancellation_reason_id": "1"}),
        ("support", {"support": {"ref_id": "order-1"}}),
    ],
)
@pytest.mark.parametrize(("bap_id", "own"), [("bap.example", True), ("other.example", False)])
async def test_an_order_is_found_by_its_id_for_its_own_bap_only(
    action: str, part: dict[str, object], bap_id: str, own: bool
) -> None:
    edge = Edge()
    placed = order(key=order_key("bap.example", "t0"), id="order-1")
    edge.orders.put(placed)
    async with edge.client() as client:
        assert (await post(client, message(action, part, bap_id=bap_id)))[0] == 200
    ((lane, _),) = edge.inbox.queued
    assert (lane == placed.key) is own
    assert lane.startswith(order_key(bap_id, ""))
