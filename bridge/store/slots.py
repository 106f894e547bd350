"""Slots in Redis: two orders never get the same EVSE at the same time (decisions 23).

A slot is held softly by a script, before its order is written down, and stands from then on with
the order: what saves an order makes its slot firm or lets it go, in the same transaction, and only
if the slot is still held then. What nobody saves ends by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from msgspec.structs import replace

from bridge.ocpi.headers import Party
from bridge.orders.item import ItemKey
from bridge.orders.order import Order
from bridge.orders.slot import Slot, slot_of
from bridge.store.database import Command, Database, Guard, key
from bridge.store.objects import CHANGES, CHANGES_KEPT

SLOTS = "slots"
"""Kind of an entry in the stream of changes: the firm slots of a Location are others now."""

PLACES = key(SLOTS, "places")
"""Sorted set: Location -> end of its last firm slot, s."""

KEPT_S = 60 * 86_400
"""Life of the slots of a Location after the last change; no slot ends later."""

_BETWEEN = "\x1f"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class SlotStore:
    """Fits flows.ports.Slots; gives workers the commands that save. One hash for each Location."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._hold = files("bridge.store").joinpath("scripts/hold.lua").read_text()

    async def hold(self, slot: Slot, now: datetime) -> bool:
        """Keep a connector softly, unless another order has it at that time."""
        args = (
            *(slot.order_key, _connector(slot.item), _ms(slot.start), _ms(slot.end)),
            *(_ms(slot.until), _ms(now), KEPT_S),
        )
        return bool(await self._db.script(self._hold, [_place(slot.item)], args))

    async def busy(self, item: ItemKey, now: datetime) -> Sequence[Slot]:
        """Return all that is kept on the EVSE of a connector from now on, whoever has it."""
        evse_uid = item.folded().evse_uid
        kept = await self._kept(item.folded())
        return [slot for slot in kept if slot.item.evse_uid == evse_uid and slot.until > now]

    async def booked(self, party: Party, location_id: str, now: datetime) -> Sequence[Slot]:
        """Return the firm slots of a Location from now on."""
        item = ItemKey(party.country_code, party.party_id, location_id, "", "").folded()
        return [slot for slot in await self._kept(item) if slot.firm and slot.until > now]

    async def places(self, now: datetime) -> Sequence[tuple[Party, str]]:
        """Return the Locations that have firm slots, by party and folded id."""
        found = await self._db.do("ZRANGE", PLACES, int(now.timestamp()), "+inf", "BYSCORE")
        parts = (bytes(place).decode().split(_BETWEEN) for place in found)
        return [(Party(country, party), location_id) for country, party, location_id in parts]

    def saved(self, order: Order | None, before: Order | None) -> tuple[list[Command], list[Guard]]:
        """Return what brings the slot of an order in line with it, and what must hold for that.

        An order that is not kept (None) changes nothing.
        """
        old, new = slot_of(before), slot_of(order)
        if order is None or old == new:
            return [], []
        commands: list[Command] = []
        guards: list[Guard] = []
        if old is not None and (new is None or _place(new.item) != _place(old.item)):
            commands.append(("HDEL", _place(old.item), old.order_key))
        if new is not None:
            place, held = _place(new.item), _written(_soft(order, new))
            guards.append(Guard(("HGET", place, new.order_key), held))
            commands.append(("HSET", place, new.order_key, _written(new)))
            commands.append(("EXPIRE", place, KEPT_S))
        for slot in (old, new):
            if slot is not None and slot.firm:
                commands += _announced(slot, order.updated_at)
        return commands, guards

    async def _kept(self, item: ItemKey) -> list[Slot]:
        """Return the slots of the Location of an item."""
        flat = await self._db.do("HGETALL", _place(item))
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        return [_read(item, bytes(name).decode(), bytes(slot).decode()) for name, slot in pairs]


def _soft(order: Order, slot: Slot) -> Slot:
    """Return a slot as it was held before the order was saved: for the life of its quote."""
    expires_at = None if order.quote is None else order.quote.expires_at
    return replace(slot, until=expires_at or slot.until, firm=False)


def _announced(slot: Slot, at: datetime) -> list[Command]:
    """Return what tells every replica that firm slots of a Location have changed."""
    item, now_s = slot.item, int(at.timestamp())
    member = _BETWEEN.join((item.country_code, item.party_id, item.location_id))
    return [
        ("ZADD", PLACES, "GT", int(slot.end.timestamp()) + 1, member),
        ("ZREMRANGEBYSCORE", PLACES, "-inf", now_s),
        (
            *("XADD", CHANGES, "MAXLEN", "~", CHANGES_KEPT, "*", "kind", SLOTS),
            *("country_code", item.country_code, "party_id", item.party_id),
            *("ids", item.location_id),
        ),
    ]


def _place(item: ItemKey) -> str:
    folded = item.folded()
    return key(SLOTS, _BETWEEN.join((folded.country_code, folded.party_id, folded.location_id)))


def _connector(item: ItemKey) -> str:
    folded = item.folded()
    return _BETWEEN.join((folded.evse_uid, folded.connector_id))


def _written(slot: Slot) -> str:
    times = (_ms(slot.start), _ms(slot.end), _ms(slot.until), int(slot.firm))
    return " ".join((*map(str, times), _connector(slot.item)))


def _read(item: ItemKey, order_key: str, text: str) -> Slot:
    start, end, until, firm, connector = text.split(" ", 4)
    evse_uid, _, connector_id = connector.partition(_BETWEEN)
    return Slot(
        order_key=order_key,
        item=replace(item, evse_uid=evse_uid, connector_id=connector_id),
        start=_at(start),
        end=_at(end),
        until=_at(until),
        firm=firm == "1",
    )


def _ms(instant: datetime) -> int:
    return (instant - _EPOCH) // _MS


def _at(ms: str) -> datetime:
    return _EPOCH + int(ms) * _MS
