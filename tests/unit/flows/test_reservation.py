"""RESERVE_NOW and what becomes of it (mapping 1.13): off by default, and never in the way."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.flows.reservation import reserving as reserve_again
from bridge.ocpi.cdrs import CdrDimension, CdrDimensionType, ChargingPeriod
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.flags import Flags
from bridge.ocpi.locations import Capability, Status
from bridge.ocpi.types import Price
from bridge.orders.order import OrderState, Reservation, ReservationState
from tests.factories import NOW
from tests.unit.flows.callbacks import codes, shown, wire
from tests.unit.flows.play import Play, agreed, confirmed, holding, reservable
from tests.unit.flows.world import TERMS, paid

RESERVE, CANCEL = CommandType.RESERVE_NOW, CommandType.CANCEL_RESERVATION
START = CommandType.START_SESSION
RS = ReservationState
NO_SHOW_S, LEAD_S = TERMS.no_show_s, TERMS.reserve_lead_s


def reservation(play: Play) -> Reservation:
    """Return the reservation, which exists."""
    assert play.placed.reservation is not None
    return play.placed.reservation


async def asked(start: datetime | None = None) -> Play:
    """Play until an order is placed that begins at a time; without one, now."""
    play = await reservable(start)
    await play.confirm(paid(), start=start)
    assert play.state() is OrderState.CONFIRMED
    return play


# When it is asked for


async def test_a_placed_order_asks_for_its_connector() -> None:
    play = await asked()

    (body,) = play.sent(RESERVE)
    token = body.pop("token")
    known = reservation(play)
    assert body == {
        "expiry_date": (NOW + timedelta(seconds=NO_SHOW_S)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reservation_id": known.id,
        "location_id": "L1",
        "evse_uid": "E1",
        "authorization_reference": play.placed.reference,
    }
    assert (token["uid"], token["valid"]) == (play.placed.token_uid, True)
    assert len(known.id) <= 36
    assert known.state is RS.ASKED
    (plan,) = play.commands
    assert (plan.id, plan.until) == (known.command_id, play.placed.deadlines["reserve"])
    (answer,) = play.answers_to(play.asked[-1])
    assert wire(answer) == "PENDING"


@pytest.mark.parametrize("early_s", [LEAD_S, LEAD_S / 2, 0, -60])
async def test_one_that_begins_soon_asks_at_once(early_s: float) -> None:
    start = NOW + timedelta(seconds=early_s)
    play = await asked(start)
    assert len(play.sent(RESERVE)) == 1
    expiry = max(start, NOW) + timedelta(seconds=NO_SHOW_S)
    assert reservation(play).expiry == expiry


async def test_one_that_begins_later_asks_then() -> None:
    start = NOW + timedelta(seconds=LEAD_S + 600)
    play = await asked(start)
    assert play.sent(RESERVE) == []
    assert play.placed.deadlines == {
        "reserve": NOW + timedelta(seconds=600),
        "no_show": start + timedelta(seconds=NO_SHOW_S),
    }

    assert await play.passes(600) == []

    assert len(play.sent(RESERVE)) == 1
    assert reservation(play).expiry == start + timedelta(seconds=NO_SHOW_S)


async def test_one_that_begins_before_its_time_asks_no_more() -> None:
    play = await asked(NOW + timedelta(seconds=LEAD_S + 600))
    await play.start()
    await play.response(CommandResponseType.REJECTED)
    assert "reserve" not in play.placed.deadlines
    await play.passes(LEAD_S + 600)
    assert play.sent(RESERVE) == []


@pytest.mark.requirement("O132")
@pytest.mark.parametrize(
    ("capabilities", "default", "asks"),
    [
        ([Capability.RESERVABLE, Capability.REMOTE_START_STOP_CAPABLE], [], True),
        ([Capability.REMOTE_START_STOP_CAPABLE], [], False),
        ([Capability.REMOTE_START_STOP_CAPABLE], [Capability.RESERVABLE], False),
        ([], [Capability.RESERVABLE], True),
        ([], [], False),
    ],
)
async def test_only_what_is_reservable_is_reserved(
    capabilities: list[Capability], default: list[Capability], asks: bool
) -> None:
    play = await reservable(capabilities=tuple(capabilities))
    play.flags = Flags(default_capabilities=tuple(default))
    await play.confirm(paid())
    assert bool(play.sent(RESERVE)) is asks
    assert (play.placed.reservation is not None) is asks


async def test_by_default_nothing_is_reserved() -> None:
    play = await reservable()
    play.terms = TERMS
    await play.confirm(paid())
    assert play.commands == []
    assert play.placed.deadlines == {}


async def test_a_repeated_confirm_asks_once() -> None:
    play = await asked()
    await play.confirm(paid())
    assert len(play.sent(RESERVE)) == 1


# The answers


async def test_a_connector_that_is_held_waits_for_the_driver() -> None:
    play = await holding()
    assert reservation(play).state is RS.HELD
    assert play.placed.deadlines == {"no_show": reservation(play).expiry}
    assert play.state() is OrderState.CONFIRMED
    assert [each.action for each in play.callbacks if not each.solicited] == []


@pytest.mark.parametrize("said_s", [10, 600])
async def test_the_result_is_waited_for_as_long_as_the_cpo_says(said_s: int) -> None:
    play = await asked()
    await play.response(CommandResponseType.ACCEPTED, timeout_s=said_s)
    assert play.placed.deadlines == {"reserve": NOW + timedelta(seconds=said_s + 5)}
    await play.passes(said_s + 5)
    assert play.placed.deadlines == {}
    assert play.state() is OrderState.CONFIRMED
    assert await play.passes(NO_SHOW_S) == [], "what is not held lapses without a word"


async def test_a_late_yes_counts() -> None:
    play = await asked()
    await play.passes(120)
    await play.result(CommandResultType.ACCEPTED)
    assert play.placed.deadlines == {"no_show": reservation(play).expiry}


async def test_a_refused_reservation_leaves_the_order_as_it_was() -> None:
    play = await asked()
    decision = await play.response(CommandResponseType.NOT_SUPPORTED)
    assert (decision.callbacks, decision.plans) == ((), ())
    assert decision.notes
    assert play.placed.deadlines == {}
    assert await play.passes(NO_SHOW_S + 60) == []

    await play.start()
    await play.session("ACTIVE", "0")
    assert play.state() is OrderState.CHARGING
    assert play.sent(CANCEL) == []


# The start


async def test_the_start_repeats_the_reference_of_the_reservation() -> None:
    play = await holding()
    await play.start()
    (start,) = play.sent(START)
    assert start["authorization_reference"] == reservation(play).authorization_reference
    assert {"reserve", "no_show"}.isdisjoint(play.placed.deadlines)


async def test_nobody_who_tried_to_start_has_not_come() -> None:
    play = await holding()
    await play.start()
    await play.result(CommandResultType.FAILED)
    assert play.placed.deadlines == {}
    assert await play.passes(NO_SHOW_S) == []
    await play.start()
    first, second = play.sent(START)
    assert first["authorization_reference"] != second["authorization_reference"]


async def test_a_start_does_not_wait_for_the_reservation() -> None:
    play = await asked()
    reserve = play.commands[-1].id
    await play.start()
    for late in (CommandResultType.ACCEPTED, CommandResultType.EVSE_OCCUPIED):
        decision = await play.result(late, command_id=reserve)
        assert decision.callbacks == ()
        assert play.state() is OrderState.STARTING
        assert {"reserve", "no_show"}.isdisjoint(play.placed.deadlines)


# Nobody comes, or nobody wants it any more


async def test_nobody_coming_cancels() -> None:
    play = await holding()
    play.terms = replace(play.terms, refund_share=Decimal("0.5"))
    (told,) = await play.passes(NO_SHOW_S)

    assert (told.action, told.solicited) == ("on_cancel", False)
    assert shown(told)["cancellation"]["reason"]["id"] == "no-show"
    assert play.sent(CANCEL) == [{"reservation_id": reservation(play).id}]
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 50
    assert play.placed.deadlines == {}


@pytest.mark.parametrize("held", [True, False])
async def test_a_driver_who_cancels_gives_it_back(held: bool) -> None:
    play = await (holding() if held else asked())
    await play.cancel()
    assert play.sent(CANCEL) == [{"reservation_id": reservation(play).id}]
    assert play.state() is OrderState.CANCELLED
    await play.cancel()
    assert len(play.sent(CANCEL)) == 1


async def test_whatever_cancels_the_order_gives_it_back() -> None:
    play = await holding()
    await play.evse(Status.REMOVED)
    assert len(play.sent(CANCEL)) == 1

    play = await holding()
    await play.start()
    await play.cancel()
    assert len(play.sent(CANCEL)) == 1


@pytest.mark.parametrize("when", ["before it is asked for", "refused", "over"])
async def test_what_is_not_held_is_not_given_back(when: str) -> None:
    if when == "before it is asked for":
        play = await asked(NOW + timedelta(seconds=LEAD_S + 600))
    else:
        play = await holding()
        said = CommandResultType.FAILED if when == "refused" else CommandResultType.ACCEPTED
        await play.result(said)
        if when == "over":
            await play.start()
            await play.session("RESERVATION", "0", id="R1")
            await play.session("COMPLETED", "0", id="R1")
            await play.result(CommandResultType.FAILED, command_id=play.commands[-1].id)
    await play.cancel()
    assert play.state() is OrderState.CANCELLED
    assert play.sent(CANCEL) == []
    assert play.placed.deadlines == {}


async def test_no_answer_to_giving_it_back_matters() -> None:
    play = await holding()
    await play.cancel()
    before = play.order
    for response in CommandResponseType:
        assert (await play.response(response)).notes
    for result in CommandResultType:
        assert (await play.result(result)).notes
    assert (await play.no_response(sent=False)).notes
    assert play.order is before


# The CPO takes it back


@pytest.mark.requirement("O130")
@pytest.mark.parametrize("after_s", [0, NO_SHOW_S - 1])
async def test_the_cpo_may_take_it_back_until_it_expires(after_s: float) -> None:
    play = await holding()
    reserve = play.commands[0].id
    await play.passes(after_s)
    (told,) = (
        await play.result(CommandResultType.CANCELED_RESERVATION, command_id=reserve)
    ).callbacks

    assert told.action == "on_cancel"
    assert shown(told)["cancellation"]["cancelled_by"] == "PROVIDER"
    assert shown(told)["cancellation"]["reason"]["id"] == "reservation-cancelled"
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 100
    assert play.sent(CANCEL) == []
    again = await play.result(CommandResultType.CANCELED_RESERVATION, command_id=reserve)
    assert again.callbacks == ()


async def test_one_that_was_used_is_not_taken_back() -> None:
    for until in ("started", "charging"):
        play = await holding()
        reserve = play.commands[0].id
        await play.start()
        if until == "charging":
            await play.session("ACTIVE", "0")
        state = play.state()
        decision = await play.result(CommandResultType.CANCELED_RESERVATION, command_id=reserve)
        assert decision.callbacks == ()
        assert play.state() is state


async def test_one_that_has_expired_is_not_taken_back() -> None:
    play = await holding()
    reserve = play.commands[0].id
    await play.start()
    await play.result(CommandResultType.FAILED)
    await play.passes(NO_SHOW_S + 1)
    decision = await play.result(CommandResultType.CANCELED_RESERVATION, command_id=reserve)
    assert decision.callbacks == ()
    assert play.state() is OrderState.CONFIRMED


@pytest.mark.requirement("O130")
async def test_one_that_is_changed_keeps_its_id() -> None:
    play = await holding()
    first = reservation(play)
    play.now += timedelta(seconds=60)
    order, plans = reserve_again(play.world(), play.placed)
    assert order.reservation is not None
    assert order.reservation.id == first.id
    assert order.reservation.command_id != first.command_id
    assert order.reservation.expiry == first.expiry + timedelta(seconds=60)
    assert order.reservation.state is RS.ASKED
    assert [getattr(plan, "type", None) for plan in plans][-1] is RESERVE


# Its session


async def with_session(play: Play, **changes: Any) -> Play:
    """Let the CPO push the session that stands for the reservation."""
    facts = {"id": "R1", "authorization_reference": play.placed.reference, **changes}
    decision = await play.session("RESERVATION", "0", **facts)
    assert decision.callbacks == ()
    return play


async def test_its_session_starts_nothing_and_is_not_the_orders() -> None:
    play = await with_session(await holding())
    assert play.state() is OrderState.CONFIRMED
    assert play.placed.session is None
    assert play.placed.deadlines.keys() == {"no_show"}


@pytest.mark.parametrize("said", [None, "REJECTED", "FAILED"])
async def test_its_session_is_proof_whatever_was_said(said: str | None) -> None:
    play = await asked()
    if said in list(CommandResponseType):
        await play.response(CommandResponseType(said))
    elif said is not None:
        await play.result(CommandResultType(said))
    await with_session(play)
    assert reservation(play).state is RS.HELD
    assert play.placed.deadlines == {"no_show": reservation(play).expiry}


@pytest.mark.parametrize("same", [True, False])
async def test_the_session_that_charges_may_be_the_same_or_another(same: bool) -> None:
    play = await with_session(await holding())
    await play.start()
    own = "R1" if same else "S1"
    if not same:
        decision = await play.session("COMPLETED", "0", id="R1")
        assert (decision.callbacks, decision.plans) == ((), ())
        assert play.state() is OrderState.STARTING
    await play.session("ACTIVE", "0", id=own)
    assert play.state() is OrderState.CHARGING
    if not same:
        await play.session("COMPLETED", "0", id="R1")
        assert play.state() is OrderState.CHARGING
    assert play.sent(CommandType.STOP_SESSION) == []
    await play.session("COMPLETED", "3.7", id=own)
    await play.cdr("3.7", session_id=own)
    assert play.state() is OrderState.SETTLED
    assert play.placed.bill is not None
    assert play.placed.bill.quote.price == Decimal("76.60")


async def test_a_session_of_the_reservation_that_is_heard_of_at_its_end_ends_nothing_else() -> None:
    play = await holding()
    await play.start()
    decision = await play.session("COMPLETED", "0", id="R1", connector_id="#NA")
    assert (decision.callbacks, decision.plans) == ((), ())
    assert play.state() is OrderState.STARTING
    await play.session("COMPLETED", "0", id="S1")
    assert play.state() is OrderState.ENDED, "a session at the connector was the start's own"


async def test_the_session_that_charges_may_end_with_nothing() -> None:
    play = await with_session(await holding())
    await play.start()
    await play.session("ACTIVE", "0", id="R1")
    await play.session("COMPLETED", "0", id="R1")
    assert play.state() is OrderState.ENDED


async def test_a_reservation_that_expires_at_the_cpo_is_nobody_coming() -> None:
    play = await with_session(await holding())
    (told,) = (await play.session("COMPLETED", "0", id="R1")).callbacks
    assert told.action == "on_cancel"
    assert shown(told)["cancellation"]["reason"]["id"] == "no-show"
    assert play.sent(CANCEL) == [], "there is nothing left to give back"


async def test_a_void_reservation_is_the_operators_doing() -> None:
    play = await with_session(await holding())
    (told,) = (await play.session("INVALID", "0", id="R1")).callbacks
    assert shown(told)["cancellation"]["reason"]["id"] == "session-invalid"


async def test_a_reservation_that_appears_after_the_end_is_given_back_once() -> None:
    play = await asked()
    await play.response(CommandResponseType.REJECTED)
    await play.cancel()
    assert play.sent(CANCEL) == []
    reference = reservation(play).authorization_reference
    for _ in range(2):
        await play.session("RESERVATION", "0", id="R1", authorization_reference=reference)
    assert play.sent(CANCEL) == [{"reservation_id": reservation(play).id}]
    assert play.state() is OrderState.CANCELLED


# Its CDR


def reservation_cdr(cost: str, **changes: Any) -> dict[str, Any]:
    """Return a CDR of a quarter of an hour of holding, for this much."""
    held = CdrDimension(type=CdrDimensionType.RESERVATION_TIME, volume=Decimal("0.25"))
    return {
        "id": "CDR-R",
        "session_id": "R1",
        "charging_periods": (ChargingPeriod(start_date_time=NOW, dimensions=(held,)),),
        "total_cost": Price(excl_vat=Decimal(cost)),
        "total_time": Decimal("0.25"),
        **changes,
    }


@pytest.mark.parametrize("session_id", ["R1", None, "R-UNHEARD"])
@pytest.mark.parametrize("pushed", [True, False])
async def test_a_reservation_that_cost_nothing_settles_nothing(
    session_id: str | None, pushed: bool
) -> None:
    play = await holding()
    if pushed:
        await with_session(play)
    decision = await play.cdr("0", **reservation_cdr("0", session_id=session_id))
    named_another = pushed and session_id == "R-UNHEARD"
    assert (decision.callbacks == ()) is not named_another
    assert (play.state() is OrderState.CONFIRMED) is not named_another


@pytest.mark.parametrize("expired", [True, False])
async def test_a_reservation_that_cost_something_is_billed(expired: bool) -> None:
    play = await with_session(await holding())
    if expired:
        await play.session("COMPLETED", "0", id="R1")
        assert play.state() is OrderState.CANCELLED
    await play.cdr("0", **reservation_cdr("20"))
    assert play.state() is OrderState.SETTLED
    assert play.placed.bill is not None
    assert play.placed.bill.cdr_id == "CDR-R"
    assert play.placed.bill.deviates, "the tariff that the driver agreed to has no price for it"


@pytest.mark.parametrize("cost", ["0", "20"])
async def test_a_reservation_never_settles_an_order_that_charges(cost: str) -> None:
    play = await with_session(await holding())
    await play.start()
    decision = await play.cdr("0", **reservation_cdr(cost))
    assert decision.callbacks == ()
    assert play.state() is OrderState.STARTING
    await play.session("ACTIVE", "0", id="S1")
    await play.cdr("0", **reservation_cdr(cost))
    assert play.state() is OrderState.CHARGING
    await play.cdr("3.7", session_id="S1")
    assert play.state() is OrderState.SETTLED


async def test_an_order_without_a_reservation_is_settled_by_any_cdr() -> None:
    play = await confirmed()
    await play.cdr("0", **reservation_cdr("20"))
    assert play.state() is OrderState.SETTLED


async def test_nothing_of_it_is_asked_for_before_confirm() -> None:
    play = await agreed()
    assert play.commands == []


async def test_a_start_that_fails_while_held_is_told_as_ever() -> None:
    play = await holding()
    await play.start()
    decision = await play.response(CommandResponseType.REJECTED)
    assert codes(decision.callbacks) == ["40006"]
    assert play.state() is OrderState.CONFIRMED
    assert reservation(play).state is RS.HELD
