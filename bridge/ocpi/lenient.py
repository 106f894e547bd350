"""From what CPOs really send to OCPI objects: forgiving, and each forgiveness has a name.

Only for what a CPO sent. What the bridge writes, and what it reads back from its own store, goes
through ``bridge.ocpi.codec`` alone.
"""

from __future__ import annotations

from typing import TypeVar

from bridge.ocpi.codec import convert
from bridge.ocpi.leniency import Met

T = TypeVar("T")


def read(obj: object, type_: type[T], met: list[Met]) -> T:
    """Make an OCPI object of untyped JSON, as ``codec.loads`` gives it.

    Args:
        met: what had to be forgiven is appended, with its place.

    Raises:
        OcpiInvalid: what is left is no such object; names the place.
    """
    return convert(obj, type_)
