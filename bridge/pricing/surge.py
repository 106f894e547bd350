"""How much of each charging period a condition holds for (use case 7, decisions 22, 24)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import tzinfo
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
    whole seconds. What comes more than a week after the beginning is not divided by the clock.

    Raises:
        QuoteUnavailable: a usage has no local time.
    """
    charged = [usage for usage in usages if usage.reservation_s is None]
    if when is None or not charged:
        return tuple(ALL if usage.reservation_s is None else NONE for usage in usages)
    session = _Session(when, charged, place)
    parts, kwh = [], Decimal(0)
    for usage in usages:
        if usage.reservation_s is not None:
            parts.append(NONE)
        else:
            parts.append(session.part(usage, kwh))
            kwh += usage.energy_kwh
    return tuple(parts)


class _Session:
    """Restrictions along a session; what flips by time is worked out once for all its periods."""

    def __init__(self, when: TariffRestrictions, charged: Sequence[Usage], place: tzinfo) -> None:
        self._begin = charged[0].start
        self._place = place
        self._limits: tuple[Condition, ...] = conditions(when)
        turns = turns_of([when])
        self._volumes = turns.volumes
        length_s = (charged[-1].end - self._begin) // SECOND
        self._flips = sorted(set(self._timed(turns, min(max(length_s, 0), LONGEST_S))))

    def _timed(self, turns: Turns, length_s: int) -> Iterator[int]:
        """Yield the seconds since the beginning at which time or duration may flip."""
        yield from turns.durations
        if turns.minutes:
            local_time(self._begin + length_s * SECOND, self._place)
            yield from shown_at(turns.minutes, self._begin, length_s, self._place)

    def part(self, usage: Usage, kwh: Decimal) -> Fraction:
        """Return for which part of a usage all conditions hold; ``kwh`` came before it."""
        elapsed_s = (usage.start - self._begin) // SECOND
        length_s = (usage.end - usage.start) // SECOND
        inside = self._inside(usage, kwh, elapsed_s, length_s)
        if not inside:
            return ALL if self._holds(usage, kwh, elapsed_s, 0) else NONE
        held_s = 0
        for from_s, to_s in pairwise((0, *inside, length_s)):
            done = Fraction(usage.energy_kwh) * from_s / length_s
            before_kwh = kwh + Decimal(done.numerator) / done.denominator
            if self._holds(usage, before_kwh, elapsed_s, from_s):
                held_s += to_s - from_s
        return Fraction(held_s, length_s)

    def _inside(self, usage: Usage, kwh: Decimal, elapsed_s: int, length_s: int) -> list[int]:
        """Return the seconds of a usage, in order, at which a restriction may flip."""
        first = bisect_right(self._flips, elapsed_s)
        after = bisect_left(self._flips, elapsed_s + length_s)
        inside = [flip - elapsed_s for flip in self._flips[first:after]]
        for volume in self._volumes:
            if kwh < volume < kwh + usage.energy_kwh:
                inside.append(ceil(Fraction(volume - kwh) / Fraction(usage.energy_kwh) * length_s))
        return sorted({at_s for at_s in inside if 0 < at_s < length_s})

    def _holds(self, usage: Usage, kwh: Decimal, elapsed_s: int, at_s: int) -> bool:
        moment = Moment(
            local_time(usage.start + at_s * SECOND, self._place),
            kwh,
            elapsed_s + at_s,
            usage.min_current,
            usage.max_current,
            usage.min_power,
            usage.max_power,
        )
        return all(limit(moment) for limit in self._limits)
