"""bridge health: ask the bridge on this machine how it is; for container engines."""

from __future__ import annotations

import asyncio
from typing import Annotated

import aiohttp
import typer

from bridge.cli.context import ConfigOption, JsonOption, out, settings_of
from bridge.errors import BridgeError
from bridge.settings.model import Listen

TIMEOUT = aiohttp.ClientTimeout(total=4)

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that a server listens on and nobody can ask, and what to ask instead."""


class NotHealthy(BridgeError):
    """The bridge does not answer, or says that it cannot work."""


def health(
    live: Annotated[
        bool, typer.Option("--live", help="Whether it runs at all, whatever Redis does.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask the bridge that runs with this configuration whether it is ready; exit code 1 if not.

    Example: bridge health --live
    """
    settings = settings_of(config)
    base = address_of(settings.ops_listen or settings.listen)
    said = asyncio.run(asked(f"{base}/health/{'live' if live else 'ready'}"))
    out.print(said if as_json else "ok")


def address_of(listen: Listen) -> str:
    """Return where a bridge that listens there can be asked from its own machine."""
    host = EVERYWHERE.get(listen.host, listen.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{listen.port}"


async def asked(url: str) -> str:
    """Return the answer. Raises NotHealthy when there is none, or it is no 200."""
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http, http.get(url) as answer:
            said = await answer.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotHealthy(f"no answer from {url}: {error}") from error
    if answer.status != 200:
        raise NotHealthy(f"{url} answers {answer.status}: {said}")
    return said
