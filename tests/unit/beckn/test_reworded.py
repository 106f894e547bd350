"""Callbacks worded anew: halves of an on_search, an error with an order beside it, news."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.beckn.layer2 import Layer2
from bridge.beckn.reworded import echoing, halves, renewed
from bridge.settings.layer2 import document_of

CONTEXT = {"action": "on_search", "message_id": "m1", "transaction_id": "t1"}


def item(name: str) -> dict[str, Any]:
    return {"id": name, "location_ids": [f"l-{name}"], "fulfillment_ids": ["f"]}


def provider(name: str, *items: str) -> dict[str, Any]:
    return {
        "id": name,
        "items": [item(each) for each in items],
        "locations": [{"id": f"l-{each}"} for each in items],
        "fulfillments": [{"id": "f"}, {"id": "unused"}],
    }


def on_search(*providers: dict[str, Any]) -> bytes:
    catalog = {"descriptor": {"name": "Bridge"}, "providers": list(providers)}
    return json.dumps({"context": CONTEXT, "message": {"catalog": catalog}}).encode()


def shown(body: bytes) -> list[list[str]]:
    """Return the ids of items by provider; all else must be as it was."""
    message = json.loads(body)
    assert message["context"] == CONTEXT
    assert message["message"]["catalog"]["descriptor"] == {"name": "Bridge"}
    providers = message["message"]["catalog"]["providers"]
    return [[each["id"] for each in provider["items"]] for provider in providers]


@pytest.mark.parametrize(
    ("whole", "first", "second"),
    [
        ([["a"], ["b"]], [["a"]], [["b"]]),
        ([["a", "b", "c"], ["d"], ["e"]], [["a", "b", "c"], ["d"]], [["e"]]),
        ([["a", "b"]], [["a"]], [["b"]]),
        ([["a", "b", "c", "d", "e"]], [["a", "b", "c"]], [["d", "e"]]),
    ],
)
def test_an_on_search_is_halved_the_better_hits_first(
    whole: list[list[str]], first: list[list[str]], second: list[list[str]]
) -> None:
    parts = halves(on_search(*(provider(str(at), *items) for at, items in enumerate(whole))))

    assert parts is not None
    assert [shown(part) for part in parts] == [first, second]


def test_a_half_has_what_its_items_speak_of_and_no_more() -> None:
    parts = halves(on_search(provider("p", "a", "b")))

    assert parts is not None
    [half] = json.loads(parts[1])["message"]["catalog"]["providers"]
    assert half == provider("p", "b") | {"fulfillments": [{"id": "f"}]}


@pytest.mark.parametrize("providers", [[], [provider("p")], [provider("p", "a")], [{"id": "p"}]])
def test_one_item_is_not_halved(providers: list[dict[str, Any]]) -> None:
    assert halves(on_search(*providers)) is None


def test_news_has_an_id_of_its_own_and_is_the_same_otherwise() -> None:
    body = on_search(provider("p", "a")).replace(b'"Bridge"', b'"Bridge", "n": 1.10')

    new = renewed(body, "m2")

    assert json.loads(new, parse_float=str) == json.loads(
        body.replace(b'"m1"', b'"m2"'), parse_float=str
    )


@pytest.fixture(scope="module")
def uei(shared: Path) -> Layer2:
    """Return the layer-2 file of uei as protocol-server can use it."""
    file = shared / "data/layer2/ev-charging_uei_1.1.0.corrected.yaml"
    return Layer2(document_of(file), source=file.name, protocol_server=True)


@pytest.mark.shared
@pytest.mark.parametrize("action", ["select", "init", "confirm"])
def test_an_error_with_the_order_beside_it_passes_layer_2_of_uei(
    uei: Layer2, shared: Path, action: str
) -> None:
    def sample(name: str) -> Any:
        return json.loads((shared / f"data/uei/layer2_valid/{name}.json").read_text())

    asked, context = sample(action), sample(f"on_{action}")["context"]
    error = {"code": "30004", "message": "item not found"}
    bare = {"context": context, "error": error}

    whole = json.loads(echoing(json.dumps(bare).encode(), order_of(asked)))

    assert uei.violation(f"on_{action}", bare) is not None
    assert uei.violation(f"on_{action}", whole) is None
    assert (whole["context"], whole["error"]) == (context, error)
    echoed, order = whole["message"]["order"], asked["message"]["order"]
    assert [each["id"] for each in echoed["items"]] == [each["id"] for each in order["items"]]
    assert echoed["quote"]["price"]["value"] == "0.00"


def order_of(message: dict[str, Any]) -> bytes:
    return json.dumps(message["message"]["order"]).encode()


@pytest.mark.parametrize("part", [None, {"id": "x"}, "x", [None, "x", 1]])
def test_an_order_that_lacks_everything_is_echoed_all_the_same(part: object) -> None:
    bare = json.dumps({"context": {**CONTEXT, "action": "on_confirm"}, "error": {}}).encode()

    asked = {"provider": {"id": "p"}, "items": part, "fulfillments": part}
    order = json.loads(echoing(bare, json.dumps(asked).encode()))["message"]["order"]

    assert (order["id"], order["status"], order["items"]) == ("t1", "ACTIVE", [])
    assert [each["id"] for each in order["fulfillments"]] == ["1"]


def test_an_order_of_its_provider_alone_is_echoed() -> None:
    bare = json.dumps({"context": {**CONTEXT, "action": "on_init"}, "error": {}}).encode()

    order = json.loads(echoing(bare, b'{"provider":{"id":"p"}}'))["message"]["order"]

    assert (order["items"], [each["id"] for each in order["fulfillments"]]) == ([], ["1"])
