"""The guard of what was paid: one STOP_SESSION when it is used up (decisions 21)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.locations import Status
from bridge.orders.intents import PaymentClaim
from bridge.orders.order import OrderState
from bridge.orders.terms import Commercial
from tests.unit.flows.callbacks import codes, shown, wire
from tests.unit.flows.play import Play, charging
from tests.unit.flows.world import paid

STOP = CommandType.STOP_SESSION
S = OrderState


async def guarded(terms: Commercial | None = None, claim: PaymentClaim | None = None) -> Play:
    """Play until 5 kWh charge that were paid, or claimed otherwise."""
    play = Play()
    play.commercial = terms or Commercial()
    await play.select()
    await play.init()
    assert play.placed.quote is not None
    await play.confirm(claim or paid(str(play.placed.quote.price)))
    await play.start()
    await play.session("ACTIVE", "0.5")
    assert play.state() is S.CHARGING
    return play


async def stops_at(play: Play, *kwh: str) -> str | None:
    """Return the first of these volumes that stops the session."""
    for each in kwh:
        await play.session("ACTIVE", each)
        if play.sent(STOP):
            assert play.state() is S.STOPPING
            return each
        assert play.state() is S.CHARGING
    return None


async def test_what_was_paid_is_not_exceeded() -> None:
    play = await guarded()
    assert await stops_at(play, "4.999", "5") == "5"
    assert play.sent(STOP) == [{"session_id": "S1"}]


async def test_nobody_is_told_before_it_ends() -> None:
    play = await guarded()
    decision = await play.session("ACTIVE", "5.02")
    assert decision.callbacks == ()
    assert decision.notes == ("stopped by the bridge: 5.02 kWh delivered, 5 kWh are paid",)
    await play.session("COMPLETED", "5.02")
    (final,) = (await play.cdr("5.02")).callbacks
    assert wire(final) == "COMPLETED"
    due = shown(final)["payments"][1]
    assert (due["type"], due["params"]["amount"]) == ("POST-FULFILLMENT", "0.36")


@pytest.mark.parametrize(
    ("terms", "kwh"),
    [
        (Commercial(guard_share=Decimal("0.9")), "4.5"),
        (Commercial(overcharge_share=Decimal("0.2")), "6"),
        (Commercial(overcharge_share=Decimal("0.2"), guard_share=Decimal("0.9")), "5.4"),
    ],
)
async def test_the_share_is_of_paid_energy_and_provision(terms: Commercial, kwh: str) -> None:
    play = await guarded(terms)
    just_below = str(Decimal(kwh) - Decimal("0.001"))
    assert await stops_at(play, just_below, kwh) == kwh


async def test_no_guard_no_stop() -> None:
    assert await stops_at(await guarded(Commercial(guard_share=None)), "5", "50") is None


async def test_what_is_paid_later_is_not_guarded() -> None:
    later = await guarded(claim=PaymentClaim(method="UPI-TRANSFER", source_address="asha@upi"))
    assert await stops_at(later, "5", "50") is None


@pytest.mark.parametrize(
    "refusal", [CommandResponseType.REJECTED, CommandResponseType.UNKNOWN_SESSION]
)
async def test_a_stop_that_fails_is_not_tried_again_and_what_is_due_is_said(
    refusal: CommandResponseType,
) -> None:
    play = await guarded()
    await play.session("ACTIVE", "5")
    told = list((await play.response(refusal)).callbacks) + await play.passes(40)
    assert codes(told) == ["50002"], "the driver gets to know that it goes on"
    assert play.state() is S.CHARGING
    await play.session("ACTIVE", "6")
    await play.session("ACTIVE", "7")
    assert len(play.sent(STOP)) == 1

    await play.session("COMPLETED", "7")
    (final,) = (await play.cdr("7")).callbacks
    (due,) = shown(final)["payments"][1:]
    assert (due["status"], due["params"]["amount"]) == ("NOT-PAID", "36.00")


async def test_a_cpo_that_charges_on_is_not_told_twice() -> None:
    play = await guarded()
    await play.session("ACTIVE", "5")
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)
    await play.session("ACTIVE", "6")
    assert len(play.sent(STOP)) == 1
    assert play.state() is S.STOPPING


async def test_the_driver_may_stop_what_the_guard_could_not() -> None:
    play = await guarded()
    await play.session("ACTIVE", "5")
    await play.response(CommandResponseType.REJECTED)
    await play.stop()
    assert len(play.sent(STOP)) == 2


async def test_one_stop_for_the_driver_and_the_guard() -> None:
    play = await charging()
    await play.stop()
    await play.session("ACTIVE", "5")
    assert len(play.sent(STOP)) == 1


async def test_after_an_interruption_the_guard_looks_at_once() -> None:
    play = await guarded()
    await play.evse(Status.OUTOFORDER)
    assert play.state() is S.INTERRUPTED
    decision = await play.session("ACTIVE", "5.1")
    assert [wire(each) for each in decision.callbacks] == ["ACTIVE"]
    assert len(play.sent(STOP)) == 1
    assert play.state() is S.STOPPING


async def test_a_session_that_is_first_heard_of_when_all_is_used_up() -> None:
    play = Play()
    play.commercial = Commercial()
    await play.select()
    await play.init()
    await play.confirm(paid())
    await play.start()
    decision = await play.session("ACTIVE", "5")
    assert [wire(each) for each in decision.callbacks] == ["ACTIVE"]
    assert len(play.sent(STOP)) == 1
