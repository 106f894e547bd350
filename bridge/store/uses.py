"""Uses of offers in Redis: for each offer, and for each customer of it, the orders that have it."""

from __future__ import annotations

from importlib.resources import files

from bridge.orders.order import Order
from bridge.orders.transitions import PLACED
from bridge.orders.uses import Limit, Use, keeps_uses, uses_of
from bridge.store.database import Argument, Command, Database, key

_LIMITS = (None, Limit.USES, Limit.USES_PER_CUSTOMER)
_UNLIMITED = -1
_NEVER = -1


class UseStore:
    """Fits flows.ports Uses; the uses of placed orders are written with them, by ``brought``.

    What an offer was used for is known until ``retention_s`` after its end. Of one without an end
    each customer's uses are known for that long after the last, by hash; the sum for good.
    """

    def __init__(self, database: Database, *, retention_s: int) -> None:
        self._db = database
        self._retention_s = retention_s
        self._use = files("bridge.store").joinpath("scripts/use.lua").read_text()

    async def reached(self, use: Use) -> Limit | None:
        """Return which limit leaves no room for this use; None = there is room."""
        return await self._asked(use, take=False)

    async def take(self, use: Use) -> Limit | None:
        """Take the use if no limit is reached, atomically; an order takes it once."""
        return await self._asked(use, take=True)

    async def give_back(self, use: Use) -> None:
        """Let others have it; nothing happens if the order has none."""
        await self._db.commit([("SREM", name, use.order_key) for name in _counted(use)])

    async def _asked(self, use: Use, *, take: bool) -> Limit | None:
        offer = use.offer
        args: list[Argument] = [
            use.order_key,
            _UNLIMITED if offer.uses is None else offer.uses,
            _UNLIMITED if offer.uses_per_customer is None else offer.uses_per_customer,
            int(take),
            _end(use, self._retention_s),
            self._retention_s,
        ]
        return _LIMITS[int(await self._db.script(self._use, _sets(use), args))]


def brought(order: Order, retention_s: int) -> list[Command]:
    """Return the commands that bring the uses of an order in line with where it stands.

    Whoever placed the order with an offer has it until it is cancelled, or the final bill comes
    without; if a later bill has it again, so does the order, whatever the limits say.
    """
    if order.state not in PLACED:
        return []
    keeps = keeps_uses(order)
    commands: list[Command] = []
    for use in uses_of(order):
        end, (whole, *_) = _end(use, retention_s), _sets(use)
        for name in _counted(use):
            commands.append(("SADD" if keeps else "SREM", name, use.order_key))
            if keeps and end >= 0:
                commands.append(("EXPIREAT", name, end))
            elif keeps and name != whole:
                commands.append(("EXPIRE", name, retention_s))
    return commands


def _end(use: Use, retention_s: int) -> int:
    until = use.offer.valid_until
    return _NEVER if until is None else int(until.timestamp()) + retention_s


def _sets(use: Use) -> list[str]:
    """Return the sets of the offer and of its customers."""
    offer_id = use.offer.id
    return [key("uses", offer_id), *(key("uses", offer_id, each) for each in use.customers)]


def _counted(use: Use) -> list[str]:
    """Return the sets of limits that there are."""
    whole, *customers = _sets(use)
    return [
        *([whole] if use.offer.uses is not None else []),
        *(customers if use.offer.uses_per_customer is not None else []),
    ]
