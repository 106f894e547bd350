"""From what CPOs really send to OCPI objects: forgiving, and each forgiveness has a name.

Only for what a CPO sent. What the bridge writes, and what it reads back from its own store, goes
through ``bridge.ocpi.codec`` alone. Three steps: the untyped JSON, a normaliser made from the
types (``walk``, with the values in ``scalars`` and what single objects need in ``objects``), and
msgspec's strict check of what comes out. JSON that is plainly in order is read at once (``plain``).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar, cast

import msgspec

from bridge.errors import OcpiInvalid
from bridge.ocpi.codec import fault_of, to_builtins
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Met
from bridge.ocpi.lenient.reading import Reading, Unusable, path_of
from bridge.ocpi.lenient.walk import reader

T = TypeVar("T")


def read(obj: object, type_: type[T], met: list[Met], own: Party | None = None) -> T:
    """Make an OCPI object of untyped JSON, as ``codec.loads`` gives it.

    Args:
        met: what had to be forgiven is appended, with its place.
        own: the eMSP party; whose token it is where a CPO does not say.

    Raises:
        OcpiInvalid: what is left is no such object; names the place.
    """
    normal = _normal(obj, type_, Reading(met, own=own))
    try:
        return msgspec.convert(normal, type_)
    except msgspec.ValidationError as error:
        raise fault_of(error) from error


def read_patch(
    obj: object, type_: type[object], met: list[Met], own: Party | None = None
) -> dict[str, object]:
    """Make of the body of a PATCH what ``codec.merge_patch`` takes: untyped JSON of OCPI 2.2.1.

    A null, and an enum value nobody knows, are left out: they change nothing.

    Raises:
        OcpiInvalid: it is no object, or a value in it can be none of its type.
    """
    normal = _normal(obj, type_, Reading(met, own=own, partial=True))
    if not isinstance(normal, dict):
        raise OcpiInvalid("", "expected an object")
    return cast(dict[str, object], to_builtins(normal))


def _normal(obj: object, type_: type[object], reading: Reading) -> object:
    normal = reader(cast(Hashable, type_))(obj, None, reading)
    if isinstance(normal, Unusable):
        raise OcpiInvalid(path_of(normal.place), normal.reason)
    return normal
