"""What a bench is: something measured beside its limit, and goals for the figures."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple


class Goal(NamedTuple):
    """What a figure must reach.

    Args:
        figure: name of the figure, as docs/performance.md has it.
    """

    figure: str
    bound: Literal["at least", "less than"]
    value: float
    unit: str

    def met(self, value: float) -> bool:
        """Tell whether a figure is good enough."""
        return value >= self.value if self.bound == "at least" else value < self.value

    def __str__(self) -> str:
        return f"{self.bound} {self.value:g} {self.unit}".rstrip()


class Figure(NamedTuple):
    """One result; those without a goal are for information.

    Args:
        beside: the same in other words: seconds, rates.
    """

    name: str
    value: float
    unit: str
    beside: str = ""


class Scale(NamedTuple):
    """How much is measured.

    Args:
        pairs: how often limit and bridge take turns.
        requests: of each of them, in one turn.
    """

    pairs: int
    locations: int
    page: int
    requests: int


FULL = Scale(pairs=3, locations=10_000, page=50, requests=3_000)
SMALL = Scale(pairs=1, locations=200, page=50, requests=60)
"""Only shows that the benches run."""

Run = Callable[[Path, Scale], Coroutine[Any, Any, Sequence[Figure]]]
"""Measures, in an empty folder."""


class Bench(NamedTuple):
    """A bench.

    Args:
        limit: the plainest program that does the same input and output.
    """

    name: str
    measures: str
    limit: str
    goals: tuple[Goal, ...]
    run: Run


def shown(value: float, unit: str) -> str:
    """Write a value with its unit; three digits count."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 4
    return f"{value:,.{digits}f} {unit}".rstrip()


def report(bench: Bench, figures: Sequence[Figure]) -> tuple[list[str], bool]:
    """Return the lines to print, and whether every goal is met; one not measured is not."""
    goals = {goal.figure: goal for goal in bench.goals}
    met = {
        figure.name: goals[figure.name].met(figure.value)
        for figure in figures
        if figure.name in goals
    }
    lines = []
    for name, value, unit, beside in figures:
        verdict = f"{goals[name]}: {'met' if met[name] else 'MISSED'}" if name in goals else ""
        lines.append(f"  {name:<42}{shown(value, unit):>14}   {verdict:<28}{beside}".rstrip())
    return lines, all(met.get(name, False) for name in goals)
