"""A CPO tells how far its sessions have come: PUT after PUT (OCPI 2.2.1 mod_sessions).

What a PUT causes takes its time too: the order takes note of it, and the BAP of the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from bridge.ocpi.codec import encode
from bridge.orders.order import Order
from tests import factories
from tests.bench.bench import Bench, Figure, Scale
from tests.bench.emsp import PARTY, Ask, per_second, scene


async def run(folder: Path, scale: Scale) -> Sequence[Figure]:
    """Let the CPO tell both sides the same, in turns; each turn goes on where the last ended."""
    async with scene(folder, scale) as sides:
        steps = count(1)
        turns = []
        for _ in range(scale.pairs):
            asks: list[Ask] = []
            while len(asks) < scale.requests:
                step = next(steps)
                asks += [_ask(order, step) for order in sides.orders]
            turns.append((await sides.bare("PUT", asks), await sides.bridge("PUT", asks)))
    return [per_second(turns)]


def _ask(order: Order, step: int) -> Ask:
    """Tell that an order's session has come one step further: a minute, and half a kWh."""
    session = factories.session(
        str(Decimal(step) / 2),
        country_code=PARTY.country_code,
        party_id=PARTY.party_id,
        id=f"SESSION-{order.token_uid}",
        authorization_reference=order.attempts[-1].authorization_reference,
        location_id=order.item.location.id,
        last_updated=factories.NOW + timedelta(minutes=step),
    )
    path = f"sessions/{session.country_code}/{session.party_id}/{session.id}"
    return Ask(path, encode(session), session.id)


BENCH = Bench(
    name="sessions",
    measures="PUT sessions/..., 8 callers at a time, 3,000 requests for 160 running orders",
    limit="a bare aiohttp handler that writes one key to Redis",
    goals=(),
    run=run,
)
