"""OCPI objects at random, made from the structs themselves: every field, every rule.

Hypothesis gives the seed and nothing else: drawing hundreds of fields one by one is slow.
"""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from bridge.ocpi import (
    cdrs,
    commands,
    credentials,
    hubclientinfo,
    locations,
    sessions,
    tariffs,
    tokens,
    types,
    versions,
)
from bridge.ocpi.lenient.objects import RELAXED

STRUCTS: dict[str, Any] = {
    name: item
    for module in (
        types,
        versions,
        credentials,
        locations,
        tariffs,
        tokens,
        sessions,
        cdrs,
        commands,
        hubclientinfo,
    )
    for name, item in vars(module).items()
    if isinstance(item, type) and item.__module__ == module.__name__
    if issubclass(item, msgspec.Struct)
}

_INFO: dict[str, inspect.Type] = {name: inspect.type_info(type_) for name, type_ in STRUCTS.items()}
_ASCII = string.ascii_letters + string.digits + "!#*:/.-~"


def objects(name: str) -> st.SearchStrategy[Any]:
    """Generate objects of a struct that keep all rules of the standard."""
    return st.integers(0, 2**63).map(lambda seed: _value(Random(seed), _INFO[name]))


def _value(random: Random, info: inspect.Type) -> Any:
    match info:
        case inspect.StructType():
            return _struct(random, info)
        case inspect.VarTupleType():
            count = random.randint(info.min_length or 0, 2)
            return tuple(_value(random, info.item_type) for _ in range(count))
        case inspect.UnionType():
            return _value(random, random.choice(info.types))
        case inspect.EnumType():
            return random.choice(list(info.cls))
        case inspect.StrType():
            return _text(random, info)
        case inspect.IntType():
            low = -(2**63) if info.ge is None else info.ge
            return random.choice((low, info.le, random.randint(max(low, 0), min(info.le or 9, 9))))
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.DecimalType():
            return Decimal(random.randint(-(10**9), 10**9)).scaleb(random.randint(-9, 3))
        case inspect.DateTimeType():
            since = timedelta(milliseconds=random.choice((1, 1000)) * random.randrange(10**9))
            return datetime(2024, 1, 1, tzinfo=UTC) + since
        case inspect.NoneType():
            return None
        case _:
            raise TypeError(f"{info} is in no OCPI object")


def _filled(random: Random, info: inspect.Type) -> Any:
    while not (value := _value(random, info)):
        pass
    return value


def _text(random: Random, info: inspect.StrType) -> str:
    accepts = re.compile(info.pattern or "").search
    for candidate in (
        f"{random.uniform(-90, 90):.{random.randint(5, 6)}f}",
        f"{random.randrange(24):02}:{random.randrange(60):02}",
        f"{random.randint(1999, 2099)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}",
    ):
        if accepts(candidate) and not accepts("!"):
            return candidate
    letters = _ASCII + ("é€😀" if accepts("é") else "") + (" " if accepts(" ") else "")
    length = random.choice((1, 2, info.max_length or 20))
    return "".join(random.choices(letters, k=min(length, info.max_length or length)))


def _struct(random: Random, info: inspect.StructType) -> Any:
    while True:
        relaxed = RELAXED.get(info.cls, ())
        given = {
            field.name: _filled(random, field.type)
            if field.name in relaxed
            else _value(random, field.type)
            for field in info.fields
            if field.required or field.name in relaxed or random.random() < 0.5
        }
        try:
            return info.cls(**given)
        except ValueError:
            # A rule between fields was broken: try again.
            continue
