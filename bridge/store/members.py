"""Memberships of loyalty passes, by who has them, and what they were used for.

Customers are known here by hashes only (``Customer.keys``): who they are stands in the order.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bridge.orders.customer import customer_of
from bridge.orders.pass_order import Membership, MemberUse, PassOrder, PassState, SessionUse
from bridge.store.database import Command, Database, key, packed


class MemberStore:
    """Fits flows.ports.Members; gives workers the commands that save.

    Args:
        retention_s: how long a membership and its uses are kept after its end.
    """

    def __init__(self, database: Database, *, retention_s: int) -> None:
        self._db = database
        self._retention_s = retention_s

    async def of(self, customer_key: str) -> Sequence[Membership]:
        """Return the memberships of a customer, of whatever time."""
        rows = await self._db.do("SMEMBERS", key("member", customer_key))
        if not rows:
            return []
        names = sorted(bytes(row).decode() for row in rows)
        found = await self._db.do("MGET", *(key("membership", name) for name in names))
        return [msgspec.json.decode(each, type=Membership) for each in found if each is not None]

    async def uses(self, order_key: str) -> tuple[SessionUse, ...]:
        """Return the last use by each charging order, of the membership of a pass's order."""
        rows = await self._db.do("HVALS", key("member-use", order_key))
        return tuple(msgspec.json.decode(row, type=SessionUse) for row in rows)

    def saved(self, order: PassOrder) -> list[Command]:
        """Return the commands that bring a membership in line with its order."""
        member = order.membership
        if member is None:
            return []
        customer = customer_of(order.billing, order.customer)
        names = [key("member", each) for each in customer.keys()]  # noqa: SIM118 - no dict
        if order.state is PassState.CANCELLED:
            ended: list[Command] = [("SREM", name, order.key) for name in names]
            return [*ended, ("DEL", key("membership", order.key))]
        ttl = pass_kept_s(order, self._retention_s)
        commands: list[Command] = [
            ("SET", key("membership", order.key), packed(member), "EX", ttl),
            ("KEEP", key("member-use", order.key), ttl),
        ]
        for name in names:
            commands += [("SADD", name, order.key), ("KEEP", name, ttl)]
        return commands

    def used(self, what: MemberUse) -> list[Command]:
        """Return the commands that note a use; it takes the place of an earlier one of its order.

        The order of the pass, once it has heard of it, keeps them for as long as itself.
        """
        uses = key("member-use", what.held_by)
        if what.use is None:
            return [("HDEL", uses, what.order_key)]
        return [
            ("HSET", uses, what.order_key, packed(what.use)),
            ("KEEP", uses, self._retention_s),
        ]


def pass_kept_s(order: PassOrder, retention_s: int) -> int:
    """Return for how long the order of a pass is kept: as any order, but not before its end."""
    member = order.membership
    if member is None:
        return retention_s
    left = (member.valid_until - order.updated_at).total_seconds()
    return retention_s + max(0, int(left))
