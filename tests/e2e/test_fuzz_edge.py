"""Messages that are nearly right: each is ACKed or NACKed, and what is ACKed is answered.

FUZZ_MESSAGES says how many, FUZZ_SEED which ones; ``make fuzz-edge`` sends 50,000.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import uuid
from collections import Counter
from random import Random
from typing import Any

import aiohttp

from bridge.sandbox.drive import book, find, is_final, state_of, update
from tests.e2e.rig import Rig
from tests.mutation import Message, mutant

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))

SENDERS = 16
"""Each waits for the answer it was promised before it sends again."""

ANSWERED_IN_S = 60

NO_BILLING = '"billing" is a required property'


async def test_whatever_comes_is_acked_or_nacked_and_answered(world: Rig) -> None:
    originals = await sent_in_a_walk_in(world)
    answers = Answers(world)
    random, told, promised = Random(SEED), Counter[str](), set[str]()

    async with aiohttp.ClientSession() as http:

        async def send_some(how_many: int) -> None:
            for _ in range(how_many):
                original = renewed(random, random.choice(originals))
                made = mutant(random, original)
                action = original["context"]["action"]
                url = f"{world.bridges[0].url}/beckn/{action}"
                async with http.post(url, data=io.BytesIO(made.body)) as answer:
                    said: Any = await answer.json()
                    status = said["message"]["ack"]["status"]
                    assert answer.status < 500, (answer.status, made.body[:500])
                    assert (status == "ACK") == (answer.status == 200), (said, made.body[:500])
                    assert (status == "NACK") == ("error" in said), (said, made.body[:500])
                told[f"{action} {status}"] += 1
                if status == "ACK" and made.whole:
                    promised.add(original["context"]["message_id"])
                    await answers.wait_for(original["context"]["message_id"], made.body)

        share, more = divmod(MESSAGES, SENDERS)
        await asyncio.gather(*(send_some(share + (number < more)) for number in range(SENDERS)))

    assert not answers.twice & promised
    # An init whose billing was taken away is a good one by core 1.1.0; our file wants one later.
    odd = [each for each in world.layer2_violations if each.reason != NO_BILLING]
    world.layer2_violations[:] = odd
    log = world.bridges[0].log.read_text()
    assert "crashed" not in log
    assert "Traceback" not in log
    print(f"\nseed {SEED}: {len(promised)} answered, {dict(sorted(told.items()))}")
    assert told["search ACK"] > 0 < told["search NACK"]
    assert len(promised) > MESSAGES / 20


class Answers:
    """Callbacks as they come, by message_id; whole ones are not kept."""

    def __init__(self, world: Rig) -> None:
        self._bap, self._seen = world.bap, world.bap.seen
        self._came: dict[str, asyncio.Event] = {}
        self._answered: set[str] = set()
        self.twice: set[str] = set()
        world.bap.seen = self._sees

    def _sees(self, direction: str, action: str, message: Message) -> None:
        self._seen(direction, action, message)
        self._bap.callbacks.clear()
        if direction == "in":
            message_id = message["context"]["message_id"]
            if message_id in self._answered:
                self.twice.add(message_id)
            self._answered.add(message_id)
            self._came.setdefault(message_id, asyncio.Event()).set()

    async def wait_for(self, message_id: str, body: bytes) -> None:
        """Return when the answer is there. Raises AssertionError when it does not come."""
        try:
            async with asyncio.timeout(ANSWERED_IN_S):
                await self._came.setdefault(message_id, asyncio.Event()).wait()
        except TimeoutError:
            raise AssertionError(f"never answered, seed {SEED}: {body!r:.2000}") from None
        del self._came[message_id]


async def sent_in_a_walk_in(world: Rig) -> list[Message]:
    """Return the requests of a walk-in to its end, and of another that has only begun."""
    sent: list[Message] = []
    seen = world.bap.seen

    def keep(direction: str, action: str, message: Message) -> None:
        if direction == "out":
            sent.append(json.loads(json.dumps(message)))
        seen(direction, action, message)

    world.bap.seen = keep
    for whole in (True, False):
        transaction = str(uuid.uuid4())
        choice = await find(world.bap, transaction)
        order = (await book(world.bap, transaction, choice, "100"))["message"]["order"]
        if whole:
            await world.bap.ask("update", update(order, "start-charging"), transaction)
            await world.bap.wait_for(is_final, within_s=30)
        reference = {"order_id": order["id"]}
        for action in ("status", "track"):
            await world.bap.ask(action, reference, transaction)
        ratings = [{"id": order["id"], "rating_category": "Order", "value": "4"}]
        await world.bap.ask("rating", {"ratings": ratings}, transaction)
        await world.bap.ask("support", {"support": {"ref_id": order["id"]}}, transaction)
        if not whole:
            reason = {"cancellation_reason_id": "5", "descriptor": {"short_desc": "no time"}}
            await world.bap.ask("cancel", reference | reason, transaction)
            assert state_of(world.bap.callbacks[-1]) == "CANCELLED"
    world.bap.seen = seen
    return sent


def renewed(random: Random, original: Message) -> Message:
    """Return a message under a message_id of its own, every other in a transaction of its own."""
    ids = {"message_id": str(uuid.UUID(int=random.getrandbits(128), version=4))}
    if random.random() < 0.5:
        ids["transaction_id"] = str(uuid.UUID(int=random.getrandbits(128), version=4))
    return {**original, "context": original["context"] | ids}
