"""bridge serve: run until SIGTERM or SIGINT, then drain; SIGHUP reads the commercial terms."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from bridge.app import COMMERCIAL, DRAIN, LISTENING, OPERATIONS, create_app
from bridge.cli.context import ConfigOption, redis_url_of, settings_of
from bridge.cli.ports import handed_over, listening
from bridge.network import quiet_behind
from bridge.observability import configure_logging, get_logger
from bridge.server.door import Patience
from bridge.server.unreadable import tell_unreadable
from bridge.settings import Settings

log = get_logger()

GARBAGE: Final = (50_000, 20, 100)
"""Thresholds of Python's garbage collector: it looks for cycles, and ours are few."""


def serve(
    config: ConfigOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the log as JSON, whatever log.format says.")
    ] = False,
) -> None:
    """Run the bridge.

    Example: bridge serve --config config/bridge.example.yaml
    """
    # A catalogue is a million objects that stay: looking through them took a quarter of a pull.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    settings = settings_of(config)
    configure_logging(settings.log.level, "json" if as_json else settings.log.format)
    tell_unreadable()
    uvloop.run(run(settings, config))


async def run(settings: Settings, config: Path | None) -> None:
    """Serve until told to stop; the embedded store is left to whoever still uses it.

    The port closes last: protocol-server dies of a refused connection, and a load balancer needs a
    while to see that this replica is not ready any more.
    """
    loop = asyncio.get_running_loop()
    stop = Stop()
    loop.add_signal_handler(signal.SIGTERM, stop.tell)
    loop.add_signal_handler(signal.SIGINT, stop.tell_at_once)
    async with redis_url_of(settings) as redis_url:
        app = create_app(settings, redis_url)
        loop.add_signal_handler(signal.SIGHUP, app[COMMERCIAL].reload_soon)
        async with contextlib.AsyncExitStack() as ports:
            # Opened first and closed last: while the bridge drains somebody may look at it.
            limits = settings.limits
            patience = Patience(limits.max_connections, limits.head_s, quiet_behind(settings))
            if settings.ops_listen is not None:
                at = settings.ops_listen
                await ports.enter_async_context(listening(app[OPERATIONS], at, patience))
            given = handed_over(os.environ, os.getpid())
            await ports.enter_async_context(listening(app, settings.listen, patience, given))
            app[LISTENING].set()
            log.info("bridge.started", url=settings.public_url, config=str(config or ""))
            await stop.told.wait()
            log.info("bridge.stopping")
            app[DRAIN].begin()
            await stop.grace(settings.drain_grace_s)
            await app[DRAIN].work_ends()
    log.info("bridge.stopped")


class Stop:
    """What the process was told: to go, or to go at once."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self._at_once = asyncio.Event()

    def tell(self) -> None:
        """Say that the process shall go; a second time: at once."""
        if self.told.is_set():
            self._at_once.set()
        self.told.set()

    def tell_at_once(self) -> None:
        """Say that nobody else takes over: there is nothing to wait for."""
        self._at_once.set()
        self.told.set()

    async def grace(self, grace_s: float) -> None:
        """Leave others time to turn elsewhere."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._at_once.wait()
