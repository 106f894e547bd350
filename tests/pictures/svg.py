"""The few shapes of the pictures, as text; colours and letters are the same in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Final, Literal

PAPER: Final = "#ffffff"
PANEL: Final = "#f6f7f9"
LINE: Final = "#d5d9e0"
INK: Final = "#1f2733"
FAINT: Final = "#6b7482"
COLOURS: Final = (
    *("#2f6fde", "#e07b1a", "#2a9d5c", "#c9394a", "#7a52cc", "#129aa8", "#b8578f", "#8a7a12"),
)


def document(width: int, height: int, shapes: Sequence[str], title: str) -> str:
    """Return a whole picture."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="11">'
    )
    paper = box(0, 0, width, height, PAPER)
    return "\n".join((head, f"<title>{escape(title)}</title>", paper, *shapes, "</svg>")) + "\n"


def box(x: float, y: float, width: float, height: float, fill: str, round_: int = 0) -> str:
    """Return a rectangle."""
    corner = f' rx="{round_}"' if round_ else ""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"{corner}/>'
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 11,
    fill: str = INK,
    anchor: Literal["start", "middle", "end"] = "start",
    bold: bool = False,
) -> str:
    """Return words; ``y`` is where their line is."""
    more = f' font-size="{size}"' if size != 11 else ""
    more += f' text-anchor="{anchor}"' if anchor != "start" else ""
    more += ' font-weight="600"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}"{more}>{escape(words)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, stroke: str = LINE) -> str:
    """Return a straight line."""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{stroke}"/>'


def curve(points: Sequence[tuple[float, float]], stroke: str) -> str:
    """Return a line through points, in few letters: whole tenths, each relative to the last."""
    if not points:
        return ""
    tenths = [(round(x * 10), round(y * 10)) for x, y in points]
    steps = [
        f"{(x - before_x) / 10:g} {(y - before_y) / 10:g}"
        for (before_x, before_y), (x, y) in pairwise(tenths)
    ]
    begin = f"M{tenths[0][0] / 10:g} {tenths[0][1] / 10:g}"
    path = begin + ("l" + " ".join(steps) if steps else "h.1")
    return f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="1.5"/>'
