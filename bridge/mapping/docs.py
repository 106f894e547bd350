"""Write docs/mapping.md: what stands in mappings/, for people who do not read YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.mapping.codes import CodeTable
from bridge.mapping.fields import FieldMap, FieldRow
from bridge.mapping.mappings import Mappings

HEAD = """\
# Mapping

Made by `bridge mapping docs` from the files in `mappings/`; edit those, not this page.
`→` is the way from OCPI to Beckn, `←` the way back, `↔` both. `~` means: has no counterpart."""

ARROWS = {None: "↔", "to_beckn": "→", "to_ocpi": "←"}


def markdown(mappings: Mappings) -> str:
    """Return the page."""
    lines = [HEAD, *_shared(mappings)]
    for dialect in sorted({row.dialect for row in mappings.actions}):
        lines += _dialect(mappings, dialect)
    return "\n".join(lines) + "\n"


def _shared(mappings: Mappings) -> Iterator[str]:
    yield from ("", "## All dialects")
    for table in mappings.tables.values():
        if table.dialect is None:
            yield from _table(table)


def _dialect(mappings: Mappings, dialect: str) -> Iterator[str]:
    yield from ("", f"## Dialect {dialect}", "", "### Actions", "")
    yield from _grid(
        ("action", "OCPI command", "why"),
        (
            (f"{row.action} {row.verb}" if row.verb else row.action, row.command, row.why)
            for row in mappings.actions
            if row.dialect == dialect
        ),
    )
    for field_map in mappings.field_maps.values():
        if field_map.dialect == dialect:
            yield from _map(field_map)
    for table in mappings.tables.values():
        if table.dialect == dialect:
            yield from _table(table)


def _map(field_map: FieldMap) -> Iterator[str]:
    yield from ("", f"### Fields: {field_map.name}", "")
    yield from _grid(
        ("Beckn path", "from", "as", "why"),
        ((row.beckn, _origin(row), _manner(row), row.why) for row in field_map.rows),
    )


def _origin(row: FieldRow) -> str:
    if not row.sources:
        return f"always `{row.const}`"
    return ", else ".join(f"`{origin.path}`" for origin in row.sources)


def _manner(row: FieldRow) -> str | None:
    return f"table {row.table.name}" if row.table else row.format


def _table(table: CodeTable) -> Iterator[str]:
    left, right = table.head.left, table.head.right
    yield from ("", f"### Words: {table.name}", "")
    yield f"{left.side} {left.type} {ARROWS[table.head.way]} {right.side} {right.type}" + (
        f": {table.head.why}." if table.head.why else "."
    )
    yield ""
    extras = [
        (title, cell)
        for title, cell in (
            ("also read", lambda row: ", ".join(row.accepts)),
            ("name", lambda row: row.name),
            ("times", lambda row: row.factor),
            ("why", lambda row: row.why),
        )
        if any(cell(row) for row in table.rows)
    ]
    yield from _grid(
        (left.side, "", right.side, *(title for title, _ in extras)),
        (
            (row.left or "~", ARROWS[row.way], row.right or "~", *(cell(row) for _, cell in extras))
            for row in table.rows
        ),
    )


def _grid(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    yield _line(titles)
    yield _line("---" for _ in titles)
    yield from (_line(row) for row in rows)


def _line(cells: Iterable[object]) -> str:
    text = ("" if cell is None else str(cell).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(text) + " |"
