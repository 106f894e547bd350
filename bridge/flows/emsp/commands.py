"""OCPI 2.2.1 mod_commands, Sender: the charge point's answers to our commands."""

from __future__ import annotations

from bridge.errors import ObjectUnknown
from bridge.flows.emsp.emsp import DONE, Call, Emsp, Reply, read
from bridge.flows.jobs import CommandResultJob
from bridge.ocpi.commands import CommandResult


async def post_result(emsp: Emsp, call: Call) -> Reply:
    """Queue a CommandResult for its order.

    It may come before the CommandResponse, and more than once: the order takes the first that
    says something about a command under way.

    Raises:
        ObjectUnknown: no command of this CPO has this address.
    """
    command, command_id = call.ids
    record = await emsp.correlation.by_command(command_id)
    if record is None or record.cpo_id != call.cpo_id or record.type != command:
        raise ObjectUnknown(f"no {command} was sent with this response_url")
    await emsp.about(record.order_key, None)
    result = read(emsp, call, CommandResult)
    job = CommandResultJob(
        command_id=command_id,
        result=result.result,
        at=emsp.now(),
        reason=" ".join(each.text for each in result.message),
    )
    await emsp.inbox.queue(record.order_key, job)
    emsp.wake()
    return DONE
