"""From a Session or CDR back to the order it belongs to (mapping H1).

In this order: the session is known, authorization_reference, cdr_token.uid, the only START that
waits at that place. An order of another party is never touched, whatever a CPO writes.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bridge.flows.emsp.emsp import Emsp
from bridge.flows.ports import Kind
from bridge.ocpi import codec
from bridge.ocpi.cdrs import CDR, NOT_APPLICABLE
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.ocpi.sessions import Session
from bridge.orders.order import Order, SessionKey

EARLY = timedelta(seconds=60)
"""How far a CPO's clock may be behind ours: a session that began before the START is another's."""


class Trace(NamedTuple):
    """What a Session or CDR says about where it belongs; ``session_id`` is None when not given."""

    party: Party
    session_id: str | None
    reference: str | None
    token_uid: str
    location_id: str
    evse_uid: str
    connector_id: str
    started_at: datetime


class Clue(enum.StrEnum):
    """What led to the order."""

    SESSION = "session"
    REFERENCE = "reference"
    TOKEN = "token"
    PLACE = "place"


class Match(NamedTuple):
    """An order and how it was found."""

    order_key: str
    clue: Clue


def trace_of_session(party: Party, session: Session) -> Trace:
    """Return what leads from a Session to its order."""
    return Trace(
        party=party,
        session_id=session.id,
        reference=session.authorization_reference,
        token_uid=session.cdr_token.uid,
        location_id=session.location_id,
        evse_uid=session.evse_uid,
        connector_id=session.connector_id,
        started_at=session.start_date_time,
    )


def trace_of_cdr(party: Party, cdr: CDR) -> Trace:
    """Return what leads from a CDR to its order."""
    return Trace(
        party=party,
        session_id=cdr.session_id,
        reference=cdr.authorization_reference,
        token_uid=cdr.cdr_token.uid,
        location_id=cdr.cdr_location.id,
        evse_uid=cdr.cdr_location.evse_uid,
        connector_id=cdr.cdr_location.connector_id,
        started_at=cdr.start_date_time,
    )


async def find_order(emsp: Emsp, cpo_id: str, trace: Trace) -> Match | None:
    """Return the order of a Session or CDR; None: it is an orphan."""
    match = await _found(emsp, cpo_id, trace)
    if match is not None:
        await emsp.about(match.order_key, trace.session_id)
    return match


async def _found(emsp: Emsp, cpo_id: str, trace: Trace) -> Match | None:
    known = await _by_session(emsp, trace)
    if known is not None:
        return known
    foreign = False
    for clue, order_key in await _named(emsp, trace):
        order = await emsp.orders.load(order_key)
        if order is None:
            continue
        if _belongs(order, trace.party):
            return Match(order_key, clue)
        foreign = True
        emsp.notice("session.foreign_order", cpo_id=cpo_id, clue=clue, session_id=trace.session_id)
    # Whoever names an order that is not theirs gets none by its place either.
    return None if foreign else await _by_place(emsp, cpo_id, trace)


async def _by_session(emsp: Emsp, trace: Trace) -> Match | None:
    if trace.session_id is None:
        return None
    session = SessionKey(trace.party.country_code, trace.party.party_id, trace.session_id)
    order_key = await emsp.correlation.by_session(session)
    return None if order_key is None else Match(order_key, Clue.SESSION)


async def _named(emsp: Emsp, trace: Trace) -> list[tuple[Clue, str]]:
    """Return the orders that reference and token name."""
    found: list[tuple[Clue, str]] = []
    if trace.reference:
        by_reference = await emsp.correlation.by_reference(trace.reference)
        if by_reference is not None:
            found.append((Clue.REFERENCE, by_reference))
    by_token = await emsp.correlation.by_token(trace.token_uid)
    if by_token is not None:
        found.append((Clue.TOKEN, by_token))
    return found


async def _by_place(emsp: Emsp, cpo_id: str, trace: Trace) -> Match | None:
    """Return the only order whose START waits at the place; two of them are none.

    A START on the very Connector comes first; else ``#NA`` and another Connector are forgiven.
    """
    waiting = [
        waits
        for evse_uid in await _evses(emsp, trace)
        for waits in await emsp.correlation.pending_starts(trace.party, trace.location_id, evse_uid)
    ]
    folded = trace.connector_id.casefold()
    exact = [order_key for order_key, connector in waiting if connector.casefold() == folded]
    candidates = exact or [order_key for order_key, _ in waiting]
    if len(candidates) != 1:
        return None
    order = await emsp.orders.load(candidates[0])
    if order is None or not _belongs(order, trace.party) or not _awaits(order, trace):
        return None
    emsp.notice(
        "session.weak_correlation",
        cpo_id=cpo_id,
        session_id=trace.session_id,
        location=trace.location_id,
        evse=trace.evse_uid,
        connector=trace.connector_id,
    )
    return Match(order.key, Clue.PLACE)


async def _evses(emsp: Emsp, trace: Trace) -> Sequence[str]:
    """Return the EVSE, or all of the Location when none is named."""
    if trace.evse_uid != NOT_APPLICABLE:
        return [trace.evse_uid]
    stored = await emsp.objects.read(Kind.LOCATION, trace.party, trace.location_id)
    return [] if stored is None else [each.uid for each in codec.restored(stored, Location).evses]


def _belongs(order: Order, party: Party) -> bool:
    """Tell whether the order stands at a charge point of the party."""
    location = order.item.location
    return Party(location.country_code, location.party_id) == party


def _awaits(order: Order, trace: Trace) -> bool:
    """Tell whether the order has no session yet, and its START came before this one began."""
    if order.session is not None and order.session.id != trace.session_id:
        return False
    sent = max((each.started_at for each in order.attempts if each.open), default=None)
    return sent is not None and trace.started_at >= sent - EARLY
