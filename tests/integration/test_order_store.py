"""Orders in a real Redis, and every way that leads back to them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.flows.ports import CommandRecord
from bridge.ocpi.headers import Party
from bridge.orders.intents import Measure, Quantity, RatingItem, Verb
from bridge.orders.order import (
    Bill,
    Cancellation,
    Line,
    LineKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    Quote,
    Reservation,
    ReservationState,
    SessionKey,
    Waiting,
)
from bridge.orders.token import token_of
from bridge.orders.transitions import OVER
from bridge.store.database import Database, key
from bridge.store.orders import DEADLINES, OrderStore, deadline_member
from tests.factories import (
    EMSP,
    NOW,
    PARTY,
    attempt,
    cdr,
    command,
    evse,
    item,
    location,
    order,
    request,
    session,
)

S = OrderState
RETENTION_S = 100_000
LATER = NOW + timedelta(minutes=5)


class Side:
    """The store, and saving as the worker does it."""

    def __init__(self, redis: Redis) -> None:
        self.db = Database(redis)
        self.orders = OrderStore(self.db, emsp=EMSP, issuer="Bridge", retention_s=RETENTION_S)

    async def save(self, order: Order) -> Order:
        """Store an order over what is stored."""
        before = await self.orders.load(order.key)
        assert await self.db.commit(self.orders.saved(order, before))
        return order

    async def deadlines(self) -> dict[str, float]:
        """Return all deadlines, by member, in seconds."""
        flat = await self.db.do("ZRANGE", DEADLINES, 0, -1)
        return {
            member.decode(): await self.db.do("ZSCORE", DEADLINES, member) / 1000 for member in flat
        }


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


def placed(name: str, state: OrderState = S.CONFIRMED, **changes: Any) -> Order:
    """Make order ``name`` of a transaction of its own."""
    own: dict[str, Any] = {
        "request": request(transaction_id=f"t-{name}"),
        "id": f"id-{name}",
        "token_uid": f"TOK-{name}",
        "reference": f"ref-{name}",
    }
    return order(state, **(own | changes))


def quote() -> Quote:
    """Make a quote of 5 kWh."""
    lines = (
        Line(kind=LineKind.ENERGY, amount=Decimal(90), quantity=Decimal(5), unit_price=Decimal(18)),
        Line(kind=LineKind.FLAT, amount=Decimal("10.00")),
    )
    return Quote(
        id="q1",
        currency="INR",
        price=Decimal("100.00"),
        lines=lines,
        kwh=Decimal(5),
        expires_at=LATER,
    )


FULL = order(
    S.SETTLED,
    fulfillment_id="f1",
    quantity=Quantity(measure=Measure.AMOUNT, value=Decimal(100), unit="INR", stated="100.0"),
    start=NOW,
    end=LATER,
    vehicle=Raw(b'{"make":"X"}'),
    billing=Raw('{"name":"Ü","z":1.50}'.encode()),
    quote=quote(),
    payment=Payment(
        id="p1",
        collected_by="BPP",
        amount=Decimal("100.00"),
        currency="INR",
        status=PaymentStatus.PAID,
        paid=Decimal("100.00"),
        due_at=LATER,
    ),
    attempts=(attempt(open=False), attempt(authorization_reference="ref-2", command_id="c2")),
    session=session(),
    session_seen_at=NOW,
    session_gap_s=12.5,
    cdr=cdr(),
    bill=Bill(quote=quote(), refund=Decimal("23.40"), due=Decimal(0), cdr_id="CDR1"),
    state_since=NOW,
    stop_requested=True,
    stop_command="c3",
    waiting=(Waiting(request=request(), verb=Verb.STOP, until=LATER),),
    cancellation=Cancellation(by="PROVIDER", at=NOW, reason="broken"),
    tracking_id="track-1",
    callback_url="https://bap.example/live",
    ratings=(RatingItem(id="r1", category="Provider", value="4.5"),),
    tickets=("ticket",),
    accepted="c2",
    token_pushed=True,
    reservation=Reservation(
        id="v1",
        command_id="c0",
        authorization_reference="ref-1",
        expiry=LATER,
        state=ReservationState.OVER,
        cancel_id="c4",
        session_id="R1",
    ),
    told={"on_status": "digest"},
    deadlines={"bill": LATER},
)


async def test_an_order_comes_back_whole(side: Side) -> None:
    assert await side.orders.load(FULL.key) is None
    await side.save(FULL)

    assert await side.orders.load(FULL.key) == FULL


@pytest.mark.parametrize("state", list(S))
async def test_an_order_comes_back_in_every_state(side: Side, state: OrderState) -> None:
    saved = await side.save(order(state))

    assert await side.orders.load(saved.key) == saved


async def test_ids_of_the_beckn_side_lead_to_the_order(side: Side) -> None:
    saved = await side.save(FULL)

    assert await side.orders.key_of_order_id("order-1") == saved.key
    assert await side.orders.key_of_order_id("order-2") is None
    assert await side.orders.key_of_tracking_id("track-1") == saved.key
    assert await side.orders.key_of_tracking_id("track-2") is None


async def test_a_transaction_id_may_be_that_of_several_baps(side: Side) -> None:
    ours, theirs = order(), order(request=request(bap_id="other.example"), id="order-2")
    for each in (ours, theirs, ours):
        await side.save(each)

    assert await side.orders.keys_of_transaction("t1") == sorted([ours.key, theirs.key])
    assert await side.orders.keys_of_transaction("t2") == []


async def test_every_reference_of_an_order_leads_to_it(side: Side) -> None:
    attempts = (attempt(authorization_reference="Ref-A"), attempt(authorization_reference="ref-B"))
    held = Reservation(id="v1", command_id="c1", authorization_reference="Ref-Held", expiry=LATER)
    saved = await side.save(order(attempts=attempts, reference="ref-next", reservation=held))

    for reference in ("Ref-A", "REF-a", "ref-b", "REF-NEXT", "ref-held"):
        assert await side.orders.by_reference(reference) == saved.key
    assert await side.orders.by_reference("ref-c") is None


async def test_a_token_leads_to_its_order(side: Side) -> None:
    saved = await side.save(order())

    assert await side.orders.by_token("tok1") == saved.key
    assert await side.orders.by_token("TOK2") is None
    assert await side.orders.get("Tok1") == (token_of(saved, EMSP, "Bridge"), saved.key)


async def test_an_order_without_token_has_none(side: Side) -> None:
    await side.save(order(S.SELECTED, token_uid=None))

    assert await side.orders.all() == []


async def test_tokens_come_oldest_first_and_stay_in_place(side: Side) -> None:
    first = placed("z")
    second = placed("a", created_at=NOW + timedelta(seconds=1))
    for each in (second, first, replace(second, updated_at=LATER), replace(first, updated_at=NOW)):
        await side.save(each)

    assert [token.uid for token in await side.orders.all()] == ["TOK-z", "TOK-a"]


@pytest.mark.parametrize("state", list(S))
async def test_the_token_of_an_order_that_is_over_is_invalid(side: Side, state: OrderState) -> None:
    await side.save(order(S.CONFIRMED))
    await side.save(order(state))

    [token] = await side.orders.all()
    assert token.valid is (state not in OVER)


async def test_a_session_was_matched_or_not(side: Side) -> None:
    assert await side.orders.by_session(SessionKey("IN", "ABC", "S1")) is None
    await side.db.do("SET", key("session", "in*abc*s1"), "o1")

    assert await side.orders.by_session(SessionKey("in", "ABC", "s1")) == "o1"


async def test_only_starts_without_outcome_are_pending(side: Side) -> None:
    ours = await side.save(placed("1", S.STARTING))
    await side.save(placed("2", S.CONFIRMED))
    other_place = location(evses=(evse(uid="E2"),))
    elsewhere = await side.save(placed("3", S.STARTING, item=item(other_place)))

    assert await side.orders.pending_starts(Party("in", "abc"), "l1", "e1") == [(ours.key, "1")]
    assert await side.orders.pending_starts(PARTY, "L1", "E2") == [(elsewhere.key, "1")]
    assert await side.orders.pending_starts(EMSP, "L1", "E1") == []

    await side.save(replace(ours, state=S.CHARGING))
    assert await side.orders.pending_starts(PARTY, "L1", "E1") == []


async def test_ids_with_stars_name_one_place_only(side: Side) -> None:
    one = item(location(id="L*1", evses=(evse(uid="E"),)))
    await side.save(placed("1", S.STARTING, item=one))

    assert await side.orders.pending_starts(PARTY, "L", "1*E") == []
    assert len(await side.orders.pending_starts(PARTY, "L*1", "E")) == 1


@pytest.mark.parametrize("state", list(S))
async def test_an_evse_matters_to_orders_placed_or_running(side: Side, state: OrderState) -> None:
    for each in (S.CONFIRMED, state):
        saved = await side.save(order(each))

    matters = state in {S.CONFIRMED, S.CHARGING, S.INTERRUPTED, S.STOPPING}
    assert await side.orders.running_on(PARTY, "l1", "e1") == ([saved.key] if matters else [])
    assert await side.orders.running_on(PARTY, "L1", "E2") == []


async def test_a_command_is_written_down(side: Side) -> None:
    plan = command()
    assert await side.orders.by_command(plan.id) is None

    await side.db.commit([side.orders.planned(plan)])

    record = CommandRecord(plan.order_key, "cpo1", "START_SESSION")
    assert await side.orders.by_command(plan.id) == record


async def test_deadlines_follow_the_order(side: Side) -> None:
    first = await side.save(order(deadlines={"start": NOW, "reply": LATER}))
    assert await side.deadlines() == {
        deadline_member(first.key, "start"): NOW.timestamp(),
        deadline_member(first.key, "reply"): LATER.timestamp(),
    }

    second = await side.save(replace(first, deadlines={"start": LATER, "bill": NOW}))
    assert await side.deadlines() == {
        deadline_member(first.key, "start"): LATER.timestamp(),
        deadline_member(first.key, "bill"): NOW.timestamp(),
    }

    await side.save(replace(second, deadlines={}))
    assert await side.deadlines() == {}


async def test_everything_of_an_order_is_forgotten_in_the_end(side: Side) -> None:
    await side.save(FULL)
    await side.save(placed("1", S.STARTING))
    await side.save(placed("2", S.CONFIRMED))
    await side.db.commit([side.orders.planned(command())])

    for name in await side.db.do("KEYS", "*"):
        lasts = name.decode() in {DEADLINES, key("tokens", "by-age")}
        ttl = await side.db.do("TTL", name)
        assert ttl == -1 if lasts else 0 < ttl <= RETENTION_S, name


async def test_lists_forget_orders_that_are_forgotten(side: Side) -> None:
    old = await side.save(placed("old"))
    now = NOW + timedelta(seconds=RETENTION_S + 1)

    new = await side.save(placed("new", created_at=now, updated_at=now))

    assert [token.uid for token in await side.orders.all()] == ["TOK-new"]
    assert await side.orders.running_on(PARTY, "L1", "E1") == [new.key]
    assert old.key != new.key
