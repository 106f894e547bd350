"""Reading what a callback says about money, and whether all that was sent is valid."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bridge.sandbox.bap import Message
from tests.e2e.rig import Rig
from tests.reference import load_tool


def price_of(message: Message) -> Decimal:
    """Return ``quote.price.value``, which the breakup must sum to."""
    price = Decimal(message["message"]["order"]["quote"]["price"]["value"])
    assert price == sum(amount for _, amount in breakup(message))
    return price


def breakup(message: Message) -> list[tuple[str, Decimal]]:
    """Return title and amount of each line."""
    lines = message["message"]["order"]["quote"]["breakup"]
    return [(line["title"], Decimal(line["price"]["value"])) for line in lines]


def second_payment(message: Message) -> tuple[str, str, Decimal] | None:
    """Return type, status and amount of the refund or of what is due; None = settled."""
    entries = message["message"]["order"]["payments"][1:]
    if not entries:
        return None
    (entry,) = entries
    return entry["type"], entry["status"], Decimal(entry["params"]["amount"])


def valid(site: Rig, shared: Path) -> None:
    """Check everything the BAP got against core 1.1.0."""
    tool = load_tool(shared, "validate_layer2")
    assert site.beckn_sent
    for message in site.beckn_sent:
        faults = tool.validate(message, spec=tool.SPECS["core"], formats="strict")
        assert faults == [], (message["context"]["action"], faults)
