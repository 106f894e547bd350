"""A loyalty pass from select to its end; every callback is looked at as the BAP gets it."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET, Raw
from msgspec.structs import replace

from bridge.flows.decision import Decision
from bridge.flows.jobs import MemberUseJob, PaymentJob
from bridge.orders.errands import RefundErrand
from bridge.orders.intents import (
    Cancel,
    Confirm,
    Echo,
    Init,
    PaymentClaim,
    Rating,
    RatingItem,
    Search,
    Select,
    Status,
    Support,
    Track,
    Update,
    Verb,
    Wish,
)
from bridge.orders.order import Order, OrderState
from bridge.orders.pass_order import MemberUse, PassOrder, PassState, SessionUse
from bridge.orders.payments import PaymentEvent, PaymentEventKind
from bridge.orders.terms import Commercial, Pass
from tests.factories import NOW, loyalty_pass
from tests.unit.flows.callbacks import code, shown
from tests.unit.flows.play import Play
from tests.unit.flows.world import HELP, paid, wish

UPI = PaymentClaim(method="UPI-TRANSFER", source_address="asha@upi")

BILLING = Raw(b'{"name":"Asha","phone":"+91-9876543210","email":"asha@example.com"}')
GOLD = loyalty_pass(
    id="gold", name="City Gold Pass", tier="Gold", price=Decimal(499), share=Decimal("0.15")
)
RISING = loyalty_pass(next_tier="gold", next_tier_spend=Decimal(550))
WISH = Wish(provider_id="cpo1.example", item_id="silver")


class Shop(Play):
    """A transaction in which a pass is bought."""

    def __init__(self, *passes: Pass) -> None:
        super().__init__()
        self.commercial = Commercial(passes=passes or (loyalty_pass(),))

    @property
    def bought(self) -> PassOrder:
        """The order of the pass."""
        assert self.pass_order is not None
        return self.pass_order

    async def quoted(self, wanted: Wish = WISH) -> Decision:
        """Ask for the price."""
        return await self.ask("select", Select(wish=wanted))

    async def termed(self, billing: Echo = BILLING, wanted: Wish = WISH) -> Decision:
        """Ask how to pay."""
        return await self.ask("init", Init(wish=wanted, billing=billing))

    async def placed_with(self, claim: PaymentClaim | None, wanted: Wish = WISH) -> Decision:
        """Place the order."""
        return await self.ask("confirm", Confirm(wish=wanted, payment=claim))

    async def buy(self) -> PassOrder:
        """Go through init and confirm."""
        await self.termed()
        await self.placed_with(paid(str(self.bought.quote.price)))
        return self.bought

    async def ended(self) -> Decision:
        """Cancel it."""
        return await self.ask("cancel", Cancel(order_id=self.bought.id or "", reason_id="5"))

    async def spent(self, amount: str, key: str = "bap.example|t9") -> Decision:
        """Let a charging order be settled."""
        use = SessionUse(saved=Decimal(10), spent=Decimal(amount), currency="INR")
        self.members.note(MemberUse(held_by=self.bought.key, order_key=key, use=use))
        return await self.happens(MemberUseJob(at=self.now))


def tags_of(order: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return the tags of the only item: group, code, value."""
    (item,) = order["items"]
    return {
        group["descriptor"]["code"]: {
            entry["descriptor"]["code"]: entry["value"] for entry in group["list"]
        }
        for group in item["tags"]
    }


async def test_select_quotes_a_pass_in_one_line() -> None:
    play = Shop()

    (callback,) = (await play.quoted()).callbacks

    order = shown(callback)
    assert order["items"][0]["price"] == {"value": "299.00", "currency": "INR"}
    (line,) = order["quote"]["breakup"]
    assert line == {
        "title": "Loyalty Subscription",
        "item": {"id": "silver"},
        "price": {"value": "299.00", "currency": "INR"},
    }
    assert order["quote"]["ttl"] == "PT900S"
    assert order["fulfillments"][0]["type"] == "DIGITAL"
    assert "payments" not in order
    assert "status" not in order
    assert tags_of(order)["subscription-details"] == {
        "validity-period": "30 days",
        "tier-level": "Silver",
        "auto-renewal": "optional",
    }


async def test_init_says_how_to_pay_and_when_it_can_be_cancelled() -> None:
    play = Shop()
    await play.quoted()
    quote_id = play.bought.quote.id

    (callback,) = (await play.termed()).callbacks

    order = shown(callback)
    assert play.bought.quote.id == quote_id
    (payment,) = order["payments"]
    assert (payment["type"], payment["status"]) == ("PRE-ORDER", "NOT-PAID")
    assert payment["params"] == {"amount": "299.00", "currency": "INR"}
    (terms,) = order["cancellation_terms"]
    assert terms["cancellation_eligible"] is True
    assert terms["cancellation_fee"] == {"amount": {"value": "0", "currency": "INR"}}
    assert terms["applicable_within"] == {"duration": "P7D"}
    assert tags_of(order)["loyalty-activation"] == {
        "activation-time": "immediate",
        "validity-start": "2026-03-04T06:30:00Z",
        "validity-end": "2026-04-03T06:30:00Z",
    }
    assert order["billing"] == json.loads(bytes(BILLING))


async def test_without_free_days_nothing_can_be_cancelled() -> None:
    play = Shop(loyalty_pass(free_cancellation_days=0))
    (callback,) = (await play.termed()).callbacks
    (terms,) = shown(callback)["cancellation_terms"]
    assert terms["cancellation_eligible"] is False
    assert "applicable_within" not in terms


@pytest.mark.parametrize("billing", [UNSET, Raw(b'{"name":"Asha"}'), Raw(b'{"phone":"none"}')])
async def test_init_needs_to_know_whose_the_pass_is(billing: Echo) -> None:
    play = Shop()
    (callback,) = (await play.termed(billing)).callbacks
    assert code(callback) == "40000"
    assert "message.order.billing.phone" in (callback.error or b"").decode()
    assert play.pass_order is None


async def test_confirm_begins_the_membership() -> None:
    play = Shop()
    await play.termed()

    (callback,) = (await play.placed_with(paid("299"))).callbacks

    order = shown(callback)
    assert order["status"] == "ACTIVE"
    assert order["id"] == play.bought.id
    fulfillment = order["fulfillments"][0]
    assert fulfillment["state"]["descriptor"]["code"] == "ACTIVE"
    assert fulfillment["stops"] == [
        {"type": "START", "time": {"timestamp": "2026-03-04T06:30:00Z"}}
    ]
    assert order["payments"][0]["status"] == "PAID"
    assert order["payments"][0]["params"]["transaction_id"] == "utr-1"
    member = play.bought.membership
    assert member is not None
    assert tags_of(order)["loyalty-membership"] == {
        "membership-id": member.id,
        "tier-level": "Silver",
        "validity-start": "2026-03-04T06:30:00Z",
        "validity-end": "2026-04-03T06:30:00Z",
        "validity-remaining": "30",
        "next-renewal": "2026-04-03T06:30:00Z",
        "auto-renewal": "optional",
    }
    assert tags_of(order)["loyalty-benefits"] == {"all-time-discount": "10%"}


async def test_a_repeated_confirm_buys_nothing_more() -> None:
    play = Shop()
    bought = await play.buy()
    again = await play.placed_with(paid("299"))
    assert play.bought == bought
    assert shown(again.callbacks[0])["id"] == bought.id


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        (None, "payments[0] is missing"),
        (paid("298"), "amount is 298"),
        (paid(id="another"), "payments[0].id"),
        (replace(UPI, amount=Decimal(299)), "must be PAID"),
        (replace(paid("299"), paid=False, type="POST-FULFILLMENT"), "must be PAID"),
        (replace(paid("299"), paid=False), "NOT-PAID"),
    ],
)
async def test_a_pass_is_paid_before_it_begins(claim: PaymentClaim | None, says: str) -> None:
    play = Shop()
    await play.termed()
    (callback,) = (await play.placed_with(claim)).callbacks
    assert code(callback) == "40004"
    assert says in (callback.error or b"").decode()
    assert play.bought.state is PassState.INITIALISED
    assert play.bought.membership is None


async def test_confirm_needs_an_init_that_still_holds() -> None:
    play = Shop()
    await play.quoted()
    assert code((await play.placed_with(paid("299"))).callbacks[0]) == "40003"
    await play.termed()
    play.now += timedelta(seconds=901)
    assert code((await play.placed_with(paid("299"))).callbacks[0]) == "40003"
    await play.termed()
    await play.placed_with(paid("299"))
    assert play.bought.state is PassState.ACTIVE


async def test_confirm_is_for_the_pass_of_init() -> None:
    play = Shop(loyalty_pass(), GOLD)
    await play.termed()
    other = replace(WISH, item_id="gold")
    assert code((await play.placed_with(paid("299"), other)).callbacks[0]) == "30004"


async def test_what_was_quoted_is_sold_whatever_the_terms_say_meanwhile() -> None:
    play = Shop()
    await play.termed()
    play.commercial = Commercial()
    await play.placed_with(paid("299"))
    assert play.bought.state is PassState.ACTIVE


async def test_offers_are_not_for_passes() -> None:
    play = Shop()
    for ask in (play.quoted, lambda wanted: play.termed(wanted=wanted)):
        (refused,) = (await ask(replace(WISH, offers=("fifth",)))).callbacks
        assert code(refused) == "30006"
        assert b"'fifth'" in (refused.error or b"")
    assert play.pass_order is None


async def test_a_pass_that_is_gone_is_not_quoted_again() -> None:
    play = Shop()
    await play.quoted()
    play.commercial = Commercial()
    assert code((await play.termed()).callbacks[0]) == "30004"


async def test_a_changed_price_is_quoted_anew() -> None:
    play = Shop()
    await play.quoted()
    before = play.bought.quote
    play.commercial = Commercial(passes=(loyalty_pass(price=Decimal(349)),))
    await play.termed()
    assert play.bought.quote.price == Decimal(349)
    assert play.bought.quote.id != before.id


async def test_the_provider_must_be_the_one_that_sells_it() -> None:
    play = Shop()
    other = replace(WISH, provider_id="other.example")
    assert code((await play.quoted(other)).callbacks[0]) == "30001"
    play.commercial = Commercial(passes=(loyalty_pass(provider="other.example"),))
    assert code((await play.quoted(other)).callbacks[0]) == "30001"
    assert play.pass_order is None


async def test_a_transaction_turns_from_charging_to_a_pass_and_back() -> None:
    play = Shop()
    await play.select()
    assert play.order is not None
    await play.quoted()
    assert play.bought.state is PassState.SELECTED
    await play.select()
    assert play.pass_order is None
    assert play.order.state is OrderState.SELECTED


async def test_a_placed_order_of_either_kind_stays() -> None:
    play = Shop()
    bought = await play.buy()
    (callback,) = (await play.ask("select", Select(wish=wish()))).callbacks
    assert code(callback) == "40000"
    assert play.pass_order == bought

    other = Shop()
    await other.init()
    await other.confirm(paid())
    placed = other.placed
    assert code((await other.quoted()).callbacks[0]) == "40000"
    assert other.placed == placed
    assert other.pass_order is None


async def test_status_support_and_rating_of_a_pass() -> None:
    play = Shop()
    bought = await play.buy()
    play.now += timedelta(days=6, hours=3)

    (told,) = (await play.ask("status", Status(order_id=bought.id or ""))).callbacks
    assert tags_of(shown(told))["loyalty-membership"]["validity-remaining"] == "24"

    (help_,) = (await play.ask("support", Support(ref_id=bought.id))).callbacks
    assert json.loads(help_.message or b"")["support"]["phone"] == HELP.phone
    assert play.desk.asked == ["cpo1"]
    assert play.bought.tickets == (bought.id,)

    rating = Rating(ratings=(RatingItem(id="f", category="Order", value="5"),))
    (thanks,) = (await play.ask("rating", rating)).callbacks
    assert thanks.action == "on_rating"
    assert play.bought.ratings == rating.ratings
    bad = Rating(ratings=(RatingItem(id="f", category="Order", value="9"),))
    assert code((await play.ask("rating", bad)).callbacks[0]) == "30015"


async def test_what_a_pass_knows_nothing_of() -> None:
    play = Shop()
    bought = await play.buy()
    start = Update(verb=Verb.START, order_id=bought.id)
    assert code((await play.ask("update", start)).callbacks[0]) == "40001"
    track = Track(order_id=bought.id or "")
    assert code((await play.ask("track", track)).callbacks[0]) == "40001"
    assert code((await play.ask("track", Track(order_id="another"))).callbacks[0]) == "30010"
    play.offered.found = [b'{"catalog":{"providers":[]}}']
    (found,) = (await play.ask("search", Search(text="x"))).callbacks
    assert found.action == "on_search"
    assert play.bought == bought


async def test_orders_are_seen_by_their_own_bap_only() -> None:
    play = Shop()
    bought = await play.buy()
    asked = Status(order_id=bought.id or "")
    (told,) = (await play.ask("status", asked, bap_id="other.example")).callbacks
    assert code(told) == "30010"
    other = Shop()
    await other.quoted()
    assert code((await other.ask("status", Status(order_id="x"))).callbacks[0]) == "30010"


async def test_a_pass_is_cancelled_for_free_within_its_days() -> None:
    play = Shop()
    await play.buy()
    assert any(play.members.memberships.values())
    play.now += timedelta(days=7)

    (callback,) = (await play.ended()).callbacks

    order = shown(callback)
    assert order["status"] == "CANCELLED"
    assert order["fulfillments"][0]["state"]["descriptor"]["code"] == "CANCELLED"
    assert order["cancellation"]["cancelled_by"] == "CONSUMER"
    refund = order["payments"][1]
    assert (refund["type"], refund["status"]) == ("POST-FULFILLMENT", "NOT-PAID")
    assert refund["params"]["amount"] == "299.00"
    assert not any(play.members.memberships.values())
    again = (await play.ended()).callbacks[0]
    assert shown(again)["status"] == "CANCELLED"
    assert code((await play.placed_with(paid("299"))).callbacks[0]) == "40000"


@pytest.mark.parametrize(
    ("days", "sold", "says"),
    [
        (8, loyalty_pass(), "could be cancelled for 7 days, until 2026-03-11"),
        (0, loyalty_pass(free_cancellation_days=0), "cannot be cancelled"),
        (31, loyalty_pass(free_cancellation_days=90), "has ended"),
    ],
)
async def test_a_pass_is_not_cancelled_against_its_terms(days: int, sold: Pass, says: str) -> None:
    play = Shop(sold)
    bought = await play.buy()
    play.now += timedelta(days=days)
    (callback,) = (await play.ended()).callbacks
    assert code(callback) == "50001"
    assert says in (callback.error or b"").decode()
    assert play.bought == bought


async def test_a_pass_ends_by_itself() -> None:
    play = Shop()
    bought = await play.buy()
    play.now += timedelta(days=30)
    (told,) = (await play.ask("status", Status(order_id=bought.id or ""))).callbacks
    order = shown(told)
    assert order["status"] == "COMPLETE"
    assert order["fulfillments"][0]["state"]["descriptor"]["code"] == "COMPLETED"
    assert tags_of(order)["loyalty-membership"]["validity-remaining"] == "0"


async def test_use_is_counted_and_shown() -> None:
    play = Shop(RISING, GOLD)
    bought = await play.buy()
    assert not (await play.spent("450")).callbacks

    (told,) = (await play.ask("status", Status(order_id=bought.id or ""))).callbacks
    tags = tags_of(shown(told))
    assert tags["usage-statistics"] == {"charging-sessions": "1", "total-savings": "₹10.00"}
    assert tags["tier-progress"] == {
        "current-spend": "₹450.00",
        "gold-threshold": "₹550.00",
        "progress-percentage": "82%",
    }


async def test_a_corrected_bill_replaces_its_numbers() -> None:
    play = Shop(RISING, GOLD)
    await play.buy()
    await play.spent("450")
    await play.spent("400")
    assert (play.bought.usage.sessions, play.bought.usage.spent) == (1, Decimal(400))
    before = play.bought
    await play.happens(MemberUseJob(at=play.now))
    assert play.bought is before


async def test_enough_spent_leads_to_the_next_tier() -> None:
    play = Shop(RISING, GOLD)
    bought = await play.buy()
    await play.spent("450", "bap.example|t8")

    decision = await play.spent("100", "bap.example|t9")

    (told,) = decision.callbacks
    assert (told.action, told.solicited) == ("on_status", False)
    order = shown(told)
    assert order["status"] == "ACTIVE"
    assert order["items"][0]["id"] == "silver"
    tags = tags_of(order)
    assert tags["loyalty-membership"]["tier-level"] == "Gold"
    assert tags["usage-statistics"] == {"charging-sessions": "2", "total-savings": "₹20.00"}
    assert tags["tier-progress"] == {
        "current-spend": "₹550.00",
        "gold-threshold": "₹550.00",
        "progress-percentage": "100%",
    }
    member, before = play.bought.membership, bought.membership
    assert member is not None
    assert before is not None
    assert member.held == GOLD
    assert (member.id, member.valid_until) == (before.id, before.valid_until)
    assert not (await play.spent("10", "bap.example|t10")).callbacks


async def test_a_tier_is_kept_when_a_bill_is_corrected() -> None:
    play = Shop(RISING, GOLD)
    await play.buy()
    await play.spent("600")
    await play.spent("60")
    member = play.bought.membership
    assert member is not None
    assert member.held == GOLD


async def test_a_tier_that_the_terms_have_not_is_not_reached() -> None:
    play = Shop(RISING)
    await play.buy()
    assert not (await play.spent("600")).callbacks


async def test_what_comes_after_the_end_is_counted_and_leads_nowhere() -> None:
    play = Shop(RISING, GOLD)
    await play.buy()
    play.now += timedelta(days=30)
    assert not (await play.spent("600")).callbacks
    assert play.bought.usage.spent == Decimal(600)


async def test_a_use_of_an_order_that_is_gone_changes_nothing() -> None:
    play = Play()
    assert await play.happens(MemberUseJob(at=NOW)) == Decision(None)
    placed = Play()
    await placed.init()
    before: Order | None = placed.order
    await placed.happens(MemberUseJob(at=NOW))
    assert placed.order == before


def told(play: Shop, kind: PaymentEventKind, amount: str = "299") -> PaymentJob:
    """Make a word of the gateway."""
    payment = play.bought.payment
    assert payment is not None
    event = PaymentEvent(
        id=f"e-{kind}",
        payment_id=payment.id,
        kind=kind,
        amount=Decimal(amount),
        currency="INR",
        transaction_id="utr-9",
    )
    return PaymentJob(event=event, at=play.now)


async def test_a_pass_that_the_gateway_saw_paid_begins_at_confirm() -> None:
    play = Shop()
    await play.termed()

    (callback,) = (await play.happens(told(play, PaymentEventKind.PAID))).callbacks

    assert (callback.action, callback.solicited) == ("on_status", False)
    assert shown(callback)["payments"][0]["status"] == "PAID"
    assert not play.bought.placed
    await play.quoted()
    assert "payments" not in shown(play.callbacks[-1])
    await play.termed()
    await play.placed_with(replace(paid("299"), paid=False))
    assert play.bought.state is PassState.ACTIVE
    params = shown(play.callbacks[-1])["payments"][0]["params"]
    assert params["transaction_id"] == "utr-9"


async def test_what_does_not_fit_a_pass_changes_nothing() -> None:
    play = Shop()
    await play.termed()
    before = play.bought
    for job in (told(play, PaymentEventKind.PAID, "1"), told(play, PaymentEventKind.FAILED)):
        assert not (await play.happens(job)).callbacks
        assert play.bought == before


async def test_money_of_a_cancelled_pass_goes_back_once_and_is_told() -> None:
    play = Shop()
    await play.buy()

    decision = await play.ended()

    (errand,) = decision.errands
    assert isinstance(errand, RefundErrand)
    assert (errand.amount, errand.paid_with) == (Decimal(299), "utr-1")
    assert not (await play.ended()).errands
    (callback,) = (await play.happens(told(play, PaymentEventKind.REFUNDED))).callbacks
    assert callback.action == "on_status"
    assert shown(callback)["payments"][1]["status"] == "PAID"


async def test_a_transaction_in_which_something_is_paid_stays_with_it() -> None:
    play = Shop()
    await play.termed()
    await play.happens(told(play, PaymentEventKind.PAID))
    before = play.bought
    (callback,) = (await play.ask("select", Select(wish=wish()))).callbacks
    assert code(callback) == "40000"
    assert play.bought == before

    other = Shop()
    await other.init()
    assert other.order is not None
    payment = other.placed.payment
    assert payment is not None
    other.order = replace(other.placed, payment=replace(payment, confirmed=True))
    assert code((await other.quoted()).callbacks[0]) == "40000"
    assert other.pass_order is None
