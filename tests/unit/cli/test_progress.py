"""Progress is for people: it shows pages at a terminal, and nothing to programs."""

from __future__ import annotations

import pytest

from bridge.cli.progress import pages_shown
from bridge.clients.ocpi import Exchange


def read_pages() -> None:
    """Hear of two pages of Locations, and of something else."""
    with pages_shown("cpo1") as heard:
        for module, method in (("locations", "GET"), ("tokens", "PUT"), ("locations", "GET")):
            heard(Exchange("cpo1", module, method, "http://cpo/", "r", "c", 0.1, 200, 1000))


def test_pages_are_counted_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    read_pages()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "cpo1 locations" in printed.err
    assert "2 pages" in printed.err
    assert "tokens" not in printed.err


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    read_pages()
    assert capsys.readouterr() == ("", "")
