"""A breakup without negative prices, which layer 2 forbids: what is taken off lowers other lines.

Each line keeps its place and its true amount, so that nothing is hidden; only what is charged for
it is otherwise: less, where something was taken off, and 0 for what takes off.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from bridge.orders.order import Line, LineKind

SHOWN_AS_PAYMENT = frozenset({LineKind.UNUSED_PREPAYMENT, LineKind.REFUND})
"""Lines that cancel out (decisions 17): a refund shows among the payments."""

ZERO = Decimal(0)


class Charged(NamedTuple):
    """A line, and what is charged for it: never negative."""

    line: Line
    charged: Decimal


def charged(lines: Sequence[Line]) -> list[Charged]:
    """Return what is charged for each line, in all as much as the lines come to.

    What is taken off is taken from energy first, then from the others as they come. Lines that
    come to less than nothing, which no quote does, are charged with nothing.
    """
    real = [line for line in lines if line.kind not in SHOWN_AS_PAYMENT]
    off = -sum((line.amount for line in real if line.amount < 0), ZERO)
    left = [line.amount if line.amount > 0 else ZERO for line in real]
    for at in sorted(range(len(real)), key=lambda at: real[at].kind is not LineKind.ENERGY):
        lowered = min(off, left[at])
        left[at] -= lowered
        off -= lowered
    return [Charged(*each) for each in zip(real, left, strict=True)]
