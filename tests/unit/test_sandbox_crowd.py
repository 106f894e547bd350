"""Drivers of one sandbox BAP do not meet at an EVSE."""

from __future__ import annotations

from bridge.sandbox.alone import Crowd
from bridge.sandbox.bap import SandboxBap
from bridge.sandbox.drive import Choice


def items(*names: str) -> list[Choice]:
    """Return items, each named EVSE*connector."""
    return [Choice("cpo", f"IN*SBX*L1*{name}") for name in names]


def test_each_driver_has_an_evse_of_its_own() -> None:
    crowd = Crowd(SandboxBap(bridge_url=""))
    found = items("A*1", "A*2", "B*1")

    taken = [crowd.takes(found) for _ in range(3)]

    assert [each and each.item_id for each in taken] == ["IN*SBX*L1*A*2", "IN*SBX*L1*B*1", None]


def test_the_evse_left_longest_ago_is_next() -> None:
    crowd = Crowd(SandboxBap(bridge_url=""))
    a, b, c = items("A*1", "B*1", "C*1")
    for each in (b, a):
        assert crowd.takes([each]) == each
        crowd.leaves(each)

    order = [crowd.takes([a, b, c]) for _ in range(3)]

    assert order == [c, b, a]
