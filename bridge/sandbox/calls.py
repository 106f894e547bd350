"""How the sandbox calls the bridge."""

from __future__ import annotations

from typing import Final

import aiohttp

IDLE_S: Final = 2.0
"""How long a connection is kept that nothing goes over.

Shorter than the bridge's ``drain_grace_s``: a bridge that stops closes what is idle at the end of
it, and a request that is sent at that moment is lost.
"""

TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


def client() -> aiohttp.ClientSession:
    """Return a session for calls to the bridge; whoever asks for it closes it."""
    connector = aiohttp.TCPConnector(keepalive_timeout=IDLE_S)
    return aiohttp.ClientSession(connector=connector, timeout=TIMEOUT)
