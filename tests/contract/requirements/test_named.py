"""Every requirement of the standard is shown by a test, or it is said why it waits."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.requirements.markers import Misplaced, named
from tests.contract.requirements.page import PAGE, SHOWN_BY, TESTS, WAITS, Row, refreshed, rows

LATER = "Other"
"""The group that is no part of this page: hub, charging profiles, charging preferences."""


class Required(NamedTuple):
    """A requirement as the reference material lists it."""

    level: str
    group: str


@pytest.fixture(scope="module")
def shown() -> dict[str, tuple[str, ...]]:
    """Give the tests by the requirement they name."""
    return named(TESTS)


@pytest.fixture(scope="module")
def page() -> list[Row]:
    """Give the rows of the page."""
    return list(rows(PAGE.read_text()))


@pytest.fixture(scope="module")
def required(shared: Path) -> dict[str, Required]:
    """Give the requirements of the reference material."""
    with (shared / "data" / "ocpi" / "requirements.tsv").open(newline="") as file:
        return {
            each["id"]: Required(each["level"], each["group"])
            for each in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


def test_each_row_is_shown_by_a_test_or_waits_for_a_reason(
    page: list[Row], shown: dict[str, tuple[str, ...]]
) -> None:
    both = [row.id for row in page if row.waits and row.id in shown]
    neither = [row.id for row in page if not row.waits and row.id not in shown]
    mute = [row.id for row in page if row.waits and not row.cells[WAITS]]
    assert (both, neither, mute) == ([], [], [])


def test_no_requirement_has_two_rows(page: list[Row]) -> None:
    ids = [row.id for row in page]
    assert len(ids) == len(set(ids))


def test_the_page_names_the_tests_that_there_are(shown: dict[str, tuple[str, ...]]) -> None:
    text = PAGE.read_text()
    assert refreshed(text, shown) == text, "run: python -m tests.contract.requirements.page"


@pytest.mark.shared
def test_the_page_has_every_requirement_and_no_other(
    page: list[Row], required: dict[str, Required]
) -> None:
    levels = {row.id: row.cells["Level"] for row in page}
    assert levels == {id_: each.level for id_, each in required.items() if each.group != LATER}


@pytest.mark.shared
def test_no_test_names_a_requirement_that_does_not_exist(
    shown: dict[str, tuple[str, ...]], required: dict[str, Required]
) -> None:
    assert shown.keys() - required.keys() == set()


def scanned(folder: Path, source: str, file: str = "test_one.py") -> dict[str, tuple[str, ...]]:
    """Scan a folder with one file."""
    (folder / file).write_text("import pytest\n" + source)
    return named(folder)


def test_marks_of_functions_classes_modules_and_parameters_count(tmp_path: Path) -> None:
    source = """
pytestmark = pytest.mark.requirement("O1")

@pytest.mark.requirement("O2")
@pytest.mark.requirement("O2")
async def test_a(): ...

@pytest.mark.requirement("O3")
class TestB:
    pytestmark = [pytest.mark.requirement("O4")]
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.requirement("O5"))])
    def test_c(self, x): ...
"""
    a, c = "test_one.py::test_a", "test_one.py::TestB::test_c"
    assert scanned(tmp_path, source) == {
        "O1": (a, c),
        "O2": (a,),
        **dict.fromkeys(("O3", "O4", "O5"), (c,)),
    }


@pytest.mark.parametrize("mark", ["skip", 'skip(reason="x")', "xfail", "xfail(strict=True)"])
def test_a_test_that_need_not_pass_shows_nothing(tmp_path: Path, mark: str) -> None:
    source = f'@pytest.mark.{mark}\n@pytest.mark.requirement("O1")\ndef test_a(): ...\n'
    assert scanned(tmp_path, source) == {}


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ('@pytest.mark.requirement("O1")\ndef helper(): ...\n', "test_one.py"),
        ('@pytest.mark.requirement("O1")\ndef test_a(): ...\n', "rig.py"),
        ('class Rig:\n  @pytest.mark.requirement("O1")\n  def test_a(self): ...\n', "test_one.py"),
        ('@pytest.mark.requirement("O1", "O2")\ndef test_a(): ...\n', "test_one.py"),
        ("@pytest.mark.requirement(ID)\ndef test_a(): ...\n", "test_one.py"),
        ("@pytest.mark.requirement\ndef test_a(): ...\n", "test_one.py"),
    ],
    ids=["no test", "not collected", "no test class", "two ids", "no literal", "no id"],
)
def test_a_mark_that_would_go_unseen_is_a_fault(tmp_path: Path, source: str, file: str) -> None:
    with pytest.raises(Misplaced, match=rf"^{file}:\d+: "):
        scanned(tmp_path, source, file)


def test_only_the_column_of_tests_is_written_anew() -> None:
    page = f"""# Title

| Id | {SHOWN_BY} | Still missing |
| --- | --- | --- |
| O1 | `old` | one |
| O2 | `gone` |  |

| Id | {WAITS} |
| --- | --- |
| O3 | so |
"""
    assert refreshed(page, {"O1": ("a::b", "c::d"), "O3": ("e::f",)}) == page.replace(
        "`old`", "`a::b`<br>`c::d`"
    ).replace("`gone`", "")
