"""What the sandbox CPO answers to commands, and what its charge points then do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bridge.ocpi.cdrs import NOT_APPLICABLE
from bridge.ocpi.codec import decode
from bridge.ocpi.commands import (
    CancelReservation,
    CommandResponse,
    CommandResponseType,
    CommandResultType,
    CommandType,
    ReserveNow,
    StartSession,
    StopSession,
    UnlockConnector,
)
from bridge.ocpi.locations import Status
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.types import ModuleID
from bridge.sandbox import charging

if TYPE_CHECKING:
    from bridge.sandbox.cpo import SandboxCpo


def commanded(cpo: SandboxCpo, command: str, body: bytes) -> CommandResponse:
    """Answer a command as Behaviour says; the result and all that follows come later."""
    said = cpo.behaviour.response
    if said is CommandResponseType.ACCEPTED:
        match command:
            case CommandType.START_SESSION:
                cpo.spawn(started(cpo, decode(body, StartSession)))
            case CommandType.STOP_SESSION:
                stop = decode(body, StopSession)
                if stop.session_id in cpo.stop_asked:
                    cpo.spawn(stopped(cpo, stop))
                else:
                    said = CommandResponseType.UNKNOWN_SESSION
            case CommandType.RESERVE_NOW:
                cpo.spawn(reserved(cpo, decode(body, ReserveNow)))
            case CommandType.CANCEL_RESERVATION:
                cpo.spawn(released(cpo, decode(body, CancelReservation)))
            case CommandType.UNLOCK_CONNECTOR:
                cpo.spawn(cpo.result(decode(body, UnlockConnector).response_url, command))
            case _:
                said = CommandResponseType.NOT_SUPPORTED
    return CommandResponse(result=said, timeout=cpo.behaviour.timeout_s)


async def started(cpo: SandboxCpo, command: StartSession) -> None:
    """Answer START_SESSION and charge, as Behaviour says; what was reserved for it is used up."""
    await cpo.result(command.response_url, CommandType.START_SESSION)
    if cpo.behaviour.result is not CommandResultType.ACCEPTED or not cpo.behaviour.sends_session:
        return
    for reservation_id, session in tuple(cpo.reservations.items()):
        if session.cdr_token.uid == command.token.uid:
            await _over(cpo, reservation_id)
    await charging.charge(cpo, command)


async def stopped(cpo: SandboxCpo, command: StopSession) -> None:
    """Answer STOP_SESSION; the session ends with it."""
    await cpo.result(command.response_url, CommandType.STOP_SESSION)
    if cpo.behaviour.result is CommandResultType.ACCEPTED:
        cpo.stop_asked[command.session_id].set()


async def reserved(cpo: SandboxCpo, command: ReserveNow) -> None:
    """Answer RESERVE_NOW and hold the EVSE; a Session stands for that."""
    await cpo.result(command.response_url, CommandType.RESERVE_NOW)
    if cpo.behaviour.result is not CommandResultType.ACCEPTED:
        return
    evse_uid = command.evse_uid or cpo.locations[command.location_id].evses[0].uid
    as_if_started = StartSession(
        response_url=command.response_url,
        token=command.token,
        location_id=command.location_id,
        evse_uid=evse_uid,
        connector_id=NOT_APPLICABLE,
        authorization_reference=command.authorization_reference,
    )
    session = charging.session_of(cpo, as_if_started, evse_uid)
    session = replace(session, status=SessionStatus.RESERVATION)
    cpo.reservations[command.reservation_id] = session
    await cpo.set_status(command.location_id, evse_uid, Status.RESERVED)
    await _push(cpo, session)


async def released(cpo: SandboxCpo, command: CancelReservation) -> None:
    """Answer CANCEL_RESERVATION; the EVSE is free again."""
    known = cpo.reservations.get(command.reservation_id)
    unknown = None if known else CommandResultType.UNKNOWN_RESERVATION
    await cpo.result(command.response_url, CommandType.CANCEL_RESERVATION, unknown)
    if known is not None:
        await _over(cpo, command.reservation_id)
        await cpo.set_status(known.location_id, known.evse_uid, Status.AVAILABLE)


async def _over(cpo: SandboxCpo, reservation_id: str) -> None:
    """End the Session of a reservation; nothing was charged."""
    now = datetime.now(UTC).replace(microsecond=0)
    held = cpo.reservations.pop(reservation_id)
    over = replace(held, status=SessionStatus.COMPLETED, end_date_time=now, last_updated=now)
    await _push(cpo, over)


async def _push(cpo: SandboxCpo, session: Session) -> None:
    cpo.sessions[session.id] = session
    url = cpo.receiver(ModuleID.SESSIONS, session.id)
    await cpo.call("PUT", url, f"session {session.id} {session.status}, 0 kWh", session)
