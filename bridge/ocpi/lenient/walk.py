"""The readers of a type, made once from msgspec's own description of it."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from msgspec import inspect

from bridge.ocpi.credentials import SECRET
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.lenient.objects import AFTER, BEFORE, RELAXED, relaxed
from bridge.ocpi.lenient.reading import Place, Reader, Reading, Unusable
from bridge.ocpi.lenient.scalars import (
    UNDEFINED,
    enum_reader,
    local_time,
    read_bool,
    read_int,
    read_number,
    read_timestamp,
    string_reader,
)
from bridge.ocpi.locations import EVSE, Connector, Location
from bridge.ocpi.sessions import Session
from bridge.ocpi.types import ASCII, LOCAL_TIME, WHOLE

PATCHED = frozenset({Location, EVSE, Connector, Session})
"""Objects whose parts a PATCH may leave out."""


class _Field(NamedTuple):
    """A field of an object.

    Args:
        required: the object is none without it.
        stand_in: what takes the place of a word nobody knows, where the field is required.
    """

    read: Reader
    required: bool
    stand_in: str | None


@functools.cache
def reader(type_: Hashable) -> Reader:
    """Return the reader of a type. A value it cannot make sense of is left to the strict check."""
    return _reader_of(inspect.type_info(type_))


def _reader_of(info: inspect.Type) -> Reader:
    match info:
        case inspect.StructType():
            return _object_reader(info)
        case inspect.VarTupleType() | inspect.ListType():
            return _list_reader(
                _reader_of(info.item_type),
                of_objects=isinstance(info.item_type, inspect.StructType),
            )
        case inspect.UnionType():
            member, *others = (m for m in info.types if not isinstance(m, inspect.NoneType))
            return _as_it_is if others else _reader_of(member)
        case inspect.EnumType():
            return enum_reader(info.cls)
        case inspect.DateTimeType():
            return read_timestamp
        case inspect.DecimalType():
            return read_number
        case inspect.IntType():
            return read_int
        case inspect.BoolType():
            return read_bool
        case inspect.StrType(pattern=pattern) if pattern == LOCAL_TIME:
            return local_time
        case inspect.StrType(pattern=pattern):
            return string_reader(
                info, ascii_only=pattern in (ASCII, SECRET), whole=pattern == WHOLE
            )
        case _:
            return _as_it_is


def _as_it_is(value: object, place: Place, reading: Reading) -> object:
    return value


def _object_reader(info: inspect.StructType) -> Reader:
    fields = {field.encode_name: _field_of(field) for field in info.fields}
    before, after = BEFORE.get(info.cls), AFTER.get(info.cls)
    patched, lacks = info.cls in PATCHED, info.cls in RELAXED

    def read(value: object, place: Place, reading: Reading) -> object:
        if value.__class__ is list and len(value) == 1 and isinstance(value[0], dict):
            reading.forgive(Leniency.OBJECT_IN_LIST, place)
            value = value[0]
        if before is not None:
            value = before(value, place, reading)
        if value in ("", []):
            return Unusable(place, "expected an object", Leniency.UNUSABLE_PART)
        if not isinstance(value, dict):
            return value
        found = _fields_of(value, fields, place, reading, all_optional=patched and reading.partial)
        if not isinstance(found, dict):
            return found
        if lacks and not (patched and reading.partial):
            found = relaxed(info.cls, found, place, reading)
        return found if after is None else after(found, place, reading)

    return read


def _field_of(field: inspect.Field) -> _Field:
    inner = _inner(field.type)
    stand_in = UNDEFINED.get(inner.cls) if isinstance(inner, inspect.EnumType) else None
    return _Field(_reader_of(field.type), field.required, stand_in)


def _inner(info: inspect.Type) -> inspect.Type:
    """Return the type of a field without its None."""
    if isinstance(info, inspect.UnionType):
        members = [each for each in info.types if not isinstance(each, inspect.NoneType)]
        return members[0] if len(members) == 1 else info
    return info


def _fields_of(
    value: Mapping[str, object],
    fields: Mapping[str, _Field],
    place: Place,
    reading: Reading,
    *,
    all_optional: bool,
) -> object:
    """Return the fields of an object, nulls left out; Unusable when it cannot be without one."""
    found: dict[str, object] = {}
    for name, item in value.items():
        if item is None:
            continue
        field = fields.get(name)
        if field is None:
            reading.forgive(Leniency.UNKNOWN_FIELD, (place, name))
            continue
        read = field.read(item, (place, name), reading)
        if not isinstance(read, Unusable):
            found[name] = read
            continue
        if field.required and not all_optional:
            if field.stand_in is None:
                return read
            found[name] = field.stand_in
        reading.forgive(read.leniency, read.place)
    return found


def _list_reader(read_item: Reader, *, of_objects: bool) -> Reader:
    def read(value: object, place: Place, reading: Reading) -> object:
        if value.__class__ is not list:
            if isinstance(value, dict) is not of_objects or value == {}:
                return value
            reading.forgive(Leniency.SINGLE_FOR_LIST, place)
            value = [value]
        found: list[object] = []
        for index, item in enumerate(value):
            if item is None:
                reading.forgive(Leniency.NULL_IN_LIST, (place, index))
                continue
            read = read_item(item, (place, index), reading)
            if isinstance(read, Unusable):
                reading.forgive(read.leniency, read.place)
            else:
                found.append(read)
        return found

    return read
