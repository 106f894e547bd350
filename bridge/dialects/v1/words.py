"""Reading code words of a message with a code table."""

from __future__ import annotations

from decimal import Decimal

from bridge.beckn.quirks import Quirk, Report
from bridge.errors import BecknInvalid
from bridge.mapping import CodeTable, UnknownCode


class WordReader:
    """One code table, read towards us; a word that is not spelled as in the table is a quirk."""

    def __init__(self, table: CodeTable) -> None:
        self._table = table
        self._regular = frozenset(row.right for row in table.rows)
        self._squeezed = {
            _squeezed(word): row.left
            for row in table.rows
            if row.goes("to_ocpi") and row.left is not None
            for word in (row.left, row.right, *row.accepts)
            if word is not None
        }

    def find(self, word: str, quirk: Report) -> str | None:
        """Return what a word means; None when the table does not know it."""
        try:
            member = self._table.to_ocpi(word)
        except UnknownCode:
            return None
        if word not in self._regular:
            quirk(Quirk.SPELLING)
        return member

    def find_loosely(self, word: str, quirk: Report) -> str | None:
        """Return what a word means, with or without what stands between its parts: ``CCS-2``.

        The words of the other side count too; None when the table does not know it all the same.
        """
        member = self.find(word, quirk)
        if member is None and (member := self._squeezed.get(_squeezed(word))) is not None:
            quirk(Quirk.SPELLING)
        return member

    def read(self, word: str, path: str, quirk: Report) -> str:
        """Return what a word means.

        Raises:
            BecknInvalid: the table does not know it.
        """
        member = self.find(word, quirk)
        if member is None:
            known = ", ".join(sorted(word for word in self._regular if word is not None))
            raise BecknInvalid(path, f"unknown word {word!r}, known are {known}")
        return member

    def regular(self, word: str, path: str, quirk: Report) -> str:
        """Return a word in its regular spelling.

        Raises:
            BecknInvalid: the table does not know it.
        """
        return self.spell(self.read(word, path, quirk))

    def spell(self, member: str) -> str:
        """Return how the table writes what ``find`` or ``read`` returned."""
        return self._table.to_beckn(member) or member

    def scaled(self, number: Decimal, unit: str) -> Decimal:
        """Return a number in our own unit; the table knows the unit."""
        return number * self._table.factor_of(unit)


def _squeezed(word: str) -> str:
    return "".join(filter(str.isalnum, word.casefold()))
