"""Whatever a BAP sends: an intent, or an error that names a field. Never anything else."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.beckn.ack import nack
from bridge.beckn.actions import ACTIONS
from bridge.beckn.context import answer_context, read_envelope
from bridge.beckn.request import Request
from bridge.beckn.times import parse_instant, parse_ttl
from bridge.errors import BadInput, BecknInvalid
from bridge.orders.intents import Intent
from tests.unit.dialects.deg.given import ME, NOW, ZONE, dialect, envelope
from tests.unit.dialects.deg.test_golden import REQUESTS

DEG = dialect()
MESSAGES = [
    (path.name.partition("-")[0], json.loads(path.read_text(), parse_float=Decimal))
    for path in REQUESTS
]

numbers = st.one_of(
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal("1E+999999"), Decimal("-1E-999999"), 10**400]),
)
words = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            *("", "START", "kWh", "INR", "HOURS", "CCS2", "90,180", "PAID", "-0", "1e5", "∞"),
            *("2026:03:04:12:00:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"),
            *("https://x", "x" * 3000, "\x00", "start-charging", "Order"),
        ]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, words)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values inside a document."""
    found = [path] if path else []
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in children:
        found += places(child, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """Return the document with some of its values replaced, dropped, or wrapped."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        paths = places(changed)
        if not paths:
            break
        *parents, last = draw(st.sampled_from(paths))
        node = changed
        for key in parents:
            node = node[key]
        how = draw(st.sampled_from(["replace", "drop", "list", "object", "double"]))
        if how == "replace":
            node[last] = draw(values)
        elif how == "drop":
            del node[last]
        elif how == "list":
            node[last] = [node[last]]
        elif how == "object":
            node[last] = {"value": node[last]}
        else:
            node[last] = [node[last], node[last]]
    return changed


def parsed(action: str, message: Any) -> Intent | BecknInvalid:
    """Return what a message means, or why it means nothing."""
    try:
        return DEG.parse(action, message if isinstance(message, dict) else {}, lambda _: None)
    except BecknInvalid as error:
        return error


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_mutated_message_is_an_intent_or_names_a_field(data: st.DataObject) -> None:
    action, message = data.draw(st.sampled_from(MESSAGES))

    found = parsed(action, data.draw(mutated(message)))

    if isinstance(found, BecknInvalid):
        assert found.path.startswith("message.")
        assert found.reason
    else:
        # What is queued must come back as it was.
        queued = msgspec.json.encode(found)
        assert msgspec.json.encode(msgspec.json.decode(queued, type=Intent)) == queued


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(ACTIONS)), st.dictionaries(st.text(max_size=8), values, max_size=4))
def test_any_object_is_an_intent_or_names_a_field(action: str, message: dict[str, object]) -> None:
    found = parsed(action, message)

    assert not isinstance(found, BecknInvalid) or found.path.startswith("message.")


def read(body: bytes) -> tuple[Request, Mapping[str, object]] | BadInput:
    """Return what a body says, or why it says nothing."""
    try:
        return read_envelope(
            body,
            path_action=None,
            dialects={DEG.domain: DEG.name},
            versions={DEG.domain: DEG.versions},
            bpp_id=ME,
            now=NOW,
            time_zone=ZONE,
            max_clock_skew_s=None,
            quirk=lambda _: None,
        )
    except BadInput as error:
        return error


def check(body: bytes) -> None:
    """Answer what can be read, refuse the rest."""
    found = read(body)
    if isinstance(found, BadInput):
        assert json.loads(nack(found))["error"]["code"] == "30000"
        return
    request, message = found
    answer = answer_context(
        request, action="on_x", message_id="m", now=NOW, bpp_id=ME, bpp_uri="https://b.example"
    )
    assert answer["transaction_id"] == request.transaction_id
    json.dumps(message, default=str)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    check(body)


@settings(max_examples=200, deadline=None)
@given(mutated(envelope("select", {"order": {}})))
def test_a_mutated_envelope_is_read_or_refused(document: Any) -> None:
    check(json.dumps(document, default=str).encode())


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_none(text: str) -> None:
    try:
        at = parse_instant(text, ZONE, lambda _: None)
    except ValueError:
        return
    assert at.utcoffset() is not None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_ttl_or_none(text: str) -> None:
    seconds = parse_ttl(text, lambda _: None)
    assert seconds is None or seconds >= 0
