"""Use case 4: a pass is found, bought, used and given back, over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import BILLING, Choice, Driver
from tests.e2e.money import breakup, price_of, second_payment, valid
from tests.e2e.rig import Rig, cli, rig, write_commercial
from tests.e2e.test_payments import SECRET, Gateway, event, payments
from tests.waiting import until

WAITS = {"cdr_wait_s": 3, "session_wait_s": 10, "command_timeout_s": 4}
SILVER: dict[str, Any] = {
    "id": "silver-pass",
    "provider": "cpo1.example",
    "name": "City Silver Pass",
    "tier": "Silver",
    "price": 299,
    "currency": "INR",
    "share": 0.10,
    "valid_days": 30,
    "free_cancellation_days": 7,
    "next_tier": "gold-pass",
    "next_tier_spend": 150,
    "benefits": {"all-time-discount": "10%"},
}
GOLD = SILVER | {
    "id": "gold-pass",
    "name": "City Gold Pass",
    "tier": "Gold",
    "price": 499,
    "share": 0.20,
    "next_tier": None,
    "next_tier_spend": None,
    "benefits": {"all-time-discount": "20%"},
}
TERMS = {"passes": [SILVER, GOLD]}


@pytest.fixture
async def site(tmp_path: Path, redis_url: str) -> AsyncIterator[Rig]:
    """Give one bridge whose provider sells two passes, at a CPO that delivers 5 kWh."""
    payment = {"url": "https://pay.example/?t=$transaction_id&a=$amount", "secret": SECRET}
    async with rig(tmp_path, redis_url, terms=WAITS, commercial=TERMS, payment=payment) as running:
        running.cpo.behaviour.delivers_kwh = Decimal(5)
        yield running


class Buyer:
    """Buys a pass step by step; each step returns the callback that answers it."""

    def __init__(self, site: Rig, pass_id: str = "silver-pass") -> None:
        self.bap = site.bap
        self.choice = Choice("cpo1.example", pass_id)
        self.transaction_id = str(uuid.uuid4())
        self.order: Message = {}

    async def ask(self, action: str, message: Message) -> Message:
        answer = await self.bap.ask(action, message, self.transaction_id)
        self.order = answer.get("message", {}).get("order", self.order)
        return answer

    async def buys(self) -> Message:
        """Select, init, pay and confirm; return on_confirm."""
        found = await self.ask("search", {"intent": {"descriptor": {"name": "loyalty programs"}}})
        fulfillment = found["message"]["catalog"]["providers"][0]["fulfillments"][0]
        digital: Message = {"id": fulfillment["id"], "type": "DIGITAL"}
        await self.ask("select", self.choice.order(fulfillments=[digital]))
        wish = self.choice.order(fulfillments=[digital], billing=BILLING)
        await self.ask("init", wish)
        (payment,) = self.order["payments"]
        payment = payment | {
            "status": "PAID",
            "params": payment["params"] | {"transaction_id": "txn-1"},
        }
        wish["order"]["payments"] = [payment]
        return await self.ask("confirm", wish)

    async def hears(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the first callback of this transaction with an order that fits."""
        return await self.bap.wait_for(
            lambda m: (
                m["context"]["transaction_id"] == self.transaction_id
                and "payments" in m.get("message", {}).get("order", {})
                and wanted(m)
            )
        )

    async def status(self) -> Message:
        """Ask how it stands."""
        return await self.ask("status", {"order_id": self.order["id"]})

    async def gives_back(self) -> Message:
        """Cancel."""
        return await self.ask(
            "cancel", {"order_id": self.order["id"], "cancellation_reason_id": "5"}
        )


def driver(site: Rig) -> Driver:
    """Give a driver who wants 5 kWh, with the phone of the buyer."""
    return Driver(site.bap, amount="5", unit="kWh")


def tags_of(message: Message) -> dict[str, dict[str, str]]:
    """Return the tags of the pass: group, code, value."""
    (item,) = message["message"]["order"]["items"]
    return {
        group["descriptor"]["code"]: {
            entry["descriptor"]["code"]: entry["value"] for entry in group["list"]
        }
        for group in item["tags"]
    }


async def items_found(site: Rig, intent: Message) -> list[str]:
    found = await site.bap.ask("search", {"intent": intent}, str(uuid.uuid4()))
    providers = found["message"]["catalog"]["providers"]
    return [item["id"] for provider in providers for item in provider["items"]]


async def test_passes_are_found_and_follow_the_terms(
    site: Rig, shared: Path, tmp_path: Path
) -> None:
    by_category = {"category": {"descriptor": {"code": "loyalty-program"}}}
    both = ["silver-pass", "gold-pass"]
    assert await items_found(site, by_category) == both
    assert await items_found(site, {"descriptor": {"name": "loyalty programs"}}) == both
    assert await items_found(site, {"descriptor": {"name": "gold pass"}}) == ["gold-pass"]
    bundled = await items_found(site, {"fulfillment": {"type": "CHARGING"}})
    assert bundled[-2:] == both
    assert len(bundled) > 2
    valid(site, shared)

    write_commercial(tmp_path, {"passes": [GOLD]})

    async def silver_is_gone() -> bool:
        return await items_found(site, by_category) == ["gold-pass"]

    await until(silver_is_gone, timeout_s=30)


async def test_a_pass_makes_charging_cheaper(site: Rig, shared: Path) -> None:
    stranger = driver(site)
    await stranger.selects()
    assert price_of(await stranger.inits()) == 100

    buyer = Buyer(site)
    confirmed = await buyer.buys()
    order = confirmed["message"]["order"]
    assert order["status"] == "ACTIVE"
    assert price_of(confirmed) == 299
    assert tags_of(confirmed)["loyalty-membership"]["tier-level"] == "Silver"
    offered = await site.bap.wait_for(
        lambda m: (
            m["context"]["action"] == "on_init"
            and m["context"]["transaction_id"] == buyer.transaction_id
        )
    )
    link = f"https://pay.example/?t={buyer.transaction_id}&a=299.00"
    assert offered["message"]["order"]["payments"][0]["params"]["payment_link"] == link

    member = driver(site)
    assert price_of(await member.selects()) == 100
    quoted = await member.inits()
    assert breakup(quoted) == [
        ("Charging session cost (5 kWh @ ₹18.00/kWh)", Decimal(90)),
        ("Service fee", Decimal(10)),
        ("Silver discount(10%)", Decimal(-10)),
    ]
    assert price_of(quoted) == 90
    await member.confirms()
    billed = await member.charges()
    assert price_of(billed) == 90
    assert second_payment(billed) is None

    async def counted() -> bool:
        tags = tags_of(await buyer.status())
        return tags["usage-statistics"]["charging-sessions"] == "1"

    await until(counted)
    tags = tags_of(await buyer.status())
    assert tags["usage-statistics"]["total-savings"] == "₹10.00"
    assert tags["tier-progress"] == {
        "current-spend": "₹90.00",
        "gold-threshold": "₹150.00",
        "progress-percentage": "60%",
    }
    valid(site, shared)


async def test_enough_spent_leads_to_the_next_tier(site: Rig, shared: Path) -> None:
    buyer = Buyer(site)
    await buyer.buys()
    for _ in range(2):
        member = driver(site)
        await member.books()
        assert price_of(await member.charges()) == 90

    risen = await site.bap.wait_for(
        lambda m: (
            m["context"]["action"] == "on_status"
            and m["context"]["transaction_id"] == buyer.transaction_id
        )
    )
    tags = tags_of(risen)
    assert tags["loyalty-membership"]["tier-level"] == "Gold"
    assert tags["loyalty-membership"]["validity-remaining"] == "30"
    assert tags["loyalty-benefits"] == {"all-time-discount": "20%"}
    assert tags["usage-statistics"] == {"charging-sessions": "2", "total-savings": "₹20.00"}
    assert tags["tier-progress"]["progress-percentage"] == "100%"

    member = driver(site)
    await member.selects()
    assert price_of(await member.inits()) == 80
    valid(site, shared)


async def test_a_pass_is_given_back(site: Rig, shared: Path) -> None:
    buyer = Buyer(site)
    await buyer.buys()

    cancelled = await buyer.gives_back()

    assert cancelled["message"]["order"]["status"] == "CANCELLED"
    assert second_payment(cancelled) == ("POST-FULFILLMENT", "NOT-PAID", Decimal(299))
    assert price_of(cancelled) == 0
    former = driver(site)
    await former.selects()
    assert price_of(await former.inits()) == 100
    valid(site, shared)


async def test_a_pass_that_the_gateway_saw_paid_and_paid_back(site: Rig, shared: Path) -> None:
    buyer, gateway = Buyer(site), Gateway()
    wish = buyer.choice.order(billing=BILLING)
    await buyer.ask("init", wish)
    assert await gateway.tells(site, event(buyer.order, "PAID", "299.00")) == (
        200,
        {"status": "taken"},
    )
    paid = await buyer.hears(lambda m: m["context"]["action"] == "on_status")
    assert payments(paid) == [("PRE-ORDER", "PAID", "299.00")]

    wish["order"]["payments"] = buyer.order["payments"]
    confirmed = await buyer.ask("confirm", wish)
    assert confirmed["message"]["order"]["status"] == "ACTIVE"
    await buyer.gives_back()
    status, _ = await gateway.tells(site, event(buyer.order, "REFUNDED", "299.00"))
    assert status == 200
    await buyer.hears(lambda m: ("POST-FULFILLMENT", "PAID", "299.00") in payments(m))
    valid(site, shared)


async def test_a_pass_needs_somebody_whose_it_is(site: Rig) -> None:
    buyer = Buyer(site)
    refused = await buyer.ask("init", buyer.choice.order(billing={"name": "Nobody"}))
    assert "message.order.billing.phone" in refused["error"]["message"]


async def test_a_trace_tells_of_a_pass_and_of_nobody(site: Rig) -> None:
    buyer = Buyer(site)
    await buyer.buys()
    code, out, err = await cli(site.bridges[0].config, "trace", buyer.transaction_id)
    assert code == 0, err
    for what in ("select", "on_init", "on_confirm", "ACTIVE, pass Silver, 299.00 INR"):
        assert what in out
    log = site.bridges[0].log.read_text()
    for personal in (BILLING["phone"], BILLING["email"], BILLING["name"]):
        assert personal not in out
        assert personal not in log
