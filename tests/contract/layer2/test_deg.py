"""The layer-2 file that ships for ``deg``: the messages of the use-case pages pass it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.layer2 import DEG

WITHOUT_ID = "05-b2b/04-on_confirm.json"
"""The one on_confirm of the pages that forgets the order's id."""

FRAGMENT = "01-walk-in/04-select-by-kwh-fragment.json"
"""No message: its context has nothing but the action."""


def test_all_actions_of_the_transaction_are_there() -> None:
    asked = {"search", "select", "init", "confirm", "update", "status", "track", "cancel"}
    asked |= {"rating", "support"}
    assert DEG.actions == asked | {f"on_{action}" for action in asked}


@pytest.mark.shared
def test_the_messages_of_the_pages_pass(shared: Path) -> None:
    folder = shared / "data" / "usecases"
    seen = 0
    for path in sorted(folder.glob("0*/*.json")):
        message = json.loads(path.read_text())
        name = str(path.relative_to(folder))
        if "context" not in message or name in (WITHOUT_ID, FRAGMENT):
            continue
        assert DEG.violation(message["context"]["action"], message) is None, name
        seen += 1
    assert seen == 42


@pytest.mark.shared
def test_an_order_without_id_does_not(shared: Path) -> None:
    message = json.loads((shared / "data" / "usecases" / WITHOUT_ID).read_text())
    violation = DEG.violation("on_confirm", message)
    assert violation is not None
    assert violation.path == "message.order"
