"""The money of a pass: told of before confirm, sent back once when it is cancelled."""

from __future__ import annotations

from decimal import Decimal

from bridge.flows.decision import Decision
from bridge.flows.jobs import PaymentJob
from bridge.orders.errands import RefundErrand
from bridge.orders.intents import PaymentClaim
from bridge.orders.order import Payment
from bridge.orders.pass_order import PassState
from bridge.orders.payments import PaymentEvent, PaymentEventKind
from tests.unit.flows.callbacks import shown
from tests.unit.flows.test_passes import Shop

LINK = PaymentClaim(method="PAYMENT-LINK")
PAID, _, REFUNDED = PaymentEventKind


def money(shop: Shop) -> Payment:
    """Return the payment of the pass."""
    assert shop.bought.payment is not None
    return shop.bought.payment


async def tells(shop: Shop, kind: PaymentEventKind, amount: str) -> Decision:
    """Let the gateway tell something."""
    event = PaymentEvent(
        id=f"{kind}-{amount}",
        payment_id=money(shop).id,
        kind=kind,
        amount=Decimal(amount),
        currency="INR",
        transaction_id="gateway-1",
    )
    return await shop.happens(PaymentJob(event=event, at=shop.now))


async def test_a_pass_that_is_paid_by_its_link_needs_no_other_word() -> None:
    shop = Shop()
    await shop.termed()

    (told,) = (await tells(shop, PAID, "299")).callbacks

    assert (told.action, told.solicited) == ("on_status", False)
    (entry,) = shown(told)["payments"]
    assert (entry["type"], entry["status"]) == ("PRE-ORDER", "PAID")
    assert entry["params"]["transaction_id"] == "gateway-1"
    await shop.quoted()
    await shop.termed()
    assert money(shop).confirmed, "another select and init lose nothing"
    await shop.placed_with(LINK)
    assert shop.bought.state is PassState.ACTIVE
    assert shop.errands == []


async def test_a_payment_that_does_not_fit_changes_nothing() -> None:
    shop = Shop()
    await shop.termed()
    before = shop.bought
    told = await tells(shop, PAID, "298")
    assert (shop.bought, told.callbacks) == (before, ())
    assert "amount" in told.notes[0]


async def test_a_cancelled_pass_is_paid_back_once_and_told() -> None:
    shop = Shop()
    await shop.buy()
    await shop.ended()
    await shop.ended()
    (errand,) = shop.errands
    assert isinstance(errand, RefundErrand)
    assert (str(errand.amount), errand.payment_id) == ("299.00", money(shop).id)

    (told,) = (await tells(shop, REFUNDED, "299")).callbacks

    assert told.action == "on_status"
    assert shown(told)["payments"][1]["status"] == "PAID"
    assert (await tells(shop, REFUNDED, "299")).callbacks == ()
