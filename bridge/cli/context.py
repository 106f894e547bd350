"""What the commands share: the configuration, a store to work on, the place to print."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from bridge.observability import configure_logging
from bridge.settings import Settings, load
from bridge.store import embedded
from bridge.store.connect import connect
from bridge.store.database import Database
from bridge.wiring import Stores, stores_of

out = Console(highlight=False, soft_wrap=True, markup=False)
"""Prints words as they are: brackets of ids and of peers' messages are no mark-up."""
if not out.is_terminal:
    # Where a program reads, a table at 80 columns would break ids that are searched for.
    out.width = max(out.width, 200)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file; else BRIDGE_CONFIG names it."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(as_json: bool, words: str, /, **facts: object) -> None:
    """Print what was done: words for people, or the facts for programs."""
    if as_json:
        out.print_json(msgspec.json.encode(facts).decode())
    else:
        out.print(words)


def table_of(*names: str) -> Table:
    """Return an empty table; what is too long for a column goes on below, and is never cut."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def settings_of(config: Path | None) -> Settings:
    """Read the configuration. Raises SettingsInvalid with every fault."""
    return load(config, os.environ)


@asynccontextmanager
async def redis_url_of(settings: Settings) -> AsyncIterator[str]:
    """Give the URL of the store; the embedded one runs for as long as somebody uses it."""
    url = settings.redis_url.get_secret_value()
    if url != "embedded":
        yield url
        return
    attached = await embedded.attach(settings.data_dir)
    try:
        yield attached
    finally:
        await embedded.release(settings.data_dir)


@asynccontextmanager
async def stores_open(settings: Settings) -> AsyncIterator[Stores]:
    """Give the stores; what they would log is left out but for errors."""
    configure_logging("error", settings.log.format)
    async with redis_url_of(settings) as url:
        stores = stores_of(settings, url)
        try:
            yield stores
        finally:
            await stores.database.redis.aclose()


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[Database]:
    """Give a connected database."""
    async with redis_url_of(settings) as url, connect(url, client_name="bridge-cli") as client:
        yield Database(client)
