"""A CPO to talk to, and the bridge's client with everything it told its observer."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import Exchange, OcpiClient
from bridge.clients.traffic import Traffic
from bridge.clients.wire import cpo_session
from bridge.ocpi.leniency import Met
from tests.contract.ocpi_client.fake import FakeCpo, serving
from tests.contract.ocpi_client.side import OWN, QUICK, Side, Validate, connected
from tests.guards import LOCAL


@pytest.fixture(scope="session")
def validate(shared: Path) -> Validate:
    """Give the strict checker of OCPI 2.2.1 that stands beside the project."""
    path = shared / "tools" / "ocpi_validate.py"
    spec = importlib.util.spec_from_file_location("ocpi_validate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Validate, module.validate)


@pytest.fixture
async def fake() -> AsyncIterator[FakeCpo]:
    """Give a CPO that listens."""
    async with serving() as fake:
        yield fake


@pytest.fixture
async def side(fake: FakeCpo) -> AsyncIterator[Side]:
    """Give a client that is registered with the CPO and reads at most 64 KiB."""
    exchanges: list[Exchange] = []
    forgiven: list[tuple[str, Met]] = []

    def tolerated(cpo_id: str, met: Met) -> None:
        forgiven.append((cpo_id, met))

    clock, slept = [0.0], list[float]()

    async def sleep(pause_s: float) -> None:
        slept.append(pause_s)
        clock[0] += pause_s

    async with cpo_session(LOCAL) as http:
        yield Side(
            client=OcpiClient(
                http,
                OWN,
                observe=exchanges.append,
                limit_bytes=65_536,
                tolerated=tolerated,
                traffic=Traffic(clock=lambda: clock[0], sleep=sleep),
            ),
            cpo=Cpo(id="cpo1", timeouts=QUICK),
            connection=connected(fake),
            exchanges=exchanges,
            forgiven=forgiven,
            slept=slept,
        )
