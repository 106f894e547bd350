"""From JSON to OCPI objects and back: strict in both directions.

What a CPO sent is read by ``bridge.ocpi.lenient``; this is for what we wrote ourselves.

Reading takes three steps: ``loads`` (JSON with exact numbers), a normaliser made from the type
(nulls are absent, timestamps are UTC, numbers are no strings), and msgspec's own strict check of
types, lengths, patterns and enums.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar, cast

import msgspec
from msgspec import inspect

from bridge.errors import NotJson, OcpiInvalid
from bridge.ocpi.cdrs import ChargingPeriod
from bridge.ocpi.sessions import Session
from bridge.ocpi.times import format_datetime, parse_datetime

T = TypeVar("T")
_Reader: TypeAlias = Callable[[object, str], object]

_PLACE = re.compile(r"(?P<reason>.*) - at `\$\.?(?P<path>[^`]*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>\w+)`")
_LARGEST_EXPONENT: Final = 308
_SMALLEST_EXPONENT: Final = -400
_UPSERTED: Final = {"evses": "uid", "connectors": "id"}


def loads(data: bytes) -> object:
    """Read JSON as plain Python values, with Decimal for every number that is no integer.

    Raises NotJson, also for a byte order mark, invalid UTF-8, nesting that is too deep, and
    numbers beyond what a JSON number can be relied on to hold (RFC 8259, section 6).
    """
    try:
        return _UNTYPED.decode(data)
    except (ValueError, ArithmeticError) as error:
        raise NotJson(f"the body is no JSON document: {error}") from error
    except RecursionError as error:
        raise NotJson("the body is nested too deeply") from error


def decode(data: bytes, type_: type[T]) -> T:
    """Read an OCPI object. Raises NotJson, or OcpiInvalid with the path of the fault."""
    return convert(loads(data), type_)


def convert(obj: object, type_: type[T]) -> T:
    """Make an OCPI object of untyped JSON, as ``loads`` gives it.

    A null counts as absent, unknown fields are ignored, numbers must not be strings, and an
    unknown enum value is a fault like any other. Raises OcpiInvalid.
    """
    try:
        return msgspec.convert(_reader(cast(Hashable, type_))(obj, ""), type_)
    except msgspec.ValidationError as error:
        raise fault_of(error) from error


def encode(obj: object, *, nulls: bool = False) -> bytes:
    """Write compact JSON: no nulls, no exponents, timestamps in UTC, all that is absent left out.

    Takes OCPI objects and anything plain around them. Raises TypeError for a float and ValueError
    for what is no JSON number: both are faults of the caller.

    ``nulls``: every optional field of an OCPI object that is absent is written as null.
    """
    return msgspec.json.encode(_plain(_whole(obj) if nulls else obj, _raw_number, nulls=nulls))


def to_builtins(obj: object) -> object:
    """Return what ``encode`` writes as dicts, lists and scalars, with Decimal for numbers."""
    return _plain(obj, bounded)


def stored(obj: object) -> bytes:
    """Write an OCPI object for our own store: as exact as ``encode``, at a tenth of its time.

    Not for a peer: numbers may have exponents, and timestamps more digits than the standard wants.
    """
    return _STORED.encode(obj)


def restored(data: bytes, type_: type[T]) -> T:
    """Read what ``stored`` wrote, or ``encode``. Raises NotJson or OcpiInvalid, as ``decode``."""
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        raise fault_of(error) from error
    except ValueError as error:
        raise NotJson(f"the body is no JSON document: {error}") from error


def merge_patch(stored: T, patch: object, type_: type[T], *, undated: bool = False) -> T:
    """Return ``stored`` with a PATCH body applied.

    What the patch omits, or gives as null, stays. Nested objects and lists are replaced as a
    whole, except: ``evses`` and ``connectors`` are merged one by one per uid and id (compared
    without case), the ``charging_periods`` of a Session are appended, and merged with the one
    that starts at the same time. Raises OcpiInvalid, with paths as they are after the merge, also
    when ``last_updated`` is missing. OCPI 2.2.1 transport_and_format, PATCH; mod_sessions, PATCH.

    Args:
        undated: a missing ``last_updated`` stays as it was.
    """
    if not isinstance(patch, Mapping):
        raise OcpiInvalid("", "expected an object")
    if patch.get("last_updated") is None and not undated:
        raise OcpiInvalid("last_updated", "is required in a PATCH")
    before = cast(dict[str, object], to_builtins(stored))
    if type_ is not Session:
        return convert(_merged(before, patch), type_)
    periods = patch.get("charging_periods")
    if isinstance(periods, list):
        kept = cast(list[object], before.get("charging_periods", []))
        patch = {**patch, "charging_periods": [*kept, *periods]}
    after = convert(_merged(before, patch), Session)
    return cast(
        T, msgspec.structs.replace(after, charging_periods=_one_per_start(after.charging_periods))
    )


def _merged(
    stored: dict[str, object], patch: Mapping[str, object], path: str = ""
) -> dict[str, object]:
    after = dict(stored)
    for name, value in patch.items():
        if value is None:
            continue
        key = _UPSERTED.get(name)
        if key is None:
            after[name] = value
        else:
            children = cast(list[dict[str, object]], stored.get(name, []))
            after[name] = _upserted(children, value, key, _member(path, name))
    return after


def _upserted(
    stored: Sequence[dict[str, object]], patches: object, key: str, path: str
) -> list[dict[str, object]]:
    if not isinstance(patches, list):
        raise OcpiInvalid(path, "expected an array")
    after = list(stored)
    places = {str(child[key]).lower(): place for place, child in enumerate(after)}
    for index, patch in enumerate(patches):
        if not isinstance(patch, dict):
            raise OcpiInvalid(f"{path}[{index}]", "expected an object")
        id_ = patch.get(key)
        if not isinstance(id_, str):
            raise OcpiInvalid(f"{path}[{index}].{key}", "is required")
        place = places.setdefault(id_.lower(), len(after))
        if place == len(after):
            after.append(patch)
        else:
            # The id keeps the case it was first received in.
            patch = {**patch, key: after[place][key]}
            after[place] = _merged(after[place], patch, f"{path}[{place}]")
    return after


def _one_per_start(periods: Sequence[ChargingPeriod]) -> tuple[ChargingPeriod, ...]:
    by_start: dict[datetime, ChargingPeriod] = {}
    for period in periods:
        earlier = by_start.get(period.start_date_time)
        if earlier is None:
            by_start[period.start_date_time] = period
        elif earlier != period:
            by_start[period.start_date_time] = _joined(earlier, period)
    return tuple(by_start.values())


def _joined(earlier: ChargingPeriod, later: ChargingPeriod) -> ChargingPeriod:
    volumes = {dimension.type: dimension for dimension in (*earlier.dimensions, *later.dimensions)}
    return ChargingPeriod(
        start_date_time=later.start_date_time,
        dimensions=tuple(volumes.values()),
        tariff_id=later.tariff_id or earlier.tariff_id,
    )


def fault_of(error: msgspec.ValidationError) -> OcpiInvalid:
    """Name the place and the fault of what msgspec says."""
    message = str(error)
    place = _PLACE.fullmatch(message)
    path, reason = (place["path"], place["reason"]) if place else ("", message)
    if missing := _MISSING.fullmatch(reason):
        return OcpiInvalid(_member(path, missing["field"]), "is required")
    return OcpiInvalid(path, reason)


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def exact(text: str) -> Decimal:
    """Return a number as it is written. Raises ValueError, as ``bounded``."""
    return bounded(Decimal(text))


def bounded(number: Decimal) -> Decimal:
    """Return a number that can be written without an exponent. Raises ValueError."""
    # Written without an exponent, a number outside of these bounds could fill the memory.
    exponent = number.as_tuple().exponent
    if (
        not isinstance(exponent, int)
        or exponent < _SMALLEST_EXPONENT
        or number.adjusted() > _LARGEST_EXPONENT
    ):
        raise ValueError("a number is out of range")
    return number


_UNTYPED: Final = msgspec.json.Decoder(float_hook=exact)
_STORED: Final = msgspec.json.Encoder(decimal_format="number")


def _raw_number(number: Decimal) -> msgspec.Raw:
    return msgspec.Raw(format(bounded(number), "f").encode())


def _whole(value: object) -> object:
    """Return an OCPI object with all of its fields, those it lacks as None."""
    match value:
        case msgspec.Struct():
            # What is written even when it is empty stays a list.
            empty: object = None if value.__struct_config__.omit_defaults else []
            given = ((each, getattr(value, each.name)) for each in msgspec.structs.fields(value))
            return {
                field.encode_name: empty if item == () else _whole(item) for field, item in given
            }
        case msgspec.UNSET:
            return None
        case tuple():
            return [_whole(item) for item in value]
        case _:
            return value


def _plain(obj: object, number: Callable[[Decimal], object], *, nulls: bool = False) -> object:
    def walk(value: object) -> object:
        match value:
            case dict():
                return {
                    name: walk(item) for name, item in value.items() if nulls or item is not None
                }
            case list() | tuple():
                return [walk(item) for item in value]
            case Decimal():
                return number(value)
            case datetime():
                return format_datetime(value)
            case float():
                raise TypeError("a float where OCPI needs an exact number")
            case _:
                return value

    return walk(msgspec.to_builtins(obj, builtin_types=(Decimal, datetime)))


@functools.cache
def _reader(type_: Hashable) -> _Reader:
    return _reader_for(inspect.type_info(type_))


def _reader_for(info: inspect.Type) -> _Reader:
    """Return what prepares a value of this type for msgspec's check; wrong ones are left to it."""
    match info:
        case inspect.StructType():
            return _object_reader(
                {field.encode_name: _reader_for(field.type) for field in info.fields}
            )
        case inspect.VarTupleType() | inspect.ListType():
            return _array_reader(_reader_for(info.item_type))
        case inspect.UnionType():
            member, *others = (m for m in info.types if not isinstance(m, inspect.NoneType))
            return _as_it_is if others else _reader_for(member)
        case inspect.DateTimeType():
            return _read_datetime
        case inspect.DecimalType():
            return _read_number
        case _:
            return _as_it_is


def _object_reader(fields: Mapping[str, _Reader]) -> _Reader:
    def read(value: object, path: str) -> object:
        if not isinstance(value, dict):
            return value
        return {
            name: fields[name](item, _member(path, name))
            for name, item in value.items()
            if item is not None and name in fields
        }

    return read


def _array_reader(item_reader: _Reader) -> _Reader:
    def read(value: object, path: str) -> object:
        if not isinstance(value, list):
            return value
        return [item_reader(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return read


def _read_datetime(value: object, path: str) -> datetime:
    if not isinstance(value, str):
        raise OcpiInvalid(path, f"expected a timestamp, got {type(value).__name__}")
    try:
        return parse_datetime(value)
    except ValueError as error:
        raise OcpiInvalid(path, str(error)) from error


def _read_number(value: object, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise OcpiInvalid(path, f"expected a number, got {type(value).__name__}")
    try:
        return bounded(Decimal(value))
    except ValueError as error:
        raise OcpiInvalid(path, str(error)) from error


def _as_it_is(value: object, path: str) -> object:
    return value
