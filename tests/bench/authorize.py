"""A CPO asks whether a driver may charge: real-time authorization (OCPI 2.2.1 mod_tokens)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from bridge.orders.order import Order
from tests.bench.bench import Bench, Figure, Goal, Scale
from tests.bench.emsp import Ask, per_second, scene

P99 = Goal("99 of 100 answers within", "less than", 1, "s")

ANSWER = b'{"status_code":1000}'.ljust(700)
"""What the bare handler finds; as long as an answer of the bridge."""


async def run(folder: Path, scale: Scale) -> Sequence[Figure]:
    """Let the CPO ask both sides about the same tokens, in turns."""
    async with scene(folder, scale) as sides:
        asks = [_ask(order) for order in sides.orders]
        for ask in asks:
            await sides.database.do("SET", ask.bare_key, ANSWER)
        wanted = [asks[number % len(asks)] for number in range(scale.requests)]
        turns = [
            (await sides.bare("POST", wanted), await sides.bridge("POST", wanted))
            for _ in range(scale.pairs)
        ]
    bare_s = median(bare.p99_s for bare, _ in turns)
    times = median(bridge.p99_s / bare.p99_s for bare, bridge in turns)
    return [
        Figure(P99.figure, median(bridge.p99_s for _, bridge in turns), "s"),
        Figure("the same, the limit's being 1", times, "", f"limit {bare_s:.4f} s"),
        per_second(turns),
    ]


def _ask(order: Order) -> Ask:
    place = {"location_id": order.item.location.id, "evse_uids": [order.item.evse.uid]}
    path = f"tokens/{order.token_uid}/authorize"
    return Ask(path, msgspec.json.encode(place), f"bare-{order.token_uid}")


BENCH = Bench(
    name="authorize",
    measures="POST tokens/{uid}/authorize, 8 callers at a time, 3,000 requests",
    limit="a bare aiohttp handler that asks Redis for one key",
    goals=(P99,),
    run=run,
)
