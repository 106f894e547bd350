"""Live data of a session for a track ``callback_url`` (use case 1, 3.11)."""

from __future__ import annotations

from bridge.ocpi.codec import encode, to_builtins
from bridge.ocpi.sessions import Session

LIVE = ("kwh", "status", "currency", "total_cost", "end_date_time")
"""Fields of the OCPI Session that a BAP gets, besides new charging periods and last_updated."""


def live_patch(before: Session | None, session: Session | None) -> bytes | None:
    """Return the PATCH body: the part of an OCPI Session that changed; None when nothing did.

    Absent fields keep their value, ``charging_periods`` has the new and the changed ones, and
    ``last_updated`` is always there (OCPI 2.2.1 mod_sessions, PATCH).
    """
    if session is None:
        return None
    old, new = _fields(before), _fields(session)
    changed = {name: new[name] for name in LIVE if name in new and new[name] != old.get(name)}
    known = () if before is None else before.charging_periods
    periods = [period for period in session.charging_periods if period not in known]
    if periods:
        changed["charging_periods"] = periods
    if not changed:
        return None
    return encode(changed | {"last_updated": session.last_updated})


def _fields(session: Session | None) -> dict[str, object]:
    fields = {} if session is None else to_builtins(session)
    return fields if isinstance(fields, dict) else {}
