"""What the commands share: the configuration, a store to work on, the place to print."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bridge.settings import Settings, load
from bridge.store import embedded
from bridge.store.connect import connect
from bridge.store.database import Database

out = Console(highlight=False, soft_wrap=True, markup=False)
"""Prints words as they are: brackets of ids and of peers' messages are no mark-up."""

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file; else BRIDGE_CONFIG names it."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
async def database_of(settings: Settings) -> AsyncIterator[Database]:
    """Give a connected database."""
    async with redis_url_of(settings) as url, connect(url, client_name="bridge-cli") as client:
        yield Database(client)
