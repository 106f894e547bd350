"""OCPI 2.2.1 mod_tariffs, Receiver: what the CPO charges."""

from __future__ import annotations

from bridge.errors import ObjectUnknown
from bridge.flows.emsp.emsp import DONE, Call, Emsp, Reply, owner, read
from bridge.flows.emsp.keeping import Change, Kept, agree, agree_on_owner, is_older, keep
from bridge.flows.ports import Kind
from bridge.ocpi import codec
from bridge.ocpi.headers import Party
from bridge.ocpi.tariffs import Tariff


async def get_tariff(emsp: Emsp, call: Call) -> Reply:
    """Return the tariff as it is stored."""
    party = await owner(emsp, call)
    stored = await emsp.objects.read(Kind.TARIFF, party, call.ids[2])
    if stored is None:
        raise ObjectUnknown(f"tariff {call.ids[2]!r} is not known")
    return Reply(data=codec.restored(stored, Tariff))


async def put_tariff(emsp: Emsp, call: Call) -> Reply:
    """Create or replace a tariff."""
    party = await owner(emsp, call)
    tariff = read(emsp, call, Tariff)
    agree("id", call.ids[2], tariff.id)
    agree_on_owner(party, tariff.country_code, tariff.party_id)
    return Reply(created=await keep_tariff(emsp, party, tariff) is Kept.NEW)


async def delete_tariff(emsp: Emsp, call: Call) -> Reply:
    """Remove a tariff.

    Raises:
        ObjectUnknown: there is none with this id.
    """
    party = await owner(emsp, call)

    async def remove(old: bytes | None) -> Change | None:
        if old is None:
            raise ObjectUnknown(f"tariff {call.ids[2]!r} is not known")
        return Change(new=None)

    await keep(emsp, Kind.TARIFF, party, call.ids[2], remove)
    return DONE


async def keep_tariff(emsp: Emsp, party: Party, tariff: Tariff) -> Kept:
    """Store a tariff unless a newer one is there."""

    async def replace(old: bytes | None) -> Change | None:
        new = codec.stored(tariff)
        if old is None:
            return Change(new=new, created=True)
        if new == old or is_older(tariff.last_updated, codec.restored(old, Tariff).last_updated):
            return None
        return Change(new=new)

    return await keep(emsp, Kind.TARIFF, party, tariff.id, replace)
