"""bridge cpo register, rotate, unregister, sync, status: connections to CPOs, by hand."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from bridge.cli.context import (
    ConfigOption,
    JsonOption,
    out,
    say,
    settings_of,
    stores_open,
    table_of,
)
from bridge.cli.progress import pages_shown
from bridge.cli.status import cpo_glance
from bridge.clients.configuration import ConfigurationApi
from bridge.clients.ocpi import Exchange, OcpiClient
from bridge.clients.wire import cpo_session
from bridge.errors import BridgeError
from bridge.flows.unregister import unregister as unregister_at
from bridge.observability import Metrics
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ConnectionStatus
from bridge.ocpi.types import ModuleID
from bridge.operator import Operator
from bridge.settings import Settings
from bridge.store.connections import ENDED, Progress
from bridge.wiring import Stores, emsp_of, notice, observer, party_of, puller_of
from bridge.workers.asked import Asked
from bridge.workers.registration import RegistrationWorker
from bridge.workers.renewal import RenewalWorker
from bridge.workers.spare import Rush

app = typer.Typer(help="Connections to CPOs.", no_args_is_help=True)


def known_cpos(context: typer.Context, incomplete: str) -> list[str]:
    """Return what a shell may complete: ids of the configuration, as far as that can be read."""
    try:
        settings = settings_of(context.params.get("config"))
    except BridgeError:
        return []
    return [cpo.id for cpo in settings.cpos if cpo.id.startswith(incomplete)]


CpoId = Annotated[
    str,
    typer.Argument(help="id of the CPO, as in the configuration.", autocompletion=known_cpos),
]


class PulledModule(enum.StrEnum):
    """A list that can be pulled."""

    TARIFFS = "tariffs"
    LOCATIONS = "locations"
    SESSIONS = "sessions"
    CDRS = "cdrs"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one CPO."""

    id: str
    registration: str
    parties: str
    last_pull: str
    problem: str


class Desk(NamedTuple):
    """What the commands work with."""

    operator: Operator
    stores: Stores
    client: OcpiClient


@asynccontextmanager
async def desk_of(settings: Settings, *heard: Callable[[Exchange], None]) -> AsyncIterator[Desk]:
    """Give the stores and a client for CPOs, whose exchanges some want to hear of."""
    operator = Operator(settings)
    async with stores_open(settings) as stores, cpo_session(operator.cpo_guard()) as http:
        client = OcpiClient(
            http, party_of(settings), observe=observer(Metrics(), *heard), tls=operator.tls()
        )
        yield Desk(operator, stores, client)


def settings_with(config: Path | None, cpo_id: str | None) -> Settings:
    """Read the configuration. Raises BridgeError when it has no such CPO."""
    settings = settings_of(config)
    known = [cpo.id for cpo in settings.cpos]
    if cpo_id is not None and cpo_id not in known:
        raise BridgeError(f"no CPO {cpo_id!r} in the configuration; there are: {', '.join(known)}")
    return settings


@app.command()
def register(cpo_id: CpoId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Run the credentials handshake with a CPO now, also when it is registered.

    A running bridge must be reachable at public_url: the CPO calls it back meanwhile.

    Example: bridge cpo register cpo1
    """
    settings = settings_with(config, cpo_id)

    async def run() -> None:
        async with desk_of(settings) as desk:
            candidates = desk.operator.candidates()
            if cpo_id not in candidates:
                raise BridgeError(
                    f"{cpo_id} has no versions_url: it registers at the bridge with TOKEN_A"
                )
            worker = RegistrationWorker(
                client=desk.client,
                connections=desk.stores.connections,
                pulls=desk.stores.pulls,
                candidates=candidates,
                notice=notice,
            )
            state = await worker.register_once(cpo_id, force=True)
            if state.progress is not Progress.REGISTERED:
                raise BridgeError(state.reason or f"{cpo_id}: {state.progress}")

    asyncio.run(run())
    say(as_json, f"{cpo_id} is registered", cpo=cpo_id, registered=True)


@app.command()
def rotate(cpo_id: CpoId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Give a CPO a new token and ask it for one, now: somebody may have seen the old ones.

    A running bridge must be reachable at public_url: the CPO calls it back meanwhile.

    Example: bridge cpo rotate cpo1
    """
    settings = settings_with(config, cpo_id)

    async def run() -> None:
        async with desk_of(settings) as desk:
            if not (await desk.stores.connections.get(cpo_id)).registered:
                raise BridgeError(f"{cpo_id} is not registered; try: bridge cpo register {cpo_id}")
            worker = RenewalWorker(
                client=desk.client,
                connections=desk.stores.connections,
                pulls=desk.stores.pulls,
                rotations=desk.operator.rotations(),
                notice=notice,
            )
            state = await worker.renew_once(cpo_id, force=True)
            if state.progress is not Progress.REGISTERED or state.error:
                raise BridgeError(state.reason or f"{cpo_id}: {state.progress}")

    asyncio.run(run())
    say(as_json, f"{cpo_id} has a new token, and so have we", cpo=cpo_id, rotated=True)


@app.command()
def unregister(
    cpo_id: CpoId,
    config: ConfigOption = None,
    local: Annotated[
        bool, typer.Option("--local", help="Forget it here, whatever the CPO says.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """End the connection to a CPO: neither side calls the other any more.

    Example: bridge cpo unregister cpo1
    """
    settings = settings_with(config, cpo_id)

    async def run() -> None:
        async with desk_of(settings) as desk:
            connections = desk.stores.connections
            if local:
                await connections.end(cpo_id)
            else:
                cpo = desk.operator.cpos()[cpo_id]
                api = ConfigurationApi(desk.client, cpo)
                connection = await connections.get(cpo_id)
                await unregister_at(api, connections, connection, cpo.overrides)
            await connections.note(cpo_id, ENDED)

    asyncio.run(run())
    say(as_json, f"{cpo_id} is no longer registered", cpo=cpo_id, registered=False)


@app.command()
def sync(
    cpo_id: CpoId,
    config: ConfigOption = None,
    full: Annotated[bool, typer.Option("--full", help="Everything, not only changes.")] = False,
    module: Annotated[
        list[PulledModule] | None, typer.Option("--module", help="Only this list; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Pull a CPO's tariffs, locations, sessions and CDRs now.

    Example: bridge cpo sync cpo1 --full --module locations
    """
    settings = settings_with(config, cpo_id)
    modules = [ModuleID(each.value) for each in module or ()]

    async def run() -> bytes:
        with pages_shown(cpo_id) as heard:
            async with desk_of(settings, heard) as desk:
                asked, metrics = Asked(), Metrics()
                emsp = emsp_of(
                    settings,
                    desk.stores,
                    desk.operator,
                    desk.client,
                    # A running bridge looks at the lanes by itself, and pulls what it lacks.
                    wake=lambda: None,
                    asked=asked,
                    tolerated=desk.client.tolerated,
                )
                puller = puller_of(
                    desk.stores, desk.operator, desk.client, emsp, asked, metrics, Rush()
                )
                return msgspec.json.encode(await puller.pull_once(cpo_id, modules, full=full))

    report = asyncio.run(run())
    outcomes = msgspec.json.decode(report)["outcomes"]
    if as_json:
        out.print_json(report.decode())
    else:
        for outcome in outcomes:
            words = "  ".join(f"{name}={value}" for name, value in outcome.items() if value != "")
            out.print(words)
    failed = [outcome["error"] for outcome in outcomes if outcome.get("error")]
    if failed:
        raise BridgeError("; ".join(failed))


@app.command()
def status(
    cpo_id: Annotated[
        str | None, typer.Argument(help="Only this CPO.", autocompletion=known_cpos)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which CPOs are registered and when their lists were pulled.

    Example: bridge cpo status
    """
    settings = settings_with(config, cpo_id)

    async def run() -> list[Row]:
        async with desk_of(settings) as desk:
            wanted = [cpo.id for cpo in settings.cpos if cpo_id in (None, cpo.id)]
            return [await _row(desk.stores, each) for each in wanted]

    rows = asyncio.run(run())
    if as_json:
        out.print_json(msgspec.json.encode(rows).decode())
        return
    table = table_of(*Row.__struct_fields__)
    for row in rows:
        table.add_row(*msgspec.structs.astuple(row))
    out.print(table)


async def _row(stores: Stores, cpo_id: str) -> Row:
    seen, connection = await cpo_glance(stores, cpo_id), await stores.connections.get(cpo_id)
    return Row(
        id=cpo_id,
        registration=seen.registration,
        parties=", ".join(_shown(connection, party) for party in connection.parties()),
        last_pull=seen.pulled_at.isoformat(timespec="seconds") if seen.pulled_at else "never",
        problem=seen.problem,
    )


def _shown(connection: Connection, party: Party) -> str:
    """Return a party, with its status where the hub does not reach it."""
    status = connection.status_of(party)
    return str(party) if status is ConnectionStatus.CONNECTED else f"{party} ({status})"
