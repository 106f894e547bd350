"""Whatever happens to a placed order, in whatever order and however often: it stays sane."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.flows.decision import Decision
from bridge.flows.jobs import DeadlineJob
from bridge.flows.look import CONCLUSIONS
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.locations import Status
from bridge.ocpi.types import Price
from bridge.orders.errands import RefundErrand
from bridge.orders.intents import PaymentClaim
from bridge.orders.order import Bill, Order, OrderState, ReservationState
from bridge.orders.plans import CommandPlan
from bridge.orders.transitions import RUNNING, STEPS
from tests.factories import NOW
from tests.property.examples import examples
from tests.unit.flows.callbacks import provisional, wire
from tests.unit.flows.play import PLAYED, Play, confirmed, holding, reservable, reserving
from tests.unit.flows.world import TERMS, paid

S = OrderState

# Where each deadline may stand. What is not waited for any more must not be left behind.
PLACES = {
    "start": {S.STARTING},
    "stop": {S.STOPPING},
    "interruption": {S.CHARGING},
    "outage": {S.INTERRUPTED, S.STOPPING},
    "session": set(CONCLUSIONS),
    "cdr": {S.ENDED},
    "fault": {S.CONFIRMED},
    "reserve": {S.CONFIRMED},
    "no_show": {S.CONFIRMED},
    "reply": set(S),
}

LONG_S = 2 * 86_400.0
"""Longer than all deadlines together."""


class Event(NamedTuple):
    """Something that happens: a method of ``Play`` and its arguments."""

    name: str
    facts: dict[str, Any]


def event(name: str, /, **facts: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    """Make events of one kind."""
    return st.builds(Event, st.just(name), st.fixed_dictionaries(facts))


SESSION_IDS = st.sampled_from(["S1", "S1", "s1", "S2", "S3"])
REFERENCES = st.sampled_from(["first", "last", "last", None])
ENERGY = st.sampled_from(["0", "0.1", "3.7", "7"])
COMMANDS = st.integers(0, 3)

EVENTS = st.one_of(
    event("start", ttl_s=st.sampled_from([None, 0, 3, 30])),
    event("stop", ttl_s=st.sampled_from([None, 0, 3, 30])),
    event("cancel"),
    event("status"),
    event("confirm", claim=st.just(paid())),
    event("track", callback_url=st.sampled_from([None, "https://bap.example/live"])),
    event(
        "response",
        which=COMMANDS,
        result=st.sampled_from(CommandResponseType),
        timeout_s=st.sampled_from([-1, 0, 10, 600]),
    ),
    event(
        "no_response",
        which=COMMANDS,
        sent=st.booleans(),
        code=st.sampled_from([None, 2000, 2003]),
    ),
    event("result", which=COMMANDS, result=st.sampled_from(CommandResultType)),
    event(
        "session",
        id=SESSION_IDS,
        status=st.sampled_from(
            ["PENDING", "ACTIVE", "ACTIVE", "COMPLETED", "INVALID", "RESERVATION"]
        ),
        kwh=ENERGY,
        reference=REFERENCES,
    ),
    event(
        "cdr",
        id=st.sampled_from(["CDR1", "CDR2"]),
        kwh=ENERGY,
        free=st.booleans(),
        credit=st.booleans(),
        session_id=SESSION_IDS | st.none(),
        reference=REFERENCES,
    ),
    event("token", taken=st.booleans()),
    event("evse", status=st.sampled_from(Status)),
    event("passes", seconds=st.sampled_from([0.5, 4, 9, 31, 61, 121, 1801])),
    event("deadline", name=st.sampled_from(sorted(PLACES))),
)


async def happen(play: Play, event: Event) -> Decision | None:
    """Let an event happen; None when there is nothing that it could be about."""
    facts = dict(event.facts)
    if "reference" in facts:
        known = play.placed.attempts
        which = facts.pop("reference")
        of = {"first": known[:1], "last": known[-1:], None: ()}[which]
        facts["authorization_reference"] = of[0].authorization_reference if of else None
    if event.name in ("response", "no_response", "result"):
        if not play.commands:
            return None
        if "which" in facts:
            facts["command_id"] = play.commands[-1 - facts.pop("which") % len(play.commands)].id
    if event.name == "cdr":
        if facts.pop("free"):
            facts["total_cost"] = Price(excl_vat=Decimal(0))
        if facts["credit"]:
            facts |= {"id": f"{facts['id']}-C", "credit_reference_id": facts["id"]}
    if event.name == "passes":
        await play.passes(facts["seconds"])
        return None
    if event.name == "deadline":
        return await play.happens(DeadlineJob(name=facts["name"], at=play.now))
    decision: Decision = await getattr(play, event.name)(**facts)
    return decision


def check_step(before: Order, after: Order, decision: Decision | None) -> None:
    """Check what one event may do."""
    one = STEPS[before.state]
    reachable = {before.state, *one, *(state for first in one for state in STEPS[first])}
    if decision is not None:
        assert after.state in reachable
        commands = [plan for plan in decision.plans if isinstance(plan, CommandPlan)]
        starts = [plan for plan in commands if plan.type is CommandType.START_SESSION]
        assert len(starts) <= 1
        if starts:
            assert before.state is S.CONFIRMED
            assert not any(attempt.open for attempt in before.attempts)
        own = [plan for plan in commands if plan.id == after.stop_command]
        assert len(own) <= 1
        if own:
            assert after.state is S.STOPPING
        if decision.live is not None:
            assert isinstance(json.loads(decision.live), dict)


def check_order(order: Order) -> None:
    """Check what holds for an order at any time."""
    opened = sum(attempt.open for attempt in order.attempts)
    assert opened == (order.state is S.STARTING)
    for name in order.deadlines:
        assert order.state in PLACES[name], f"{name} is left behind in {order.state}"
    assert ("reply" in order.deadlines) is bool(order.waiting)
    assert ("start" in order.deadlines) is (order.state is S.STARTING)
    assert ("stop" in order.deadlines) is (order.state is S.STOPPING)
    assert ("session" in order.deadlines) is (order.state in CONCLUSIONS)
    if order.state in RUNNING:
        assert order.session is not None
    check_reservation(order)
    if order.state in (S.SETTLED, S.CANCELLED):
        assert order.waiting == ()
        assert order.deadlines == {}
    if order.bill is not None:
        check_bill(order, order.bill)
    if order.state is S.SETTLED:
        assert order.bill is not None
        assert not order.bill.provisional
        assert order.cdr is not None
        assert not order.cdr.credit
        assert order.bill.cdr_id == order.cdr.id


def check_reservation(order: Order) -> None:
    """Check that a reservation is watched as long as it may matter, and no longer."""
    known = order.reservation
    if "reserve" in order.deadlines:
        assert known is None or known.state is ReservationState.ASKED
    if "no_show" in order.deadlines:
        assert not order.attempts
        # Who booked a slot is waited for whether its CPO holds the connector or not.
        if not order.booked:
            assert known is not None
            assert known.state is ReservationState.HELD
            assert order.deadlines["no_show"] == known.expiry
    if order.state is S.CANCELLED and known is not None:
        assert known.state in (ReservationState.OVER, ReservationState.REFUSED)


def check_bill(order: Order, bill: Bill) -> None:
    """Check that the money adds up."""
    assert bill.quote.price == sum(line.amount for line in bill.quote.lines)
    assert bill.refund >= 0
    assert bill.due >= 0
    assert not (bill.refund and bill.due)
    assert order.payment is not None
    # What was sent back and is owed after all is due: no refund can be undone.
    asked = order.payment.refund_asked
    over = asked if asked > bill.refund else 0
    assert bill.quote.price == order.payment.paid - over + bill.due - bill.refund
    assert asked <= order.payment.paid


def check_story(play: Play) -> None:
    """Check what the BAP and the CPO saw of it all."""
    answered = Counter(each.message_id for each in play.callbacks if each.solicited)
    assert max(answered.values()) == 1
    asked = {request.message_id for request in play.asked}
    assert answered.keys() <= asked
    waiting = {entry.request.message_id for entry in play.placed.waiting}
    assert asked - answered.keys() == waiting, "whoever is not answered waits"
    unasked = [each for each in play.callbacks if not each.solicited]
    assert len({each.message_id for each in unasked}) == len(unasked)
    told = Counter(
        (each.action, wire(each), provisional(each)) for each in unasked if not each.error
    )
    assert told["on_cancel", "CANCELLED", False] <= 1
    # A credit turns the bill back, and what replaces the CDR bills anew.
    assert told["on_update", "COMPLETED", False] <= 1 + 2 * len(play.placed.credited)
    assert told["on_update", "COMPLETED", True] <= 1
    assert [token.valid for token in play.tokens].count(False) <= 1
    assert len(play.sent(CommandType.RESERVE_NOW)) <= 1
    assert len(play.sent(CommandType.CANCEL_RESERVATION)) <= 1
    refunds = [each for each in play.errands if isinstance(each, RefundErrand)]
    assert len({each.id for each in refunds}) == len(refunds)
    assert play.placed.payment is not None
    assert sum(each.amount for each in refunds) == play.placed.payment.refund_asked
    starts = play.sent(CommandType.START_SESSION)
    assert len({each["authorization_reference"] for each in starts}) == len(starts)
    assert len(starts) == len(play.placed.attempts)


async def reserving_later() -> Play:
    """Play until the order is placed whose connector is to be reserved in five minutes."""
    start = NOW + timedelta(seconds=TERMS.reserve_lead_s + 300)
    play = await reservable(start)
    await play.confirm(paid(), start=start)
    assert "reserve" in play.placed.deadlines
    return play


async def live(play: Play, events: Sequence[Event]) -> None:
    """Let the events happen to a placed order, and check it after each of them."""
    for each in events:
        before = play.placed
        decision = await happen(play, each)
        check_step(before, play.placed, decision)
        check_order(play.placed)
        check_story(play)


async def die(play: Play) -> None:
    """Let all deadlines pass and the bill come, and check what is left."""
    await play.passes(LONG_S)
    check_order(play.placed)
    check_story(play)
    assert play.placed.waiting == (), "all have been answered"
    looked_for = {"session"} if play.state() is S.CHARGING else set()
    assert play.placed.deadlines.keys() == looked_for

    own = play.placed.session
    await play.cdr("3.7", id="LAST", session_id=None if own is None else own.id)
    assert play.state() is S.SETTLED
    check_order(play.placed)
    check_story(play)


CLAIMS = st.sampled_from([paid(), PaymentClaim(method="UPI-TRANSFER", source_address="asha@upi")])
HISTORIES = st.lists(EVENTS, max_size=14)


def push(status: str, kwh: str = "0", id: str = "S1", reference: str | None = "last") -> Event:
    """Make a push of a Session."""
    return Event("session", {"id": id, "status": status, "kwh": kwh, "reference": reference})


START, STOP, CANCEL = (Event(name, {"ttl_s": 30}) for name in ("start", "stop", "cancel"))


@examples(150)
@given(events=HISTORIES, claim=CLAIMS)
@example(events=[START, STOP, push("ACTIVE")], claim=paid())
@example(events=[START, CANCEL, push("ACTIVE"), push("COMPLETED", "0.1")], claim=paid())
@example(
    events=[START, push("ACTIVE"), push("ACTIVE", id="S2"), push("INVALID", "1")], claim=paid()
)
def test_every_request_is_answered_once_and_the_bill_comes(
    events: list[Event], claim: PaymentClaim
) -> None:
    async def told() -> None:
        play = await confirmed(claim)
        await live(play, events)
        await die(play)

    asyncio.run(told())


@pytest.mark.parametrize("state", PLAYED)
@examples(50)
@given(events=st.lists(EVENTS, max_size=8))
def test_it_does_from_every_state(state: OrderState, events: list[Event]) -> None:
    async def told() -> None:
        play = await PLAYED[state]()
        await live(play, events)
        await die(play)

    asyncio.run(told())


@pytest.mark.parametrize("play_until", [reserving, holding, reserving_later])
@examples(80)
@given(events=HISTORIES)
def test_it_does_with_a_reservation(
    play_until: Callable[[], Awaitable[Play]], events: list[Event]
) -> None:
    async def told() -> None:
        play = await play_until()
        await live(play, events)
        await die(play)

    asyncio.run(told())


@examples(80)
@given(events=HISTORIES, again=st.lists(st.integers(0, 13), max_size=6))
def test_the_first_bill_stands_however_often_anything_is_repeated(
    events: list[Event], again: list[int]
) -> None:
    async def told() -> None:
        play = await confirmed()
        await live(play, [*events, *(events[index % len(events)] for index in again if events)])
        bill = play.placed.bill if play.state() is S.SETTLED else None

        for _ in range(2):
            await play.cdr("3.7", id="LAST", session_id=None)

        assert play.state() is S.SETTLED
        assert play.placed.bill is not None
        assert bill in (None, play.placed.bill) or play.placed.credited
        check_story(play)

    asyncio.run(told())
