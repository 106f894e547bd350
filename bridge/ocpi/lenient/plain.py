"""Whether an object has nothing to forgive: then the strict check alone reads it.

Locations come by the thousand, and most are as the standard has them. What breaks a length, a
pattern or an enum, what is missing or of another type, the strict check finds by itself. What it
would take without a word is looked for here: fields nobody knows, timestamps and numbers that are
written otherwise, points beyond a pole, lists that are empty and should not be.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from msgspec import inspect

from bridge.ocpi.lenient.objects import RELAXED
from bridge.ocpi.locations import AdditionalGeoLocation, GeoLocation, Location
from bridge.ocpi.tariffs import Tariff

Look: TypeAlias = Callable[[Any], object]
"""Says, by something true, that a value of the right type is plain; one of another may raise."""

LISTED: Final = frozenset({Location, Tariff})
"""What comes by the thousand. What may be wrong with energy and tokens, no look would find."""

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z", re.ASCII)
_INTS: Final = range(-(2**63), 2**63)


def is_plain(value: object, type_: type[object]) -> bool:
    """Tell whether the strict check, if it finds no fault, reads an object as ``read`` would."""
    try:
        return type_ in LISTED and bool(_look_of_type(cast(Hashable, type_))(value))
    except (AttributeError, LookupError, TypeError, ValueError):
        return False


@functools.cache
def _look_of_type(type_: Hashable) -> Look:
    return _look_of(inspect.type_info(type_)) or (lambda value: True)


def _look_of(info: inspect.Type) -> Look | None:
    """Return what looks at a value; None: there is nothing to look for."""
    match info:
        case inspect.StructType():
            return _at_object(info)
        case inspect.VarTupleType() | inspect.ListType():
            return _at_list(_look_of(info.item_type))
        case inspect.UnionType():
            (member,) = (each for each in info.types if not isinstance(each, inspect.NoneType))
            return _look_of(member)
        case inspect.DateTimeType():
            return _at_timestamp
        case inspect.DecimalType():
            return _at_number
        case _:
            return None


def _at_object(info: inspect.StructType) -> Look:
    knows = frozenset(field.encode_name for field in info.fields).issuperset
    looks = {field.encode_name: _look_of(field.type) for field in info.fields}
    parts = [(name, look) for name, look in looks.items() if look is not None]
    filled, rule = RELAXED.get(info.cls, ()), RULES.get(info.cls)

    def look(value: Mapping[str, Any]) -> object:
        if not knows(value):
            return False
        for name, look_at in parts:
            item = value.get(name)
            if item is not None and not look_at(item):
                return False
        return all(map(value.get, filled)) and (rule is None or rule(value))

    return look if parts or filled or rule else knows


def _at_list(look: Look | None) -> Look | None:
    return None if look is None else lambda value: all(map(look, value))


# The parts of a Location share their timestamps.
_at_timestamp: Final[Look] = functools.lru_cache(4096)(_TIMESTAMP.fullmatch)


def _at_number(value: object) -> bool:
    return value.__class__ is Decimal or (value.__class__ is int and value in _INTS)


def _at_point(value: Mapping[str, Any]) -> bool:
    return abs(float(value["latitude"])) <= 90


RULES: Final[Mapping[type, Look]] = {AdditionalGeoLocation: _at_point, GeoLocation: _at_point}
"""What must hold between the fields of an object, and the strict check does not know."""
