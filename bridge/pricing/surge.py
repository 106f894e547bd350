"""How much of each charging period a condition holds for (use case 7, decisions 22, 24)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Final

from bridge.ocpi.tariffs import TariffRestrictions
from bridge.pricing.clock import SECOND, Turns, shown_at, turns_of
from bridge.pricing.periods import Usage
from bridge.pricing.plan import LONGEST_S
from bridge.pricing.restrictions import Condition, Moment, conditions, local_time

NONE: Final = Fraction(0)
ALL: Final = Fraction(1)


def held(
    when: TariffRestrictions | None, usages: Sequence[Usage], place: tzinfo
) -> tuple[Fraction, ...]:
    """Return for which part of each usage ``when`` holds; of a reservation it is none.

    A usage within which it flips is taken for even: what was used is divided like its time, in
    whole seconds. One longer than a week is not divided, and counts as it began.
    """
    if when is None:
        return tuple(NONE if usage.reservation_s is not None else ALL for usage in usages)
    limits, turns = conditions(when), turns_of([when])
    parts: list[Fraction] = []
    begin: datetime | None = None
    kwh = Decimal(0)
    for usage in usages:
        if usage.reservation_s is not None:
            parts.append(NONE)
            continue
        begin = begin or usage.start
        elapsed_s = (usage.start - begin) // SECOND
        parts.append(_part(usage, kwh, elapsed_s, limits, turns, place))
        kwh += usage.energy_kwh
    return tuple(parts)


def _part(
    usage: Usage,
    kwh: Decimal,
    elapsed_s: int,
    limits: Sequence[Condition],
    turns: Turns,
    place: tzinfo,
) -> Fraction:
    length_s = (usage.end - usage.start) // SECOND

    def holds(at_s: int) -> bool:
        used = Fraction(usage.energy_kwh) * at_s / length_s if at_s else NONE
        moment = Moment(
            local_time(usage.start + at_s * SECOND, place),
            kwh + Decimal(used.numerator) / used.denominator,
            elapsed_s + at_s,
            usage.min_current,
            usage.max_current,
            usage.min_power,
            usage.max_power,
        )
        return all(limit(moment) for limit in limits)

    if not 0 < length_s <= LONGEST_S:
        return ALL if holds(0) else NONE
    flips = _flips(usage, kwh, elapsed_s, length_s, turns, place)
    bounds = sorted({0, length_s, *(at_s for at_s in flips if 0 < at_s < length_s)})
    held_s = sum(to_s - from_s for from_s, to_s in pairwise(bounds) if holds(from_s))
    return Fraction(held_s, length_s)


def _flips(
    usage: Usage, kwh: Decimal, elapsed_s: int, length_s: int, turns: Turns, place: tzinfo
) -> Iterator[int]:
    """Yield the seconds of a usage at which a restriction may flip, and some beside it."""
    yield from (duration - elapsed_s for duration in turns.durations)
    if turns.minutes:
        yield from shown_at(turns.minutes, usage.start, length_s, place)
    if usage.energy_kwh > 0:
        for volume in turns.volumes:
            yield ceil(Fraction(volume - kwh) / Fraction(usage.energy_kwh) * length_s)
