"""What the project's pages say: links, tables, examples; for the tests that hold them to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PAGES = tuple(
    sorted(
        [
            *(ROOT / name for name in ("README.md", "CHANGELOG.md", "mappings/README.md")),
            *(ROOT / "docs").rglob("*.md"),
        ]
    )
)

ELLIPSIS = "…"
"""Stands in an example for what differs from run to run, or was left out."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_A_WORD = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Example:
    """A ``console`` block: commands (after ``$``) and the lines they print, some left out."""

    page: str
    commands: tuple[str, ...]
    shown: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.page}: {self.commands[0].splitlines()[0]}"


def read(name: str) -> str:
    """Return a page's text."""
    return (ROOT / name).read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [body for found, body in _FENCE.findall(text) if found == language]


def examples() -> list[Example]:
    """Return the ``console`` blocks of all pages."""
    return [
        _example(str(page.relative_to(ROOT)), body)
        for page in PAGES
        for body in blocks(page.read_text("utf-8"), "console")
    ]


def _example(page: str, body: str) -> Example:
    commands: list[str] = []
    shown: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            commands.append(line[2:])
        elif line.startswith("> "):
            commands[-1] += "\n" + line[2:]
        else:
            shown.append(line)
    return Example(page, tuple(commands), tuple(shown))


def rows(text: str, heading: str) -> list[tuple[str, ...]]:
    """Return the table rows below a heading, up to the next one, without the tables' heads."""
    section = text.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    lines = section.splitlines()
    ruled = [number for number, line in enumerate(lines) if line.startswith("| ---")]
    heads = {number - 1 for number in ruled}
    return [
        tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        for number, line in enumerate(lines)
        if line.startswith("|") and number not in heads and number not in ruled
    ]


def quoted(text: str) -> list[str]:
    """Return what stands in backticks, blocks apart."""
    return re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Return the targets of a page's links, those in code apart."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text)))


def anchors(text: str) -> Iterator[str]:
    """Yield the anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE):
        yield _NOT_A_WORD.sub("", heading.lower()).replace(" ", "-")


def missing_line(shown: tuple[str, ...], printed: str) -> str | None:
    """Return the first shown line that was not printed, in its turn; None when all were.

    Runs of blanks count as one, and ELLIPSIS stands for anything.
    """
    said = iter(" ".join(line.split()) for line in printed.splitlines())
    for line in shown:
        parts = (re.escape(" ".join(part.split())) for part in line.split(ELLIPSIS))
        wanted = re.compile(".*".join(parts))
        if not any(wanted.search(each) for each in said):
            return line
    return None


def environment(example: Example) -> Mapping[str, str]:
    """Return the variables that an example sets with ``export``."""
    named = (command.removeprefix("export ") for command in example.commands)
    return dict(each.split("=", 1) for each in named if re.match(r"[A-Z_0-9]+=", each))
