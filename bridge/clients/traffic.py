"""When a CPO is left alone: it asked for a pause, or it does not answer."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from bridge.flows.peer import CallFailed

FAILURES: Final = 5
"""Requests in a row without an answer after which a CPO counts as down."""

OPEN_S: Final = 30.0
"""How long nothing is asked of a CPO that is down; then one request finds out."""

PAUSE_S: Final = 5.0
"""Pause after HTTP 429 when the CPO names none that can be read."""

PAUSES_S: Final = (1.0, 600.0)
"""A CPO's own Retry-After is taken no shorter and no longer than this."""

PROBE_S: Final = 1.0
"""When to look again while another request finds out whether a CPO is back."""


@dataclass(slots=True)
class _Peer:
    """What is known of a CPO; times are of the monotonic clock.

    Args:
        failures: requests in a row that got no answer.
        down_until: when it may be asked again; None while it is up.
        probing: the one request that may is under way.
    """

    failures: int = 0
    down_until: float | None = None
    probing: bool = False
    paused_until: float = 0.0


class Traffic:
    """Pauses and a circuit breaker for each CPO, of this process alone.

    It decides only whether a request waits, never what an order or an object is.

    - A pause begins with HTTP 429, or 503 with Retry-After, and ends by itself. Until then a
      request fails at once, unless it goes out ``despite_pause``.
    - The breaker opens after FAILURES requests in a row without an answer: no connection, a
      time-out, a 5xx that is no envelope. For OPEN_S every request fails at once, and nothing
      has left. After that one request is let through: if it gets no answer, OPEN_S begin anew.
      A CPO that refuses connections at once costs nobody time: it counts as down, and is asked on,
      so that one that was restarted is back with the first request.
    - Any answer closes it, whatever it says. A request ``despite_silence`` is never held back,
      and its failures do not count; its answer does.

    Args:
        changed: told once each time a CPO goes down (False) or is back (True).
        clock: seconds, monotonic.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        changed: Callable[[str, bool], None] = lambda cpo_id, up: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._changed = changed
        self._clock = clock
        self.sleep = sleep
        self._peers: defaultdict[str, _Peer] = defaultdict(_Peer)

    def paused_s(self, cpo_id: str) -> float:
        """Return how long an ordinary request to a CPO has to wait; 0: it may go."""
        peer = self._peers[cpo_id]
        return max(0.0, peer.paused_until - self._clock(), self._down_s(peer))

    @contextmanager
    def passage(
        self, cpo_id: str, module: str, *, despite_pause: bool, despite_silence: bool
    ) -> Iterator[None]:
        """Let a request through, and learn from what it raises.

        Raises:
            CallFailed: the CPO is left alone for now; ``nothing_left``.
        """
        peer = self._peers[cpo_id]
        if not despite_pause:
            self._heed_pause(peer, cpo_id, module)
        if not despite_silence:
            self._heed_silence(peer, cpo_id, module)
        probing = not despite_silence and peer.down_until is not None
        peer.probing |= probing
        try:
            yield
        except CallFailed as error:
            if error.retry_after_s is not None:
                peer.paused_until = self._clock() + error.retry_after_s
            if error.no_answer and not despite_silence:
                self._failed(peer, cpo_id, probing=probing, hold_s=0 if error.refused else OPEN_S)
            elif error.http is not None and not error.no_answer:
                self._answered(peer, cpo_id)
            raise
        else:
            self._answered(peer, cpo_id)
        finally:
            if probing:
                peer.probing = False

    def _heed_pause(self, peer: _Peer, cpo_id: str, module: str) -> None:
        left_s = peer.paused_until - self._clock()
        if left_s > 0:
            raise CallFailed(
                f"{module}: {cpo_id} asked for a pause; next try in {math.ceil(left_s)} s",
                nothing_left=True,
                retry_after_s=left_s,
            )

    def _heed_silence(self, peer: _Peer, cpo_id: str, module: str) -> None:
        left_s = self._down_s(peer)
        if left_s > 0:
            raise CallFailed(
                f"{module}: {cpo_id} does not answer; next try in {math.ceil(left_s)} s",
                nothing_left=True,
            )

    def _down_s(self, peer: _Peer) -> float:
        if peer.down_until is None:
            return 0.0
        if peer.probing:
            return PROBE_S
        return max(0.0, peer.down_until - self._clock())

    def _failed(self, peer: _Peer, cpo_id: str, *, probing: bool, hold_s: float) -> None:
        peer.failures += 1
        if peer.down_until is None and peer.failures < FAILURES:
            return
        first = peer.down_until is None
        if first or probing:
            peer.down_until = self._clock() + hold_s
        if first:
            self._changed(cpo_id, False)

    def _answered(self, peer: _Peer, cpo_id: str) -> None:
        was_down = peer.down_until is not None
        peer.failures, peer.down_until = 0, None
        if was_down:
            self._changed(cpo_id, True)


def retry_after_s(http: int, headers: Mapping[str, str]) -> float | None:
    """Return the pause that an answer asks for, within bounds; None: it asks for none.

    Retry-After is in seconds or a date (RFC 9110, 10.2.3); a date counts from the answer's own.
    """
    given = headers.get("Retry-After", "").strip()
    if http != 429 and not (http == 503 and given):
        return None
    shortest, longest = PAUSES_S
    wanted_s = _seconds(given, headers.get("Date", ""))
    return PAUSE_S if wanted_s is None else min(max(wanted_s, shortest), longest)


def _seconds(given: str, date: str) -> float | None:
    if given.isascii() and given.isdecimal():
        return float(given[:9])
    until = _moment(given)
    return (until - (_moment(date) or datetime.now(UTC))).total_seconds() if until else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
