"""Layer 2: the OpenAPI file of a network that says what a message of a domain must look like.

A document is looked through for what is known to make such files useless, then each action is
compiled once. Pure: files are read by the caller.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import jsonschema_rs

from bridge.beckn.actions import in_layer2
from bridge.errors import Layer2Invalid

Node: TypeAlias = dict[str, Any]

_BODY: Final = "post/requestBody/content/application~1json/schema"
_ADDED_BY_PROTOCOL_SERVER: Final[Mapping[str, Node]] = {
    "city": {"type": "string"},
    "country": {"type": "string"},
    "core_version": {},
}
"""What protocol-server puts into each context that it passes on."""

_MASK: Final = "the value"
"""Stands for what a message says in reasons: that may be a name or a phone number."""

_DATE_TIME: Final = "context.ttl is typed as date-time, but a ttl is a duration: PT30S would fail"
_CLOSED: Final = "the context takes no further keys, but protocol-server adds {}"
_MISPLACED: Final = "a condition on a list speaks of the keys of its entries"


class Violation(NamedTuple):
    """The first thing a message breaks: where, as ``message.order.id``, and what is wanted."""

    path: str
    reason: str


class Defect(NamedTuple):
    """Something in a file that no good message can pass: its JSON pointer, and why."""

    pointer: str
    reason: str


class Layer2:
    """The compiled schemas of one file, by action.

    Raises:
        Layer2Invalid: naming all that is wrong with the file.
    """

    def __init__(self, document: object, *, source: str, protocol_server: bool = False) -> None:
        checked = _checked(document, source)
        faults = [
            f"{source}: {defect.pointer}: {defect.reason}"
            for defect in defects(checked, protocol_server=protocol_server)
        ]
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        for path in checked["paths"]:
            try:
                self._validators[path.strip("/")] = _compiled(checked, path)
            except (ValueError, jsonschema_rs.ReferencingError) as error:
                faults.append(f"{source}: {path}: {error}")
        if faults:
            raise Layer2Invalid(faults)

    @property
    def actions(self) -> frozenset[str]:
        """The actions that the file knows."""
        return frozenset(self._validators)

    def violation(self, action: str, message: object) -> Violation | None:
        """Return what a whole message breaks first; None for a valid one.

        An action that the file does not know is a violation as well: nobody there would take it.
        The meta API is not a matter of layer 2, unless the file says so.
        """
        validator = self._validators.get(action)
        if validator is None and not in_layer2(action):
            return None
        if validator is None:
            return Violation("context.action", f"layer 2 knows no {action}")
        error = next(iter(validator.iter_errors(message)), None)
        if error is None:
            return None
        return Violation(_dotted(error.instance_path), error.message)


Layer2Files: TypeAlias = Mapping[tuple[str, str], Layer2]
"""By domain and version; what stands in none of them is not checked."""


def defects(document: Node, *, protocol_server: bool) -> list[Defect]:
    """Return what is known to make such a file useless.

    Args:
        protocol_server: it is used behind one, which adds keys to each context and compiles no
            condition that stands beside the entries of a list.
    """
    found = []
    for pointer, node in walk(document, ""):
        if _is_date_time_ttl(node):
            found.append(Defect(f"{pointer}/properties/ttl", _DATE_TIME))
        if protocol_server and (missing := _closed_to(node)):
            found.append(Defect(pointer, _CLOSED.format(", ".join(missing))))
        if protocol_server and _misplaced(node):
            found.append(Defect(f"{pointer}/allOf", _MISPLACED))
    return found


def corrected(document: object, *, source: str) -> tuple[Node, list[Defect]]:
    """Return a copy without the known defects, and what they were.

    Raises:
        Layer2Invalid: the document is no OpenAPI file with actions.
    """
    whole = copy.deepcopy(_checked(document, source))
    found = defects(whole, protocol_server=True)
    for _, node in list(walk(whole, "")):
        if _is_date_time_ttl(node):
            del node["properties"]["ttl"]["format"]
        for name in _closed_to(node):
            node["properties"][name] = dict(_ADDED_BY_PROTOCOL_SERVER[name])
        if _misplaced(node):
            entries = node["items"]
            node["items"] = {"allOf": [*node.pop("allOf"), entries]}
    return whole, found


def _checked(document: object, source: str) -> Node:
    """Take a document that has actions."""
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(paths, dict) or not paths:
        raise Layer2Invalid([f"{source}: no OpenAPI document with paths"])
    return document


def _compiled(document: Node, path: str) -> jsonschema_rs.Draft202012Validator:
    """Compile the request body of one path; references stay inside the document."""
    step = path.replace("~", "~0").replace("/", "~1")
    schema = {"$ref": f"#/paths/{step}/{_BODY}"}
    schema |= {name: document[name] for name in ("paths", "components") if name in document}
    return jsonschema_rs.Draft202012Validator(
        schema, validate_formats=True, mask=_MASK, offline=True
    )


def walk(node: object, pointer: str) -> Iterator[tuple[str, Node]]:
    """Yield each object of a document with its JSON pointer."""
    if isinstance(node, dict):
        yield pointer, node
        for name, child in list(node.items()):
            step = str(name).replace("~", "~0").replace("/", "~1")
            yield from walk(child, f"{pointer}/{step}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from walk(child, f"{pointer}/{index}")


def _properties(node: Node) -> Node:
    found = node.get("properties")
    return found if isinstance(found, dict) else {}


def _is_date_time_ttl(node: Node) -> bool:
    """Whether a schema has a ``ttl`` beside what only a context has, and types it as an instant."""
    known = _properties(node)
    ttl = known.get("ttl")
    in_context = "transaction_id" in known or "bap_id" in known
    return in_context and isinstance(ttl, dict) and ttl.get("format") == "date-time"


def _closed_to(node: Node) -> list[str]:
    """Return the keys of protocol-server that the schema of a context refuses."""
    known = _properties(node)
    if node.get("additionalProperties") is not False:
        return []
    if not {"transaction_id", "message_id", "bap_id"} <= known.keys():
        return []
    return [name for name in _ADDED_BY_PROTOCOL_SERVER if name not in known]


def _misplaced(node: Node) -> bool:
    """Whether a list has conditions of its own that only its entries could fulfil."""
    rules = node.get("allOf")
    return (
        node.get("type") == "array"
        and isinstance(node.get("items"), dict)
        and isinstance(rules, list)
        and any(isinstance(rule, dict) and "if" in rule for rule in rules)
    )


def _dotted(path: list[str | int]) -> str:
    """Write a path as Beckn people do: ``message.order.items[0].id``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
