"""The words of the meta API, as ``message`` of the callbacks (core meta 1.1.0)."""

from __future__ import annotations

import msgspec

from bridge.mapping import CodeTable, Mappings


class MetaRenderer:
    """Answers about words from the tables that read them; encoded once."""

    def __init__(self, mappings: Mappings, dialect: str) -> None:
        rated = mappings.table(dialect, "rating_categories")
        self.rating_categories = msgspec.json.encode(
            {"rating_categories": [row.right for row in rated.rows if row.right is not None]}
        )
        reasons = mappings.table(dialect, "driver_reasons")
        self.cancellation_reasons = msgspec.json.encode({"cancellation_reasons": _options(reasons)})


def _options(table: CodeTable) -> list[dict[str, object]]:
    """Return each row as an ``Option``: an id, and a descriptor with its name."""
    return [
        {"id": row.right, "descriptor": {"code": row.right, "name": row.name or row.right}}
        for row in table.rows
        if row.right is not None
    ]
