"""What words there are: enums of OCPI and of our own, word sets of mappings/vocabulary.yaml.

A type with a dot names an enum (``sessions.SessionStatus``, ``orders.OrderState``), one without
names a word set. Nothing else can stand on either side of a code table.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NamedTuple, TypeVar

import msgspec

from bridge.mapping.reading import Document, Faults, Place
from bridge.ocpi import cdrs, commands, credentials, locations, sessions, tariffs, tokens, types
from bridge.orders.intents import Measure, Verb
from bridge.orders.order import LineKind, OrderState, PaymentStatus
from bridge.orders.otp import OtpMedium, OtpStep
from bridge.orders.pass_order import PassState


def _enums(module: ModuleType) -> dict[str, type[enum.StrEnum]]:
    short = module.__name__.rpartition(".")[2]
    return {
        f"{short}.{name}": item
        for name, item in vars(module).items()
        if isinstance(item, type)
        and issubclass(item, enum.StrEnum)
        and item.__module__ == module.__name__
    }


ENUMS: Mapping[str, type[enum.StrEnum]] = {
    **{
        name: item
        for module in (
            cdrs,
            commands,
            credentials,
            locations,
            sessions,
            tariffs,
            tokens,
            types,
        )
        for name, item in _enums(module).items()
    },
    "intents.Measure": Measure,
    "intents.Verb": Verb,
    "orders.LineKind": LineKind,
    "orders.OrderState": OrderState,
    "orders.OtpMedium": OtpMedium,
    "orders.OtpStep": OtpStep,
    "orders.PassState": PassState,
    "orders.PaymentStatus": PaymentStatus,
}


class Words(NamedTuple):
    """The words one side of a table may use.

    Args:
        members: each word, and what stands for it in memory: the enum's member, else the word.
        open: an overlay may bring new words.
    """

    name: str
    members: Mapping[str, str]
    open: bool = False


class _OpenSet(msgspec.Struct, forbid_unknown_fields=True):
    open: bool
    words: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    words: dict[str, dict[str, list[str] | _OpenSet]]
    tables: dict[str, list[str]]
    paths: dict[str, dict[str, list[str]]]


SHARED = "shared"

Key = tuple[str | None, str]
"""Dialect (None: shared by all) and name of a word set, table or field map."""


class Vocabulary:
    """Every word the tables may use, every table, and every path the field maps fill."""

    def __init__(self) -> None:
        self.place = Place("vocabulary.yaml", 0)
        self.sets: dict[Key, Words] = {}
        self.tables: set[Key] = set()
        self.paths: dict[Key, frozenset[str]] = {}

    def find(self, type_: str, dialect: str | None) -> Words | None:
        """Return the enum or word set of that name; a dialect's own goes before a shared one."""
        if enum_ := ENUMS.get(type_):
            return Words(type_, {member.value: member for member in enum_})
        return self.sets.get((dialect, type_)) or self.sets.get((None, type_))


def vocabulary(documents: Sequence[Document], faults: Faults) -> Vocabulary:
    """Check mappings/vocabulary.yaml, a single document."""
    known = Vocabulary()
    for document in documents[:1]:
        known.place = document.place
        try:
            file = msgspec.convert(document.head, _File)
        except msgspec.ValidationError as error:
            faults.add(document.place, str(error))
            continue
        known.sets = {
            key: _words(key, content, document.place, faults)
            for key, content in _by_key(file.words).items()
        }
        for dialect, names in file.tables.items():
            _check_once(f"tables.{dialect}", names, document.place, faults)
            known.tables.update((_dialect(dialect), name) for name in names)
        for (dialect_, name), paths in _by_key(file.paths).items():
            _check_once(f"paths.{dialect_}.{name}", paths, document.place, faults)
            known.paths[dialect_, name] = frozenset(paths)
    for document in documents[1:]:
        faults.add(document.place, "a second document")
    return known


def _dialect(name: str) -> str | None:
    return None if name == SHARED else name


Item = TypeVar("Item")


def _by_key(named: Mapping[str, Mapping[str, Item]]) -> dict[Key, Item]:
    return {
        (_dialect(dialect), name): item
        for dialect, items in named.items()
        for name, item in items.items()
    }


def _words(key: Key, content: list[str] | _OpenSet, place: Place, faults: Faults) -> Words:
    words = content.words if isinstance(content, _OpenSet) else content
    name = key[1]
    _check_once(f"words.{key[0] or SHARED}.{name}", words, place, faults)
    if "." in name:
        faults.add(place, f"word set {name!r}: a dot is for enums")
    is_open = isinstance(content, _OpenSet) and content.open
    return Words(name, {word: word for word in words}, is_open)


def _check_once(where: str, words: Sequence[str], place: Place, faults: Faults) -> None:
    for word in dict.fromkeys(word for word in words if words.count(word) > 1):
        faults.add(place, f"{where}: {word!r} stands twice")
