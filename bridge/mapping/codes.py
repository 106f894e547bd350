"""Code tables: which word of one side is which word of the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from bridge.errors import BridgeError
from bridge.mapping.reading import Document, Entry, Faults, Place
from bridge.mapping.vocabulary import Vocabulary, Words

Way = Literal["to_beckn", "to_ocpi"]
SideName = Literal["ocpi", "bridge", "beckn"]

# Left is the side nearer to OCPI, so that "to_beckn" always reads from left to right.
SIDES: Sequence[SideName] = ("ocpi", "bridge", "beckn")


class UnknownCode(BridgeError):
    """A word no row of its code table knows: no message is made from it."""

    def __init__(self, table: str, word: str) -> None:
        self.table = table
        self.word = word
        super().__init__(f"{word!r} has no row in code table {table}")


class Side(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``left`` or ``right`` of a table: whose words, and which."""

    side: SideName
    type: str


class TableHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table file without its rows. ``way`` makes the whole table one-way; it needs a ``why``."""

    table: str
    left: Side
    right: Side
    dialect: str | None = None
    way: Way | None = None
    why: str | None = None


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ocpi: str | UnsetType | None = UNSET
    bridge: str | UnsetType | None = UNSET
    beckn: str | UnsetType | None = UNSET
    way: Way | None = None
    accepts: tuple[str, ...] = ()
    name: str | None = None
    factor: Decimal | None = None
    why: str | None = None


class CodeRow(NamedTuple):
    """One row: ``left`` and ``right`` are words, None = has no counterpart."""

    place: Place
    left: str | None
    right: str | None
    way: Way | None
    accepts: tuple[str, ...] = ()
    name: str | None = None
    factor: Decimal | None = None
    why: str | None = None

    def goes(self, way: Way) -> bool:
        """Whether the row is used in that direction."""
        word = self.left if way == "to_beckn" else self.right
        return word is not None and self.way in (None, way)


class CodeTable:
    """A compiled table: two dicts, one for each direction."""

    __slots__ = (
        "_factors",
        "_names",
        "_to_beckn",
        "_to_ocpi",
        "dialect",
        "head",
        "left",
        "name",
        "right",
        "rows",
    )

    def __init__(self, head: TableHead, left: Words, right: Words, rows: Sequence[CodeRow]) -> None:
        self.name = head.table
        self.dialect = head.dialect
        self.head = head
        self.left = left
        self.right = right
        self.rows = tuple(rows)
        self._to_beckn: Mapping[str, str | None] = {
            row.left: _member(right, row.right)
            for row in rows
            if row.left is not None and row.goes("to_beckn")
        }
        reading = [row for row in rows if row.goes("to_ocpi")]
        self._to_ocpi: Mapping[str, str | None] = {
            fold(word): _member(left, row.left) for row in reading for word in _spellings(row)
        }
        self._factors = {
            fold(word): row.factor
            for row in reading
            if row.factor is not None
            for word in _spellings(row)
        }
        self._names = {row.left: row.name for row in rows if row.left is not None}

    def to_beckn(self, word: str) -> str | None:
        """Return the word on the Beckn side, the bridge's own in tables that end there.

        None: the row says that there is none.

        Raises:
            UnknownCode: no row.
        """
        try:
            return self._to_beckn[word]
        except KeyError:
            raise UnknownCode(self.name, word) from None

    def to_ocpi(self, word: str) -> str | None:
        """Return the OCPI side's word (or the bridge's own): the enum's member if it has an enum.

        Case does not count, ``_`` equals ``-``, other accepted spellings are known. None: the row
        says that there is none.

        Raises:
            UnknownCode: no row.
        """
        try:
            return self._to_ocpi[fold(word)]
        except KeyError:
            raise UnknownCode(self.name, word) from None

    def name_of(self, word: str) -> str | None:
        """Return the display name in the row of a left word, None when it has none."""
        return self._names.get(word)

    def factor_of(self, word: str) -> Decimal:
        """Return by what to multiply a number that stands in this Beckn unit.

        Raises:
            UnknownCode: no row, or a row without a factor.
        """
        try:
            return self._factors[fold(word)]
        except KeyError:
            raise UnknownCode(self.name, word) from None

    def row_of(self, word: str) -> CodeRow | None:
        """Return the row that ``to_beckn`` uses for a left word; for explanations."""
        return next((row for row in self.rows if row.left == word and row.goes("to_beckn")), None)


def fold(word: str) -> str:
    """Return the form in which two spellings of a Beckn code compare equal (use cases, 9)."""
    return word.casefold().replace("_", "-")


def _member(words: Words, word: str | None) -> str | None:
    # A word an overlay brought into an open set is no member yet: it stands for itself.
    return None if word is None else words.members.get(word, word)


def _spellings(row: CodeRow) -> tuple[str, ...]:
    return (row.right, *row.accepts) if row.right is not None else row.accepts


def row_key(row: CodeRow) -> tuple[str, str | None]:
    """Return what an overlay row replaces by: the left word, or the Beckn word if only read."""
    if row.way == "to_ocpi" or row.left is None:
        return ("right", fold(row.right) if row.right else None)
    return ("left", row.left)


class _Frame(NamedTuple):
    """What the rows of a table are checked against."""

    head: TableHead
    left: Words
    right: Words


def compile_table(
    document: Document, overlay: Sequence[Entry], vocabulary: Vocabulary, faults: Faults
) -> CodeTable | None:
    """Check a table and the overlay rows for it; None when it cannot be used."""
    before = len(faults)
    frame = _frame(document, vocabulary, faults)
    if frame is None:
        return None
    rows = _rows(document.rows, frame, faults)
    if len(rows) == len(document.rows):
        _check_complete(rows, frame, document.place, faults)
    _check_unambiguous(rows, faults)
    if overlay:
        fresh = _rows(overlay, frame, faults, overlay=True)
        rows = _replaced(rows, fresh, frame.right, faults)
        _check_unambiguous(rows, faults)
    return CodeTable(*frame, rows) if len(faults) == before else None


def _frame(document: Document, vocabulary: Vocabulary, faults: Faults) -> _Frame | None:
    """Check the head of a table; None when its rows cannot be checked."""
    place = document.place
    before = len(faults)
    try:
        head = msgspec.convert(document.head, TableHead)
    except msgspec.ValidationError as error:
        faults.add(place, str(error))
        return None
    left = vocabulary.find(head.left.type, head.dialect)
    right = vocabulary.find(head.right.type, head.dialect)
    for side, words in ((head.left, left), (head.right, right)):
        if words is None:
            faults.add(place, f"unknown type {side.type!r}")
    if SIDES.index(head.left.side) >= SIDES.index(head.right.side):
        faults.add(place, "left must be nearer to ocpi than right: ocpi, bridge, beckn")
    if head.way and not head.why:
        faults.add(place, f"the table goes {head.way} only, and does not say why")
    if left is None or right is None or len(faults) > before:
        return None
    return _Frame(head, left, right)


def _rows(
    entries: Iterable[Entry], frame: _Frame, faults: Faults, *, overlay: bool = False
) -> list[CodeRow]:
    """Return the rows that are right in themselves."""
    rows = []
    for place, content in entries:
        before = len(faults)
        try:
            raw = msgspec.convert(content, _Row)
        except msgspec.ValidationError as error:
            faults.add(place, str(error))
            continue
        row = _row(raw, place, frame.head, faults)
        if row is not None:
            _check_words(row, frame, faults, overlay=overlay)
            _check_way(row, frame.head, faults)
        if row is not None and len(faults) == before:
            rows.append(row)
    return rows


def _row(raw: _Row, place: Place, head: TableHead, faults: Faults) -> CodeRow | None:
    words = {"ocpi": raw.ocpi, "bridge": raw.bridge, "beckn": raw.beckn}
    left, right = words.pop(head.left.side), words.pop(head.right.side)
    for side, word in words.items():
        if word is not UNSET:
            sides = f"{head.left.side} and {head.right.side}"
            faults.add(place, f"unknown key {side!r}: this table has {sides}")
    if isinstance(left, UnsetType) or isinstance(right, UnsetType):
        missing = head.left.side if isinstance(left, UnsetType) else head.right.side
        faults.add(place, f"no key {missing!r} (write ~ for: has no counterpart)")
        return None
    if head.way and raw.way:
        faults.add(place, "way stands in the head already")
    return CodeRow(
        place, left, right, head.way or raw.way, raw.accepts, raw.name, raw.factor, raw.why
    )


def _check_words(row: CodeRow, frame: _Frame, faults: Faults, *, overlay: bool) -> None:
    for word, words in ((row.left, frame.left), (row.right, frame.right)):
        new = overlay and words.open
        if word is not None and word not in words.members and not new:
            faults.add(row.place, f"unknown word {word!r}: no member of {words.name}")


def _check_way(row: CodeRow, head: TableHead, faults: Faults) -> None:
    """Check that the row goes somewhere, and that it says why where something gets lost."""
    if row.left is None and row.right is None:
        faults.add(row.place, "both sides are ~")
    elif not (row.goes("to_beckn") or row.goes("to_ocpi")):
        faults.add(row.place, f"nothing goes {row.way} here")
    if not row.why and None in (row.left, row.right):
        faults.add(row.place, "~ loses a word: say why")
    elif not row.why and row.way and not head.way:
        faults.add(row.place, f"only {row.way}: the other way is lost, say why")
    if (row.accepts or row.factor is not None) and not row.goes("to_ocpi"):
        faults.add(row.place, "accepts and factor are for words that are read, this row is not")


def _check_complete(rows: Sequence[CodeRow], frame: _Frame, place: Place, faults: Faults) -> None:
    """Check that no word of either side is without a row, as far as the table's way goes."""
    head, left, right = frame
    said = {row.left for row in rows if head.way == "to_ocpi" or row.goes("to_beckn")}
    read = {row.right for row in rows if row.goes("to_ocpi")}
    for word in left.members:
        if word not in said:
            faults.add(place, f"table {head.table}: no row for {word} ({left.name})")
    for word in right.members:
        if head.way != "to_beckn" and word not in read:
            faults.add(place, f"table {head.table}: no row reads {word!r} ({right.name})")


def _check_unambiguous(rows: Sequence[CodeRow], faults: Faults) -> None:
    said: dict[str, CodeRow] = {}
    read: dict[str, CodeRow] = {}
    for row in rows:
        if row.left is not None and row.goes("to_beckn"):
            first = said.setdefault(row.left, row)
            if first is not row:
                faults.add(row.place, f"second row for {row.left}, the first is {first.place}")
        if row.goes("to_ocpi"):
            for word in _spellings(row):
                first = read.setdefault(fold(word), row)
                if first is not row:
                    faults.add(row.place, f"second row reads {word!r}, the first is {first.place}")


def _replaced(
    rows: Sequence[CodeRow], overlay: Sequence[CodeRow], right: Words, faults: Faults
) -> list[CodeRow]:
    """Return the rows with those of an overlay in place of the ones with the same key."""
    merged = {row_key(row): row for row in rows}
    seen: set[tuple[str, tuple[str, str | None]]] = set()
    for row in overlay:
        key = row_key(row)
        if (row.place.file, key) in seen:
            faults.add(row.place, "this file replaces the row already")
        elif key not in merged and not (right.open and row.way == "to_ocpi"):
            faults.add(row.place, f"nothing to replace: no row for {key[1]!r} in the base")
        seen.add((row.place.file, key))
        merged[key] = row
    return list(merged.values())
