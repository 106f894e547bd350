"""Renews the tokens of registered CPOs before they are too old, and at once when asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

from bridge.clients.configuration import HANDSHAKE_S, ConfigurationApi
from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient
from bridge.errors import StoreUnavailable
from bridge.flows.failures import RegistrationFailed, TokenRefused
from bridge.flows.register import new_token
from bridge.flows.renew import renew
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.store.connections import ConnectionStore, Progress, RegistrationState
from bridge.store.pulls import Pulls
from bridge.workers.registration import LOCK
from bridge.workers.stopping import stop_if_cancelled

LOOK_S: Final = 3600.0
"""How often to look whether tokens are old enough."""

AGAIN_S: Final = 86_400.0
"""Pause after a renewal that came to nothing: most reasons need a person."""

STORE_PAUSE_S: Final = 1.0
"""Pause while Redis does not answer."""

EARLY: Final = (0.9, 1.0)
"""Tokens are renewed somewhere in this last part of their time, not all on one day."""

Event = Literal["cpo.renewed", "cpo.renewal_crashed", "cpo.renewal_failed", "store.unavailable"]
"""What the worker tells."""


class Notice(Protocol):
    """Logs an event of a CPO and counts it."""

    def __call__(self, event: Event, *, cpo_id: str, **fields: object) -> None:
        """Take note; never a token among the fields."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A CPO whose tokens are renewed.

    Args:
        versions_url: of the configuration; None = what its credentials said.
        own_versions_url: our versions endpoint as this CPO reaches it.
        own_roles: who we are.
        every: how old tokens may get; None = as old as they like.
    """

    cpo: Cpo
    versions_url: str | None
    own_versions_url: str
    own_roles: tuple[CredentialsRole, ...]
    every: timedelta | None


class RenewalWorker:
    """Keeps the tokens of every registered CPO young, one replica at a time.

    Args:
        early: share of ``every`` after which tokens are old, drawn once for each CPO.
    """

    def __init__(
        self,
        *,
        client: OcpiClient,
        connections: ConnectionStore,
        pulls: Pulls,
        rotations: Mapping[str, Rotation],
        notice: Notice,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        look_s: float = LOOK_S,
        early: Callable[[], float] = lambda: random.uniform(*EARLY),
    ) -> None:
        self._client = client
        self._connections = connections
        self._pulls = pulls
        self._rotations = rotations
        self._notice = notice
        self._now = now
        self._look_s = look_s
        self._early = {cpo_id: early() for cpo_id in rotations}

    async def run(self) -> None:
        """Look after each CPO by itself, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cpo_id in self._rotations:
                group.create_task(self._keep(cpo_id), name=f"renew {cpo_id}")

    async def renew_once(self, cpo_id: str, *, force: bool = False) -> RegistrationState:
        """Renew the tokens of a CPO, if they are old; return how the connection stands then.

        Args:
            force: however young they are: somebody may have seen one.

        Raises:
            StoreUnavailable
        """
        rotation = self._rotations[cpo_id]
        total_s = rotation.cpo.timeouts.total_s
        # Two GETs and the PUT, with room for Redis between them.
        lease = await self._pulls.take(cpo_id, LOCK, 2 * total_s + max(total_s, HANDSHAKE_S) + 30)
        if lease is None:
            return RegistrationState(progress=Progress.RUNNING, at=self._now())
        try:
            connection = await self._connections.get(cpo_id)
            state = await self._connections.state(cpo_id)
            if not connection.registered or not (force or self._due(rotation, connection, state)):
                return state
            return await self._renew(rotation, connection, state.tries + 1)
        finally:
            await self._pulls.release(lease)

    async def _keep(self, cpo_id: str) -> None:
        while True:
            pause_s = await self._turn(cpo_id)
            stop_if_cancelled()
            await asyncio.sleep(pause_s)

    async def _turn(self, cpo_id: str) -> float:
        """Renew what is due; return how long to wait for the next look."""
        try:
            await self._connections.reseal(cpo_id)
            connection = await self._connections.get(cpo_id)
            state = await self._connections.state(cpo_id)
            if self._due(self._rotations[cpo_id], connection, state):
                await self.renew_once(cpo_id)
        except StoreUnavailable as error:
            self._notice("store.unavailable", cpo_id=cpo_id, error=str(error))
            return min(STORE_PAUSE_S, self._look_s)
        except Exception:
            # The worker loop must outlive any fault; the other CPOs' tokens do not wait.
            self._notice("cpo.renewal_crashed", cpo_id=cpo_id, exc_info=True)
        return self._look_s

    def _due(self, rotation: Rotation, connection: Connection, state: RegistrationState) -> bool:
        """Whether the tokens are old, and no attempt failed just now."""
        since, now = connection.tokens_since, self._now()
        if rotation.every is None or since is None or not connection.registered:
            return False
        due_at = since + rotation.every * self._early[rotation.cpo.id]
        return now >= due_at and (state.retry_at is None or now >= state.retry_at)

    async def _renew(
        self, rotation: Rotation, connection: Connection, tries: int
    ) -> RegistrationState:
        cpo_id = rotation.cpo.id
        own = Credentials(
            token=new_token(),
            url=rotation.own_versions_url,
            roles=rotation.own_roles,
        )
        try:
            renewed = await renew(
                ConfigurationApi(self._client, rotation.cpo),
                self._connections,
                connection,
                own,
                versions_url=rotation.versions_url or connection.versions_url or "",
                overrides=rotation.cpo.overrides,
                now=self._now(),
            )
        except RegistrationFailed as error:
            state = self._failed(error, tries)
        else:
            problem = renewed.problem
            state = RegistrationState(
                progress=Progress.REGISTERED,
                at=self._now(),
                error="" if problem is None else type(problem).__name__,
                reason="" if problem is None else str(problem),
            )
            parties = [str(party) for party in renewed.connection.parties()]
            self._notice("cpo.renewed", cpo_id=cpo_id, parties=parties, problem=state.reason)
        await self._connections.note(cpo_id, state)
        return state

    def _failed(self, error: RegistrationFailed, tries: int) -> RegistrationState:
        name = type(error).__name__
        self._notice(
            "cpo.renewal_failed", cpo_id=error.cpo_id, error=name, reason=str(error), tries=tries
        )
        refused = isinstance(error, TokenRefused)
        return RegistrationState(
            progress=Progress.REFUSED if refused else Progress.REGISTERED,
            at=self._now(),
            tries=tries,
            error=name,
            reason=str(error),
            retry_at=self._now() + timedelta(seconds=AGAIN_S),
        )
