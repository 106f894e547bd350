"""OCPI 2.2.1 mod_cdrs, Receiver: the CPO's bills. A stored CDR never changes."""

from __future__ import annotations

from bridge.errors import ObjectUnknown, OcpiInvalid
from bridge.flows.emsp.correlation import find_order, trace_of_cdr
from bridge.flows.emsp.emsp import Call, Emsp, Reply, forgive, owner, read
from bridge.flows.emsp.keeping import Change, Kept, keep
from bridge.flows.jobs import CdrJob
from bridge.flows.ports import Kind
from bridge.ocpi import codec
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.headers import LOCATION, Party
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.types import ModuleID
from bridge.orders.order import SessionKey


async def get_cdr(emsp: Emsp, call: Call) -> Reply:
    """Return the CDR at the address that its POST was answered with."""
    party = await owner(emsp, call)
    stored = await emsp.objects.read(Kind.CDR, party, call.ids[2])
    if stored is None:
        raise ObjectUnknown(f"CDR {call.ids[2]!r} is not known")
    return Reply(data=codec.restored(stored, CDR))


async def post_cdr(emsp: Emsp, call: Call) -> Reply:
    """Keep a CDR and say where it is; a repeat gets the same answer with HTTP 200.

    Some CPOs send it to an address below the endpoint; the CDR says itself which it is.

    Raises:
        OcpiInvalid: the owner is no party of the connection (HTTP 200: only a URL can make it 404),
            or another CDR has the id.
    """
    cdr = read(emsp, call, CDR)
    if call.ids:
        forgive(emsp, call, Met(Leniency.CDR_ADDRESS, "URL"))
    party = await _owner(emsp, call, cdr)
    # Before it is stored: an id that no URL can hold must not be kept.
    where = emsp.url(call.cpo_id, ModuleID.CDRS, party.country_code, party.party_id, cdr.id)
    kept = await keep_cdr(emsp, call.cpo_id, party, cdr)
    return Reply(created=kept is Kept.NEW, headers={LOCATION: where})


async def keep_cdr(emsp: Emsp, cpo_id: str, party: Party, cdr: CDR) -> Kept:
    """Store a CDR, pushed or pulled, and tell its order.

    Raises:
        OcpiInvalid: a CDR with this id and other content is stored.
    """

    async def put(old: bytes | None) -> Change | None:
        if old is None:
            return await _new(emsp, cpo_id, party, cdr)
        if codec.restored(old, CDR) == cdr:
            return None
        emsp.notice("cdr.conflict", cpo_id=cpo_id, cdr=cdr.id, session_id=cdr.session_id)
        raise OcpiInvalid("id", f"another CDR is known under {cdr.id!r}; a CDR never changes")

    return await keep(emsp, Kind.CDR, party, cdr.id, put)


async def _new(emsp: Emsp, cpo_id: str, party: Party, cdr: CDR) -> Change:
    match = await find_order(emsp, cpo_id, trace_of_cdr(party, cdr))
    if match is None:
        emsp.notice("cdr.orphan", cpo_id=cpo_id, cdr=cdr.id, session_id=cdr.session_id)
    original = cdr.credit_reference_id if cdr.credit else None
    if original and await emsp.objects.read(Kind.CDR, party, original) is None:
        emsp.notice("cdr.credit_of_unknown", cpo_id=cpo_id, cdr=cdr.id, original=original)
    key = SessionKey(party.country_code, party.party_id, cdr.id)
    jobs = {} if match is None else {match.order_key: CdrJob(cdr=key, at=emsp.now())}
    return Change(new=codec.stored(cdr), created=True, jobs=jobs)


async def _owner(emsp: Emsp, call: Call, cdr: CDR) -> Party:
    named = Party(cdr.country_code, cdr.party_id)
    party = (await emsp.connections.get(call.cpo_id)).owner(named)
    if party is None:
        raise OcpiInvalid("party_id", f"{named} is not among the parties of this connection")
    return party
