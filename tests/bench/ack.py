"""A BAP asks, and is told at once that it will be answered: the ACK of a search (Beckn 1.1.0)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.bench import Bench, Figure, Goal, Scale
from tests.bench.emsp import Ask, per_second, scene

P99 = Goal("99 of 100 ACKs within", "less than", 0.05, "s")

KEY = "bare-ack"


async def run(folder: Path, scale: Scale) -> Sequence[Figure]:
    """Search, and ask the bare handler, in turns; the answers go out meanwhile."""
    async with scene(folder, scale) as sides:
        await sides.database.do("SET", KEY, b'{"status_code":1000}')
        bap_uri = sides.orders[0].request.bap_uri

        def asks() -> list[Ask]:
            return [_search(bap_uri) for _ in range(scale.requests)]

        alone = await sides.beckn(asks(), callers=1)
        turns = [
            (await sides.bare("POST", asks()), await sides.beckn(asks()))
            for _ in range(scale.pairs)
        ]
    bare_s = median(bare.p99_s for bare, _ in turns)
    return [
        Figure(P99.figure, alone.p99_s, "s"),
        Figure(
            "the same, 8 callers and all that goes",
            median(bridge.p99_s for _, bridge in turns),
            "s",
            f"limit {bare_s:.4f} s",
        ),
        per_second(turns),
    ]


def _search(bap_uri: str) -> Ask:
    """Return a search that finds nothing: what it would find is not measured here."""
    context = {
        "domain": "deg:ev-charging",
        "action": "search",
        "version": "1.1.0",
        "bap_id": "bap.example",
        "bap_uri": bap_uri,
        "transaction_id": str(uuid.uuid4()),
        "message_id": str(uuid.uuid4()),
        "ttl": "PT30S",
    }
    circle = {"gps": "0.000000,0.000000", "radius": {"value": "1", "unit": "km"}}
    intent = {"fulfillment": {"stops": [{"location": {"circle": circle}}]}}
    body = msgspec.json.encode({"context": context, "message": {"intent": intent}})
    return Ask("beckn/search", body, KEY)


BENCH = Bench(
    name="ack",
    measures="POST beckn/search to its ACK, one after the other and 8 at a time, 3,000 requests",
    limit="a bare aiohttp handler that asks Redis for one key",
    goals=(P99,),
    run=run,
)
