"""The ports of a bridge: opened by itself, or handed over open by who started it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiohttp import web

from bridge.app import METRICS
from bridge.errors import BridgeError
from bridge.server.door import Door, Patience
from bridge.settings.model import Listen

DRAIN_S = 10
"""How long requests under way may take after SIGTERM."""

FIRST_FD: Final = 3
"""Where sd_listen_fds(3) puts the first socket."""


def handed_over(environ: Mapping[str, str], pid: int) -> socket.socket | None:
    """Return the listening socket that systemd, or who does as it does, has opened for us.

    It stays open when we end, and what comes meanwhile waits in it: a restart refuses nobody.
    """
    if environ.get("LISTEN_PID") != str(pid) or environ.get("LISTEN_FDS", "0") == "0":
        return None
    try:
        found = socket.socket(fileno=FIRST_FD)
    except OSError as error:
        raise BridgeError(f"LISTEN_FDS: no socket was handed over: {error.strerror}") from error
    found.set_inheritable(False)
    found.setblocking(False)
    return found


@contextlib.asynccontextmanager
async def listening(
    app: web.Application, at: Listen, patience: Patience, given: socket.socket | None = None
) -> AsyncIterator[None]:
    """Serve an application at an address while inside.

    Args:
        given: a socket that listens; then the address does not matter.

    Raises:
        BridgeError: somebody else has the port, or it is not ours to open.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_S)
    await runner.setup()
    try:
        try:
            await Door(runner, at.host, at.port, patience, app[METRICS], given).start()
        except OSError as error:
            raise BridgeError(f"cannot listen on {at.host}:{at.port}: {error.strerror}") from error
        yield
    finally:
        await runner.cleanup()
