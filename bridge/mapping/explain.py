"""Show for an OCPI object which row makes which Beckn field: ``bridge mapping explain FILE``."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from bridge.errors import OcpiInvalid
from bridge.mapping.codes import CodeRow, CodeTable
from bridge.mapping.fields import FieldMap, FieldRow, reader
from bridge.mapping.mappings import Mappings
from bridge.mapping.reading import Place
from bridge.mapping.sources import FACTS, STRUCTS, Source, Sources, source
from bridge.mapping.vocabulary import ENUMS
from bridge.ocpi.codec import convert, loads
from bridge.ocpi.locations import EVSE, Location

# What only one kind of object has. The kinds inside others come last.
MARKS: Mapping[str, frozenset[str]] = {
    "credentials": frozenset({"token", "url", "roles"}),
    "location": frozenset({"publish", "coordinates", "time_zone"}),
    "cdr": frozenset({"cdr_token", "cdr_location"}),
    "session": frozenset({"cdr_token", "kwh"}),
    "tariff": frozenset({"elements", "currency"}),
    "token": frozenset({"contract_id", "whitelist"}),
    "evse": frozenset({"uid", "connectors"}),
    "connector": frozenset({"standard", "power_type"}),
}


INNER = frozenset({"evses", "connectors"})


class Explained(NamedTuple):
    """One output field.

    Args:
        dialect: None for a table of all dialects.
        beckn_path: field map and path below it, or the table of a word that stands in no map.
        value: None when it takes what the object does not hold: ``facts.*``, our own records.
        source: where the value is read, ``constant`` if nowhere.
        place: file and row of the field map; of the table for a word that stands in no map.
        table_place: file and row of the code table that translated the word.
        about: uid of the EVSE and id of the connector, in a Location or EVSE.
    """

    dialect: str | None
    beckn_path: str
    value: object
    source: str
    place: Place
    table_place: Place | None = None
    about: str = ""


def explain(mappings: Mappings, ocpi_object: bytes, kind: str | None = None) -> list[Explained]:
    """Return a line for each Beckn field that the object's own fields lead to.

    Args:
        ocpi_object: JSON of an OCPI object, or an OCPI response around one.
        kind: ``location``, ``evse``, ``connector``, ``tariff``, ``token``, ``session``, ``cdr`` or
            ``credentials``; None = seen from its fields.

    Raises:
        NotJson, OcpiInvalid: it is no such object.
    """
    content = loads(ocpi_object)
    if isinstance(content, dict) and "status_code" in content and "data" in content:
        content = content["data"]
    kind = kind or _kind(content)
    if kind not in MARKS:
        raise OcpiInvalid("", f"unknown kind {kind}, one of {', '.join(MARKS)}")
    found = convert(content, STRUCTS[kind])
    given = list(_given(kind, found))
    lines = [
        line
        for field_map in mappings.field_maps.values()
        for about, sources in _distinct(given, _used(field_map, given))
        for line in _fields(field_map, sources, about)
    ]
    worded = {(line.dialect, line.source) for line in lines if line.table_place}
    words = [
        line
        for name in MARKS
        for about, sources in _distinct(given, frozenset({name}))
        for source_, word in _words(name, sources[name])
        for table in mappings.tables.values()
        if (line := _word(table, source_, word, about))
    ]
    return lines + [line for line in words if (line.dialect, line.source) not in worded]


def _kind(content: object) -> str:
    if isinstance(content, dict):
        for kind, marks in MARKS.items():
            if marks <= content.keys():
                return kind
    raise OcpiInvalid("", f"no object of a known kind: {', '.join(MARKS)}")


def _given(kind: str, found: object) -> Iterator[tuple[str, Sources]]:
    """Return the sources an object fills: those of each connector for a Location or EVSE."""
    outer = {kind: found}
    evses = found.evses if isinstance(found, Location) else ()
    if isinstance(found, EVSE):
        evses = (found,)
    if not evses:
        yield "", outer
    for evse in evses:
        for connector in evse.connectors:
            sources = {**outer, "evse": evse, "connector": connector}
            yield f"{evse.uid} {connector.id}", sources


def _near(origin: Source, given: Sources) -> Source | None:
    """Return the path as it is seen from the given objects, None when it is not among them.

    An item holds a connector and an order holds a session: ``item.connector.format`` is
    ``connector.format`` here.
    """
    names = origin.path.split(".")
    for index, name in enumerate(names[:-1]):
        if name in given and names[0] != FACTS:
            return source(".".join(names[index:]), frozenset())
    return None


def _used(field_map: FieldMap, given: Sequence[tuple[str, Sources]]) -> frozenset[str]:
    """Return the names of the given objects that a map reads."""
    _, sources = given[0]
    origins = (origin for row in field_map.rows for origin in row.sources)
    seen = (_near(origin, sources) for origin in origins)
    return frozenset(near.path.split(".")[0] for near in seen if near)


def _distinct(
    given: Sequence[tuple[str, Sources]], names: frozenset[str]
) -> Iterator[tuple[str, Sources]]:
    """Return the sources that hold one of these objects, each set of objects once."""
    seen: set[tuple[int, ...]] = set()
    for about, sources in given:
        objects = tuple(id(item) for name, item in sources.items() if name in names)
        if objects and objects not in seen:
            seen.add(objects)
            yield (about if names & {"evse", "connector"} else ""), sources


def _fields(field_map: FieldMap, sources: Sources, about: str) -> Iterator[Explained]:
    for row in field_map.rows:
        near = [found for origin in row.sources if (found := _near(origin, sources))]
        read = reader(near, row.const, row.table, row.format)
        used = _table_row(row, near, sources)
        yield Explained(
            field_map.dialect,
            f"{field_map.name}.{row.beckn}",
            read(sources),
            ", ".join(origin.path for origin in near or row.sources) or "constant",
            row.place,
            used.place if used else None,
            about,
        )


def _table_row(row: FieldRow, near: Sequence[Source], sources: Sources) -> CodeRow | None:
    """Return the row of the code table that words the value; None without table or value."""
    values = (origin.get(sources) for origin in near)
    word = next((value for value in values if value is not None), None)
    return row.table.row_of(word) if row.table and isinstance(word, str) else None


def _words(path: str, node: object) -> Iterator[tuple[str, enum.StrEnum]]:
    """Return every enum word in an object with its path."""
    if isinstance(node, enum.StrEnum):
        yield path, node
    elif isinstance(node, msgspec.Struct):
        for name in node.__struct_fields__:
            if name in INNER:
                continue  # explained one by one, as sources of their own
            yield from _words(f"{path}.{name}", getattr(node, name))
    elif isinstance(node, tuple):
        for index, item in enumerate(node):
            yield from _words(f"{path}[{index}]", item)


def _word(table: CodeTable, source: str, word: enum.StrEnum, about: str) -> Explained | None:
    row = table.row_of(word) if ENUMS.get(table.left.name) is type(word) else None
    if row is None:
        return None
    return Explained(table.dialect, table.name, row.right, source, row.place, about=about)
