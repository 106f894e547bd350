"""Messages of the published material, sent with some values replaced and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def replaced(value: Any, names: Mapping[str, str], path: str = "") -> Any:
    """Return a JSON value with other texts at some paths."""
    match value:
        case dict():
            below = f"{path}." if path else ""
            return {key: replaced(part, names, f"{below}{key}") for key, part in value.items()}
        case list():
            return [replaced(part, names, f"{path}[{i}]") for i, part in enumerate(value)]
        case _:
            return names.get(path, value)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value of a JSON document with its path."""
    match value:
        case dict():
            for key, part in value.items():
                yield from leaves(part, f"{path}.{key}" if path else key)
        case list():
            for index, part in enumerate(value):
                yield from leaves(part, f"{path}[{index}]")
        case _:
            yield path, value


def changed(before: Any, after: Any) -> set[str]:
    """Return the paths at which two JSON documents differ."""
    return {path for path, _ in set(leaves(before)) ^ set(leaves(after))}
