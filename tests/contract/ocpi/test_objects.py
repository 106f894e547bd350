"""Our structs and enums against the tables of the standard, field by field."""

from __future__ import annotations

import enum
import re
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from bridge.ocpi import (
    cdrs,
    commands,
    credentials,
    envelope,
    hubclientinfo,
    locations,
    sessions,
    tariffs,
    tokens,
    types,
    versions,
)
from bridge.ocpi.lenient.objects import NOTHING, RELAXED

pytestmark = pytest.mark.shared

MODULES = (
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
OUT_OF_SCOPE = re.compile("ChargingProfile|ClearProfile|ChargingRateUnit")

CLASSES = {
    name: item
    for module in MODULES
    for name, item in vars(module).items()
    if isinstance(item, type) and item.__module__ in {each.__name__ for each in MODULES}
}
STRUCTS = {name: item for name, item in CLASSES.items() if issubclass(item, msgspec.Struct)} | {
    "OcpiResponse": envelope.Envelope
}
ENUMS = {name: item for name, item in CLASSES.items() if issubclass(item, enum.StrEnum)}

# A token is printable ASCII without spaces, which the table of the fields does not say.
NARROWER = {("Credentials", "token")}

Row = dict[str, Any]
Objects = dict[str, dict[str, Row]]


def test_each_object_in_scope_has_a_struct(objects: Objects) -> None:
    assert {name for name in objects if not OUT_OF_SCOPE.search(name)} == set(STRUCTS)


def test_each_enum_in_scope_has_a_class(enums: dict[str, list[str]]) -> None:
    assert {name for name in enums if not OUT_OF_SCOPE.search(name)} == set(ENUMS)


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_an_enum_has_the_values_of_the_standard(name: str, enums: dict[str, list[str]]) -> None:
    assert {member.value for member in ENUMS[name]} == set(enums[name])


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_a_struct_is_as_the_standard_has_it(name: str, objects: Objects) -> None:
    info = inspect.type_info(STRUCTS[name])
    assert isinstance(info, inspect.StructType)
    assert STRUCTS[name].__struct_config__.frozen
    assert [field.encode_name for field in info.fields] == list(objects[name])
    for field in info.fields:
        check_field(name, field, objects[name][field.encode_name])


def check_field(owner: str, field: inspect.Field, row: Row) -> None:
    where = f"{owner}.{field.name}"
    kind, info = field.type, row["card"]
    if field.name in RELAXED.get(STRUCTS[owner], ()):
        if info == "+":
            assert isinstance(kind, inspect.VarTupleType), where
            assert kind.min_length is None, where
            return
        info = "1" if field.name in NOTHING else "?"
    if row["type"] == "Array or Object or String":
        assert kind == inspect.CustomType(object), where
        return
    assert field.required is (info in ("1", "+")), where
    if info in ("*", "+"):
        assert isinstance(kind, inspect.VarTupleType), where
        assert kind.min_length == (1 if info == "+" else None), where
        assert field.required or field.default == (), where
        kind = kind.item_type
    elif info == "?":
        assert field.default is None, where
        assert isinstance(kind, inspect.UnionType), where
        [kind] = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
    check_type(where, kind, row, narrower=(owner, field.name) in NARROWER)


def check_type(where: str, kind: inspect.Type, row: Row, *, narrower: bool) -> None:
    match kind:
        case inspect.StructType() | inspect.EnumType():
            assert kind.cls.__name__ == row["type"], where
        case inspect.StrType():
            assert row["type"] in ("CiString", "string", "URL"), where
            assert kind.max_length == row["max_length"], where
            check_characters(where, kind.pattern, row, narrower=narrower)
        case inspect.IntType():
            assert row["type"] == "int", where
            assert row["max_length"] in (None, len(str(kind.le))), where
        case inspect.DecimalType():
            assert row["type"] == "number", where
        case inspect.BoolType():
            assert row["type"] == "boolean", where
        case inspect.DateTimeType():
            assert row["type"] == "DateTime", where
        case _:
            pytest.fail(f"{where} is {kind}")


def check_characters(where: str, pattern: str | None, row: Row, *, narrower: bool) -> None:
    if row["max_length"] is None:
        return
    assert pattern is not None, where
    if "pattern" in row:
        assert pattern == rf"^{row['pattern']}\Z" or pattern == rf"^({row['pattern']})\Z", where
        return
    takes = re.compile(pattern).search
    assert takes("aZ~!9"), where
    assert not any(takes(text) for text in ("a\n", "\ta", "a\x7f", "a\x00b")), where
    if not narrower:
        assert bool(takes("é")) is (row["type"] != "CiString"), where
