"""The names in the catalogue: does a free text mean one of them, or is it noise?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def folded(text: str) -> str:
    """Return a text as names are compared: without case, blanks as one space each."""
    return " ".join(text.casefold().split())


class NameBook:
    """All folded names with how often each is in use."""

    def __init__(self) -> None:
        self._uses: Counter[str] = Counter()
        self._page: str | None = None

    def add(self, names: Iterable[str]) -> None:
        """Count a use of each name."""
        for name in names:
            self._uses[name] += 1
            if self._uses[name] == 1:
                self._page = None

    def drop(self, names: Iterable[str]) -> None:
        """Take a use of each name back."""
        for name in names:
            self._uses[name] -= 1
            if not self._uses[name]:
                del self._uses[name]
                self._page = None

    def has(self, text: str) -> bool:
        """Tell whether a folded text is part of some name.

        Every search with a free text asks this of the whole catalogue, so the names stand on one
        page, one to a line; a folded text has no line end and cannot reach over two names.
        """
        if self._page is None:
            self._page = "\n".join(self._uses)
        return text in self._page
