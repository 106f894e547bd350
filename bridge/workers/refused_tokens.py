"""Writes down which CPOs refuse our token, so that ``bridge cpo status`` can say so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

from bridge.errors import StoreUnavailable
from bridge.flows.failures import TokenRefused
from bridge.store.connections import ConnectionStore, Progress, RegistrationState
from bridge.workers.stopping import stop_if_cancelled

PAUSE_S: Final = 1.0
"""Pause while Redis does not answer."""

Event = Literal["connection.token_refused", "store.unavailable"]
"""What is told of them."""


class Notice(Protocol):
    """Logs an event of a CPO and counts it."""

    def __call__(self, event: Event, *, cpo_id: str, **fields: object) -> None:
        """Take note; never a token among the fields."""
        ...


class RefusedTokens:
    """Takes news of any call at once, and brings it to Redis in its own time."""

    def __init__(
        self,
        connections: ConnectionStore,
        notice: Notice,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause_s: float = PAUSE_S,
    ) -> None:
        self._connections = connections
        self._notice = notice
        self._now = now
        self._pause_s = pause_s
        self._news: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    def tell(self, cpo_id: str, refused: bool) -> None:
        """Say that a CPO has begun, or ceased, to refuse our token."""
        self._news.put_nowait((cpo_id, refused))

    async def run(self) -> None:
        """Write down what is told, until cancelled."""
        while True:
            cpo_id, refused = await self._news.get()
            failure = TokenRefused(cpo_id, "it refuses our token, call after call")
            if refused:
                self._notice("connection.token_refused", cpo_id=cpo_id, reason=str(failure))
            while not await self._written(cpo_id, failure if refused else None):
                stop_if_cancelled()
                await asyncio.sleep(self._pause_s)
            stop_if_cancelled()

    async def _written(self, cpo_id: str, failure: TokenRefused | None) -> bool:
        try:
            state = await self._connections.state(cpo_id)
            if failure is not None:
                refused = RegistrationState(
                    progress=Progress.REFUSED,
                    at=self._now(),
                    error=type(failure).__name__,
                    reason=str(failure),
                )
                await self._connections.note(cpo_id, refused)
            elif state.progress is Progress.REFUSED:
                good = RegistrationState(progress=Progress.REGISTERED, at=self._now())
                await self._connections.note(cpo_id, good)
        except StoreUnavailable as error:
            self._notice("store.unavailable", cpo_id=cpo_id, error=str(error))
            return False
        return True
