"""Registers with every configured CPO, and tries again until it is done."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

from msgspec.structs import replace

from bridge.clients.configuration import HANDSHAKE_S, ConfigurationApi
from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import TIMEOUTS, OcpiClient, Timeouts
from bridge.errors import StoreUnavailable
from bridge.flows.failures import RegistrationFailed
from bridge.flows.register import Platform, new_token, register
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.store.connections import ENDED, ConnectionStore, Progress, RegistrationState
from bridge.store.pulls import Pulls
from bridge.workers.stopping import stop_if_cancelled

BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Pauses after failures, the last one for ever: a CPO may take days to activate a TOKEN_A."""

ELSEWHERE_S: Final = 1.0
"""How soon to look whether another replica is done."""

LOCK: Final = "registration"

Event = Literal[
    "cpo.registering",
    "cpo.registered",
    "cpo.registration_crashed",
    "cpo.registration_failed",
    "cpo.token_spent",
    "store.unavailable",
]
"""What the worker tells: a registration began, ended well or badly, or waits for an operator."""


class Notice(Protocol):
    """Logs an event of a CPO and counts it."""

    def __call__(self, event: Event, *, cpo_id: str, **fields: object) -> None:
        """Take note; never a token among the fields."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A CPO to register with.

    Args:
        own_versions_url: our versions endpoint as this CPO reaches it.
        own_roles: who we are.
    """

    platform: Platform
    own_versions_url: str
    own_roles: tuple[CredentialsRole, ...]
    timeouts: Timeouts = TIMEOUTS
    flags: Flags = NO_FLAGS


def _now() -> datetime:
    return datetime.now(UTC)


class RegistrationWorker:
    """Runs the handshake, one replica at a time, until each CPO is registered.

    Args:
        registered: told once for each CPO whose connection stands, whoever made it.
        backoff_s: pauses after the first failure, the second and so on.
        jitter: factor on every pause, so that replicas and restarts spread.
    """

    def __init__(
        self,
        *,
        client: OcpiClient,
        connections: ConnectionStore,
        pulls: Pulls,
        candidates: Mapping[str, Candidate],
        notice: Notice,
        registered: Callable[[str], None] = lambda cpo_id: None,
        now: Callable[[], datetime] = _now,
        backoff_s: Sequence[float] = BACKOFF_S,
        jitter: Callable[[], float] = lambda: random.uniform(1.0, 1.2),
    ) -> None:
        self._client = client
        self._connections = connections
        self._pulls = pulls
        self._candidates = candidates
        self._notice = notice
        self._registered = registered
        self._now = now
        self._started = now()
        self._backoff_s = backoff_s
        self._jitter = jitter

    async def run(self) -> None:
        """Return when every CPO is registered or waits for an operator; or be cancelled."""
        async with asyncio.TaskGroup() as group:
            for cpo_id in self._candidates:
                group.create_task(self._until_done(cpo_id), name=f"register {cpo_id}")

    async def register_once(self, cpo_id: str, *, force: bool = False) -> RegistrationState:
        """Run one handshake, unless there is nothing to do; return how it stands then.

        Args:
            force: also when registered, or when TOKEN_A was used before: an operator's wish.

        Raises:
            StoreUnavailable
        """
        if not force and (done := await self._done(cpo_id)):
            return done
        candidate = self._candidates[cpo_id]
        # Two GETs and the POST, with room for Redis between them.
        longest_s = 2 * candidate.timeouts.total_s + max(candidate.timeouts.total_s, HANDSHAKE_S)
        lease = await self._pulls.take(cpo_id, LOCK, longest_s + 30)
        if lease is None:
            return RegistrationState(progress=Progress.RUNNING, at=self._now())
        try:
            # Another replica may have done it while we came for the lock.
            if not force and (done := await self._done(cpo_id)):
                return done
            return await self._handshake(candidate)
        finally:
            await self._pulls.release(lease)

    async def _done(self, cpo_id: str) -> RegistrationState | None:
        """Return the state of a CPO that nothing is to be done for by ourselves."""
        if (await self._connections.get(cpo_id)).registered:
            return RegistrationState(progress=Progress.REGISTERED, at=self._now())
        if await self._connections.spent(cpo_id):
            return replace(ENDED, at=self._now())
        return None

    async def _handshake(self, candidate: Candidate) -> RegistrationState:
        cpo_id = candidate.platform.cpo_id
        tries = (await self._connections.state(cpo_id)).tries + 1
        self._notice("cpo.registering", cpo_id=cpo_id, tries=tries)
        own = Credentials(
            token=new_token(),
            url=candidate.own_versions_url,
            roles=candidate.own_roles,
        )
        cpo = Cpo(id=cpo_id, timeouts=candidate.timeouts, flags=candidate.flags)
        api = ConfigurationApi(self._client, cpo)
        try:
            connection = await register(
                api, self._connections, candidate.platform, own, now=self._now()
            )
        except RegistrationFailed as error:
            state = self._failed(error, tries)
        else:
            state = RegistrationState(progress=Progress.REGISTERED, at=self._now())
            parties = [str(party) for party in connection.parties()]
            self._notice("cpo.registered", cpo_id=cpo_id, parties=parties)
        await self._connections.note(cpo_id, state)
        return state

    def _failed(self, error: RegistrationFailed, tries: int) -> RegistrationState:
        name = type(error).__name__
        self._notice(
            "cpo.registration_failed",
            cpo_id=error.cpo_id,
            error=name,
            reason=str(error),
            tries=tries,
        )
        pause_s = self._backoff_s[min(tries, len(self._backoff_s)) - 1]
        return RegistrationState(
            progress=Progress.FAILED,
            at=self._now(),
            tries=tries,
            error=name,
            reason=str(error),
            retry_at=self._now() + timedelta(seconds=pause_s),
        )

    def _postponed(self, state: RegistrationState) -> bool:
        """Whether a replica failed just now; what failed before we started may have been mended."""
        return (
            state.at is not None
            and state.retry_at is not None
            and state.at >= self._started
            and state.retry_at > self._now()
        )

    async def _until_done(self, cpo_id: str) -> None:
        while True:
            pause_s = await self._turn(cpo_id)
            if pause_s is None:
                return
            stop_if_cancelled()
            await asyncio.sleep(pause_s * self._jitter())

    async def _turn(self, cpo_id: str) -> float | None:
        """Try once; return how long to wait, None when there is nothing more to do."""
        try:
            state = await self._connections.state(cpo_id)
            if not self._postponed(state):
                state = await self.register_once(cpo_id)
        except StoreUnavailable as error:
            self._notice("store.unavailable", cpo_id=cpo_id, error=str(error))
            return ELSEWHERE_S
        except Exception:
            # The worker loop must outlive any fault; the other CPOs' registrations do not wait.
            self._notice("cpo.registration_crashed", cpo_id=cpo_id, exc_info=True)
            return self._backoff_s[-1]
        match state.progress:
            case Progress.REGISTERED:
                self._registered(cpo_id)
                return None
            case Progress.SPENT:
                self._notice("cpo.token_spent", cpo_id=cpo_id, reason=state.reason)
                return None
            case _ if state.retry_at is None:
                return ELSEWHERE_S
            case _:
                return max(0.0, (state.retry_at - self._now()).total_seconds())
