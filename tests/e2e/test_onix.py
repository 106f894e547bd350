"""Behind beckn-onix: a walk-in, refusals that pass through, and a BAP that is away."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import Driver, is_final, walk_in
from tests.e2e.rig import Rig, rig
from tests.onix import Onix
from tests.redis_source import empty

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def onix(
    tmp_path_factory: pytest.TempPathFactory, redis_server: str
) -> AsyncIterator[tuple[Onix, Rig]]:
    """Give a bridge behind beckn-onix."""
    adapter = Onix()
    async with rig(tmp_path_factory.mktemp("onix"), redis_server, adapter=adapter) as world:
        yield adapter, world
    await empty(redis_server)


def charged(final: Message) -> Decimal:
    return Decimal(final["message"]["order"]["quote"]["price"]["value"])


async def test_a_walk_in_behind_onix(onix: tuple[Onix, Rig]) -> None:
    adapter, world = onix

    assert charged(await walk_in(world.bap)) == Decimal("76.60")

    assert set(adapter.statuses) == {200}
    assert {status for status, _ in adapter.callbacks} == {200}


async def test_a_refusal_goes_through_onix_as_it_is(onix: tuple[Onix, Rig]) -> None:
    adapter, world = onix
    context = {**world.bap.context("status", str(uuid.uuid4())), "bap_id": ""}

    status, answer = await world.bap.post("/beckn/status", {"context": context, "message": {}})

    assert (status, adapter.statuses[-1]) == (400, 400)
    assert answer["error"]["paths"] == "context.bap_id"


async def test_behind_onix_an_empty_502_is_tried_again(onix: tuple[Onix, Rig]) -> None:
    adapter, world = onix

    def failed() -> list[Message]:
        return [message for status, message in adapter.callbacks if status == 502]

    adapter.away = lambda message: is_final(message) and len(failed()) < 2
    driver = Driver(world.bap)
    await driver.books()

    final = await driver.charges()

    assert [m["context"]["message_id"] for m in failed()] == [final["context"]["message_id"]] * 2
