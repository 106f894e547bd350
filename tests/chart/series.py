"""The series that a bridge exports, and those that a query asks for."""

from __future__ import annotations

import re

from bridge.observability import Metrics

ENDINGS = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "info": ("_info",),
    "gauge": ("",),
}


def series() -> set[str]:
    """Return the names of all series of the bridge's own."""
    return {
        family.name + ending
        for family in Metrics().registry.collect()
        if family.name.startswith("bridge_")
        for ending in ENDINGS[family.type]
    }


def named(query: str) -> set[str]:
    """Return the names of the bridge's series in a PromQL query."""
    return set(re.findall(r"\bbridge_\w+", query))
