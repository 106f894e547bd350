"""bridge sandbox cpo|bap: a CPO and a BAP to try the bridge with, each by itself."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console

from bridge.sandbox.alone import Crowd, serve
from bridge.sandbox.bap import SandboxBap
from bridge.sandbox.cpo import Behaviour, SandboxCpo
from bridge.sandbox.drive import GPS
from bridge.sandbox.timeline import Timeline

app = typer.Typer(help="A CPO and a BAP for trials, each by itself.", no_args_is_help=True)

HostOption = Annotated[str, typer.Option("--host", help="Where it listens.")]


@app.command()
def cpo(
    url: Annotated[str, typer.Option("--url", help="Its own address, as the bridge reaches it.")],
    token_a: Annotated[str, typer.Option("--token-a", help="What the bridge registers with.")],
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option("--port")] = 9101,
    more_evses: Annotated[
        int, typer.Option("--more-evses", min=0, help="EVSEs besides those of three stations.")
    ] = 0,
    session_s: Annotated[
        float, typer.Option("--session-s", min=0, help="How long a vehicle takes to be full.")
    ] = 8.0,
) -> None:
    """Run a CPO that speaks OCPI 2.2.1; it forgets everything when it ends.

    Example: bridge sandbox cpo --url http://127.0.0.1:9101 --token-a secret
    """
    behaviour = Behaviour(delivers_kwh=Decimal("3.7"), steps=4, step_s=session_s / 4)
    timeline = Timeline(Console(highlight=False, soft_wrap=True))
    sandbox = SandboxCpo(
        token_a,
        page_size=50,
        more_evses=more_evses,
        behaviour=behaviour,
        seen=timeline.ocpi,
        url=url.rstrip("/"),
    )
    asyncio.run(serve(sandbox.app(), host, port))


@app.command()
def bap(
    url: Annotated[str, typer.Option("--url", help="Its own address, as the bridge reaches it.")],
    bridge: Annotated[str, typer.Option("--bridge", help="Address of the bridge.")],
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option("--port")] = 5301,
    gps: Annotated[
        str, typer.Option("--gps", help="Where its drivers are: latitude,longitude.")
    ] = GPS,
) -> None:
    """Run a BAP that speaks Beckn 1.1.0; POST /walk-in has a driver charge, and gives the bill.

    Example: bridge sandbox bap --url http://127.0.0.1:5301 --bridge http://127.0.0.1:8080
    """
    timeline = Timeline(Console(highlight=False, soft_wrap=True))
    sandbox = SandboxBap(bridge.rstrip("/"), seen=timeline.beckn, url=url.rstrip("/"))
    application = sandbox.app(Crowd(sandbox, gps).routes())
    asyncio.run(serve(application, host, port))
