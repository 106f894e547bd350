"""The CPO under examination, and the client that takes note of everything about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient
from bridge.ocpi.connection import Connection
from bridge.ocpi.leniency import Leniency, Met


@dataclass
class Symptoms:
    """What had to be forgiven during the examination, and where it was first."""

    times: Counter[Leniency] = field(default_factory=Counter)
    places: dict[Leniency, str] = field(default_factory=dict)

    def note(self, cpo_id: str, met: Met) -> None:
        """Fit ``OcpiClient.tolerated``."""
        self.times[met.leniency] += 1
        self.places.setdefault(met.leniency, met.place)


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A CPO, as far as we know it.

    Args:
        versions_url: as configured, else as it registered with.
        token_a: of the configuration; used where there is no connection.
        own_versions_url: ours, as the CPO reaches it.
    """

    cpo: Cpo
    connection: Connection
    versions_url: str | None
    token_a: str = field(repr=False)
    own_versions_url: str
    client: OcpiClient
    symptoms: Symptoms

    @property
    def token(self) -> str:
        """The token that should be good now."""
        return self.connection.token or self.token_a
