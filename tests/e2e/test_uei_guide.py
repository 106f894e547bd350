"""Every request of the UEI implementation guide 1.3, sent as it is to a real bridge."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.beckn.actions import REQUESTS, callback_of
from bridge.ocpi.locations import EnergyMix, GeoLocation
from bridge.sandbox.bap import DOMAINS, Message
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import is_final
from tests.e2e.rig import Rig, rig
from tests.e2e.samples import changed, replaced
from tests.published import ALL, Published, accepted, show
from tests.waiting import until

pytestmark = pytest.mark.shared

BAP, BPP = "context.bap_id", "context.bpp_id"
TRANSACTION = "context.transaction_id"
PROVIDER, ITEM = "message.order.provider.id", "message.order.items[0].id"
AMOUNT = "message.order.payments[0].params.amount"
ORDER_ID, REF_ID, RATED = "message.order_id", "message.support.ref_id", "message.ratings[0].id"

REPLACED = {BAP, BPP, TRANSACTION, PROVIDER, ITEM, AMOUNT, ORDER_ID, REF_ID, RATED}
"""All that is ever changed in a request: ids of what must exist, and what is to be paid."""

BPP_ID = "example-bpp.com"
"""Whom the guide asks, but for its track."""

NO_REQUEST = {"get_rating_categories-2"}
"""The guide calls this callback by the name of its request."""

LATITUDE, LONGITUDE = "12.423423", "77.325647"
"""Where the guide searches."""


class GuideCpo(SandboxCpo):
    """A CPO with one more station: where the guide searches, and green."""

    def __post_init__(self) -> None:
        super().__post_init__()
        first = next(iter(self.locations.values()))
        self.locations["GUIDE"] = replace(
            first,
            id="GUIDE",
            evses=tuple(replace(evse, uid=f"GUIDE-{evse.uid}") for evse in first.evses),
            coordinates=GeoLocation(latitude=LATITUDE, longitude=LONGITUDE),
            energy_mix=EnergyMix(is_green_energy=True),
        )


@dataclass(frozen=True)
class Guide:
    """The guide's messages, the bridge they are sent to, and which were sent."""

    folder: Path
    world: Rig
    used: set[str] = field(default_factory=set)

    def requests(self) -> set[str]:
        """Return the names of the requests among the messages."""
        actions = {
            path.stem: json.loads(path.read_text()).get("context", {}).get("action")
            for path in self.folder.glob("*.json")
        }
        return {name for name, action in actions.items() if action in REQUESTS} - NO_REQUEST

    async def ask(self, name: str, values: Mapping[str, str] | None = None) -> Message:
        """Send a request with ``values`` at their paths and nothing else changed.

        The guide uses one message_id for all requests, so the answer is the next of its action.
        """
        self.used.add(name)
        page: Message = json.loads((self.folder / f"{name}.json").read_text())
        request = replaced(page, dict(values or {}))
        assert changed(page, request) <= set(values or {}) <= REPLACED

        bap, action = self.world.bap, request["context"]["action"]
        message_id = request["context"]["message_id"]
        before = len(self.answers(action, message_id))
        answer = await bap.post(f"/beckn/{action}", request)
        assert answer == (200, {"message": {"ack": {"status": "ACK"}}})
        await until(lambda: len(self.answers(action, message_id)) > before)
        callback = self.answers(action, message_id)[before]
        for repeated in ("domain", "version", "bap_id", "bap_uri", "transaction_id", "message_id"):
            assert callback["context"][repeated] == request["context"][repeated], repeated
        assert "error" not in callback, callback["error"]
        return callback

    def answers(self, action: str, message_id: str) -> list[Message]:
        """Return the answers to an action that came so far; what came unasked is none."""
        wanted = (callback_of(action), message_id)
        heads = [(m, m["context"]) for m in self.world.bap.callbacks]
        return [m for m, head in heads if (head["action"], head["message_id"]) == wanted]


@pytest.fixture
async def guide(tmp_path: Path, redis_url: str, shared: Path) -> AsyncIterator[Guide]:
    """Give the guide, and a bridge that goes by the name of its BPP, behind an adapter."""
    folder = shared / "data/uei/uei_guide_1_3"
    async with rig(
        tmp_path,
        redis_url,
        cpo_of=GuideCpo,
        domain=DOMAINS["uei"],
        # Nobody listens at the guide's bap_uri: an adapter takes the callbacks there.
        beckn={
            "subscriber_id": BPP_ID,
            "dialects": ["uei"],
            "adapter": "onix",
            "reply_base_url": "{bap}",
        },
    ) as world:
        yield Guide(folder, world)


METAS = frozenset({"rating_categories", "cancellation_reasons"})
"""Callbacks that no layer 2 has a path for."""


async def test_every_request_of_the_guide_is_answered(
    guide: Guide, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = guide.world
    world.cpo.behaviour.steps, world.cpo.behaviour.step_s = 1000, 0.1

    found = await guide.ask("search")
    (provider,) = found["message"]["catalog"]["providers"]
    wish = {PROVIDER: provider["id"], ITEM: provider["items"][0]["id"]}

    await guide.ask("get_rating_categories")
    await guide.ask("select", wish)
    offered = await guide.ask("init", wish)
    paid = wish | {AMOUNT: offered["message"]["order"]["quote"]["price"]["value"]}
    order = (await guide.ask("confirm", paid))["message"]["order"]

    # Neither names an order: it is that of the transaction.
    await guide.ask("update")
    known = {ORDER_ID: order["id"]}
    await guide.ask("track", known | {BAP: offered["context"]["bap_id"], BPP: BPP_ID})
    await guide.ask("status", known)
    await guide.ask("support", {REF_ID: order["id"]})
    await guide.ask("update-2")
    final = await world.bap.wait_for(is_final, within_s=30)
    await guide.ask("rating", {RATED: order["id"]})

    # An order that has begun is not cancelled any more, so another one is.
    other = {TRANSACTION: "0b7d9a5e-5c1c-4a43-9c5a-7d2b3c7b2f11"}
    await guide.ask("select", wish | other)
    await guide.ask("init", wish | other)
    another = (await guide.ask("confirm", paid | other))["message"]["order"]
    cancelled = await guide.ask("cancel", {ORDER_ID: another["id"]} | other)

    assert guide.used == guide.requests()
    assert Decimal(final["message"]["order"]["quote"]["price"]["value"]) > 0
    assert cancelled["message"]["order"]["status"] == "CANCELLED"
    metrics = await world.bridges[0].metrics()
    for quirk in ("spelling", "order-id-missing", "phone", "group-without-code"):
        assert metrics[f'bridge_beckn_quirk_total{{quirk="{quirk}"}}'] > 0, quirk

    published = Published(shared)
    sent = [(m["context"]["action"], m) for m in world.bap.callbacks]
    judged = [(action, published.faults(m)) for action, m in sent if action not in METAS]
    show(
        capsys, {f"{at}: {action}": accepted(faults) for at, (action, faults) in enumerate(judged)}
    )
    assert {action for action, _ in sent} >= {callback_of(action) for action in REQUESTS} - METAS
    bad = [(action, faults) for action, faults in judged if accepted(faults) != ALL]
    # tracking.status is by the profile, 3.1 here.
    assert [action for action, faults in bad if accepted(faults) != {"3.1"}] == []
    assert {action for action, _ in bad} == {"on_track"}
