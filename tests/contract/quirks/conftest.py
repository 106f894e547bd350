"""Both sides of the bridge: a CPO that calls it, and one that it calls."""

from __future__ import annotations

from tests.contract.emsp.conftest import memory_rig
from tests.contract.ocpi_client.conftest import fake, side

__all__ = ["fake", "memory_rig", "side"]
