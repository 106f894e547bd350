"""Tiers: what a membership may become when enough is spent (use case 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from bridge.orders.terms import Pass


def tier_above(passes: Sequence[Pass], held: Pass) -> str | None:
    """Return the name of the tier above; None when nothing leads there."""
    return next((above.tier for _, above in _steps(passes, held)), None)


def risen(passes: Sequence[Pass], held: Pass, spent: Decimal) -> tuple[Pass, Pass] | None:
    """Return the last tier that was left, and the one that so much leads to; None = it stays.

    Args:
        passes: the terms as they are now; a tier that is not among them is not reached.
    """
    reached = None
    for lower, above in _steps(passes, held):
        if lower.next_tier_spend is None or spent < lower.next_tier_spend:
            break
        reached = lower, above
    return reached


def _steps(passes: Sequence[Pass], held: Pass) -> Iterator[tuple[Pass, Pass]]:
    """Yield each tier with the one above it; a chain that comes back to itself ends there."""
    by_id = {each.id: each for each in passes}
    seen = {held.id}
    while held.next_tier_spend is not None and held.next_tier not in (None, *seen):
        above = by_id.get(held.next_tier or "")
        if above is None or above.currency != held.currency:
            return
        yield held, above
        seen.add(above.id)
        held = above
