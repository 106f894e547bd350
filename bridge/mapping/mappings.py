"""Load mappings/: read every file, check all of it, compile it once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Literal, TypeVar

from bridge.errors import MappingInvalid
from bridge.mapping.actions import ActionRow, compile_actions
from bridge.mapping.codes import CodeTable, UnknownCode, compile_table
from bridge.mapping.fields import FieldMap, compile_map
from bridge.mapping.reading import Document, Entry, Faults, Place, read
from bridge.mapping.vocabulary import Key, vocabulary
from bridge.ocpi.commands import CommandType
from bridge.orders.intents import Verb

Kind = Literal["table", "map"]

Compiled = TypeVar("Compiled")

NO_PATHS: frozenset[str] = frozenset()

READ = ("vocabulary.yaml", "actions.yaml", "codes/*.yaml", "fields/*.yaml")
"""The files of a mappings directory that count."""


class Mappings:
    """All tables, field maps and actions, checked; ``fingerprint`` changes with any of them."""

    __slots__ = ("_commands", "actions", "field_maps", "fingerprint", "tables")

    def __init__(
        self,
        tables: Mapping[Key, CodeTable],
        field_maps: Mapping[Key, FieldMap],
        actions: Sequence[ActionRow],
        fingerprint: str,
    ) -> None:
        self.tables = tables
        self.field_maps = field_maps
        self.actions = tuple(actions)
        self.fingerprint = fingerprint
        self._commands = {row.key: row.command for row in actions}

    def table(self, dialect: str | None, name: str) -> CodeTable:
        """Return a dialect's code table, else the shared one of that name.

        Raises:
            MappingInvalid: there is none.
        """
        found = self.tables.get((dialect, name)) or self.tables.get((None, name))
        if found is None:
            raise MappingInvalid([f"codes: no table {name!r} for dialect {dialect}"])
        return found

    def fields(self, dialect: str, name: str) -> FieldMap:
        """Return a field map of a dialect.

        Raises:
            MappingInvalid: there is none.
        """
        try:
            return self.field_maps[dialect, name]
        except KeyError:
            raise MappingInvalid([f"fields: no map {name!r} for dialect {dialect}"]) from None

    def command(self, dialect: str, action: str, verb: Verb | None = None) -> CommandType | None:
        """Return the OCPI command an action fires, None when it fires none.

        Raises:
            UnknownCode: no row.
        """
        try:
            return self._commands[dialect, action, verb]
        except KeyError:
            raise UnknownCode("actions", f"{action} {verb}" if verb else action) from None


def load(base: Path, overlays: Sequence[Path] = ()) -> Mappings:
    """Read a mappings directory and the overlay files in their order; the later one wins.

    Raises:
        MappingInvalid: all faults of all files, each with file, line and row.
    """
    faults = Faults()
    known = vocabulary(_file(base, "vocabulary.yaml", faults), faults)
    if not known.tables:
        # Nothing can be checked without it.
        raise MappingInvalid(faults or [f"{known.place}: lists no tables"])
    codes = _named("table", _directory(base, "codes", faults), faults)
    maps = _named("map", _directory(base, "fields", faults), faults)
    _check_present("table", codes, known.tables, known.place, faults)
    _check_present("map", maps, known.paths.keys(), known.place, faults)
    fresh = _overlay_rows(overlays, {"table": codes, "map": maps}, faults)
    tables = _compiled(
        codes, lambda key, doc: compile_table(doc, fresh.get(("table", key), ()), known, faults)
    )

    def find(dialect: str | None) -> Callable[[str], CodeTable | None]:
        def table(name: str) -> CodeTable | None:
            key = (dialect, name) if (dialect, name) in codes else (None, name)
            if key not in codes:
                raise KeyError(name)
            return tables.get(key)

        return table

    field_maps = _compiled(
        maps,
        lambda key, doc: compile_map(
            doc, fresh.get(("map", key), ()), find(key[0]), known.paths.get(key, NO_PATHS), faults
        ),
    )
    dialects = {dialect for dialect, _ in (*codes, *maps) if dialect}
    actions_file = Place(f"{base.name}/actions.yaml", 0)
    actions = compile_actions(_file(base, "actions.yaml", faults), dialects, actions_file, faults)
    if faults:
        raise MappingInvalid(faults)
    return Mappings(tables, field_maps, actions, _fingerprint(base, overlays))


def _file(base: Path, name: str, faults: Faults) -> list[Document]:
    return read(base / name, f"{base.name}/{name}", faults)


def _directory(base: Path, name: str, faults: Faults) -> Iterator[Document]:
    for file in sorted((base / name).glob("*.yaml")):
        yield from _file(base, f"{name}/{file.name}", faults)


def _check_present(
    kind: Kind, named: Mapping[Key, Document], expected: Set[Key], place: Place, faults: Faults
) -> None:
    for dialect, name in sorted(expected - named.keys(), key=str):
        whose = f"dialect {dialect}" if dialect else "all dialects"
        faults.add(place, f"{kind} {name} of {whose} is listed here, and is in no file")
    for dialect, name in sorted(named.keys() - expected, key=str):
        faults.add(named[dialect, name].place, f"{kind} {name} is not listed in {place.file}")


def _named(kind: Kind, documents: Iterator[Document], faults: Faults) -> dict[Key, Document]:
    """Return the documents by dialect and name; two of one name are a fault."""
    named: dict[Key, Document] = {}
    for document in documents:
        key = _key(kind, document)
        if key is None:
            faults.add(document.place, f"no key {kind!r}")
            continue
        first = named.setdefault(key, document)
        if first is not document:
            faults.add(document.place, f"second {kind} {key[1]}, the first is {first.place}")
    return named


def _key(kind: Kind, document: Document) -> Key | None:
    name, dialect = document.head.get(kind), document.head.get("dialect")
    if isinstance(name, str) and (dialect is None or isinstance(dialect, str)):
        return (dialect, name)
    return None


def _overlay_rows(
    overlays: Sequence[Path], known: Mapping[Kind, Mapping[Key, Document]], faults: Faults
) -> dict[tuple[Kind, Key], list[Entry]]:
    """Return the rows of all overlay files by what they are for."""
    rows: dict[tuple[Kind, Key], list[Entry]] = {}
    for path in overlays:
        for document in read(path, str(path), faults):
            kind: Kind = "table" if "table" in document.head else "map"
            key = _key(kind, document)
            for extra in sorted(document.head.keys() - {kind, "dialect"}):
                faults.add(document.place, f"unknown key {extra!r} in an overlay")
            if key is None:
                faults.add(document.place, "an overlay names a table or a map")
            elif key not in known[kind]:
                faults.add(document.place, f"unknown {kind} {key[1]} of dialect {key[0]}")
            else:
                rows.setdefault((kind, key), []).extend(document.rows)
    return rows


def _compiled(
    named: Mapping[Key, Document], compile_: Callable[[Key, Document], Compiled | None]
) -> dict[Key, Compiled]:
    found = ((key, compile_(key, document)) for key, document in named.items())
    return {key: item for key, item in found if item is not None}


def _fingerprint(base: Path, overlays: Sequence[Path]) -> str:
    """Return twelve hex digits over every file that was read, in the order of reading."""
    digest = hashlib.sha256()
    files = (path for pattern in READ for path in sorted(base.glob(pattern)))
    for path in (*files, *overlays):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
