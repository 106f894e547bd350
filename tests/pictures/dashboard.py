"""The panels of the chart's dashboard, drawn from what a Prometheus answers to its queries."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tests.chart.charts import CHART
from tests.pictures import svg
from tests.pictures.prometheus import Prometheus, Series

COLUMN: Final = 50
"""Pixels of one of the 24 columns of Grafana's grid."""

ROW: Final = 27
MARGIN: Final = 20
HEAD: Final = 82
GAP: Final = 8
LEGEND: Final = 6
"""Lines of a legend at most, in two columns."""

VARIABLES: Final = {"$__rate_interval": "15s", "$namespace": ".*", "$job": ".*"}

Panel = Mapping[str, Any]


class Curve(NamedTuple):
    """A line of a panel."""

    legend: str
    points: list[tuple[float, float]]


class Span(NamedTuple):
    """The time that is drawn, in s."""

    begin: float
    end: float
    step: float


def panels() -> list[Panel]:
    """Return the panels of the dashboard as it is shipped."""
    document = json.loads((CHART / "files" / "dashboard.json").read_text("utf-8"))
    found: list[Panel] = document["panels"]
    return found


async def answers(asked: Prometheus, span: Span) -> dict[int, list[Curve]]:
    """Ask the dashboard's own queries; return the lines of each panel by its id."""
    found: dict[int, list[Curve]] = {}
    for panel in panels():
        found[panel["id"]] = [
            Curve(_legend(target["legendFormat"], series), series.points)
            for target in panel.get("targets", ())
            for series in await asked.over(_filled_in(target["expr"]), *span)
        ]
    return found


def _filled_in(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def _legend(form: str, series: Series) -> str:
    if form == "__auto":
        return ""
    return re.sub(r"{{(\w+)}}", lambda found: series.labels.get(found[1], ""), form)


def picture(found: Mapping[int, Sequence[Curve]], span: Span, captions: Sequence[str]) -> str:
    """Return the dashboard as SVG, below what is to be said of it, line by line."""
    width = 24 * COLUMN + 2 * MARGIN
    bottom = max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in panels())
    shapes = [
        svg.text(MARGIN, 30, "Beckn-OCPI bridge", size=18, bold=True),
        *(
            svg.text(MARGIN, 50 + 17 * line, words, fill=svg.FAINT)
            for line, words in enumerate(captions)
        ),
    ]
    for panel in panels():
        place = panel["gridPos"]
        x, y = MARGIN + place["x"] * COLUMN, HEAD + place["y"] * ROW
        inner = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        if panel["type"] == "row":
            shapes.append(svg.text(x, y + 18, panel["title"], size=13, bold=True))
            continue
        shapes.append(svg.box(x, y, *inner, svg.PANEL, 4))
        curves, unit = found[panel["id"]], panel["fieldConfig"]["defaults"]["unit"]
        if panel["type"] == "stat":
            shapes += _stat(x, y, *inner, panel["title"], curves, unit)
        else:
            shapes += _chart(x, y, *inner, panel["title"], curves, unit, span)
    return svg.document(width, HEAD + bottom * ROW + MARGIN, shapes, " ".join(captions))


def _stat(
    x: float, y: float, width: float, height: float, title: str, curves: Sequence[Curve], unit: str
) -> Iterator[str]:
    yield svg.text(x + 10, y + 20, title, bold=True)
    last = curves[0].points[-1][1] if curves and curves[0].points else None
    shown = "no data" if last is None else worded(last, unit)
    yield svg.text(x + width / 2, y + height * 0.72, shown, size=26, anchor="middle")


def _chart(
    x: float,
    y: float,
    width: float,
    height: float,
    title: str,
    curves: Sequence[Curve],
    unit: str,
    span: Span,
) -> Iterator[str]:
    """Yield one panel: the largest lines have a place in the legend."""
    yield svg.text(x + 10, y + 18, title, bold=True)
    drawn = sorted((each for each in curves if each.points), key=_peak, reverse=True)
    if not drawn:
        yield svg.text(x + width / 2, y + height / 2, "nothing", fill=svg.FAINT, anchor="middle")
        return
    lines = min(math.ceil(len(drawn) / 2), LEGEND // 2)
    left, top = x + 52, y + 30
    right, bottom = x + width - 12, y + height - 26 - 14 * lines
    whole = 2**20 if unit == "bytes" else 1
    highest = rounded_up(max(_peak(each) for each in drawn) / whole) * whole
    for share in (0, 0.5, 1):
        at = bottom - share * (bottom - top)
        yield svg.rule(left, at, right, at)
        yield svg.text(
            left - 6, at + 4, worded(share * highest, unit), fill=svg.FAINT, anchor="end"
        )
    yield svg.text(left, bottom + 15, "0 s", size=10, fill=svg.FAINT)
    lasted = f"{span.end - span.begin:.0f} s"
    yield svg.text(right, bottom + 15, lasted, size=10, fill=svg.FAINT, anchor="end")
    for number, each in reversed(list(enumerate(drawn))):
        places = [
            (
                left + (at - span.begin) / (span.end - span.begin) * (right - left),
                bottom - value / highest * (bottom - top),
            )
            for at, value in each.points
        ]
        yield svg.curve(places, svg.COLOURS[number % len(svg.COLOURS)])
    yield from _legends(x + 12, y + height - 14 * lines - 1, width / 2 - 8, drawn, lines)


def _legends(x: float, y: float, width: float, drawn: Sequence[Curve], lines: int) -> Iterator[str]:
    shown = [each.legend for each in drawn[: 2 * lines]]
    if len(drawn) > len(shown):
        shown[-1] = f"and {len(drawn) - len(shown) + 1} more"
    for number, legend in enumerate(shown):
        at_x, at_y = x + number % 2 * width, y + number // 2 * 14
        colour = svg.COLOURS[number % len(svg.COLOURS)]
        if not legend.startswith("and "):
            yield svg.box(at_x, at_y - 3, 10, 3, colour)
        yield svg.text(at_x + 14, at_y + 1, _cut(legend, 29), size=10, fill=svg.FAINT)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _peak(curve: Curve) -> float:
    return max(value for _, value in curve.points)


def rounded_up(value: float) -> float:
    """Return the next number above that a person would put at the end of an axis."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        step * power
        for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
        if step * power >= value * 0.999
    )


def worded(value: float, unit: str) -> str:
    """Write a value with its unit, in few letters."""
    match unit:
        case "s" if value == 0 or value >= 1:
            return f"{value:.3g} s"
        case "s":
            return f"{value * 1000:.3g} ms"
        case "reqps":
            return f"{value:.3g}/s"
        case "bytes":
            return f"{value / 2**20:.0f} MiB"
        case "percentunit":
            return f"{value * 100:.3g} %"
        case _:
            return f"{value:.4g}"
