"""docs/ocpi-requirements.md: written by hand but for its column of tests, which is made here.

``python -m tests.contract.requirements.page`` writes that column anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.contract.requirements.markers import named
from tests.reference import PROJECT

PAGE = PROJECT / "docs" / "ocpi-requirements.md"
TESTS = PROJECT / "tests"

SHOWN_BY = "Shown by"
WAITS = "Waits because"

_ID = re.compile(r"O\d+")


class Row(NamedTuple):
    """One requirement: ``line`` is where it stands, ``cells`` go by the names of the columns."""

    line: int
    id: str
    cells: Mapping[str, str]

    @property
    def waits(self) -> bool:
        """Whether it stands in the table of those that wait."""
        return WAITS in self.cells


def rows(page: str) -> Iterator[Row]:
    """Return the requirements of a page."""
    columns: Sequence[str] = ()
    for number, line in enumerate(page.splitlines()):
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "Id":
            columns = cells
        elif _ID.fullmatch(cells[0]):
            yield Row(number, cells[0], dict(zip(columns, cells, strict=True)))


def refreshed(page: str, tests: Mapping[str, Sequence[str]]) -> str:
    """Return the page with the tests that show each requirement, nothing else changed."""
    lines = page.splitlines()
    for row in rows(page):
        if SHOWN_BY in row.cells:
            shown_by = "<br>".join(f"`{test}`" for test in tests.get(row.id, ()))
            cells = {**row.cells, SHOWN_BY: shown_by}
            lines[row.line] = f"| {' | '.join(cells.values())} |"
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(), named(TESTS)))
