"""The pictures of the docs: made by the script, of the dashboard as it is."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from tests.e2e.collector import Span
from tests.pages import ROOT
from tests.pictures import dashboard, trace
from tests.pictures.dashboard import Curve, rounded_up, worded

FOLDER = ROOT / "docs" / "pictures"
PICTURES = sorted(FOLDER.glob("*.svg"))


def words(picture: str) -> list[str]:
    """Return what is written in a picture."""
    return [unescape(each) for each in re.findall(r"<text[^>]*>([^<]*)</text>", picture)]


def test_there_are_two() -> None:
    assert [each.name for each in PICTURES] == ["dashboard.svg", "trace.svg"]


@pytest.mark.parametrize("name", ["dashboard.svg", "trace.svg"])
def test_a_picture_is_small_and_says_where_it_comes_from(name: str) -> None:
    picture = (FOLDER / name).read_text("utf-8")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert len(picture) < 150_000
    assert "Drawn by our script (make pictures) from a real run" in picture


def test_the_dashboard_that_is_drawn_is_the_one_that_is_shipped() -> None:
    written = words((FOLDER / "dashboard.svg").read_text("utf-8"))
    titles = {each["title"] for each in dashboard.panels()}
    assert titles - set(written) == set(), "run: make pictures"


def test_the_trace_that_is_drawn_goes_from_the_request_to_the_bill() -> None:
    written = words((FOLDER / "trace.svg").read_text("utf-8"))
    steps = ("Beckn update", "send START_SESSION", "decide command_result", "OCPI PUT sessions")
    places = [written.index(each) for each in (*steps, "decide cdr")]
    assert places == sorted(places)


def test_what_prometheus_does_not_know_is_drawn_as_nothing() -> None:
    span = dashboard.Span(0, 10, 1)
    found = {each["id"]: list[Curve]() for each in dashboard.panels()}
    drawn = dashboard.picture(found, span, ["nothing happened"])
    charts = [each for each in dashboard.panels() if each["type"] == "timeseries"]
    assert words(drawn).count("nothing") == len(charts)


def test_the_smallest_lines_have_no_place_in_a_legend() -> None:
    first = next(each for each in dashboard.panels() if each["type"] == "timeseries")
    curves = [Curve(f"line {number}", [(0, number), (10, number)]) for number in range(9)]
    found = {each["id"]: list[Curve]() for each in dashboard.panels()} | {first["id"]: curves}
    written = words(dashboard.picture(found, dashboard.Span(0, 10, 1), ["nine lines"]))
    shown = [each for each in written if each.startswith(("line", "and "))]
    assert shown == ["line 8", "line 7", "line 6", "line 5", "line 4", "and 4 more"]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0, "s", "0 s"),
        (0.0123, "s", "12.3 ms"),
        (90, "s", "90 s"),
        (0.25, "reqps", "0.25/s"),
        (3 * 2**20, "bytes", "3 MiB"),
        (0.015, "percentunit", "1.5 %"),
        (51, "short", "51"),
    ],
)
def test_values_have_their_unit(value: float, unit: str, shown: str) -> None:
    assert worded(value, unit) == shown


@pytest.mark.parametrize(("value", "end"), [(0, 1), (0.07, 0.08), (1, 1), (42, 50), (101, 150)])
def test_an_axis_ends_where_a_person_would_end_it(value: float, end: float) -> None:
    assert rounded_up(value) == pytest.approx(end)


def test_spans_stand_below_what_they_are_due_to() -> None:
    def span(name: str, parent: str, begun_ns: int) -> Span:
        return Span(name, "server", "t", name, parent, begun_ns, begun_ns + 1, {}, (), False)

    spans = [span("a", "", 0), span("b", "a", 1), span("c", "a", 2), span("d", "b", 3)]
    found = [(depth, each.name) for depth, each in trace.in_order(spans)]
    assert found == [(0, "a"), (1, "b"), (2, "d"), (1, "c")]
