"""Objects that have nothing to forgive are read straight from their JSON.

Locations come by the thousand, and most are as the standard has them. So each OCPI type that comes
in long lists has a plain one below it, of the same fields, that takes nothing which would have to
be forgiven: no other field, no number in quotes, no point beyond a pole, no list that is empty and
should not be. How a timestamp is written is looked at in the JSON.

Patterns take most of the time of a strict reading, string by string. Those for characters are left
out where one look at the JSON tells that all of them are printable ASCII.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
from msgspec import Meta, inspect
from msgspec.structs import force_setattr

from bridge.ocpi.codec import exact
from bridge.ocpi.lenient.objects import RELAXED
from bridge.ocpi.locations import AdditionalGeoLocation, GeoLocation, Location
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.types import ASCII, PRINTABLE, WHOLE

T = TypeVar("T")

LISTED: Final[frozenset[type]] = frozenset({Location, Tariff})
"""What comes by the thousand. What may be wrong with energy and tokens, no type would tell."""

_LATITUDE: Final = Annotated[
    str, Meta(max_length=10, pattern=r"^-?([0-8]?[0-9]\.[0-9]{5,7}|90\.0{5,7})\Z")
]

NARROWER: Final[Mapping[type, Mapping[str, Any]]] = {
    AdditionalGeoLocation: {"latitude": _LATITUDE},
    GeoLocation: {"latitude": _LATITUDE},
}
"""Fields that msgspec's check of their own type takes too much for."""

SIMPLER: Final[Mapping[str | None, str | None]] = {ASCII: None, PRINTABLE: None, WHOLE: r"^[^ ]*\Z"}
"""What is left of a pattern where all characters are known to be printable ASCII."""

_INTS: Final = range(-(2**63), 2**63)

_ODD_DATE = re.compile(rb'-\d\d-\d\d(?!"|T\d\d:\d\d:\d\d(?:\.\d{1,3})?Z")')
"""What may be a date, and is neither one alone nor in a timestamp as the standard has it."""

_HIDDEN = re.compile(rb"\\u00[23]")
"""A digit, or what else is in a timestamp, as an escape."""


def read_plain(body: bytes, type_: type[T]) -> T | None:
    """Read an object as ``lenient.read`` would; None: it may have something to forgive.

    What it returns is of a type below ``type_``: it equals others of its own only.
    """
    if type_ not in LISTED:
        return None
    simple = body.isascii() and b"\\" not in body and b"\x7f" not in body
    if _ODD_DATE.search(body) or not (simple or _HIDDEN.search(body) is None):
        return None
    try:
        return cast(T, _decoder(cast(Hashable, type_), simple).decode(body))
    except (ValueError, RecursionError):
        return None


@functools.cache
def _decoder(type_: Hashable, simple: bool) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_plain(inspect.type_info(type_), simple), float_hook=exact)


def _plain(info: inspect.Type, simple: bool) -> Any:
    """Return the plain type.

    Args:
        simple: all characters are known to be printable ASCII.
    """
    match info:
        case inspect.StructType():
            return _plain_object(info, simple)
        case inspect.VarTupleType():
            item = _plain(info.item_type, simple)
            return Annotated[tuple[item, ...], Meta(min_length=info.min_length)]  # type: ignore[valid-type]
        case inspect.UnionType():
            (member,) = (each for each in info.types if not isinstance(each, inspect.NoneType))
            return _plain(member, simple) | None
        case inspect.StrType():
            pattern = SIMPLER.get(info.pattern, info.pattern) if simple else info.pattern
            return Annotated[str, Meta(max_length=info.max_length, pattern=pattern)]
        case inspect.IntType():
            return Annotated[int, Meta(ge=info.ge, le=info.le)]
        case inspect.BoolType():
            return bool
        case inspect.EnumType():
            return info.cls
        case inspect.DateTimeType():
            return datetime
        case inspect.DecimalType():
            return Any  # With ``float_hook``: a Decimal would be taken in quotes as well.
        case _:
            raise TypeError(f"{info} is in no list")


def _plain_object(info: inspect.StructType, simple: bool) -> Any:
    narrower, filled = NARROWER.get(info.cls, {}), RELAXED.get(info.cls, ())
    fields: list[Any] = []
    for field in info.fields:
        type_ = narrower.get(field.name) or _plain(field.type, simple)
        if field.name in filled:
            type_ = Annotated[type_, Meta(min_length=1)]
        default = () if field.required else (field.default,)
        fields.append((field.name, type_, *default))
    numbers = {each.name: each.required for each in info.fields if _is_number(each.type)}
    return msgspec.defstruct(
        info.cls.__name__,
        fields,
        bases=(info.cls,),
        namespace={"__post_init__": _numbers_checked(numbers)} if numbers else None,
        module=info.cls.__module__,
        forbid_unknown_fields=True,
        kw_only=True,
    )


def _is_number(info: inspect.Type) -> bool:
    members = info.types if isinstance(info, inspect.UnionType) else (info,)
    return any(isinstance(each, inspect.DecimalType) for each in members)


def _numbers_checked(fields: Mapping[str, bool]) -> Callable[[msgspec.Struct], None]:
    """Return what makes Decimals of the numbers of an object, and takes nothing else for one.

    Args:
        fields: whether each must be there.
    """

    def check(self: msgspec.Struct) -> None:
        for name, required in fields.items():
            value = getattr(self, name)
            if value.__class__ is int and value in _INTS:
                force_setattr(self, name, Decimal(value))
            elif value.__class__ is not Decimal and (required or value is not None):
                raise ValueError(f"{name} is no number")

    return check
