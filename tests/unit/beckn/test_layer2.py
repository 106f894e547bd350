"""Layer 2: what a file refuses, where, and what makes a file itself useless."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.beckn.actions import META, META_CALLBACKS
from bridge.beckn.layer2 import Layer2, Violation, corrected, defects
from bridge.errors import Layer2Invalid
from tests.layer2 import (
    Document,
    body,
    condition_is_misplaced,
    context_is_closed,
    document,
    ttl_is_an_instant,
)

LAYER2 = Layer2(document(), source="own.yaml")
CONTEXT = {"action": "on_update", "ttl": "PT30S"}


def message(order: Any, **context: Any) -> dict[str, Any]:
    return {"context": {**CONTEXT, **context}, "message": {"order": order}}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (message({"id": "1"}), None),
        (message({"id": "1", "more": True}, city="Pune"), None),
        ({"context": CONTEXT}, Violation("", '"message" is a required property')),
        (message({}), Violation("message.order", '"id" is a required property')),
        (message({"id": 7}), Violation("message.order.id", 'the value is not of type "string"')),
        (
            message({"id": "1", "payments": [{}, "x"]}),
            Violation("message.order.payments[1]", 'the value is not of type "object"'),
        ),
    ],
)
def test_what_is_broken_first_is_named_by_its_place(said: Any, found: Violation | None) -> None:
    assert LAYER2.violation("on_update", said) == found


def test_a_reason_repeats_nothing_of_the_message() -> None:
    found = LAYER2.violation("on_update", message({"id": "+919887766554"}))
    assert found is not None
    assert "9887766554" not in found.reason


def test_an_action_that_the_file_does_not_know_is_refused() -> None:
    assert LAYER2.actions == {"search", "on_update"}
    assert LAYER2.violation("rating", {}) == Violation("context.action", "layer 2 knows no rating")


@pytest.mark.parametrize("action", sorted({*META, *META_CALLBACKS}))
def test_the_meta_api_is_no_matter_of_layer_2(action: str) -> None:
    assert LAYER2.violation(action, {}) is None


def test_unless_the_file_says_so() -> None:
    def with_categories(whole: Document) -> None:
        whole["paths"]["/rating_categories"] = body({"rating_categories": {"type": "array"}})

    layer2 = Layer2(document(with_categories), source="x.yaml")
    assert layer2.violation("rating_categories", {}) is not None


@pytest.mark.parametrize(
    ("change", "protocol_server", "pointer"),
    [
        (ttl_is_an_instant, False, "/components/schemas/Context/properties/ttl"),
        (context_is_closed, True, "/components/schemas/Context"),
        (condition_is_misplaced, True, "/components/schemas/Order/properties/payments/allOf"),
    ],
)
def test_a_file_that_no_good_message_passes_is_refused_and_mended(
    change: Any, protocol_server: bool, pointer: str
) -> None:
    whole = document(change)
    with pytest.raises(Layer2Invalid) as raised:
        Layer2(whole, source="net.yaml", protocol_server=protocol_server)
    (fault,) = raised.value.faults
    assert fault.startswith(f"net.yaml: {pointer}: ")
    if protocol_server:
        Layer2(whole, source="net.yaml")

    copy, mended = corrected(whole, source="net.yaml")
    assert [each.pointer for each in mended] == [pointer]
    assert whole == document(change), "the original stays"
    Layer2(copy, source="net.yaml", protocol_server=True)
    assert defects(copy, protocol_server=True) == []


def test_a_mended_condition_holds_for_each_entry() -> None:
    copy, _ = corrected(document(condition_is_misplaced), source="net.yaml")
    mended = Layer2(copy, source="net.yaml")
    order = {"id": "1", "payments": [{"type": "POST"}, {"type": "PRE-ORDER"}]}
    assert mended.violation("on_update", message(order)) == Violation(
        "message.order.payments[1]", '"params" is a required property'
    )


@pytest.mark.parametrize("whole", [None, [], "text", {}, {"paths": {}}, {"paths": []}])
def test_what_is_no_such_file_is_named(whole: Any) -> None:
    with pytest.raises(Layer2Invalid, match="no OpenAPI document"):
        Layer2(whole, source="net.yaml")


def test_a_reference_that_leads_nowhere_is_named_and_none_leaves_the_file() -> None:
    def lost(whole: dict[str, Any]) -> None:
        del whole["components"]["schemas"]["Order"]

    def abroad(whole: dict[str, Any]) -> None:
        whole["components"]["schemas"]["Order"] = {"$ref": "http://127.0.0.1:1/order.json"}

    for change in (lost, abroad):
        with pytest.raises(Layer2Invalid, match=r"net\.yaml: /on_update: "):
            Layer2(document(change), source="net.yaml")
