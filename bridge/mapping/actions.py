"""Which OCPI command each Beckn action fires, by dialect: mappings/actions.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from bridge.mapping.reading import Document, Faults, Place
from bridge.ocpi.commands import CommandType
from bridge.orders.intents import Verb

UPDATE = "update"

ACTIONS: Sequence[str] = (
    "search",
    "select",
    "init",
    "confirm",
    UPDATE,
    "status",
    "track",
    "cancel",
    "rating",
    "support",
)
"""The Beckn actions a BPP is asked for."""


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actions: str


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: str
    command: CommandType | UnsetType | None = UNSET
    verb: Verb | None = None
    why: str | None = None


class ActionRow(NamedTuple):
    """One row; ``verb`` is set for ``update`` only, ``command`` None = nothing is sent."""

    place: Place
    dialect: str
    action: str
    verb: Verb | None
    command: CommandType | None
    why: str | None

    @property
    def key(self) -> tuple[str, str, Verb | None]:
        """What a row is found by."""
        return (self.dialect, self.action, self.verb)


def compile_actions(
    documents: Sequence[Document], expected: Set[str], place: Place, faults: Faults
) -> list[ActionRow]:
    """Check actions.yaml: one document for each dialect, a row for every action and verb.

    ``expected`` are the dialects; ``place`` is the file, for what is not in it.
    """
    rows: dict[tuple[str, str, Verb | None], ActionRow] = {}
    dialects: set[str] = set()
    for document in documents:
        try:
            dialect = msgspec.convert(document.head, _Head).actions
        except msgspec.ValidationError as error:
            faults.add(document.place, str(error))
            continue
        if dialect in dialects:
            faults.add(document.place, f"second document for dialect {dialect}")
        dialects.add(dialect)
        for row in _rows(document, dialect, faults):
            first = rows.setdefault(row.key, row)
            if first is not row:
                faults.add(row.place, f"second row for {row.action}, the first is {first.place}")
        for action, verb in _expected():
            if (dialect, action, verb) not in rows:
                what = f"{action} {verb}" if verb else action
                faults.add(document.place, f"actions of {dialect}: no row for {what}")
    for dialect in sorted(expected - dialects):
        faults.add(place, f"no document for dialect {dialect}")
    return list(rows.values())


def _expected() -> Iterator[tuple[str, Verb | None]]:
    for action in ACTIONS:
        yield from ((action, verb) for verb in (Verb if action == UPDATE else (None,)))


def _rows(document: Document, dialect: str, faults: Faults) -> Iterator[ActionRow]:
    for place, content in document.rows:
        try:
            raw = msgspec.convert(content, _Row)
        except msgspec.ValidationError as error:
            faults.add(place, str(error))
            continue
        if (raw.action, raw.verb) not in _expected():
            faults.add(place, f"unknown action {raw.action} {raw.verb or 'without verb'}")
        elif isinstance(raw.command, UnsetType):
            faults.add(place, "no key 'command' (write ~ for: nothing is sent)")
        elif raw.command is None and not raw.why:
            faults.add(place, "no command: say why")
        else:
            yield ActionRow(place, dialect, raw.action, raw.verb, raw.command, raw.why)
