"""When conditions can flip: at certain times of day, after certain times and volumes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

import msgspec

from bridge.ocpi.tariffs import TariffRestrictions
from bridge.pricing.restrictions import clock_minutes

SECOND: Final = timedelta(seconds=1)
_DAY_S: Final = 24 * 60 * 60


class Turns(msgspec.Struct, frozen=True):
    """What a session must come to for one of some restrictions to flip.

    Args:
        volumes: kWh since the session began.
        durations: the same in seconds.
        minutes: the same as minutes of the day; empty when the wall clock does not matter.
    """

    volumes: frozenset[Decimal]
    durations: frozenset[int]
    minutes: frozenset[int]

    def __or__(self, other: Turns) -> Turns:
        """Return the turns of both."""
        return Turns(
            self.volumes | other.volumes,
            self.durations | other.durations,
            self.minutes | other.minutes,
        )


def turns_of(restrictions: Iterable[TariffRestrictions | None]) -> Turns:
    """Return when any of these may flip; current and power are not foreseen."""
    given = [each for each in restrictions if each is not None]
    volumes = (bound for r in given for bound in (r.min_kwh, r.max_kwh))
    durations = (bound for r in given for bound in (r.min_duration, r.max_duration))
    return Turns(
        frozenset(bound for bound in volumes if bound is not None),
        frozenset(bound for bound in durations if bound is not None),
        frozenset(bound for r in given for bound in clock_minutes(r)),
    )


def shown_at(minutes: Collection[int], start: datetime, end_s: int, place: tzinfo) -> Iterator[int]:
    """Yield when the clock at the Location shows one of ``minutes``, or is put forward or back.

    As seconds since ``start``, up to ``end_s`` and a little more than it: some come twice. The
    clock runs evenly from one change of its UTC offset to the next.
    """
    from_s = 0
    for to_s in (*_clock_changes(start, end_s, place), end_s):
        yield to_s
        local = (start + from_s * SECOND).astimezone(place)
        midnight_s = from_s - (local.hour * 3600 + local.minute * 60 + local.second)
        for day_s in range(midnight_s, to_s, _DAY_S):
            for shown in minutes:
                if from_s < day_s + shown * 60 < to_s:
                    yield day_s + shown * 60
        from_s = to_s


def _clock_changes(start: datetime, end_s: int, place: tzinfo) -> tuple[int, ...]:
    """Return the second at which the UTC offset changes; there is one a week at most."""

    def offset(elapsed_s: int) -> timedelta | None:
        return (start + elapsed_s * SECOND).astimezone(place).utcoffset()

    before = offset(0)
    if offset(end_s) == before:
        return ()
    low, high = 0, end_s
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return (high,)
