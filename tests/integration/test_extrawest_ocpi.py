"""The PyPI package extrawest-ocpi as a CPO: another program's idea of OCPI, in its own process.

What it deviates in stands in ``LENIENCIES`` and ``FLAGS``; docs/ocpi-peers.md tells of each.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import pytest
from redis.asyncio import Redis

from bridge.flows.ports import Kind
from bridge.ocpi import codec
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.locations import Location, Status
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.sandbox.drive import book, find, is_final, state_of, update
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.store.objects import ObjectStore
from tests.e2e.rig import ROOT, Rig, cli, rig
from tests.peers.environment import NoPackageIndex, interpreter
from tests.valkey import free_port
from tests.waiting import until

T = TypeVar("T")

HERE = ROOT / "tests" / "peers" / "extrawest"
HOME = ROOT / ".venv-extrawest"
CPO = "extrawest"
PARTY = Party("IN", "EXW")
REQUEST = re.compile(r'"([A-Z]+ /\S*) HTTP/1\.1" (\d+)')
"""A line of its access log."""

TOKEN_A = "token-a-of-extrawest"
LAST_STATION = "LOC119"
"""It stands on the second page of its list."""

FLAGS = {"endpoint_slash": True}
"""It glues country code, party and id to our endpoints without a slash."""

LENIENCIES = {
    Leniency.ID_CASE,
    Leniency.LINK_EMPTY,
    Leniency.LINK_FOREIGN,
    Leniency.LINK_MISSING,
    Leniency.MESSAGE_ID_MISSING,
    Leniency.OBJECT_IN_LIST,
    Leniency.REQUIRED_MISSING,
}
"""What the bridge forgives it, over a whole walk-in."""

pytestmark = [
    pytest.mark.peer("extrawest-ocpi"),
    pytest.mark.skipif(
        sys.version_info >= (3, 13),
        reason="extrawest-ocpi pins a pydantic that ends at Python 3.12",
    ),
]


@dataclass
class Peer:
    """The CPO's process.

    Args:
        log: its access log: each request it got, with the status it answered.
    """

    url: str
    log: Path

    def calls(self) -> list[str]:
        """Return the requests it got, in order: method, path below the host, HTTP status."""
        said = REQUEST.findall(self.log.read_text())
        return [f"{request} {status}" for request, status in said]


@pytest.fixture(scope="session")
def python() -> Path:
    """Give the Python of the CPO's own environment, made at the first use."""
    try:
        return interpreter(HERE / "requirements.txt", HOME)
    except NoPackageIndex as error:
        pytest.skip(str(error))


@asynccontextmanager
async def running(python: Path, folder: Path) -> AsyncIterator[Peer]:
    """Run the CPO on a port of its own; end it afterwards."""
    host = f"127.0.0.1:{free_port()}"
    peer = Peer(f"http://{host}", folder / "extrawest.log")
    # The library reads whatever the environment has: it gets none of ours.
    its_settings = {
        "OCPI_HOST": host,
        "PROTOCOL": "http",
        "COUNTRY_CODE": PARTY.country_code,
        "PARTY_ID": PARTY.party_id,
        "TOKEN_A": TOKEN_A,
    }
    with peer.log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *(str(python), str(HERE / "cpo.py")),
            cwd=folder,
            stdout=out,
            stderr=out,
            env=its_settings,
        )

    async def answers() -> bool:
        assert process.returncode is None, peer.log.read_text()
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{peer.url}/ocpi/docs"):
                return True
        except aiohttp.ClientError:
            return False

    try:
        await until(answers, timeout_s=30)
        yield peer
    finally:
        if process.returncode is None:
            process.kill()  # it keeps nothing
        await process.wait()


def entry(peer: Peer) -> dict[str, Any]:
    """Return the CPO as an operator would configure it."""
    return {
        "id": CPO,
        "versions_url": f"{peer.url}/ocpi/versions",
        "token_a": TOKEN_A,
        "provider": {"id": "extrawest.example", "name": "Extrawest"},
        # It has commands and does not say so in its version details.
        "endpoints": {"commands": {"receiver": f"{peer.url}/ocpi/cpo/2.2.1/commands"}},
        "flags": FLAGS,
    }


async def leniencies(world: Rig) -> set[str]:
    """Return what was forgiven this CPO so far."""
    start = f'bridge_ocpi_leniency_total{{cpo="{CPO}",leniency="'
    metrics = await world.bridges[0].metrics()
    return {
        name.removeprefix(start).removesuffix('"}') for name in metrics if name.startswith(start)
    }


async def test_a_walk_in_at_extrawest_ocpi(
    python: Path, tmp_path: Path, redis_url: str, redis: Redis
) -> None:
    database = Database(redis)
    objects = ObjectStore(database, Lanes(database, "inbox"), retention_s=1000)

    async def stored(kind: Kind, object_id: str, type_: type[T]) -> T:
        return codec.decode(await objects.read(kind, PARTY, object_id) or b"", type_)

    async with (
        running(python, tmp_path) as peer,
        rig(tmp_path, redis_url, cpos=[entry(peer)]) as world,
    ):
        bridge, bap = world.bridges[0], world.bap

        # Registered, pulled to the last page, and then given a new token.
        code, out, err = await cli(bridge.config, "cpo", "status", "--json")
        assert (code, err) == (0, "")
        assert [row["registration"] for row in json.loads(out)] == ["REGISTERED"]

        async def everything() -> bool:
            asked = {urlsplit(call).path.rpartition("/2.2.1/")[2] for call in peer.calls()}
            last = await objects.read(Kind.LOCATION, PARTY, LAST_STATION)
            return asked >= {"locations/", "tariffs/", "sessions/", "cdrs/"} and last is not None

        await until(everything, timeout_s=30)
        assert (await cli(bridge.config, "cpo", "rotate", CPO))[0] == 0

        # START_SESSION, and what was pushed after it.
        transaction_id = str(uuid.uuid4())
        choice = await find(bap, transaction_id)
        order = (await book(bap, transaction_id, choice, "100"))["message"]["order"]
        started = await bap.ask("update", update(order, "start-charging"), transaction_id)
        assert state_of(started) == "ACTIVE"

        async def metered() -> bool:
            return (await stored(Kind.SESSION, "S-1", Session)).kwh == Decimal("1.5")

        await until(metered, timeout_s=30)
        at = await stored(Kind.LOCATION, "LOC000", Location)
        assert [evse.status for evse in at.evses] == [Status.CHARGING]
        asked = await bap.ask("status", {"order_id": order["id"]}, transaction_id)
        assert state_of(asked) == "ACTIVE"

        # STOP_SESSION, the end of the session, and its bill.
        stopped, _ = await bap.send("update", update(order, "end-charging"), transaction_id)
        assert state_of(await bap.answer_to(stopped)) == "COMPLETED"
        final = await bap.wait_for(is_final, within_s=30)
        assert Decimal(final["message"]["order"]["quote"]["price"]["value"]) == 54
        session = await stored(Kind.SESSION, "S-1", Session)
        assert (session.status, session.kwh) == (SessionStatus.COMPLETED, Decimal(3))
        cdr = await stored(Kind.CDR, "C-1", CDR)
        assert (cdr.session_id, cdr.total_cost.excl_vat) == (session.id, Decimal(54))
        assert cdr.authorization_reference == session.authorization_reference

        def token_withdrawn() -> bool:
            return any(call.startswith("PATCH /ocpi/cpo/2.2.1/tokens/") for call in peer.calls())

        await until(token_withdrawn, timeout_s=30)
        assert await leniencies(world) == LENIENCIES
        assert (await cli(bridge.config, "cpo", "unregister", CPO))[0] == 0
        calls = peer.calls()
        assert [call for call in calls if "/credentials" in call or "/commands" in call] == [
            "POST /ocpi/cpo/2.2.1/credentials/ 200",
            "PUT /ocpi/cpo/2.2.1/credentials/ 200",
            "POST /ocpi/cpo/2.2.1/commands/START_SESSION 200",
            "POST /ocpi/cpo/2.2.1/commands/STOP_SESSION 200",
            "DELETE /ocpi/cpo/2.2.1/credentials/ 200",
        ]
        assert [call for call in calls if not call.endswith(" 200")] == []
