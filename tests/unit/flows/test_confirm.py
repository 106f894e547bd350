"""confirm: the order is placed once, at the price that was agreed (decisions 13, 19)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import Raw
from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.ocpi.locations import EVSE, Status
from bridge.orders.intents import Confirm, PaymentClaim
from bridge.orders.order import OrderState, PaymentStatus, order_key
from bridge.orders.payments import payment_id_of
from tests import factories
from tests.unit.flows.callbacks import codes, shown, wire
from tests.unit.flows.play import PLAYED, Play, agreed, cancelled, confirmed
from tests.unit.flows.world import ITEM_ID, TERMS, amount, paid, wish

UPI = PaymentClaim(method="UPI-TRANSFER", source_address="asha@upi")
LATER = PaymentClaim(type="POST-FULFILLMENT")


async def test_an_order_is_placed() -> None:
    play = await agreed()
    decision = await play.confirm(paid())

    (answer,) = decision.callbacks
    order = play.placed
    assert answer.action == "on_confirm"
    assert wire(answer) == "PENDING"
    assert shown(answer)["id"] == order.id
    assert order.payment is not None
    assert (order.payment.status, order.payment.paid) == (PaymentStatus.PAID, Decimal(100))
    assert order.token_uid is not None
    assert 0 < len(order.token_uid) <= 20
    assert order.reference is not None
    assert len(order.reference) == 36
    assert play.commands == []
    assert order.deadlines == {}


async def test_ids_tokens_and_references_are_never_the_same() -> None:
    one, two = (await confirmed()).placed, (await confirmed()).placed
    assert one.id != two.id
    assert one.token_uid != two.token_uid
    assert one.reference != two.reference


async def test_the_cpo_is_asked_however_fresh_our_knowledge_is() -> None:
    play = await confirmed()
    assert play.live.asked == [ITEM_ID]


@pytest.mark.parametrize("state", sorted(set(PLAYED) - {OrderState.CANCELLED}))
async def test_a_second_confirm_gets_the_same_order(state: OrderState) -> None:
    play = await PLAYED[state]()
    before = play.order

    decision = await play.confirm(paid())

    assert play.order is before
    assert [each.action for each in decision.callbacks] == ["on_confirm"]
    assert shown(decision.callbacks[0])["id"] == play.placed.id


async def test_a_cancelled_order_is_not_confirmed_again() -> None:
    play = await cancelled()
    assert codes((await play.confirm(paid())).callbacks) == ["40000"]


async def test_without_terms_there_is_nothing_to_confirm() -> None:
    play = Play()
    assert codes((await play.confirm(paid())).callbacks) == ["40003"]
    await play.select()
    assert codes((await play.confirm(paid())).callbacks) == ["40003"]
    assert play.state() is OrderState.SELECTED


@pytest.mark.parametrize(("age_s", "placed"), [(-1, True), (0, False)])
async def test_a_quote_expires(age_s: int, placed: bool) -> None:
    play = await agreed()
    play.now += timedelta(seconds=TERMS.quote_ttl_s + age_s)

    decision = await play.confirm(paid())

    assert (play.state() is OrderState.CONFIRMED) is placed
    if not placed:
        assert codes(decision.callbacks) == ["40003"]


async def test_another_item_is_refused() -> None:
    play = await agreed()
    play.offered.item = factories.item(factories.location(id="L2"))
    decision = await play.confirm(paid(), item_id=play.offered.item.id)
    assert codes(decision.callbacks) == ["30004"]
    assert play.state() is OrderState.INITIALISED


async def test_an_alias_of_the_item_is_the_item() -> None:
    play = await agreed()
    await play.confirm(paid(), item_id="E1")
    assert play.state() is OrderState.CONFIRMED


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (factories.evse(status=Status.CHARGING), "40002"),
        (None, "40002"),
        (CpoUnavailable("no answer"), "40000"),
    ],
)
async def test_what_cannot_be_had_is_not_placed(
    answer: EVSE | CpoUnavailable | None, code: str
) -> None:
    play = await agreed()
    play.live.answer = answer
    assert codes((await play.confirm(paid())).callbacks) == [code]
    assert play.state() is OrderState.INITIALISED
    assert play.placed.token_uid is None


async def test_the_tariff_is_the_one_of_init() -> None:
    play = await agreed()
    play.offered.item = factories.item(tariff=replace(factories.tariff(), id="T2"))
    await play.confirm(paid())
    assert play.placed.tariff == factories.tariff()
    assert play.placed.item.tariff == factories.tariff()


async def test_billing_of_init_stands_unless_it_is_given_anew() -> None:
    play = await confirmed()
    assert play.placed.billing == Raw(b'{"name":"Asha"}')

    other = await agreed()
    intent = Confirm(wish=wish(), billing=Raw(b'{"name":"Ravi"}'), payment=paid())
    await other.ask("confirm", intent)
    assert other.placed.billing == Raw(b'{"name":"Ravi"}')


@pytest.mark.parametrize(
    "claim",
    [
        None,
        paid("99.99"),
        paid("100.01"),
        paid(amount=None),
        paid(currency="EUR"),
        paid(id="payment-of-another"),
        PaymentClaim(),
        PaymentClaim(method="BANK-TRANSFER"),
        paid(collected_by="BAP"),
        PaymentClaim(type="PRE-FULFILLMENT"),
        replace(UPI, amount=Decimal(99)),
        replace(UPI, currency="EUR"),
    ],
)
async def test_a_payment_that_does_not_fit_is_refused(claim: PaymentClaim | None) -> None:
    play = await agreed()
    assert codes((await play.confirm(claim)).callbacks) == ["40004"]
    assert play.state() is OrderState.INITIALISED
    assert play.live.asked == [], "the CPO is not asked in vain"


@pytest.mark.parametrize(
    "claim",
    [
        paid(),
        paid("100.00"),
        paid(currency=None),
        paid(id=payment_id_of(order_key(factories.BAP_ID, "t1"))),
        paid(method="UPI-TRANSFER"),
    ],
)
async def test_the_whole_quote_may_be_paid(claim: PaymentClaim) -> None:
    play = await confirmed(claim)
    assert play.placed.payment is not None
    assert play.placed.payment.status is PaymentStatus.PAID
    assert play.placed.payment.paid == 100
    assert play.placed.payment.transaction_id == "utr-1"


@pytest.mark.parametrize(
    "claim",
    [
        UPI,
        LATER,
        PaymentClaim(type="ON-FULFILLMENT"),
        replace(UPI, amount=Decimal(100), currency="INR"),
    ],
)
async def test_what_is_collected_later_counts_as_not_paid(claim: PaymentClaim) -> None:
    play = await confirmed(claim)
    assert play.placed.payment is not None
    assert play.placed.payment.status is PaymentStatus.NOT_PAID
    assert play.placed.payment.paid == 0
    assert play.placed.payment.source_address == claim.source_address


async def test_a_new_init_replaces_what_is_to_be_paid() -> None:
    play = await agreed()
    await play.init(quantity=amount("118"))
    assert codes((await play.confirm(paid("100"), quantity=amount("118"))).callbacks) == ["40004"]
    await play.confirm(paid("118"), quantity=amount("118"))
    assert play.state() is OrderState.CONFIRMED
