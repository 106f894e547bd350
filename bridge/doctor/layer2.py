"""Whether layer-2 files fit what the bridge speaks. They are read, nothing else is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.beckn.actions import ACTIONS, callback_of
from bridge.beckn.layer2 import Layer2, walk
from bridge.doctor.finding import Finding, failed, not_tried, ok, warned
from bridge.errors import Layer2Invalid
from bridge.settings.beckn import Beckn, Layer2File
from bridge.settings.layer2 import document_of


def layer2_findings(beckn: Beckn, spoken: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Yield a row for each file, or for each fault of it, and for each domain without one.

    Args:
        spoken: the domains of our dialects, and the versions of each.
    """
    for entry in beckn.layer2:
        faults = list(_faults(entry, beckn.adapter == "protocol-server", spoken))
        where = f"{entry.domain} {entry.version}: {entry.file}"
        yield from faults or [ok("layer 2", where)]
    for domain in sorted(spoken.keys() - {entry.domain for entry in beckn.layer2}):
        yield not_tried("layer 2", f"{domain}: no file in beckn.layer2, messages are not checked")


def _faults(
    entry: Layer2File, protocol_server: bool, spoken: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    if entry.version not in spoken.get(entry.domain, frozenset()):
        known = ", ".join(
            f"{domain} {each}" for domain in spoken for each in sorted(spoken[domain])
        )
        yield failed(
            "layer 2",
            f"{entry.file} is for {entry.domain} {entry.version}, which is not spoken",
            advice=f"correct domain and version, or beckn.dialects; spoken: {known}",
        )
    try:
        document = document_of(entry.file)
    except Layer2Invalid as error:
        for fault in error.faults:
            yield failed("layer 2", fault, advice="name a file that is there and readable")
        return
    for key, wanted, given in _claims(document, entry):
        if wanted not in given:
            evidence = f"{entry.file}: its {key} is {', '.join(sorted(given))}, not {wanted}"
            yield failed("layer 2", evidence, advice="name the file of this domain and version")
    try:
        layer2 = Layer2(document, source=str(entry.file), protocol_server=protocol_server)
    except Layer2Invalid as error:
        advice = f"bridge beckn layer2 fix {entry.file}, then name the copy in beckn.layer2"
        for fault in error.faults:
            yield failed("layer 2", fault, advice=advice)
        return
    needed = ACTIONS | {callback_of(action) for action in ACTIONS}
    missing = sorted(needed - layer2.actions)
    if missing:
        evidence = f"{entry.file} knows no {', '.join(missing)}"
        yield warned("layer 2", evidence, advice="these messages count as invalid: complete it")


def _claims(document: object, entry: Layer2File) -> Iterator[tuple[str, str, set[str]]]:
    """Yield what a file says it is for: a key, what it should say, and what it says."""
    info = document.get("info") if isinstance(document, dict) else None
    core = info.get("x-core-version") if isinstance(info, dict) else None
    if core is not None:
        yield "info.x-core-version", entry.version, {str(core)}
    for _, node in walk(document, ""):
        known = node.get("properties")
        if not isinstance(known, dict) or "transaction_id" not in known:
            continue
        for key, wanted in (("domain", entry.domain), ("version", entry.version)):
            allowed = _allowed(known.get(key))
            if allowed:
                yield f"context.{key}", wanted, allowed


def _allowed(schema: Any) -> set[str]:
    """Return the only values a schema takes; nothing where it does not name them."""
    if not isinstance(schema, dict):
        return set()
    if "const" in schema:
        return {str(schema["const"])}
    listed = schema.get("enum")
    return {str(each) for each in listed} if isinstance(listed, list) else set()
