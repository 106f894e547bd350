"""Objects that were right once: fields dropped, changed, swapped, doubled, at any depth."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests.contract.emsp.samples import at

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["ACTIVE", "COMPLETED", "#NA", at(), at(1), "E1", "LOC1", "", "0", "x" * 300]),
    st.sampled_from([0, -1, 0.1, 1e300, 2**63, -(2**70), "1.5", "2026-03-04 06:30", "\x00", "😀"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=8,
)

CHANGES = ("drop", "null", "other", "in a list", "as text", "again", "of another", "unknown")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a document: what holds it, and its key or index there."""
    found: list[tuple[Any, Any]] = []
    match value:
        case dict():
            found = [(value, key) for key in value]
        case list():
            found = [(value, index) for index in range(len(value))]
    return found + [place for holder, key in found for place in places(holder[key])]


@st.composite
def mutated(draw: st.DrawFn, document: Any, most: int = 3) -> Any:
    """Return a copy of a document with up to so many changes, one at least."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, most))):
        there = places(changed)
        if not there:
            break
        holder, key = there[draw(st.integers(0, len(there) - 1))]
        match draw(st.sampled_from(CHANGES)):
            case "drop":
                del holder[key]
            case "null":
                holder[key] = None
            case "other":
                holder[key] = draw(JSON)
            case "in a list":
                holder[key] = [holder[key]]
            case "as text":
                holder[key] = json.dumps(holder[key])
            case "again" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case "of another":
                other, name = there[draw(st.integers(0, len(there) - 1))]
                if name in (other if isinstance(other, dict) else range(len(other))):
                    holder[key] = copy.deepcopy(other[name])
            case "unknown" if isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = draw(SCALARS)
    return changed


@st.composite
def written(draw: st.DrawFn, document: Any) -> bytes:
    """Write a document as JSON; sometimes a key of it comes twice."""
    text = json.dumps(document)
    if isinstance(document, dict) and document and draw(st.integers(0, 3)) == 0:
        key = draw(st.sampled_from(sorted(document)))
        text = f"{text[:-1]}, {json.dumps(key)}: {json.dumps(draw(JSON))}}}"
    return text.encode()
