"""Notices that a CPO no longer takes our token: a lost renewal leaves one side with a dead one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from bridge.clients.ocpi import Exchange
from bridge.ocpi.headers import FUNCTIONAL_MODULES

IN_A_ROW: Final = 3
"""Refusals that follow each other until our token counts as dead: one or two may be a hiccup."""

REFUSING: Final = frozenset({401, 403})
"""HTTP statuses of a refused token; 403 is what some answer instead of 401 (Q6)."""

TOO_MANY_REQUESTS: Final = 429


class Refusals:
    """Counts refusals on functional modules, by CPO, in this process.

    Args:
        told: called with the CPO's id, and whether it refuses our token: when that begins, and
            when the first call after it, or the first one at all, is not refused.
    """

    def __init__(self, told: Callable[[str, bool], None]) -> None:
        self._told = told
        self._in_a_row: Counter[str] = Counter()
        self._trusted: set[str] = set()

    def heard(self, exchange: Exchange) -> None:
        """Take note of a request that is over; one that had no proper answer changes nothing."""
        cpo_id, http = exchange.cpo_id, exchange.http
        if exchange.module not in FUNCTIONAL_MODULES or http is None:
            return
        if http in REFUSING:
            self._in_a_row[cpo_id] += 1
            if self._in_a_row[cpo_id] == IN_A_ROW:
                self._trusted.discard(cpo_id)
                self._told(cpo_id, True)
        elif http < 500 and http != TOO_MANY_REQUESTS:
            self._in_a_row[cpo_id] = 0
            if cpo_id not in self._trusted:
                self._trusted.add(cpo_id)
                self._told(cpo_id, False)
