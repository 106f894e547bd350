"""One trace, drawn from the spans that a bridge exported: what led to what, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.e2e.collector import Span
from tests.pictures import svg
from tests.pictures.dashboard import rounded_up, worded

WIDTH: Final = 1240
MARGIN: Final = 20
HEAD: Final = 116
LINE: Final = 19
NAMES: Final = 400
"""Pixels for the names on the left."""

KINDS: Final = {
    "server": ("received", svg.COLOURS[0]),
    "consumer": ("taken from a lane in Redis", svg.COLOURS[2]),
    "client": ("sent", svg.COLOURS[1]),
}


def picture(trace: Sequence[Span], caption: str) -> str:
    """Return a trace as SVG: spans below what they are due to, by their begin."""
    rows = list(in_order(trace))
    begin, end = trace[0].begun_ns, max(each.ended_ns for each in trace)
    left, right = MARGIN + NAMES, WIDTH - MARGIN - 60
    height = HEAD + len(rows) * LINE + MARGIN
    shapes = [
        svg.text(
            MARGIN, 30, "One trace: from the start of charging to the bill", size=18, bold=True
        ),
        svg.text(MARGIN, 50, caption, fill=svg.FAINT),
    ]
    for number, (words, colour) in enumerate(KINDS.values()):
        shapes.append(svg.box(MARGIN + number * 190, 63, 10, 10, colour, 2))
        shapes.append(svg.text(MARGIN + 16 + number * 190, 72, words, fill=svg.FAINT))

    def place(at_ns: float) -> float:
        return left + (at_ns - begin) / (end - begin) * (right - left)

    step_ns = rounded_up((end - begin) / 1e9 / 6) * 1e9
    for number in range(int((end - begin) / step_ns) + 1):
        at_ns = begin + number * step_ns
        shapes.append(svg.rule(place(at_ns), HEAD - 8, place(at_ns), height - MARGIN))
        shown = worded((at_ns - begin) / 1e9, "s")
        shapes.append(svg.text(place(at_ns), HEAD - 13, shown, fill=svg.FAINT, anchor="middle"))
    for number, (depth, span) in enumerate(rows):
        y = HEAD + number * LINE
        if number % 2 == 0:
            shapes.append(svg.box(MARGIN, y, NAMES - 8, LINE, svg.PANEL))
        shapes.append(svg.text(MARGIN + 6 + depth * 13, y + 13, span.name))
        if span.name.startswith("OCPI"):
            told = f"{span.facts['bridge.cpo']}, OCPI {span.facts['bridge.ocpi_status']}"
            shapes.append(svg.text(left - 16, y + 13, told, size=10, fill=svg.FAINT, anchor="end"))
        length = max(place(span.ended_ns) - place(span.begun_ns), 2.5)
        shapes.append(svg.box(place(span.begun_ns), y + 4, length, 11, KINDS[span.kind][1], 2))
        lasted = worded((span.ended_ns - span.begun_ns) / 1e9, "s")
        after = place(span.begun_ns) + length + 5
        shapes.append(svg.text(after, y + 13, lasted, size=10, fill=svg.FAINT))
    return svg.document(WIDTH, height, shapes, caption)


def in_order(trace: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Yield spans below what they are due to, with how deep that is."""
    known = {each.id for each in trace}

    def below(parent_id: str, depth: int) -> Iterator[tuple[int, Span]]:
        for span in trace:
            if span.parent_id == parent_id:
                yield depth, span
                yield from below(span.id, depth + 1)

    for span in trace:
        if span.parent_id not in known:
            yield 0, span
            yield from below(span.id, 1)
