"""The requests of the use-case pages, sent as they are to a real bridge, one after the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.beckn.actions import ACTIONS
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import GPS, find, is_final, state_of
from tests.e2e.rig import Rig, rig
from tests.e2e.samples import changed, replaced
from tests.reference import load_tool
from tests.waiting import until

pytestmark = pytest.mark.shared

BAP_URI = "context.bap_uri"
CIRCLE = "message.intent.fulfillment.stops[0].location.circle.gps"
PROVIDER = "message.order.provider.id"
ITEM = "message.order.items[0].id"
LONE_ITEM = "message.order.item.id"
PAYMENT = "message.order.payments[0].id"
ORDER = "message.order.id"
ORDER_ID = "message.order_id"
REF_ID = "message.support.ref_id"

NAMES = {BAP_URI, CIRCLE, PROVIDER, ITEM, LONE_ITEM, PAYMENT, ORDER, ORDER_ID, REF_ID}
"""All that is ever changed in a request: what must exist. No time, no amount, no message_id."""


@dataclass(frozen=True)
class Pages:
    """The messages of the pages, the bridge they are sent to, and which were read for it."""

    folder: Path
    world: Rig
    used: set[str] = field(default_factory=set)

    def read(self, name: str) -> Message:
        """Return a message as it is on the page."""
        self.used.add(name)
        message: Message = json.loads((self.folder / f"{name}.json").read_text())
        return message

    def requests(self, use_case: str) -> set[str]:
        """Return the names of all requests of a use case; a PATCH body is none."""
        paths = {path: json.loads(path.read_text()) for path in (self.folder / use_case).iterdir()}
        actions = {path: body.get("context", {}).get("action") for path, body in paths.items()}
        return {f"{use_case}/{path.stem}" for path, action in actions.items() if action in ACTIONS}

    async def ask(self, name: str, names: Mapping[str, str] | None = None) -> Message:
        """Send a request of the pages; return its answer."""
        return await self.post(self.read(name), names or {})

    async def post(self, page: Message, names: Mapping[str, str]) -> Message:
        """Send a request with ``names`` at their paths and nothing else changed.

        The pages use one message_id for many requests, so the answer is the next of its action.
        """
        bap = self.world.bap
        request = replaced(page, {BAP_URI: bap.url, **names})
        assert changed(page, request) == {BAP_URI, *names}
        assert {BAP_URI, *names} <= NAMES

        action = request["context"]["action"]
        before = len(self.callbacks(action))
        answer = await bap.post(f"/beckn/{action}", request)
        assert answer == (200, {"message": {"ack": {"status": "ACK"}}})
        await until(lambda: len(self.callbacks(action)) > before)
        callback = self.callbacks(action)[before]
        repeated = ("domain", "version", "bap_id", "bpp_id", "transaction_id", "message_id")
        for name in repeated[: 3 if action == "search" else None]:
            assert callback["context"][name] == request["context"][name], name
        assert "message" in callback
        assert "error" not in callback
        return callback

    def callbacks(self, action: str) -> list[Message]:
        """Return what came for an action so far."""
        return [m for m in self.world.bap.callbacks if m["context"]["action"] == f"on_{action}"]


@pytest.fixture
async def pages(tmp_path: Path, redis_url: str, shared: Path) -> AsyncIterator[Pages]:
    """Give the pages, and a bridge that goes by the name of the BPP on them."""
    folder = shared / "data" / "usecases"
    bpp_id = json.loads((folder / "01-walk-in/03-select.json").read_text())["context"]["bpp_id"]
    async with rig(tmp_path, redis_url, beckn={"subscriber_id": bpp_id}) as world:
        yield Pages(folder, world)


async def test_the_walk_in_of_the_pages(pages: Pages, shared: Path) -> None:
    world = pages.world

    found = await pages.ask("01-walk-in/01-search", {CIRCLE: GPS})
    (provider,) = found["message"]["catalog"]["providers"]
    wish = {PROVIDER: provider["id"], ITEM: provider["items"][0]["id"]}

    selected = await pages.ask("01-walk-in/03-select", wish)
    assert price(selected) == 100

    # The page's second select is a fragment: no context to speak of, no provider, one item.
    select = pages.read("01-walk-in/03-select")
    fragment = pages.read("01-walk-in/04-select-by-kwh-fragment")
    whole = {"context": {**select["context"], **fragment["context"]}, **without_context(fragment)}
    selected = await pages.post(whole, {LONE_ITEM: wish[ITEM]})
    assert price(selected) == Decimal("2.5") * 18 + 10

    offered = await pages.ask("01-walk-in/06-init", wish)
    assert price(offered) == 100
    payment_id = offered["message"]["order"]["payments"][0]["id"]

    confirmed = await pages.ask("01-walk-in/09-confirm", {**wish, PAYMENT: payment_id})
    order = confirmed["message"]["order"]
    assert state_of(confirmed) == "PENDING"
    assert order["payments"][0]["status"] == "NOT-PAID"

    started = await pages.ask("01-walk-in/11-update-start-charging", {ORDER: order["id"]})
    assert state_of(started) == "ACTIVE"
    tracked = await pages.ask("01-walk-in/13-track", {ORDER_ID: order["id"]})
    assert tracked["message"]["tracking"]["url"].startswith(f"{world.bridges[0].url}/session/")

    final = await world.bap.wait_for(is_final, within_s=30)
    assert price(final) == Decimal("76.60")
    due = final["message"]["order"]["payments"][-1]
    assert (due["status"], Decimal(due["params"]["amount"])) == ("NOT-PAID", Decimal("76.60"))

    await pages.ask("01-walk-in/18-rating")
    helped = await pages.ask("01-walk-in/20-support", {REF_ID: order["id"]})
    assert helped["message"]["support"]["phone"]
    assert pages.used == pages.requests("01-walk-in")

    validate = load_tool(shared, "validate_layer2")
    core = validate.SPECS["core"]
    for message in world.beckn_sent:
        assert validate.validate(message, spec=core, formats="strict") == []

    # The callback_url of the page's track is nobody's, which has disturbed nothing.
    metrics = await world.bridges[0].metrics()
    assert metrics["bridge_dead_letters"] == 0
    assert "Traceback" not in world.bridges[0].log.read_text()
    for quirk in ("colon-date", "ttl-without-pt", "spelling", "item-object", "provider-missing"):
        assert metrics[f'bridge_beckn_quirk_total{{quirk="{quirk}"}}'] > 0, quirk


async def test_the_searches_for_passes_of_the_pages(pages: Pages) -> None:
    assert await find(pages.world.bap, "there-are-chargers")

    for name in ("04-loyalty/01-search-by-category", "04-loyalty/02-search-by-text"):
        found = await pages.ask(name)
        assert found["message"] == {"catalog": {"providers": []}}


def price(message: Message) -> Decimal:
    """Return the price of a quote, which its lines add up to."""
    quote = message["message"]["order"]["quote"]
    total = Decimal(quote["price"]["value"])
    assert sum(Decimal(line["price"]["value"]) for line in quote["breakup"]) == total
    return total


def without_context(message: Message) -> Message:
    return {name: part for name, part in message.items() if name != "context"}
