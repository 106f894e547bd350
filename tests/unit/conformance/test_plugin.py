"""The plugin in runs of its own: pytest below pytest, on a project of three tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.page import ENDPOINTS, PAGE, REQUIREMENTS
from tests.reference import PROJECT, VARIABLE, absence

ROWS = """
- group: Transport
  rows:
  - {id: O1, level: MUST, text: One.}
  - {id: O2, level: REC, text: Two.}
"""

TESTS = """
import pytest

@pytest.mark.requirement("O1")
@pytest.mark.parametrize("number", [1, 2])
def test_one(number): ...

@pytest.mark.requirement("O2")
def test_two(): ...

def test_three(): ...
"""

INI = f"""
[pytest]
testpaths = tests
pythonpath = {PROJECT}
addopts = -p xdist -p tests.conformance.plugin -p no:cacheprovider --strict-markers
"""

WRITE = ("--write-conformance", "-m", "requirement or endpoint")


class Project:
    """A project whose tests name two requirements."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self._write("pytest.ini", INI)
        self._write(REQUIREMENTS, ROWS)
        self._write(ENDPOINTS, "[]")
        self._write(PAGE, "")
        self.changed()

    def _write(self, path: str | Path, text: str) -> None:
        file = self._pytester.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def changed(self, old: str = "", new: str = "") -> None:
        """Write the tests, with something changed."""
        self._write("tests/test_it.py", TESTS.replace(old, new))

    @property
    def page(self) -> str:
        """What its page says."""
        return (self._pytester.path / PAGE).read_text()

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run its tests; return the exit status and what was printed."""
        ended = self._pytester.runpytest_inprocess(*arguments)
        return int(ended.ret), ended.stdout.str() + ended.stderr.str()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give the project; its reference material is there, its page is still empty."""
    monkeypatch.setenv(VARIABLE, str(pytester.path))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return Project(pytester)


def test_a_run_of_everything_is_held_against_the_page(project: Project) -> None:
    assert project.run(*WRITE)[0] == 0
    written = project.page
    assert "| O1 | MUST | One. | `test_it.py::test_one` | passed |" in written
    assert project.run()[0] == 0
    assert project.run("tests")[0] == 0

    project.changed("def test_one", "def test_new")
    status, said = project.run("-n", "1")
    assert status == 1
    assert "docs/ocpi-conformance.md is stale: run `make conformance`" in said
    assert "+| O1 | MUST | One. | `test_it.py::test_new` | passed |" in said
    assert project.page == written


@pytest.mark.parametrize(
    "chosen",
    [["tests/test_it.py"], ["-k", "three"], ["-m", "not requirement"], ["--collect-only"], ["-x"]],
)
def test_a_part_of_the_tests_is_held_against_nothing(project: Project, chosen: list[str]) -> None:
    if chosen == ["-x"]:
        project.changed("def test_one(number): ...", "def test_one(number): 1 / 0")
    assert "stale" not in project.run(*chosen)[1]


def test_what_failed_is_written_as_failed(project: Project) -> None:
    project.changed("def test_one(number): ...", "def test_one(number): assert number == 1")
    assert project.run(*WRITE)[0] == 1
    assert "| `test_it.py::test_one` | failed |" in project.page


@pytest.mark.parametrize(
    ("mark", "result"),
    [
        ('skip(reason="no time")', "skipped: no time"),
        ('skipif(True, reason="no|time")', "skipped: no\\|time"),
        ("xfail(strict=True)", "skipped: it is expected to fail"),
    ],
)
def test_what_did_not_run_is_not_written_as_passed(
    project: Project, mark: str, result: str
) -> None:
    project.changed("def test_two(): ...", f"@pytest.mark.{mark}\ndef test_two(): 1 / 0")
    assert project.run(*WRITE)[0] == 0
    assert f"| `test_it.py::test_two` | {result} |" in project.page


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('("O3")', "O3: named by test_it.py::test_one, and no row"),
        ('("O2")', "O1: neither a test nor the reason why it has none"),
        ("", "@pytest.mark.requirement takes ids"),
        ("(1)", "@pytest.mark.requirement takes ids"),
    ],
)
def test_a_mark_that_leads_nowhere_fails_the_run(project: Project, mark: str, said: str) -> None:
    project.changed('("O1")', mark)
    status, told = project.run(*WRITE)
    assert status != 0
    assert said in told


@pytest.mark.parametrize("chosen", [["tests/test_it.py"], ["-k", "one"], ["-m", "requirement"]])
def test_the_page_is_not_written_from_a_part(project: Project, chosen: list[str]) -> None:
    status, said = project.run("--write-conformance", *chosen)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "--write-conformance needs all tests" in said
    assert project.page == ""


def test_without_the_reference_material_the_page_is_compared_but_not_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.run(*WRITE)[0] == 0
    written = project.page
    monkeypatch.delenv(VARIABLE)
    project.changed("def test_two(): ...", f"def test_two(): pytest.skip({absence()!r})")
    assert project.run()[0] == 0

    status, said = project.run(*WRITE)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert f"--write-conformance: {absence()}" in said
    assert project.page == written
