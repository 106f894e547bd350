"""docs/configuration.md: every key with its type, default, and the words of the example file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from bridge.settings.model import Settings

HEAD = """# Configuration

Every key there is. Generated from the settings and from the words of
[bridge.example.yaml](../config/bridge.example.yaml) by `bridge config docs`; do not edit.

A key may come from the environment instead, which wins: its path in capitals behind `BRIDGE_`, with
`__` for each step down and a number for a place in a list: `beckn.key_id` is
`BRIDGE_BECKN__KEY_ID`, `cpos[].id` of the first CPO `BRIDGE_CPOS__0__ID`. A `*_file` names a file
that holds the secret. Durations are seconds.
"""

TABLE = """
## {title}
{about}
| key | type | default | what it is |
| --- | --- | --- | --- |
"""

_INDENT = re.compile(r" *")


class Row(NamedTuple):
    """One key. ``path`` has ``[]`` for a place in a list."""

    path: str
    type: str
    default: str


def markdown(example: str) -> str:
    """Return the page.

    Args:
        example: text of the example file, whose comments say what keys are.
    """
    words, values = comments(example), yaml.safe_load(example)
    tables: dict[str, list[str]] = {}
    for row in rows(Settings.model_json_schema()):
        top, below, _ = row.path.replace("[]", "").partition(".")
        # What a secret is by default, the schema hides; it is no secret.
        default = f"`{values[top]}`" if "***" in row.default else row.default
        said = words.get(row.path, "").removeprefix("required").removeprefix(": ")
        cells = (f"`{row.path}`", row.type, default, said)
        line = "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
        tables.setdefault(f"`{top}`" if below else "The bridge", []).append(line)
    parts = []
    for title, lines in tables.items():
        said = words.get(title.strip("`"), "").removeprefix("required: ")
        about = f"\n{said[:1].upper()}{said[1:]}.\n" if said else ""
        parts.append(TABLE.format(title=title, about=about) + "".join(lines))
    return HEAD + "".join(parts)


def rows(schema: Mapping[str, Any], path: str = "") -> Iterator[Row]:
    """Yield the keys of a JSON Schema as pydantic writes it, in their order."""
    definitions = schema.get("$defs", {})

    def resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
        name = part.get("$ref", "").rpartition("/")[2]
        return definitions[name] if name else part

    def below(part: Mapping[str, Any], at: str) -> Iterator[Row]:
        required = part.get("required", ())
        for name, field in part["properties"].items():
            place = f"{at}.{name}" if at else name
            kinds = [resolved(kind) for kind in field.get("anyOf", [field])]
            inner = next((kind for kind in kinds if "properties" in kind), None)
            listed = next((kind for kind in kinds if kind.get("type") == "array"), None)
            of = resolved(listed.get("items", {})) if listed else {}
            if inner is not None:
                if inner is not kinds[0] or len(kinds) > 1:
                    yield Row(place, "mapping", "")
                yield from below(inner, place)
            elif "properties" in of:
                yield from below(of, f"{place}[]")
            else:
                default = "required" if name in required else _default(field)
                yield Row(place, _type(name, kinds, of), default)

    return below(schema, path)


def _type(name: str, kinds: list[Mapping[str, Any]], of: Mapping[str, Any]) -> str:
    """Return what a value may be, in words."""
    known = [kind for kind in kinds if kind.get("type") != "null"]
    if of.get("enum"):
        return "list of words" if len(of["enum"]) > LONG else "list of " + ", ".join(of["enum"])
    words = []
    for kind in known:
        choice = kind.get("enum") or ([kind["const"]] if "const" in kind else None)
        if choice:
            words.append(", ".join(map(str, choice)))
        elif kind.get("type") == "array":
            words.append("list")
        elif kind.get("format") == "password":
            words.append("secret")
        elif kind.get("format") == "path":
            words.append("path")
        elif kind.get("type") in ("number", "integer"):
            words.append("seconds" if name.endswith("_s") else kind["type"])
        else:
            words.append(_PLAIN.get(kind.get("type", ""), "text"))
    return " or ".join(dict.fromkeys(words))


LONG = 6
"""More words than this are not listed."""

_PLAIN = {"boolean": "true, false", "object": "mapping", "string": "text"}


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default is None:
        return ""
    shown = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
    return f"`{shown}`"


def comments(example: str) -> dict[str, str]:
    """Return the words of a commented YAML file by the path of the key they are about.

    A key's words stand above it with nothing between them, and behind it; the comments that follow
    far to the right go on with those behind it.
    """
    lines = example.splitlines()
    found: dict[str, str] = {}
    for path, line in _keys(yaml.compose(example), ""):
        behind = _behind(lines[line])
        words = [*_above(lines, line), *([behind] if behind else [])]
        for after in lines[line + 1 :]:
            if not (behind and re.match(r" {20,}# ", after)):
                break
            words.append(_behind(after))
        found.setdefault(path, " ".join(" ".join(words).split()))
    return found


def _keys(node: yaml.Node | None, path: str) -> Iterator[tuple[str, int]]:
    """Yield the path of every key, and the number of its line."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            place = f"{path}.{name.value}" if path else str(name.value)
            yield place, name.start_mark.line
            yield from _keys(value, place)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value[:1]:
            yield from _keys(value, f"{path}[]")


def _behind(line: str) -> str:
    _, mark, words = line.partition("# ")
    return words.strip() if mark else ""


def _above(lines: list[str], line: int) -> list[str]:
    """Return the comment right above a line, at its own depth."""
    indent = _INDENT.match(lines[line])
    depth = len(indent[0]) if indent else 0
    words: list[str] = []
    for before in reversed(lines[:line]):
        if not before.startswith(" " * depth + "# "):
            break
        words.insert(0, before[depth + 2 :].strip())
    return words
