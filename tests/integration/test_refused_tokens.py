"""A dead token, from the third refused call to what ``bridge cpo status`` shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.ocpi.connection import Connection
from bridge.store.connections import (
    ENDED,
    ConnectionStore,
    Progress,
    RegistrationState,
    standing_of,
)
from bridge.store.database import Database
from bridge.workers.refused_tokens import Event, RefusedTokens
from tests.clock import Clock
from tests.integration.test_connections import REGISTERED
from tests.waiting import until


class Failing(ConnectionStore):
    """Connections that do not answer as often as told."""

    faults = 0

    async def state(self, cpo_id: str) -> RegistrationState:
        if self.faults:
            self.faults -= 1
            raise StoreUnavailable("away")
        return await super().state(cpo_id)


class Desk:
    """The worker with its store."""

    def __init__(self, redis: Redis) -> None:
        self.clock = Clock()
        self.store = Failing(Database(redis), {"cpo1": "token-a"})
        self.events: list[tuple[Event, str]] = []
        self.worker = RefusedTokens(self.store, self.notice, now=self.clock.now, pause_s=0.01)

    def notice(self, event: Event, *, cpo_id: str, **fields: object) -> None:
        self.events.append((event, f"{cpo_id} {fields}"))

    async def standing(self, **changes: object) -> RegistrationState:
        """Return what the command line shows of the connection."""
        connection = replace(await self.store.get("cpo1"), **changes)
        state = await self.store.state("cpo1")
        return standing_of(connection, state, spent=await self.store.spent("cpo1"))


@pytest.fixture
async def desk(redis: Redis) -> AsyncIterator[Desk]:
    """Give a running worker and a registered CPO."""
    desk = Desk(redis)
    await desk.store.complete(replace(REGISTERED, registered_at=desk.clock.now()), "token-b")
    running = asyncio.create_task(desk.worker.run())
    yield desk
    running.cancel()
    await asyncio.wait([running])


async def shows(desk: Desk, progress: Progress) -> None:
    async def shown() -> bool:
        return (await desk.standing()).progress is progress

    await until(shown)


async def test_a_refusal_is_told_once_and_shown_until_it_ends(desk: Desk) -> None:
    desk.clock.forward(60)
    desk.worker.tell("cpo1", True)
    await shows(desk, Progress.REFUSED)

    (event,) = desk.events
    assert event[0] == "connection.token_refused"
    assert "bridge cpo register" in event[1]
    standing = await desk.standing()
    assert standing.error == "TokenRefused"
    assert "bridge cpo register" in standing.reason

    desk.worker.tell("cpo1", False)
    await shows(desk, Progress.REGISTERED)
    assert (await desk.standing()).reason == ""
    assert len(desk.events) == 1


async def test_new_tokens_end_it_too(desk: Desk) -> None:
    desk.clock.forward(60)
    desk.worker.tell("cpo1", True)
    await shows(desk, Progress.REFUSED)

    later = desk.clock.now() + timedelta(seconds=1)
    assert (await desk.standing(renewed_at=later)).progress is Progress.REGISTERED


async def test_a_good_call_leaves_other_words_alone(desk: Desk) -> None:
    failed = RegistrationState(progress=Progress.REGISTERED, error="RenewalUnknown", reason="why")
    await desk.store.note("cpo1", failed)
    desk.worker.tell("cpo1", False)
    desk.worker.tell("cpo2", True)
    await until(lambda: len(desk.events) == 1)

    assert await desk.store.state("cpo1") == failed


async def test_it_waits_for_redis(desk: Desk) -> None:
    desk.clock.forward(60)
    desk.store.faults = 2
    desk.worker.tell("cpo1", True)
    await until(lambda: len(desk.events) == 3)
    await shows(desk, Progress.REFUSED)

    assert [event for event, _ in desk.events] == [
        "connection.token_refused",
        "store.unavailable",
        "store.unavailable",
    ]


NOBODY = Connection(cpo_id="cpo1")
FAILED = RegistrationState(progress=Progress.FAILED, reason="why")


@pytest.mark.parametrize(
    ("state", "spent", "shown"),
    [
        (RegistrationState(), False, RegistrationState()),
        (FAILED, False, FAILED),
        (FAILED, True, replace(FAILED, progress=Progress.SPENT)),
        (RegistrationState(progress=Progress.REGISTERED), True, ENDED),
        (RegistrationState(progress=Progress.REFUSED, reason="old"), True, ENDED),
        (RegistrationState(progress=Progress.REGISTERED), False, RegistrationState()),
    ],
)
def test_how_a_connection_stands_that_is_none(
    state: RegistrationState, spent: bool, shown: RegistrationState
) -> None:
    assert standing_of(NOBODY, state, spent=spent) == shown


def test_a_renewal_that_failed_is_shown_with_the_connection() -> None:
    lost = RegistrationState(
        progress=Progress.REGISTERED, at=REGISTERED.registered_at, error="RenewalUnknown"
    )
    assert standing_of(REGISTERED, lost, spent=True) == lost


def test_what_failed_before_somebody_registered_is_over() -> None:
    shown = standing_of(REGISTERED, FAILED, spent=True)
    assert shown == RegistrationState(progress=Progress.REGISTERED)
