"""Every request of the use-case pages is read, both editions, with all their quirks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.beckn.actions import ACTIONS
from bridge.beckn.context import read_envelope
from bridge.beckn.quirks import Quirk
from bridge.orders.intents import Confirm, Init, Intent, Measure, Search, Select, Update, Verb
from tests.reference import PROJECT, shared_path
from tests.unit.dialects.deg.given import NOW, ZONE, dialect

pytestmark = pytest.mark.shared

BPP = "example-bpp.com"
"""Whom the pages' requests are for."""


def folder() -> Path:
    """Return where the pages' messages are."""
    return (shared_path({}) or PROJECT) / "data" / "usecases"


def requests() -> list[str]:
    """Return the files that are requests; the PATCH body has no context."""
    found = []
    for path in sorted(folder().rglob("*.json")):
        if json.loads(path.read_text()).get("context", {}).get("action") in ACTIONS:
            found.append(str(path.relative_to(folder())))
    return found


def read(shared: Path, name: str) -> tuple[Intent, set[str]]:
    """Read a request of the pages; a fragment gets the context of the whole one before it."""
    usecases = shared / "data" / "usecases"
    document: dict[str, Any] = json.loads((usecases / name).read_text())
    if "domain" not in document["context"]:
        document["context"] = json.loads((usecases / "01-walk-in/03-select.json").read_text())[
            "context"
        ]
    deg = dialect()
    quirks: set[str] = set()
    request, message = read_envelope(
        json.dumps(document).encode(),
        path_action=document["context"]["action"],
        dialects={deg.domain: deg.name},
        versions={deg.domain: deg.versions},
        bpp_id=BPP,
        now=NOW,
        time_zone=ZONE,
        max_clock_skew_s=None,
        quirk=quirks.add,
    )
    return deg.parse(request.action, message, quirks.add), quirks


@pytest.mark.parametrize("name", requests())
def test_a_request_is_read(shared: Path, name: str) -> None:
    intent, quirks = read(shared, name)

    action = json.loads((shared / "data" / "usecases" / name).read_text())["context"]["action"]
    assert type(intent).__name__.casefold() == action
    assert quirks <= set(Quirk)


def test_all_requests_of_a_walk_in_are_among_them(shared: Path) -> None:
    walk_in = [name for name in requests() if name.startswith("01-walk-in")]

    assert len(walk_in) == 9


def test_the_search_of_a_walk_in(shared: Path) -> None:
    intent, quirks = read(shared, "01-walk-in/01-search.json")

    assert isinstance(intent, Search)
    assert (intent.latitude, intent.longitude, intent.radius_m) == (12.423423, 77.325647, 5000)
    assert intent.connectors == ("IEC_62196_T2_COMBO",)
    assert intent.window_start is not None
    assert intent.window_start.isoformat() == "2025-09-24T04:30:00+00:00"
    assert quirks == {Quirk.COLON_DATE, Quirk.GROUP_WITHOUT_CODE, Quirk.SPELLING}


def test_the_amounts_of_select(shared: Path) -> None:
    budget, _ = read(shared, "01-walk-in/03-select.json")
    energy, quirks = read(shared, "01-walk-in/04-select-by-kwh-fragment.json")

    assert isinstance(budget, Select)
    assert isinstance(energy, Select)
    assert budget.wish.quantity is not None
    assert energy.wish.quantity is not None
    assert budget.wish.quantity.measure is Measure.AMOUNT
    assert budget.wish.quantity.value == 100
    assert energy.wish.quantity.measure is Measure.ENERGY
    assert str(energy.wish.quantity.value) == "2.5"
    assert {Quirk.ITEM_OBJECT, Quirk.PROVIDER_MISSING} <= quirks


def test_what_init_and_confirm_hand_on(shared: Path) -> None:
    init, _ = read(shared, "01-walk-in/06-init.json")
    confirm, quirks = read(shared, "01-walk-in/09-confirm.json")

    assert isinstance(init, Init)
    document = json.loads((shared / "data/usecases/01-walk-in/06-init.json").read_text())
    assert json.loads(bytes(init.billing or b"")) == document["message"]["order"]["billing"]
    assert isinstance(confirm, Confirm)
    assert confirm.payment is not None
    assert confirm.payment.method == "UPI-TRANSFER"
    assert confirm.payment.paid is False
    assert Quirk.SPELLING in quirks


def test_the_update_of_a_walk_in_starts(shared: Path) -> None:
    update, quirks = read(shared, "01-walk-in/11-update-start-charging.json")

    assert update == Update(
        verb=Verb.START,
        order_id="123e4567-e89b-12d3-a456-426614174000",
        authorization_token="7484",
    )
    assert Quirk.UPDATE_TARGET not in quirks


@pytest.mark.parametrize("number", ["01-search-by-category", "02-search-by-text"])
def test_searches_for_passes(shared: Path, number: str) -> None:
    intent, _ = read(shared, f"04-loyalty/{number}.json")

    assert isinstance(intent, Search)
    assert (intent.category, intent.text) in {
        ("loyalty-program", None),
        (None, "loyalty programs"),
    }
