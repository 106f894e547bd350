"""The eMSP side with two CPOs registered, once in memory and once on Redis."""

from __future__ import annotations

import os
from typing import cast

import pytest
from pytest_aiohttp.plugin import AiohttpClient
from redis.asyncio import Redis

from bridge.flows.register import Overrides
from bridge.observability import Metrics
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.types import BusinessDetails, Role
from tests.contract.emsp.backends import Backend, MemoryBackend, RedisBackend
from tests.contract.emsp.rig import Rig, application, emsp_on, validator
from tests.contract.emsp.samples import (
    CPO,
    EMSP,
    ISSUER,
    NOW,
    OTHER_CPO,
    OTHER_PARTY,
    OTHER_TOKEN,
    PARTY,
    TOKEN,
)
from tests.fakes import RecordedPeers
from tests.reference import shared_path


@pytest.fixture(params=["memory", "redis"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Give the ports, empty."""
    if request.param == "memory":
        return MemoryBackend(EMSP, ISSUER)
    return RedisBackend(cast(Redis, request.getfixturevalue("redis")), EMSP, ISSUER)


@pytest.fixture
async def rig(backend: Backend, aiohttp_client: AiohttpClient) -> Rig:
    """Give the running eMSP side; CPO one is IN*ABC, CPO two IN*XYZ."""
    return await running(backend, aiohttp_client)


@pytest.fixture
async def memory_rig(aiohttp_client: AiohttpClient) -> Rig:
    """Give the same in memory, for tests that are about something else than the store."""
    return await running(MemoryBackend(EMSP, ISSUER), aiohttp_client)


async def running(backend: Backend, serve: AiohttpClient) -> Rig:
    """Start the eMSP side."""
    await registered(backend, CPO, TOKEN, PARTY)
    await registered(backend, OTHER_CPO, OTHER_TOKEN, OTHER_PARTY)
    peers, metrics = RecordedPeers(), Metrics()
    notices: list[str] = []
    pulls: list[tuple[str, ...]] = []
    wakes: list[None] = []
    overrides: dict[str, Overrides] = {}
    forgiven: list[Leniency] = []
    hubs: set[str] = set()
    emsp = emsp_on(
        backend,
        peers,
        notices=notices,
        pulls=pulls,
        wakes=wakes,
        overrides=overrides,
        forgiven=forgiven,
        hubs=hubs,
    )
    return Rig(
        client=await serve(application(emsp, metrics)),
        serve=serve,
        emsp=emsp,
        backend=backend,
        peers=peers,
        metrics=metrics,
        validate=validator(shared_path(os.environ)),
        notices=notices,
        pulls=pulls,
        wakes=wakes,
        overrides=overrides,
        forgiven=forgiven,
        hubs=hubs,
    )


async def registered(
    backend: Backend, cpo_id: str, token: str, party: Party, role: Role = Role.CPO
) -> None:
    """Register a CPO, or a hub, with one party."""
    own = CredentialsRole(
        role=role,
        business_details=BusinessDetails(name=cpo_id),
        party_id=party.party_id,
        country_code=party.country_code,
    )
    connection = Connection(cpo_id=cpo_id, token=f"out-{cpo_id}", roles=(own,), registered_at=NOW)
    assert await backend.connections.complete(connection, token) is None
