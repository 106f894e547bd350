"""bridge trace, bridge deadletters: what happened to an order, what was not delivered."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from bridge.cli.context import (
    ConfigOption,
    JsonOption,
    database_of,
    out,
    say,
    settings_of,
    table_of,
)
from bridge.errors import BridgeError
from bridge.ocpi.headers import Party
from bridge.settings import Settings
from bridge.store.database import Database
from bridge.store.journal import Entry, Journal
from bridge.store.lanes import Lanes
from bridge.store.orders import OrderStore
from bridge.store.outbox import DeadLetter, DeadLetters

dead_letters = typer.Typer(help="Callbacks that could not be delivered.", no_args_is_help=True)


def trace(
    transaction_id: Annotated[str, typer.Argument(help="context.transaction_id of the order.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the whole story of an order, both protocols, in time order.

    Example: bridge trace 6743e9e2-4fb5-487c-92b7-13ba8018f176
    """
    stories = asyncio.run(_stories(settings_of(config), transaction_id))
    if not any(stories.values()):
        raise BridgeError(f"nothing is known of transaction {transaction_id}")
    if as_json:
        out.print_json(msgspec.json.encode(stories).decode())
        return
    for order_key, entries in stories.items():
        table = Table(title=order_key, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name in ("time", "hop", "protocol", "what", "detail"):
            table.add_column(name, overflow="fold")
        for entry in entries:
            detail = "  ".join(f"{name}={value}" for name, value in entry.detail.items())
            time = entry.at.strftime("%H:%M:%S.%f")[:-3]
            table.add_row(time, entry.hop, entry.protocol, entry.what, detail)
        out.print(table)


async def _stories(settings: Settings, transaction_id: str) -> dict[str, list[Entry]]:
    """Return the story of each order with this transaction id."""
    retention_s = settings.retention_days * 86_400
    async with database_of(settings) as database:
        party = Party(settings.ocpi.country_code, settings.ocpi.party_id)
        orders = OrderStore(
            database, emsp=party, issuer=settings.ocpi.business_name, retention_s=retention_s
        )
        journal = Journal(database, retention_s=retention_s)
        keys = await orders.keys_of_transaction(transaction_id)
        return {key: await journal.read(key) for key in keys}


def _letters(database: Database) -> DeadLetters:
    return DeadLetters(database, Lanes(database, "outbox"))


@dead_letters.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List all dead letters, oldest first.

    Example: bridge deadletters list
    """

    async def read() -> list[DeadLetter]:
        async with database_of(settings_of(config)) as database:
            return await _letters(database).all()

    letters = asyncio.run(read())
    if as_json:
        out.print_json(json.dumps([_facts(letter) for letter in letters]))
        return
    if not letters:
        out.print("no dead letters")
        return
    table = table_of(*_facts(letters[0]))
    for letter in letters:
        table.add_row(*_facts(letter).values())
    out.print(table)


def _facts(letter: DeadLetter) -> dict[str, str]:
    return {
        "id": letter.id,
        "at": letter.at.isoformat(timespec="seconds"),
        "action": letter.entry.action,
        "transaction_id": letter.entry.transaction_id,
        "error": letter.error,
    }


LetterId = Annotated[str, typer.Argument(help="id of the dead letter, as listed.")]


async def _letter(database: Database, letter_id: str) -> DeadLetter:
    letter = await _letters(database).get(letter_id)
    if letter is None:
        raise BridgeError(f"no dead letter {letter_id}; see: bridge deadletters list")
    return letter


@dead_letters.command()
def show(letter_id: LetterId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print a dead letter as JSON: why it died, where it was to go, the whole message.

    Example: bridge deadletters show 3f9c2a51b07e
    """

    async def read() -> DeadLetter:
        async with database_of(settings_of(config)) as database:
            return await _letter(database, letter_id)

    letter = asyncio.run(read())
    message = json.loads(bytes(letter.entry.body))
    facts = {**_facts(letter), "url": letter.entry.url, "message": message}
    out.print_json(json.dumps(facts))


@dead_letters.command()
def replay(letter_id: LetterId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send a dead letter again, under its old message_id; a running bridge delivers it.

    Example: bridge deadletters replay 3f9c2a51b07e
    """

    async def send() -> bool:
        async with database_of(settings_of(config)) as database:
            return await _letters(database).replay(await _letter(database, letter_id))

    if not asyncio.run(send()):
        raise BridgeError(f"dead letter {letter_id} was replayed by somebody else just now")
    say(as_json, f"dead letter {letter_id} is queued again", id=letter_id, queued=True)
