"""CommandResults at our response_urls (OCPI 2.2.1 mod_commands, Sender)."""

from __future__ import annotations

import pytest
from msgspec import Raw

from bridge.flows.jobs import CommandResultJob
from bridge.ocpi.commands import CommandResultType, CommandType
from bridge.ocpi.leniency import Leniency
from bridge.orders.plans import CommandPlan
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import CPO, NOW, OTHER_TOKEN, PARTY, Json

ORDER = "bap.example|transaction-1"
PATH = "commands/START_SESSION/command-1"
JOB = CommandResultJob(command_id="command-1", result=CommandResultType.ACCEPTED, at=NOW)


@pytest.fixture
async def sent(rig: Rig) -> Rig:
    """Give a rig whose START_SESSION was written down; the CommandResponse is still out."""
    await rig.backend.put_command(
        CommandPlan(
            id="command-1",
            type=CommandType.START_SESSION,
            cpo_id=CPO,
            party=PARTY,
            order_key=ORDER,
            correlation_id="correlation-1",
            body=Raw(b"{}"),
        )
    )
    return rig


@pytest.mark.requirement("O123")
@pytest.mark.requirement("O124")
@pytest.mark.endpoint("serves POST {response_url}")
async def test_a_result_is_queued_before_it_is_acknowledged(sent: Rig) -> None:
    answer = await sent.post(PATH, {"result": "ACCEPTED"})
    assert answer.status == (200, 1000)
    assert answer.is_bare
    assert await sent.backend.jobs(ORDER) == [JOB]
    assert len(sent.wakes) == 1


async def test_the_words_of_the_charge_point_are_kept(sent: Rig) -> None:
    message = [{"language": "en", "text": "Cable"}, {"language": "en", "text": "missing"}]
    await sent.post(PATH, {"result": "FAILED", "message": message})
    (job,) = await sent.backend.jobs(ORDER)
    assert isinstance(job, CommandResultJob)
    assert (job.result, job.reason) == (CommandResultType.FAILED, "Cable missing")


@pytest.mark.requirement("O123")
@pytest.mark.parametrize("type_", list(CommandType))
@pytest.mark.parametrize("result", list(CommandResultType))
async def test_every_result_of_every_command_is_taken(
    memory_rig: Rig, type_: CommandType, result: CommandResultType
) -> None:
    plan = CommandPlan(
        id="command-2",
        type=type_,
        cpo_id=CPO,
        party=PARTY,
        order_key=ORDER,
        correlation_id="correlation-2",
        body=Raw(b"{}"),
    )
    await memory_rig.backend.put_command(plan)
    answer = await memory_rig.post(f"commands/{type_}/command-2", {"result": result})
    assert answer.status == (200, 1000)
    assert answer.is_bare
    (job,) = await memory_rig.backend.jobs(ORDER)
    assert job == CommandResultJob(command_id="command-2", result=result, at=NOW)


@pytest.mark.requirement("O124")
async def test_a_repeat_is_acknowledged_as_well(sent: Rig) -> None:
    for _ in range(2):
        assert (await sent.post(PATH, {"result": "ACCEPTED"})).status == (200, 1000)
    assert set(await sent.backend.jobs(ORDER)) == {JOB}


@pytest.mark.requirement("O124")
@pytest.mark.parametrize(
    "path",
    [
        "commands/START_SESSION/command-2",
        "commands/STOP_SESSION/command-1",
        "commands/start_session/command-1",
        "commands/START_SESSION/COMMAND-1",
    ],
)
async def test_an_unknown_address_is_404(sent: Rig, path: str) -> None:
    assert (await sent.post(path, {"result": "ACCEPTED"})).status == (404, 2000)
    assert await sent.backend.jobs(ORDER) == []


@pytest.mark.requirement("O124")
async def test_only_the_cpo_that_got_the_command_may_answer_it(sent: Rig) -> None:
    answer = await sent.post(PATH, {"result": "ACCEPTED"}, token=OTHER_TOKEN)
    assert answer.status == (404, 2000)
    assert (await sent.post(PATH, {"result": "ACCEPTED"}, token=None)).status == (401, 2001)
    assert await sent.backend.jobs(ORDER) == []


@pytest.mark.parametrize("body", [{}, {"result": "PERHAPS"}, {"result": None}, [], "ACCEPTED"])
async def test_a_result_that_cannot_be_read_is_2001(sent: Rig, body: Json) -> None:
    assert (await sent.post(PATH, body)).status == (200, 2001)
    assert await sent.backend.jobs(ORDER) == []


@pytest.mark.parametrize(
    ("body", "leniency"),
    [
        ({"message": {"language": "en", "text": "no cable"}}, Leniency.SINGLE_FOR_LIST),
        ({"session_id": "S-77"}, Leniency.UNKNOWN_FIELD),
    ],
    ids=["one message", "a session id"],
)
async def test_what_a_result_says_besides_is_a_hint(
    sent: Rig, body: Json, leniency: Leniency
) -> None:
    assert (await sent.post(PATH, {"result": "FAILED", **body})).status == (200, 1000)
    (job,) = await sent.backend.jobs(ORDER)
    assert isinstance(job, CommandResultJob)
    assert (job.command_id, job.result) == ("command-1", CommandResultType.FAILED)
    assert job.reason == ("no cable" if "message" in body else "")
    assert sent.forgiven == [leniency]
