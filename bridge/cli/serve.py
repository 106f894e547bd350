"""bridge serve: run until SIGTERM or SIGINT, then drain; SIGHUP reads the commercial terms."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path
from typing import Final

import uvloop
from aiohttp import web

from bridge.app import COMMERCIAL, LISTENING, create_app
from bridge.cli.context import ConfigOption, redis_url_of, settings_of
from bridge.errors import BridgeError
from bridge.observability import configure_logging, get_logger
from bridge.server.unreadable import tell_unreadable
from bridge.settings import Settings

log = get_logger()

DRAIN_S = 10
"""How long requests under way may take after SIGTERM."""


GARBAGE: Final = (50_000, 20, 100)
"""Thresholds of Python's garbage collector: it looks for cycles, and ours are few."""


def serve(config: ConfigOption = None) -> None:
    """Run the bridge.

    Example: bridge serve --config config/bridge.example.yaml
    """
    # A catalogue is a million objects that stay: looking through them took a quarter of a pull.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    settings = settings_of(config)
    configure_logging(settings.log.level, settings.log.format)
    tell_unreadable()
    uvloop.run(run(settings, config))


async def run(settings: Settings, config: Path | None) -> None:
    """Serve until told to stop; the embedded store is left to whoever still uses it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with redis_url_of(settings) as redis_url:
        app = create_app(settings, redis_url)
        loop.add_signal_handler(signal.SIGHUP, app[COMMERCIAL].reload_soon)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_S)
        await runner.setup()
        try:
            await listen(runner, settings.listen.host, settings.listen.port)
            app[LISTENING].set()
            log.info("bridge.started", url=settings.public_url, config=str(config or ""))
            await stop.wait()
            log.info("bridge.stopping")
        finally:
            await runner.cleanup()
    log.info("bridge.stopped")


async def listen(runner: web.AppRunner, host: str, port: int) -> None:
    """Open the port. Raises BridgeError when somebody else has it, or it is not ours to open."""
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise BridgeError(f"cannot listen on {host}:{port}: {error.strerror}") from error
