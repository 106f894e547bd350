"""What docs/ocpi-conformance.md says of rows and outcomes."""

from __future__ import annotations

import pytest

from tests.conformance.page import Group, Outcome, Outcomes, Result, Row, faults, page, result
from tests.reference import absence

PASSED, FAILED = Outcome(Result.PASSED), Outcome(Result.FAILED)
SKIPPED, ABSENT = Outcome(Result.SKIPPED, "no Docker"), Outcome(Result.SKIPPED, absence())


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({PASSED}, "passed"),
        ({PASSED, FAILED}, "failed"),
        ({SKIPPED, FAILED}, "failed"),
        ({SKIPPED}, "skipped: no Docker"),
        ({SKIPPED, Outcome(Result.SKIPPED, "ah")}, "skipped: ah; no Docker"),
        ({PASSED, SKIPPED}, "passed; in part skipped: no Docker"),
        ({ABSENT}, "passed"),
        ({ABSENT, PASSED}, "passed"),
        ({ABSENT, FAILED}, "failed"),
        ({ABSENT, SKIPPED}, "passed; in part skipped: no Docker"),
    ],
)
def test_a_result_is_no_better_than_its_tests(outcomes: set[Outcome], said: str) -> None:
    assert result(outcomes) == said


def test_a_row_names_its_tests_or_says_why_it_has_none() -> None:
    written = page(
        [
            Group(
                group="Transport",
                rows=(
                    Row(id="O1", level="MUST", text="One.", caveat="The other."),
                    Row(id="O2", level="REC", text="This | that.", waits="nobody asks"),
                ),
            )
        ],
        [Group(group="cdrs", rows=(Row(id="calls GET {cdrs}", unused="why so"),))],
        {"O1": {"b.py::test_b": {PASSED}, "a.py::test_a": {PASSED}}},
    )
    assert [line for line in written.splitlines() if line.startswith("|")] == [
        "| Id | Level | Requirement | Tests | Result |",
        "| --- | --- | --- | --- | --- |",
        "| O1 | MUST | One. *But: The other.* | `a.py::test_a`<br>`b.py::test_b` | passed |",
        "| O2 | REC | This \\| that. |  | waits: nobody asks |",
        "| Endpoint | Tests | Result |",
        "| --- | --- | --- |",
        "| `calls GET {cdrs}` |  | not used: why so |",
    ]
    assert "## Transport\n" in written
    assert written.endswith("|\n")


TEST: Outcomes = {"O1": {"a.py::test_a": {PASSED}}}


@pytest.mark.parametrize(
    ("row", "outcomes", "said"),
    [
        (Row(id="O1"), TEST, []),
        (Row(id="O1", waits="so"), {}, []),
        (Row(id="O1"), {}, ["O1: neither a test nor the reason why it has none"]),
        (
            Row(id="O1", waits="so"),
            TEST,
            ["O1: there is a test (a.py::test_a), so no reason for having none"],
        ),
        (Row(id="O2", waits="so"), TEST, ["O1: named by a.py::test_a, and no row"]),
    ],
)
def test_rows_and_marks_must_fit(row: Row, outcomes: Outcomes, said: list[str]) -> None:
    assert list(faults([Group(group="Transport", rows=(row,))], outcomes)) == said
