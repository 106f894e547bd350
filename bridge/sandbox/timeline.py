"""Tells what passes between BAP, bridge and CPO, one line for each message."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.text import Text

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import state_of

BECKN, OCPI = "cyan", "magenta"


class Timeline:
    """Prints each hop as it happens: when, who to whom, protocol, what, ids and money."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()

    def beckn(self, direction: str, action: str, message: Message) -> None:
        """Tell a Beckn message as the BAP sees it."""
        hop = "BAP -> bridge" if direction == "out" else "bridge -> BAP"
        self._line(hop, "Beckn", BECKN, action, beckn_words(message))

    def ocpi(self, direction: str, what: str, words: str) -> None:
        """Tell an OCPI message as the CPO sees it."""
        hop = "bridge -> CPO" if direction == "in" else "CPO -> bridge"
        self._line(hop, "OCPI", OCPI, what, words)

    def note(self, words: str) -> None:
        """Tell something of our own."""
        self._console.print(Text(f"\n{words}", style="bold"))

    def _line(self, hop: str, protocol: str, style: str, what: str, words: str) -> None:
        at = time.monotonic() - self._started
        line = Text(f"{at:7.3f}  {hop:<14} ")
        line.append(f"{protocol:<6}", style=style)
        line.append(f"{what}  ", style="bold")
        line.append(words, style="dim")
        self._console.print(line)


def beckn_words(message: Message) -> str:
    """Say what a Beckn message is about: state, ids, money, or its error."""
    if "error" in message:
        return f"error {message['error']['code']}: {message['error']['message']}"
    body: dict[str, Any] = message["message"]
    words = []
    if "catalog" in body:
        providers = body["catalog"]["providers"]
        items = sum(len(provider["items"]) for provider in providers)
        words.append(f"{len(providers)} provider(s), {items} connectors")
    order = body.get("order", {})
    if "id" in order:
        words.append(f"order {order['id']}")
    state = state_of(message)
    if state:
        words.append(state)
    quote = order.get("quote")
    if quote:
        lines = " + ".join(line["price"]["value"] for line in quote["breakup"])
        words.append(f"{quote['price']['value']} {quote['price']['currency']} = {lines}")
    words += [
        f"{payment['type']} {payment['params']['amount']} {payment['status']}"
        for payment in order.get("payments", [])
    ]
    if "tracking" in body:
        words.append(body["tracking"]["url"])
    return "  ".join(words)
