"""Commands leave at most once, whatever dies in between; what came of them reaches the order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.flows.peer import CallFailed, PartyAway
from bridge.ocpi.commands import CommandResponse, CommandResponseType, CommandType
from bridge.orders.order import Order, OrderState
from bridge.store.connect import connect
from bridge.store.database import Database
from bridge.workers.commands import RETRIES_S
from tests.factories import attempt, command, order
from tests.integration.sending import ACCEPTED, LEASE_S, Answer, Side
from tests.valkey import free_port
from tests.waiting import until


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


async def test_the_answer_of_the_cpo_reaches_the_order(side: Side) -> None:
    plan = command()
    await side.queue(plan)

    await side.worker.handle(await side.claim())

    assert side.cpo.got == [plan]
    job = await side.outcome()
    assert (job.command_id, job.result, job.timeout_s) == (plan.id, ACCEPTED.result, 30)
    assert side.woken == 1
    assert await side.lanes.command.depth() == 0
    assert await side.lanes.inbox.depth() == 1


async def test_no_answer_says_why(side: Side) -> None:
    async def fail() -> CommandResponse:
        raise CallFailed("commands: no answer", http=404, code=2003)

    side.cpo.answer = fail
    await side.queue(command())

    await side.worker.handle(await side.claim())

    job = await side.outcome()
    assert (job.result, job.sent, job.code, job.reason) == (None, True, 2003, "commands: no answer")
    assert await side.lanes.command.depth() == 0


def no_connection(times: int) -> Answer:
    """Answer when a connection was refused so many times before."""
    left = iter(range(times))

    async def answer() -> CommandResponse:
        if next(left, None) is not None:
            raise CallFailed("commands: no connection", nothing_left=True)
        return ACCEPTED

    return answer


@pytest.mark.requirement("O34")
@pytest.mark.requirement("O133")
async def test_what_did_not_leave_is_tried_again_while_others_go_on(side: Side) -> None:
    side.cpo.answer = no_connection(2)
    await side.queue(command(until=side.clock.now() + timedelta(seconds=65)))

    for tried, pause_s in enumerate(RETRIES_S, start=1):
        await side.worker.handle(await side.claim())
        assert len(side.cpo.got) == tried
        assert await side.outcomes() == []
        side.clock.forward(pause_s - 0.01)
        assert await side.lanes.command.claim(10) == [], "nobody holds it, nobody waits in it"
        side.clock.forward(0.01)
    await side.worker.handle(await side.claim())

    assert len(side.cpo.got) == 1 + len(RETRIES_S)
    assert (await side.outcome()).result is CommandResponseType.ACCEPTED
    assert await side.lanes.command.depth() == 0


@pytest.mark.requirement("O34")
async def test_the_tries_are_few(side: Side) -> None:
    side.cpo.answer = no_connection(100)
    await side.queue(command())

    for pause_s in (*RETRIES_S, LEASE_S):
        await side.worker.handle(await side.claim())
        side.clock.forward(pause_s)

    assert len(side.cpo.got) == 3
    job = await side.outcome()
    assert (job.sent, job.reason) == (False, "commands: no connection")
    assert await side.lanes.command.depth() == 0


async def test_a_try_that_would_be_too_late_is_not_waited_for(side: Side) -> None:
    side.cpo.answer = no_connection(1)
    await side.queue(command(until=side.clock.now() + timedelta(seconds=1)))

    await side.worker.handle(await side.claim())

    assert not (await side.outcome()).sent
    assert len(side.cpo.got) == 1


@pytest.mark.requirement("O133")
async def test_what_may_have_left_is_not_tried_again(side: Side) -> None:
    async def unknown() -> CommandResponse:
        raise CallFailed("commands: the connection broke")

    side.cpo.answer = unknown
    await side.queue(command())

    await side.worker.handle(await side.claim())
    side.clock.forward(LEASE_S)

    assert await side.lanes.command.claim(10) == []
    assert len(side.cpo.got) == 1
    assert (await side.outcome()).sent


@pytest.mark.requirement("O142")
@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (PartyAway("commands: IN*ABC is OFFLINE at its hub"), False),
        (CallFailed("commands: the hub says so", undelivered=True, http=200, code=4001), False),
        (CallFailed("commands: the hub says so", undelivered=True, http=200, code=4003), False),
        (CallFailed("commands: the hub waited", http=200, code=4002), True),
    ],
    ids=["away", "unknown receiver", "no connection", "time-out"],
)
async def test_what_a_hub_cannot_pass_on_is_over_at_once(
    side: Side, fault: CallFailed, sent: bool
) -> None:
    async def unreached() -> CommandResponse:
        raise fault

    side.cpo.answer = unreached
    await side.queue(command())

    await side.worker.handle(await side.claim())

    assert len(side.cpo.got) == 1
    outcome = await side.outcome()
    assert (outcome.sent, outcome.code, outcome.reason) == (sent, fault.code, str(fault))
    assert await side.lanes.command.depth() == 0


async def test_a_command_that_waited_through_an_outage_is_not_sent(side: Side) -> None:
    await side.queue(command(until=side.clock.now() + timedelta(seconds=65)))
    side.clock.forward(65)

    await side.worker.handle(await side.claim())

    assert side.cpo.got == []
    assert not (await side.outcome()).sent
    assert await side.lanes.command.depth() == 0


@pytest.mark.parametrize(
    "meanwhile",
    [
        order(OrderState.CONFIRMED, attempts=(attempt(open=False),)),
        order(OrderState.STARTING, attempts=(attempt(open=False), attempt(command_id="other"))),
        order(OrderState.CANCELLED, attempts=(attempt(open=False),)),
        order(OrderState.CHARGING, attempts=(attempt(open=False),)),
    ],
    ids=["given up", "started anew", "cancelled", "charging"],
)
async def test_a_start_that_the_order_gave_up_is_not_sent(side: Side, meanwhile: Order) -> None:
    side.cpo.answer = no_connection(1)
    await side.queue(command(until=side.clock.now() + timedelta(seconds=65)))
    await side.worker.handle(await side.claim())
    side.orders.put(meanwhile)
    side.clock.forward(RETRIES_S[0])

    await side.worker.handle(await side.claim())

    assert len(side.cpo.got) == 1
    assert not (await side.outcome()).sent


async def test_what_no_order_waits_for_is_sent_all_the_same(side: Side) -> None:
    await side.queue(command(type=CommandType.STOP_SESSION))
    side.orders.put(order(OrderState.CANCELLED))
    side.clock.forward(3600)

    await side.worker.handle(await side.claim())

    assert len(side.cpo.got) == 1


async def test_commands_of_an_order_leave_in_order(side: Side) -> None:
    plans = [command(id=f"command-{number}") for number in range(3)]
    await side.queue(*plans)

    for _ in plans:
        await side.worker.handle(await side.claim())

    assert side.cpo.got == plans
    assert [job.command_id for job in await side.outcomes()] == [plan.id for plan in plans]


async def test_a_replica_that_died_before_the_mark_has_sent_nothing(side: Side) -> None:
    await side.queue(command())
    await side.claim()
    side.clock.forward(LEASE_S)

    await side.worker.handle(await side.claim())

    assert len(side.cpo.got) == 1
    assert (await side.outcome()).result is CommandResponseType.ACCEPTED


async def test_a_replica_that_died_between_mark_and_answer_may_have_sent(side: Side) -> None:
    async def never() -> CommandResponse:
        await asyncio.Event().wait()
        raise AssertionError

    side.cpo.answer = never
    await side.queue(command())
    dying = asyncio.create_task(side.worker.handle(await side.claim()))
    await until(lambda: len(side.cpo.got) == 1)
    dying.cancel()
    await asyncio.wait([dying])
    side.clock.forward(LEASE_S)

    async with asyncio.timeout(5):
        await side.worker.handle(await side.claim())

    assert len(side.cpo.got) == 1
    job = await side.outcome()
    assert (job.command_id, job.result, job.sent) == ("command-1", None, True)
    assert await side.lanes.command.depth() == 0


async def test_an_answer_after_the_lease_is_too_late_to_be_a_second_one(side: Side) -> None:
    gate = asyncio.Event()

    async def late() -> CommandResponse:
        await gate.wait()
        return ACCEPTED

    side.cpo.answer = late
    await side.queue(command(), command(id="command-2"))
    slow = asyncio.create_task(side.worker.handle(await side.claim()))
    await until(lambda: len(side.cpo.got) == 1)
    side.clock.forward(LEASE_S)
    await side.worker.handle(await side.claim())
    gate.set()
    await slow

    assert side.cpo.got == [command()]
    job = await side.outcome()
    assert (job.command_id, job.result) == ("command-1", None)
    assert len(await side.lanes.command.entries(command().order_key)) == 1


async def test_who_lost_the_lane_before_the_mark_sends_nothing(side: Side) -> None:
    await side.queue(command())
    lost = await side.claim()
    side.clock.forward(LEASE_S)
    await side.worker.handle(await side.claim())

    await side.worker.handle(lost)

    assert len(side.cpo.got) == 1
    assert len(await side.outcomes()) == 1


async def test_without_redis_nothing_is_sent(side: Side) -> None:
    away = connect(f"redis://127.0.0.1:{free_port()}")
    await side.queue(command())
    claim = await side.claim()

    with pytest.raises(StoreUnavailable):
        await side.worker_on(Database(away)).handle(claim)

    assert side.cpo.got == []
    await away.aclose()


async def test_two_replicas_on_one_claim_send_once(side: Side) -> None:
    await side.queue(command())
    first = await side.claim()
    side.clock.forward(LEASE_S)
    second = await side.claim()

    await asyncio.gather(*(side.worker.handle(claim) for claim in (first, second)))

    assert len(side.cpo.got) == 1
    assert len(await side.outcomes()) == 1
