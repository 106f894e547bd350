"""What the readers of a document share: where they are, and what they have met."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import msgspec

from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met

Place: TypeAlias = "tuple[Place, str | int] | None"
"""Where a value stands: what is around it, and its name or index there; None is the document.

A path is made of it only when somebody asks: most documents have nothing to tell.
"""


class Unusable(NamedTuple):
    """Stands for a value that no rule can save; what it stands in may do without it.

    Args:
        leniency: what it is to leave it out.
    """

    place: Place
    reason: str
    leniency: Leniency


class Reading(msgspec.Struct):
    """One document being read.

    Args:
        met: what was forgiven so far.
        own: the eMSP party.
        partial: the document is a PATCH.
    """

    met: list[Met]
    own: Party | None = None
    partial: bool = False

    def forgive(self, leniency: Leniency, place: Place) -> None:
        """Take note of a deviation."""
        self.met.append(Met(leniency, path_of(place)))


Reader: TypeAlias = Callable[[object, Place, Reading], object]
"""Returns the value as OCPI has it, or Unusable; one it does not understand, unchanged."""


def path_of(place: Place) -> str:
    """Return a place as a JSON path: ``evses[0].connectors[1].id``."""
    steps: list[str] = []
    while place is not None:
        place, name = place
        steps.append(f"[{name}]" if isinstance(name, int) else f".{name}")
    return "".join(reversed(steps)).removeprefix(".")
