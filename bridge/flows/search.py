"""search: answered from memory (use case 1, 3.1 and 3.2)."""

from __future__ import annotations

from bridge.flows.decision import Decision, World, answer
from bridge.orders.intents import Request, Search


def search(world: World, request: Request, intent: Search) -> Decision:
    """Answer with the items that fit, best first, in as many messages as it takes.

    What is said when nothing fits, if anything, is the dialect's affair (decisions 10).
    """
    messages = world.search.messages(request.dialect, intent, world.now)
    if not messages:
        nothing = world.dialects[request.dialect].render_nothing_found()
        messages = [] if nothing is None else [nothing]
    callbacks = tuple(answer(request, message, f"{len(message)} bytes") for message in messages)
    return Decision(None, callbacks)
