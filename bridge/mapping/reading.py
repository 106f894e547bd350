"""Read YAML so that every key and row keeps its place: file, line, row number.

The files hold words, so a plain scalar is a word: only ``~``, ``null``, ``true`` and ``false``
mean something else. YAML 1.1 would read the Norwegian country code as false.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULLS = frozenset({"", "~", "null"})
BOOLS = {"true": True, "false": False}


class Place(NamedTuple):
    """Where something stands; prints as ``codes/evse_status.yaml:7: row 3 (BLOCKED)``."""

    file: str
    line: int
    row: int | None = None
    key: str = ""

    def __str__(self) -> str:
        """Return file and line, then row number and key when there is a row."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: row {self.row} ({self.key})" if self.row else where


class Entry(NamedTuple):
    """One row of a file, not yet checked."""

    place: Place
    content: dict[str, object]


class Document(NamedTuple):
    """One YAML document: its head, and the entries of its ``rows``."""

    place: Place
    head: dict[str, object]
    rows: tuple[Entry, ...]


class Faults(list[str]):
    """All that is wrong in the files, in the order found."""

    def add(self, place: Place, problem: str) -> None:
        """Write one fault down."""
        self.append(f"{place}: {problem}")


def read(path: Path, label: str, faults: Faults) -> list[Document]:
    """Read all documents of a file; ``label`` is its name in faults."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        faults.add(Place(label, 0), "the file is missing")
        return []
    except (OSError, UnicodeDecodeError) as error:
        faults.add(Place(label, 0), f"cannot be read: {error}")
        return []
    try:
        documents = [
            _document(node, label, faults) for node in yaml.compose_all(text, Loader=LOADER)
        ]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        faults.add(Place(label, line), f"no YAML: {error.problem or error.context}")
        return []
    except yaml.YAMLError as error:
        faults.add(Place(label, 0), f"no YAML: {error}")
        return []
    except RecursionError:
        faults.add(Place(label, 0), "nested too deeply, or an alias that holds itself")
        return []
    if not documents:
        faults.add(Place(label, 0), "the file is empty")
    return [document for document in documents if document is not None]


def _document(node: yaml.Node | None, label: str, faults: Faults) -> Document | None:
    place = _place(node, label) if node else Place(label, 0)
    if not isinstance(node, yaml.MappingNode):
        faults.add(place, "a document must be a mapping of keys")
        return None
    head: dict[str, object] = {}
    rows: tuple[Entry, ...] = ()
    for key, value in _items(node, label, faults):
        if key == "rows":
            rows = _rows(value, label, faults)
        else:
            head[key] = _value(value, label, faults)
    return Document(place, head, rows)


def _rows(node: yaml.Node, label: str, faults: Faults) -> tuple[Entry, ...]:
    if not isinstance(node, yaml.SequenceNode):
        faults.add(_place(node, label), "rows must be a list")
        return ()
    entries = []
    for number, item in enumerate(node.value, start=1):
        if not isinstance(item, yaml.MappingNode):
            faults.add(
                _place(item, label)._replace(row=number, key="?"), "a row must be {key: word}"
            )
            continue
        content = {key: _value(value, label, faults) for key, value in _items(item, label, faults)}
        key = next((word for word in content.values() if isinstance(word, str)), "?")
        entries.append(Entry(_place(item, label)._replace(row=number, key=key), content))
    return tuple(entries)


def _items(node: yaml.MappingNode, label: str, faults: Faults) -> list[tuple[str, yaml.Node]]:
    """Return the pairs of a mapping; a key that stands twice is a fault, the first one counts."""
    items: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            faults.add(_place(key, label), "a key must be a word")
        elif key.value in items:
            faults.add(_place(key, label), f"key {key.value!r} stands twice")
        else:
            items[key.value] = value
    return list(items.items())


def _value(node: yaml.Node, label: str, faults: Faults) -> object:
    if isinstance(node, yaml.MappingNode):
        return {key: _value(value, label, faults) for key, value in _items(node, label, faults)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, label, faults) for item in node.value]
    word = str(node.value)
    quoted = isinstance(node, yaml.ScalarNode) and bool(node.style)
    if quoted:
        return word
    return None if word in NULLS else BOOLS.get(word, word)


def _place(node: yaml.Node, label: str) -> Place:
    return Place(label, node.start_mark.line + 1)
