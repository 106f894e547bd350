"""Tokens and wishes go to a CPO once, and whatever comes of them holds no command up."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.flows.jobs import Job, PreferencesJob, TokenJob
from bridge.flows.peer import CallFailed
from bridge.ocpi.commands import CommandResponseType
from bridge.ocpi.sessions import ChargingPreferences, ChargingPreferencesResponse, ProfileType
from bridge.orders.plans import PreferencesPlan
from tests.factories import CPO_ID, PARTY, command, token_plan
from tests.integration.sending import Side


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


async def tokens_told(side: Side) -> list[TokenJob]:
    """Return what the order was told of its token."""
    entries = await side.lanes.inbox.entries(command().order_key)
    jobs = [msgspec.json.decode(entry, type=Job) for entry in entries]
    return [job for job in jobs if isinstance(job, TokenJob)]


def pushes(side: Side, result: str, kind: str = "token") -> float:
    """Return how many pushes of a kind ended so."""
    labels = {"cpo": "cpo1", "kind": kind, "result": result}
    return side.metrics.registry.get_sample_value("bridge_pushes_total", labels) or 0


async def test_a_token_goes_ahead_of_its_command(side: Side) -> None:
    await side.queue(token_plan(), command())

    for _ in range(2):
        await side.worker.handle(await side.claim())

    assert side.cpo.got == [token_plan(), command()]
    assert [job.taken for job in await tokens_told(side)] == [True]
    assert (await side.outcome()).result is CommandResponseType.ACCEPTED
    assert pushes(side, "done") == 1


@pytest.mark.requirement("O34")
@pytest.mark.parametrize(
    ("failure", "may_have_it"),
    [
        (CallFailed("tokens: no connection", nothing_left=True), False),
        (CallFailed("tokens: HTTP 500, OCPI 3000", http=500, code=3000), False),
        (CallFailed("tokens: no answer within 5 s"), True),
        (CallFailed("tokens: the hub waited", http=200, code=4002), True),
        (CallFailed("tokens: the hub says so", undelivered=True, http=200, code=4003), False),
    ],
    ids=["no connection", "refused", "no answer", "no answer to the hub", "not passed on"],
)
async def test_a_token_that_is_not_taken_stops_no_command_and_is_not_sent_again(
    side: Side, failure: CallFailed, may_have_it: bool
) -> None:
    side.cpo.takes_tokens = failure
    await side.queue(token_plan(), command())

    for _ in range(2):
        await side.worker.handle(await side.claim())

    assert side.cpo.got == [token_plan(), command()]
    (told,) = await tokens_told(side)
    assert (told.taken, told.reason) == (may_have_it, str(failure))
    assert (await side.outcome()).result is CommandResponseType.ACCEPTED
    assert pushes(side, "failed") == 1
    assert await side.lanes.command.depth() == 0


async def test_where_no_tokens_are_taken_nobody_is_told(side: Side) -> None:
    side.cpo.takes_tokens = False
    await side.queue(token_plan())
    await side.worker.handle(await side.claim())
    assert await tokens_told(side) == []
    assert await side.lanes.command.depth() == 0


@pytest.mark.parametrize("answer", [True, CallFailed("tokens: HTTP 404", http=404)])
async def test_nobody_waits_for_a_token_that_is_withdrawn(
    side: Side, answer: bool | CallFailed
) -> None:
    side.cpo.takes_tokens = answer
    gone = replace(token_plan().token, valid=False)
    await side.queue(token_plan(token=gone))
    await side.worker.handle(await side.claim())
    assert len(side.cpo.got) == 1
    assert await tokens_told(side) == []
    assert await side.lanes.command.depth() == 0


WISHES = PreferencesPlan(
    cpo_id=CPO_ID,
    party=PARTY,
    order_key=command().order_key,
    correlation_id="t1",
    session_id="S1",
    preferences=ChargingPreferences(profile_type=ProfileType.REGULAR),
)


@pytest.mark.parametrize(
    "answer",
    [ChargingPreferencesResponse.NOT_POSSIBLE, CallFailed("sessions: HTTP 404", http=404)],
    ids=["answered", "not answered"],
)
async def test_the_word_on_a_drivers_wishes_reaches_the_order(
    side: Side, answer: ChargingPreferencesResponse | CallFailed
) -> None:
    side.cpo.likes = answer
    await side.queue(WISHES)

    await side.worker.handle(await side.claim())

    assert side.cpo.got == [WISHES]
    (entry,) = await side.lanes.inbox.entries(WISHES.order_key)
    job = msgspec.json.decode(entry, type=Job)
    assert isinstance(job, PreferencesJob)
    failed = isinstance(answer, CallFailed)
    assert (job.session_id, job.result) == ("S1", None if failed else answer)
    assert job.reason == (str(answer) if failed else "")
    assert pushes(side, "failed" if failed else "done", "preferences") == 1
    assert await side.lanes.command.depth() == 0
