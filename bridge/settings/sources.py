"""The two sources of settings: a YAML file, and the environment laid over it.

Every scalar is read as text, so ``NO`` stays a country, ``007`` keeps its zeros and ``5.50`` is
never a float; the type of the setting decides what the text means.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError

from bridge.errors import SettingsInvalid

Location: TypeAlias = tuple[str | int, ...]
Named: TypeAlias = tuple[Location, str]

_PREFIX = "BRIDGE_"
_TOKEN = re.compile(r"BRIDGE_CPO_(?!_).+_TOKEN_A")


@dataclass(slots=True)
class Draft:
    """A configuration on its way.

    ``tree`` holds what was read, ``origins`` which variable set which place, ``tokens`` the
    ``BRIDGE_CPO_<ID>_TOKEN_A`` variables, ``faults`` what is wrong, by place.
    """

    tree: dict[str, Any]
    origins: dict[Location, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    faults: dict[str, str] = field(default_factory=dict)

    def blame(self, at: Location, what: str) -> None:
        """Note a fault; the first one at a place stays."""
        self.faults.setdefault(self._where(at), what)

    def blame_all(self, error: ValidationError) -> None:
        """Note every fault that a model found."""
        for fault in error.errors(include_url=False, include_input=False):
            self.blame(fault["loc"], _words(fault["type"], fault["msg"], fault.get("ctx", {})))

    def refuse_twice(self, named: list[Named]) -> None:
        """Note each name that stands at a second place."""
        first: dict[str, Location] = {}
        for at, name in named:
            if first.setdefault(name, at) != at:
                self.blame(at, f"the same as {place(first[name])}")

    def _where(self, at: Location) -> str:
        if at in self.origins:
            return self.origins[at]
        for length in range(len(at) - 1, 0, -1):
            if at[:length] in self.origins:
                return f"{self.origins[at[:length]]} ({place(at)})"
        return place(at)


def place(at: Location) -> str:
    """Write a location as a dotted path.

    Of a key only its plain beginning is shown: ``token_a:x`` without its blank is one key, and
    the ``x`` may be a secret.
    """
    parts = [
        re.sub(r"[^\w-].*", "...", str(part), flags=re.DOTALL) for part in at if part != "[key]"
    ]
    return ".".join(parts) or "configuration"


def _words(kind: str, message: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "required"
        case "greater_than":
            return f"must be more than {context['gt']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than":
            return f"must be less than {context['lt']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case _:
            return message.removeprefix("Value error, ")


def read_file(path: Path) -> dict[str, Any]:
    """Read a YAML file into dicts, lists and text.

    Raises SettingsInvalid when there is nothing to check further.
    """
    return tree_of(path, read_text(path))


def read_text(path: Path) -> str:
    """Read a file. Raises SettingsInvalid when that fails."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise SettingsInvalid([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsInvalid([f"{path}: not UTF-8 text"]) from error


def tree_of(path: Path, text: str) -> dict[str, Any]:
    """Read the YAML of a file into dicts, lists and text.

    Raises SettingsInvalid when it is none; the parser's own words are not repeated, they may quote
    a secret.
    """
    try:
        tree = yaml.load(text, Loader=_TextLoader)
    except yaml.YAMLError as error:
        raise SettingsInvalid([f"{path}{_position(error)}: {_complaint(error)}"]) from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsInvalid([f"{path}: not a mapping of keys to values"])
    return tree


def lay_environment_over(draft: Draft, environ: Mapping[str, str]) -> None:
    """Put the ``BRIDGE_`` variables into the tree: ``BRIDGE_CPOS__0__ID`` is ``cpos[0].id``.

    A value is text as it stands, but for a list or mapping in brackets (YAML or JSON), and
    ``null``, ``~`` or nothing at all, which unset. A whole goes in before its parts.
    """
    changes: list[tuple[Location, str]] = []
    for name in environ:
        if _TOKEN.fullmatch(name):
            draft.tokens[name] = environ[name]
        elif _is_setting(name):
            changes.append((_location(name), name))
    for at, name in sorted(changes, key=_wholes_first):
        draft.origins[at] = name
        try:
            value = _value(environ[name])
        except yaml.YAMLError:
            draft.blame(at, "brackets that are neither YAML nor JSON")
            continue
        _put(draft, at, value)


def _is_setting(name: str) -> bool:
    reserved = name == "BRIDGE_CONFIG" or name.startswith("BRIDGE_TEST_")
    return name.startswith(_PREFIX) and not reserved


def _location(name: str) -> Location:
    parts = name.removeprefix(_PREFIX).lower().split("__")
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def _wholes_first(change: tuple[Location, str]) -> tuple[int, list[tuple[int, str]]]:
    at, _ = change
    return len(at), [(part, "") if isinstance(part, int) else (-1, part) for part in at]


def _value(text: str) -> Any:
    if text.startswith(("[", "{")):
        return yaml.load(text, Loader=_TextLoader)
    return None if text in ("", "~", "null") else text


def _put(draft: Draft, at: Location, value: object) -> None:
    """Set one place of the tree, making the mappings and lists on the way to it."""
    node: Any = draft.tree
    for depth, part in enumerate(at):
        if isinstance(node, dict) and isinstance(part, str):
            node.setdefault(part, None)
        elif isinstance(node, list) and isinstance(part, int) and part <= len(node):
            node.extend([None] * (part == len(node)))
        else:
            draft.blame(at, f"does not fit: {_shape(node)} stands at {place(at[:depth])}")
            return
        if depth == len(at) - 1:
            node[part] = value
        elif node[part] is None:
            node[part] = [] if isinstance(at[depth + 1], int) else {}
        node = node[part]


def _shape(node: object) -> str:
    match node:
        case dict():
            return "a mapping"
        case list():
            return f"a list of {len(node)}"
        case _:
            return "a single value"


class _TextLoader(yaml.SafeLoader):
    """SafeLoader that leaves scalars as text, but for null, and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Doubtful("a key that is not a word", key.start_mark)
            if key.value in seen:
                raise _Doubtful("a key given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_TextLoader.yaml_implicit_resolvers = {}
_TextLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"(~|null|)$"), ["~", "n", ""]
)


class _Doubtful(yaml.MarkedYAMLError):
    """Readable YAML that hardly means what its writer thinks; the words hold no value of it."""

    def __init__(self, what: str, mark: yaml.Mark) -> None:
        super().__init__(problem=what, problem_mark=mark)


def _complaint(error: yaml.YAMLError) -> str:
    return str(error.problem) if isinstance(error, _Doubtful) else "not YAML"


def _position(error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
