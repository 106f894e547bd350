"""Field maps: which field of a Beckn object comes from which field of OCPI or of an order."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bridge.mapping.codes import CodeTable
from bridge.mapping.formats import FORMATS
from bridge.mapping.reading import Document, Entry, Faults, Place
from bridge.mapping.sources import FACTS, PathUnknown, Source, Sources, source
from bridge.mapping.vocabulary import ENUMS

TAGS = "tags"

Read = Callable[[Sources], object]
FindTable = Callable[[str], CodeTable | None]


class MapHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field map file without its rows.

    Args:
        facts: names of values that Python works out and gives as source ``facts``.
        groups: display name of each tag group, by its code.
    """

    map: str
    dialect: str
    facts: tuple[str, ...] = ()
    groups: dict[str, str] = {}


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"origin": "from"}):
    beckn: str
    origin: str | UnsetType = UNSET
    const: str | bool | UnsetType = UNSET
    table: str | None = None
    format: str | None = None
    fallback: tuple[str, ...] = ()
    name: str | None = None
    why: str | None = None


class FieldRow(NamedTuple):
    """One compiled row: ``read`` gives the value of the Beckn path, None = leave it out."""

    place: Place
    beckn: str
    sources: tuple[Source, ...]
    const: str | bool | None
    table: CodeTable | None
    format: str | None
    name: str | None
    why: str | None
    read: Read

    @property
    def path(self) -> tuple[str, ...]:
        """The Beckn path in parts."""
        return tuple(self.beckn.split("."))


class _Group(NamedTuple):
    descriptor: Mapping[str, str]
    entries: Sequence[tuple[Mapping[str, str], Read]]


class FieldMap:
    """A compiled field map."""

    __slots__ = ("_groups", "_plain", "dialect", "head", "name", "rows")

    def __init__(self, head: MapHead, rows: Sequence[FieldRow]) -> None:
        self.name = head.map
        self.dialect = head.dialect
        self.head = head
        self.rows = tuple(rows)
        self._plain = [
            (row.path[:-1], row.path[-1], row.read) for row in rows if row.path[0] != TAGS
        ]
        tagged = [row for row in rows if row.path[0] == TAGS]
        self._groups = [
            _Group(
                {"code": code, "name": head.groups[code]},
                [(_descriptor(row), row.read) for row in tagged if row.path[1] == code],
            )
            for code in dict.fromkeys(row.path[1] for row in tagged)
        ]

    def render(self, sources: Sources) -> dict[str, object]:
        """Return the Beckn object; a field whose source is absent or None is left out.

        Raises:
            UnknownCode: a word has no row in its code table.
        """
        rendered: dict[str, object] = {}
        for parents, leaf, read in self._plain:
            value = read(sources)
            if value is not None:
                node = rendered
                for parent in parents:
                    # Only objects stand above a field: compile_map lets no two paths overlap.
                    node = node.setdefault(parent, {})  # type: ignore[assignment]
                node[leaf] = value
        tags = [
            {"descriptor": dict(group.descriptor), "list": entries}
            for group in self._groups
            if (
                entries := [
                    {"descriptor": dict(descriptor), "value": value}
                    for descriptor, read in group.entries
                    if (value := read(sources)) is not None
                ]
            )
        ]
        if tags:
            rendered[TAGS] = tags
        return rendered


def _descriptor(row: FieldRow) -> dict[str, str]:
    code = row.path[2]
    return {"code": code, "name": row.name} if row.name else {"code": code}


def compile_map(
    document: Document,
    overlay: Sequence[Entry],
    table: FindTable,
    expected: frozenset[str],
    faults: Faults,
) -> FieldMap | None:
    """Check a field map and the overlay rows for it; None when it cannot be used.

    ``table`` finds a table by name: None for one with faults of its own, KeyError for none.
    ``expected`` are the paths the map has to fill, no more and no less; an overlay may add tags.
    """
    before = len(faults)
    try:
        head = msgspec.convert(document.head, MapHead)
    except msgspec.ValidationError as error:
        faults.add(document.place, str(error))
        return None
    rows = _rows(document.rows, head, table, faults)
    _check_paths(rows, faults)
    if len(rows) == len(document.rows):
        _check_complete(rows, head, expected, document.place, faults)
    if overlay:
        rows = _replaced(rows, _rows(overlay, head, table, faults), faults)
        _check_paths(rows, faults)
    return FieldMap(head, rows) if len(faults) == before else None


def _rows(
    entries: Sequence[Entry], head: MapHead, table: FindTable, faults: Faults
) -> list[FieldRow]:
    """Return the rows that are right in themselves."""
    rows = []
    for place, content in entries:
        before = len(faults)
        try:
            raw = msgspec.convert(content, _Row)
        except msgspec.ValidationError as error:
            faults.add(place, str(error))
            continue
        row = _row(raw, place, head, table, faults)
        if len(faults) == before:
            rows.append(row)
    return rows


def _row(raw: _Row, place: Place, head: MapHead, table: FindTable, faults: Faults) -> FieldRow:
    sources = []
    if isinstance(raw.origin, str) == (raw.const is not UNSET):
        faults.add(place, "a row has either from or const")
    elif isinstance(raw.origin, str):
        for path in (raw.origin, *raw.fallback):
            try:
                sources.append(source(path, frozenset(head.facts)))
            except PathUnknown as unknown:
                faults.add(place, str(unknown))
    elif raw.table or raw.format or raw.fallback:
        faults.add(place, "a const takes no table, format or fallback")
    codes = None
    if raw.table:
        try:
            codes = table(raw.table)
        except KeyError:
            faults.add(place, f"unknown table {raw.table!r}")
    if codes and (codes.head.way == "to_ocpi" or codes.head.right.side != "beckn"):
        faults.add(place, f"table {raw.table} does not lead to Beckn")
    if raw.table and raw.format:
        faults.add(place, "either table or format")
    if raw.format and raw.format not in FORMATS:
        faults.add(place, f"unknown format {raw.format!r}: one of {', '.join(FORMATS)}")
    _check_path(raw, place, head, faults)
    for origin in sources:
        _check_types(origin, codes, raw.format, place, faults)
    const = None if isinstance(raw.const, UnsetType) else raw.const
    read = reader(sources, const, codes, raw.format)
    return FieldRow(
        place, raw.beckn, tuple(sources), const, codes, raw.format, raw.name, raw.why, read
    )


def _check_path(raw: _Row, place: Place, head: MapHead, faults: Faults) -> None:
    parts = raw.beckn.split(".")
    if not all(parts):
        faults.add(place, f"{raw.beckn!r} is no path")
    elif parts[0] != TAGS:
        if raw.name:
            faults.add(place, "name is for tags: tags.<group>.<code>")
    elif len(parts) != 3:
        faults.add(place, "a tag is tags.<group>.<code>")
    elif parts[1] not in head.groups:
        faults.add(place, f"tag group {parts[1]!r} has no name in groups")
    elif isinstance(raw.const, bool):
        faults.add(place, "the value of a tag is text")


def _check_types(
    origin: Source, codes: CodeTable | None, format_: str | None, place: Place, faults: Faults
) -> None:
    """Check that what the path gives is what the table or format takes."""
    for kind in origin.types:
        if codes and codes.left.name in ENUMS and kind is not ENUMS[codes.left.name]:
            faults.add(
                place, f"{origin.path} is {kind.__name__}, {codes.name} has {codes.left.name}"
            )
        elif format_ and format_ in FORMATS and not issubclass(kind, FORMATS[format_].takes):
            faults.add(place, f"{origin.path} is {kind.__name__}, {format_} does not take it")
        elif not codes and not format_ and not issubclass(kind, (str, bool, Raw)):
            faults.add(place, f"{origin.path} is {kind.__name__}: name a format")


def _check_paths(rows: Sequence[FieldRow], faults: Faults) -> None:
    """Check that no field is written twice, nor inside a field that is a value."""
    seen: dict[tuple[str, ...], FieldRow] = {}
    for row in rows:
        first = seen.setdefault(row.path, row)
        if first is not row:
            faults.add(row.place, f"second row for {row.beckn}, the first is {first.place}")
    for row in rows:
        for depth in range(1, len(row.path)):
            above = seen.get(row.path[:depth])
            if above:
                faults.add(row.place, f"{row.beckn} lies inside {above.beckn}, {above.place}")


def _check_complete(
    rows: Sequence[FieldRow],
    head: MapHead,
    expected: frozenset[str],
    place: Place,
    faults: Faults,
) -> None:
    """Check that every expected path and everything the head declares has its row."""
    listed = f"paths.{head.dialect}.{head.map} of vocabulary.yaml"
    for row in rows:
        if row.beckn not in expected:
            faults.add(row.place, f"{row.beckn} is not in {listed}")
    for path in sorted(expected - {row.beckn for row in rows}):
        faults.add(place, f"map {head.map}: no row for {path}, it is in {listed}")
    used = {origin.path for row in rows for origin in row.sources}
    for fact in head.facts:
        if f"{FACTS}.{fact}" not in used:
            faults.add(place, f"map {head.map}: no row for fact {fact!r}")
    groups = {row.path[1] for row in rows if row.path[0] == TAGS}
    for group in head.groups:
        if group not in groups:
            faults.add(place, f"map {head.map}: no row for tag group {group!r}")


def _replaced(
    rows: Sequence[FieldRow], overlay: Sequence[FieldRow], faults: Faults
) -> list[FieldRow]:
    """Return the rows with an overlay's in place of those for the same path; tags may be added."""
    merged = {row.beckn: row for row in rows}
    seen: set[tuple[str, str]] = set()
    for row in overlay:
        if (row.place.file, row.beckn) in seen:
            faults.add(row.place, "this file replaces the row already")
        elif row.beckn not in merged and row.path[0] != TAGS:
            faults.add(row.place, f"nothing to replace: no row for {row.beckn!r} in the base")
        seen.add((row.place.file, row.beckn))
        merged[row.beckn] = row
    return list(merged.values())


def reader(
    sources: Sequence[Source],
    const: str | bool | None,
    codes: CodeTable | None,
    format_: str | None,
) -> Read:
    """Return the function that gives a row's value: first source that has one, then its wording."""
    if not sources:
        return lambda _: const
    get = sources[0].get if len(sources) == 1 else _first([origin.get for origin in sources])
    word = _wording(sources, codes, format_)
    if word is None:
        return get
    wording = word

    def read(given: Sources) -> object:
        value = get(given)
        return None if value is None else wording(value)

    return read


def _first(getters: Sequence[Read]) -> Read:
    def get(given: Sources) -> object:
        return next((value for each in getters if (value := each(given)) is not None), None)

    return get


def _wording(
    sources: Sequence[Source], codes: CodeTable | None, format_: str | None
) -> Callable[..., object] | None:
    if codes:
        return codes.to_beckn
    if format_ and format_ in FORMATS:
        return FORMATS[format_].write
    if any(issubclass(kind, enum.StrEnum) for origin in sources for kind in origin.types):
        return str  # a member prints as its value
    return None
