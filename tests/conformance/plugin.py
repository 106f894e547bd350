"""A pytest plugin: which test showed which requirement and drove which endpoint, and how it ended.

It is told by the reports, so it works under xdist: the workers name the ids, the process that
reports collects them. A run of everything is held against docs/ocpi-conformance.md and fails when
the page says something else; ``--write-conformance`` writes the page instead. Any other run, of
some folder or some marks, is left alone.
"""

from __future__ import annotations

import difflib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conformance.page import (
    ENDPOINTS,
    PAGE,
    REQUIREMENTS,
    Outcome,
    Result,
    faults,
    page,
    read,
)
from tests.reference import absence, shared_path

MARKS = ("requirement", "endpoint")
MARKED = " or ".join(MARKS)
"""What ``-m`` may say in a run that writes the page."""

OPTION = "--write-conformance"
NAMES = "conformance"
"""The property of a report that holds what its test names."""

DIFF_LINES = 20
"""So much of a difference is shown."""

_CHOOSING = ("keyword", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "collectonly")
"""Options by which a run leaves tests out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the page."""
    parser.addoption(OPTION, action="store_true", help=f"write {PAGE} from this run of the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, and collect in the process that reports.

    Raises:
        UsageError: the page is to be written from a run that leaves something out.
    """
    for mark in MARKS:
        config.addinivalue_line("markers", f"{mark}(id, ...): a row of {PAGE.name} that this shows")
    writes = config.getoption(OPTION)
    if writes and not _whole(config, ("", MARKED)):
        raise pytest.UsageError(f"{OPTION} needs all tests, or all of -m '{MARKED}'")
    if writes and shared_path(os.environ, config.rootpath) is None:
        raise pytest.UsageError(f"{OPTION}: {absence()}")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Conformance(config), "conformance-of-the-run")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Write what a test names where its reports show it."""
    names = [name for mark in MARKS for each in item.iter_markers(mark) for name in _names(each)]
    if names:
        item.user_properties.append((NAMES, names))


def _names(mark: pytest.Mark) -> tuple[str, ...]:
    """Return the ids of a mark.

    Raises:
        UsageError: there are none, or something else.
    """
    if mark.kwargs or not mark.args or not all(isinstance(each, str) for each in mark.args):
        raise pytest.UsageError(f"@pytest.mark.{mark.name} takes ids: {mark.args} {mark.kwargs}")
    return mark.args


def _whole(config: pytest.Config, marks: Sequence[str]) -> bool:
    """Return whether nothing is left out of a run but by one of these expressions of marks."""
    here = config.invocation_params.dir
    asked = {(here / arg).resolve() for arg in config.args}
    everything = {(config.rootpath / path).resolve() for path in config.getini("testpaths")}
    chosen = any(config.getoption(name, None) for name in _CHOOSING)
    return asked == everything and not chosen and config.getoption("markexpr") in marks


class Conformance:
    """What one run showed."""

    def __init__(self, config: pytest.Config) -> None:
        self._writes: bool = config.getoption(OPTION)
        self._compares = not self._writes and _whole(config, ("",))
        self._page = config.rootpath / PAGE
        self._requirements = read(config.rootpath / REQUIREMENTS)
        self._endpoints = read(config.rootpath / ENDPOINTS)
        self._outcomes: defaultdict[str, defaultdict[str, set[Outcome]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self._complaints: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep how a test ended that names something."""
        outcome = _outcome(report)
        if outcome is None:
            return
        test = report.nodeid.partition("[")[0].removeprefix("tests/")
        for key, names in report.user_properties:
            if key == NAMES and isinstance(names, list):
                for name in names:
                    self._outcomes[name][test].add(outcome)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the page, or hold it against what the run gave, if the run came to its end."""
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if not ended or session.shouldfail or session.shouldstop:
            return
        written = page(self._requirements, self._endpoints, self._outcomes)
        if self._writes:
            self._page.write_text(written, "utf-8")
        elif self._compares:
            self._complaints += _difference(self._page, written)
        else:
            return
        self._complaints += faults([*self._requirements, *self._endpoints], self._outcomes)
        if self._complaints:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is wrong."""
        if self._complaints:
            terminalreporter.section("conformance", red=True)
            for line in self._complaints:
                terminalreporter.line(line)


def _outcome(report: pytest.TestReport) -> Outcome | None:
    """Return how a test ended if this report says so; a set-up that went well says nothing."""
    if report.failed:
        return Outcome(Result.FAILED)
    if hasattr(report, "wasxfail"):
        return Outcome(Result.SKIPPED, "it is expected to fail")
    if report.skipped:
        *_, reason = report.longrepr if isinstance(report.longrepr, tuple | list) else ("",)
        return Outcome(Result.SKIPPED, str(reason).removeprefix("Skipped: "))
    return Outcome(Result.PASSED) if report.when == "call" else None


def _difference(file: Path, written: str) -> Iterator[str]:
    """Say in which lines the page differs from what it should be."""
    there = file.read_text("utf-8") if file.exists() else ""
    lines = difflib.unified_diff(
        there.splitlines(), written.splitlines(), "the page", "this run", lineterm="", n=0
    )
    shown = list(lines)
    if shown:
        yield f"{PAGE} is stale: run `make conformance`"
        yield from shown[:DIFF_LINES]
        if len(shown) > DIFF_LINES:
            yield f"... and {len(shown) - DIFF_LINES} lines more"
