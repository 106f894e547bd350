"""Where a fault is in a JSON document, as a JSON Pointer (RFC 6901)."""

from __future__ import annotations

import re

_STEP = re.compile(r"\[(\d+)\]|[^.\[]+")


def pointer(*steps: str | int, path: str = "") -> str:
    """Return the pointer to a place below ``steps``: ``/data/3/evses/0/uid``.

    Args:
        path: the rest of the way as codec names it, e.g. ``evses[0].uid``.
    """
    below = (match[1] or match[0] for match in _STEP.finditer(path))
    return "".join(f"/{_escaped(str(each))}" for each in (*steps, *below))


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
