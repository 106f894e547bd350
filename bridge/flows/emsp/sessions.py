"""OCPI 2.2.1 mod_sessions, Receiver: charging sessions while they run."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from bridge.errors import ObjectUnknown
from bridge.flows.emsp.correlation import Clue, Match, find_order, trace_of_session
from bridge.flows.emsp.emsp import Call, Emsp, Reply, forgive, owner, read, read_patch
from bridge.flows.emsp.keeping import Change, Kept, agree, agree_on_owner, is_older, keep
from bridge.flows.jobs import SessionJob
from bridge.flows.ports import Kind
from bridge.ocpi import codec
from bridge.ocpi.cdrs import CdrDimensionType
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.lenient.objects import in_kwh
from bridge.ocpi.lenient.reading import Reading
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.types import ModuleID
from bridge.orders.order import SessionKey

RANK = {
    SessionStatus.RESERVATION: 0,
    SessionStatus.PENDING: 0,
    SessionStatus.ACTIVE: 1,
    SessionStatus.COMPLETED: 2,
    SessionStatus.INVALID: 2,
}
"""A session's status never falls to a lower rank (O85)."""

FINAL = RANK[SessionStatus.COMPLETED]


async def get_session(emsp: Emsp, call: Call) -> Reply:
    """Return the session as it is stored."""
    party = await owner(emsp, call)
    stored = await emsp.objects.read(Kind.SESSION, party, call.ids[2])
    if stored is None:
        raise _unknown(call.ids[2])
    return Reply(data=codec.restored(stored, Session))


async def put_session(emsp: Emsp, call: Call) -> Reply:
    """Create or replace a session; its charging_periods are replaced as well."""
    party = await owner(emsp, call)
    session = read(emsp, call, Session)
    agree("id", call.ids[2], session.id)
    agree_on_owner(party, session.country_code, session.party_id)
    kept = await keep_session(emsp, call.cpo_id, party, session)
    return Reply(created=kept is Kept.NEW)


async def patch_session(emsp: Emsp, call: Call) -> Reply:
    """Change fields of a known session; charging_periods are appended.

    Raises:
        ObjectUnknown: the CPO is to PUT it; sessions are pulled soon besides.
        OcpiInvalid: ``last_updated`` is missing, or what comes out is no valid session.
    """
    party = await owner(emsp, call)
    session_id = await _named(emsp, call, party)

    def patched(stored: Session | None) -> Session:
        if stored is None:
            emsp.pull_soon(call.cpo_id, ModuleID.SESSIONS)
            raise _unknown(session_id)
        patch = _in_kwh(emsp, call, stored, read_patch(emsp, call, Session))
        # One without a date got this far because its CPO may leave it out.
        session = codec.merge_patch(stored, patch, Session, undated=True)
        agree("id", stored.id, session.id)
        agree_on_owner(party, session.country_code, session.party_id)
        return session

    await _keep(emsp, call.cpo_id, party, session_id, patched)
    return Reply()


async def _named(emsp: Emsp, call: Call, party: Party) -> str:
    """Return the id of the session that a PATCH means: that of the URL.

    Some CPOs put an id of their charge point there, and their own into the body (Q45).
    """
    in_url = call.ids[2]
    in_body = call.body.get("id") if isinstance(call.body, dict) else None
    if not isinstance(in_body, str) or in_body.casefold() == in_url.casefold():
        return in_url
    if await emsp.objects.read(Kind.SESSION, party, in_url) is not None:
        return in_url
    if await emsp.objects.read(Kind.SESSION, party, in_body) is None:
        return in_url
    forgive(emsp, call, Met(Leniency.PATCH_ADDRESS, "id"))
    return in_body


def _in_kwh(emsp: Emsp, call: Call, stored: Session, patch: dict[str, object]) -> dict[str, object]:
    """Return a PATCH whose periods have kWh, be they the new ones only or all of them again."""
    kwh = patch.get("kwh")
    total = kwh if isinstance(kwh, Decimal) else stored.kwh
    known = sum(
        (
            dimension.volume
            for period in stored.charging_periods
            for dimension in period.dimensions
            if dimension.type is CdrDimensionType.ENERGY
        ),
        Decimal(0),
    )
    reading = Reading([])
    for of_the_periods in (total, total - known):
        changed = in_kwh(patch, of_the_periods, None, reading)
        if changed is not patch:
            forgive(emsp, call, *reading.met)
            return changed
    return patch


async def keep_session(emsp: Emsp, cpo_id: str, party: Party, session: Session) -> Kept:
    """Store a session, pushed or pulled, and tell its order."""
    return await _keep(emsp, cpo_id, party, session.id, lambda stored: session)


async def _keep(
    emsp: Emsp,
    cpo_id: str,
    party: Party,
    session_id: str,
    news: Callable[[Session | None], Session],
) -> Kept:
    async def put(old: bytes | None) -> Change | None:
        stored = None if old is None else codec.restored(old, Session)
        session = news(stored)
        if stored is not None:
            if is_older(session.last_updated, stored.last_updated):
                return None
            session = _continued(emsp, cpo_id, stored, session)
        return await _change(emsp, cpo_id, party, stored, session)

    return await keep(emsp, Kind.SESSION, party, session_id, put)


def _continued(emsp: Emsp, cpo_id: str, stored: Session, session: Session) -> Session:
    """Return what may follow the stored session: nothing a final one, no lower status any."""
    if session == stored:
        return stored
    if RANK[stored.status] == FINAL:
        emsp.notice(
            "session.changed_when_final",
            cpo_id=cpo_id,
            session_id=stored.id,
            stored=stored.status,
            received=session.status,
        )
        return stored
    if RANK[session.status] < RANK[stored.status]:
        emsp.notice(
            "session.status_fell",
            cpo_id=cpo_id,
            session_id=stored.id,
            stored=stored.status,
            received=session.status,
        )
        return replace(session, status=stored.status)
    return session


async def _change(
    emsp: Emsp, cpo_id: str, party: Party, stored: Session | None, session: Session
) -> Change | None:
    """Return what to write; a repeat is looked at again only while it has found no order."""
    match = await find_order(emsp, cpo_id, trace_of_session(party, session))
    if session == stored and (match is None or match.clue is Clue.SESSION):
        return None
    if match is None and stored is None:
        emsp.notice(
            "session.orphan", cpo_id=cpo_id, session_id=session.id, location=session.location_id
        )
    return Change(
        new=codec.stored(session),
        created=stored is None,
        jobs={} if match is None else {match.order_key: _job(emsp, party, session, match)},
    )


def _job(emsp: Emsp, party: Party, session: Session, match: Match) -> SessionJob:
    key = SessionKey(party.country_code, party.party_id, session.id)
    return SessionJob(session=key, at=emsp.now())


def _unknown(session_id: str) -> ObjectUnknown:
    return ObjectUnknown(f"session {session_id!r} is not known")
