"""Commands to a CPO (OCPI 2.2.1 mod_commands, Receiver interface)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from bridge.clients.cpo import Cpo, call_of
from bridge.clients.ocpi import OcpiClient, unusable
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.ocpi.answers import Due, Shape
from bridge.ocpi.codec import convert, encode, loads
from bridge.ocpi.commands import (
    CancelReservation,
    CommandResponse,
    CommandResponseType,
    CommandType,
    ReserveNow,
    StartSession,
    StopSession,
    UnlockConnector,
)
from bridge.ocpi.connection import Connection
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.lenient import read
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.plans import CommandPlan

PATIENCE_S: Final = 10.0
"""A CPO may ask the charge point before it answers: no command is given less time."""

_BODIES: Final[Mapping[CommandType, type[msgspec.Struct]]] = {
    CommandType.CANCEL_RESERVATION: CancelReservation,
    CommandType.RESERVE_NOW: ReserveNow,
    CommandType.START_SESSION: StartSession,
    CommandType.STOP_SESSION: StopSession,
    CommandType.UNLOCK_CONNECTOR: UnlockConnector,
}


_DUE: Final = Due(Shape.OBJECT, lambda data: _response(data, []) is not None)


async def command(
    client: OcpiClient,
    cpo: Cpo,
    connection: Connection,
    plan: CommandPlan,
    response_url: str,
    *,
    correlation_id: str | None = None,
    patience_s: float = PATIENCE_S,
) -> CommandResponse:
    """POST a command once. It is no idempotent request: whoever repeats it may charge twice.

    An OCPI error that carries a result all the same is an answer. What was forgiven is reported.
    A driver waits for it, so it goes out although the CPO asked for a pause.

    Args:
        patience_s: raises the configured time-out to this.

    Raises:
        CallFailed: unless ``nothing_left``, the command may have been carried out.
    """
    call = call_of(
        cpo,
        connection,
        ModuleID.COMMANDS,
        InterfaceRole.RECEIVER,
        plan.type,
        to=plan.party,
        method="POST",
        body=_body(cpo, plan, response_url),
        correlation_id=correlation_id,
        at_least_s=patience_s,
        due=_DUE,
        despite_pause=True,
    )
    met: list[Met] = []
    try:
        answer = await client.call(call)
        if (response := _response(answer.data, met)) is None:
            raise unusable(ModuleID.COMMANDS, answer, "expected a CommandResponse")
    except CallFailed as error:
        if (response := _response(error.data, met)) is None:
            raise
        client.tolerated(cpo.id, Met(Leniency.RESULT_IN_ERROR, "status_code"))
    client.count(cpo.id, met, "data")
    return response


def _body(cpo: Cpo, plan: CommandPlan, response_url: str) -> bytes:
    """Return the command with its response_url, checked: what we send is valid or not sent."""
    try:
        planned = cast(dict[str, object], loads(bytes(plan.body)))
        body = convert({**planned, "response_url": response_url}, _BODIES[plan.type])
        return encode(body, nulls=cpo.flags.explicit_nulls)
    except OcpiInvalid as error:
        raise CallFailed(
            f"{ModuleID.COMMANDS}: our {plan.type} is invalid: {error}", nothing_left=True
        ) from error


class _Result(msgspec.Struct):
    result: CommandResponseType


def _response(data: object, met: list[Met]) -> CommandResponse | None:
    """Read a CommandResponse; the result alone is enough, the rest is advice."""
    try:
        return read(data, CommandResponse, met)
    except OcpiInvalid as error:
        advice = Met(Leniency.UNUSABLE_PART, error.path)
    try:
        said = read(data, _Result, [])
    except OcpiInvalid:
        return None
    met.append(advice)
    return CommandResponse(result=said.result, timeout=0)
