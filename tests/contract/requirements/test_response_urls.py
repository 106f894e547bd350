"""Where a charge point's answer goes (OCPI 2.2.1 mod_commands, response_url), on the wire."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis
from yarl import URL

from bridge.clients.ocpi import OcpiClient
from bridge.clients.sender import CpoSender
from bridge.ocpi.commands import CommandType
from bridge.operator import Operator
from bridge.orders.plans import CommandPlan
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database
from tests.contract.ocpi_client.fake import FakeCpo, serving
from tests.contract.ocpi_client.side import OWN, connected
from tests.contract.requirements.scene import settings
from tests.factories import CPO_ID, PARTY
from tests.unit.flows.play import stopping

PUBLIC_URL = f"https://{'b' * 60}.bridge.example:8443/{'p' * 60}/behind/the/proxy/of/an/operator"
MAX_LENGTH = 255
TWENTY_TWO_LETTERS = re.compile(r"[A-Za-z0-9_-]{22,}")
"""At six bits a letter, 22 of them hold 128 bits."""


@pytest.fixture
async def cpo() -> AsyncIterator[FakeCpo]:
    """Give a CPO that accepts every command."""
    async with serving() as fake:
        for name in CommandType:
            answer = {"result": "ACCEPTED", "timeout": 30}
            fake.on_data("POST", f"/2.2.1/commands/{name}", answer)
        yield fake


@pytest.fixture
async def sender(cpo: FakeCpo, redis: Redis) -> AsyncIterator[CpoSender]:
    """Give what sends commands, put together as in a bridge with a long address."""
    connections = ConnectionStore(Database(redis), {})
    await connections.save(replace(connected(cpo, PARTY), cpo_id=CPO_ID))
    async with aiohttp.ClientSession() as http:
        client = OcpiClient(http, OWN, observe=lambda exchange: None)
        operator = Operator(settings(PUBLIC_URL))
        yield CpoSender(
            client=client,
            connections=connections,
            cpos=operator.cpos(),
            response_url=operator.response_url,
        )


async def plans(orders: int) -> list[CommandPlan]:
    """Return the START_SESSION and STOP_SESSION of so many orders."""
    return [plan for _ in range(orders) for plan in (await stopping()).commands]


@pytest.mark.requirement("O122")
async def test_every_command_is_answered_at_an_address_of_its_own(
    sender: CpoSender, cpo: FakeCpo
) -> None:
    for plan in await plans(10):
        await sender.command(plan)

    addresses = [URL(asked.json()["response_url"]) for asked in cpo.asked]
    assert len(addresses) == 20 == len({address.name for address in addresses})
    for address in addresses:
        assert (address.is_absolute(), address.scheme) == (True, "https")
        assert str(address).startswith(f"{PUBLIC_URL}/ocpi/2.2.1/commands/")
        assert len(str(address)) <= MAX_LENGTH
        assert TWENTY_TWO_LETTERS.fullmatch(address.name)


@pytest.mark.requirement("O122")
@pytest.mark.parametrize("type_", [CommandType.START_SESSION, CommandType.STOP_SESSION])
async def test_no_address_can_be_guessed_from_the_others(type_: CommandType) -> None:
    """An id that counts, or tells of its order, has letters that are the same in all of them."""
    ids = [plan.id for plan in await plans(20) if plan.type is type_]
    assert len(ids) == 20
    for letters in zip(*ids, strict=True):
        assert len(set(letters)) > len(ids) // 4
