"""docs/ocpi-conformance.md: what is asked, which tests show it, and what they gave.

The rows are ``requirements.yaml`` and ``endpoints.yaml`` beside this file; the outcomes come from
the run (``plugin.py``). Nothing here knows pytest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.reference import absence

PAGE = Path("docs") / "ocpi-conformance.md"
REQUIREMENTS, ENDPOINTS = (
    Path("tests") / "conformance" / name for name in ("requirements.yaml", "endpoints.yaml")
)
"""Where the page and its rows are in the project."""

HEAD = """\
# Conformance with OCPI 2.2.1

What the standard asks of an eMSP as the bridge reads it, the tests that show it, and what they
gave. MUST, SHOULD and MAY are the standard's own; REC is what we hold to where it is silent or
contradicts itself.

`make conformance` writes this page from a run of the tests that carry
`@pytest.mark.requirement` or `@pytest.mark.endpoint`; the words stand in
`tests/conformance/requirements.yaml`. `make test` fails when the page is not what its own run
gave, and when a row has neither a test nor the reason why it has none. Paths are below `tests/`.

Some of the tests read the reference material beside the project and are skipped where that is
absent. The page is written only where it is there; a run without it takes those tests to give what
the page says of them.
"""


class Result(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(NamedTuple):
    """How one run of a test ended, and why if it was skipped."""

    result: Result
    reason: str = ""

    @property
    def trusted(self) -> bool:
        """Whether it passed, or could not run for want of the reference material."""
        return self.result is Result.PASSED or self.reason == absence()


Outcomes = Mapping[str, Mapping[str, Set[Outcome]]]
"""By what a mark names, by test: how each run of the test ended."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is asked: a requirement, or an endpoint (whose id says it all)."""

    id: str
    level: str = ""
    text: str = ""
    caveat: str = ""
    waits: str = ""
    unused: str = ""

    @property
    def reason(self) -> str:
        """What stands in the place of a result where there is no test."""
        if self.waits:
            return f"waits: {self.waits}"
        return f"not used: {self.unused}" if self.unused else ""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that stand in one table."""

    group: str
    rows: tuple[Row, ...]


def read(path: Path) -> list[Group]:
    """Read the rows of a file."""
    return msgspec.yaml.decode(path.read_bytes(), type=list[Group])


def page(requirements: Iterable[Group], endpoints: Iterable[Group], outcomes: Outcomes) -> str:
    """Write the page."""
    lines = [HEAD]
    for group in requirements:
        lines += [f"## {group.group}\n", *_requirements(group, outcomes)]
    lines += [
        "## Endpoints\n",
        "What the bridge serves and what it calls, each driven over HTTP by the tests it names.\n",
    ]
    for group in endpoints:
        lines += [f"### {group.group}\n", *_endpoints(group, outcomes)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _requirements(group: Group, outcomes: Outcomes) -> Iterator[str]:
    yield from _table(
        ("Id", "Level", "Requirement", "Tests", "Result"),
        [
            (row.id, row.level, _words(row), *_ending(row, outcomes.get(row.id, {})))
            for row in group.rows
        ],
    )


def _endpoints(group: Group, outcomes: Outcomes) -> Iterator[str]:
    yield from _table(
        ("Endpoint", "Tests", "Result"),
        [(f"`{row.id}`", *_ending(row, outcomes.get(row.id, {}))) for row in group.rows],
    )


def _words(row: Row) -> str:
    return f"{row.text} *But: {row.caveat}*" if row.caveat else row.text


def _ending(row: Row, tests: Mapping[str, Set[Outcome]]) -> tuple[str, str]:
    """Return the cells of the tests and of their result."""
    names = "<br>".join(f"`{name}`" for name in sorted(tests))
    return names, result(set().union(*tests.values())) if tests else row.reason


def result(outcomes: Set[Outcome]) -> str:
    """Say in a few words how tests ended, of which there is one or more."""
    skipped = {each.reason for each in outcomes if not each.trusted and each.reason}
    because = f"skipped: {'; '.join(sorted(skipped))}"
    if any(each.result is Result.FAILED for each in outcomes):
        return "failed"
    if any(each.trusted for each in outcomes):
        return f"passed; in part {because}" if skipped else "passed"
    return because


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(columns)
    yield _line(["---"] * len(columns))
    yield from (_line([cell.replace("|", "\\|") for cell in row]) for row in rows)
    yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def faults(groups: Iterable[Group], outcomes: Outcomes) -> Iterator[str]:
    """Say what is wrong with the rows and the marks of the tests, whatever the tests gave."""
    rows = {row.id: row for group in groups for row in group.rows}
    for id_, row in rows.items():
        if row.reason and id_ in outcomes:
            yield f"{id_}: there is a test ({min(outcomes[id_])}), so no reason for having none"
        if not row.reason and id_ not in outcomes:
            yield f"{id_}: neither a test nor the reason why it has none"
    for id_ in sorted(outcomes.keys() - rows.keys()):
        yield f"{id_}: named by {min(outcomes[id_])}, and no row"
