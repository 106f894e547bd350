"""What tests may call: their own servers, on loopback."""

from __future__ import annotations

from typing import Final

from bridge.clients.guard import Guard

LOCAL: Final = Guard(allow_loopback=True, tls=False)
