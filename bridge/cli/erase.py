"""bridge orders erase: forget the person behind orders (decisions 29)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from bridge.cli.context import (
    ConfigOption,
    JsonOption,
    out,
    redis_url_of,
    settings_of,
    table_of,
)
from bridge.errors import BridgeError, WrongUse
from bridge.orders.customer import regular_email, regular_phone
from bridge.orders.erasure import Contacts
from bridge.settings import Settings
from bridge.store.erasure import Eraser, Trace
from bridge.wiring import Stores, now, stores_of

app = typer.Typer(help="Orders of drivers.", no_args_is_help=True)


@app.callback()
def orders() -> None:
    """Keep ``erase`` a command of its group while it is the only one."""


class Named(msgspec.Struct, frozen=True):
    """Which orders are meant; together they are all that any of these names."""

    orders: Sequence[str]
    transactions: Sequence[str]
    contacts: Contacts


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was found and what came of it.

    Args:
        by_hash: keys that were kept by the hash of a phone number or an e-mail address.
    """

    erased: bool
    orders: list[Trace]
    refused: list[Trace]
    by_hash: int = 0


@app.command()
def erase(
    order: Annotated[list[str] | None, typer.Option("--order", help="order.id.")] = None,
    transaction: Annotated[
        list[str] | None, typer.Option("--transaction", help="context.transaction_id.")
    ] = None,
    phone: Annotated[
        list[str] | None, typer.Option("--phone", help="With country code or without, as it came.")
    ] = None,
    email: Annotated[list[str] | None, typer.Option("--email", help="E-mail address.")] = None,
    config: ConfigOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be erased, change nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also of orders that are placed and not over.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget the person behind orders: name, phone, e-mail, tax id, vehicle, payment address.

    Each option may be given several times. A phone or an e-mail address stands for all orders that
    name it, and for its memberships and uses of offers. Bills, amounts and ids of OCPI stay. An
    order that is not over is refused, unless forced: it goes on without its driver's name.

    Example: bridge orders erase --phone +919876543210 --dry-run
    """
    named = Named(order or [], transaction or [], _contacts(phone or [], email or []))
    if not (named.orders or named.transactions or any(named.contacts)):
        raise WrongUse("whose data: --order, --transaction, --phone or --email must say")
    if as_json and not (yes or dry_run):
        raise WrongUse("--json asks nothing: it needs --yes or --dry-run")
    settings = settings_of(config)
    ask = not (yes or dry_run)
    outcome = asyncio.run(
        _erased(settings, named, dry_run=dry_run, force=force, ask=ask, as_json=as_json)
    )
    if as_json:
        out.print_json(msgspec.json.encode(outcome).decode())
    elif outcome.erased:
        out.print(f"erased: orders {len(outcome.orders)}, rows by hash {outcome.by_hash}")
    if outcome.refused and not dry_run:
        keys = ", ".join(each.order_id or each.order_key for each in outcome.refused)
        raise BridgeError(f"not over, so not erased: {keys}; end them, or use --force")


async def _erased(
    settings: Settings, named: Named, *, dry_run: bool, force: bool, ask: bool, as_json: bool
) -> Outcome:
    """Look, show and ask if that is wanted, erase.

    Raises:
        BridgeError: nothing is known, or the operator said no.
    """
    async with redis_url_of(settings) as url:
        stores = stores_of(settings, url)
        try:
            eraser = eraser_of(stores)
            found = [await eraser.trace(each, now()) for each in await _keys(stores, eraser, named)]
            known = [each for each in found if not each.is_bare]
            refused = [each for each in known if each.unfinished and not force]
            meant = [each for each in known if each not in refused]
            if not known and not any(named.contacts):
                raise BridgeError("no order with personal data is known by that")
            if (dry_run or ask) and not as_json:
                out.print(_table(known))
            if dry_run:
                return Outcome(erased=False, orders=meant, refused=refused)
            if ask and not typer.confirm(f"Erase the personal data of {len(meant)} orders?"):
                raise BridgeError("nothing was erased")
            done = [await eraser.erase(each.order_key, now()) for each in meant]
            by_hash = 0 if refused else await eraser.forget(named.contacts)
            return Outcome(erased=True, orders=done, refused=refused, by_hash=by_hash)
        finally:
            await stores.database.redis.aclose()


def eraser_of(stores: Stores) -> Eraser:
    """Return what erases in these stores."""
    return Eraser(
        stores.database,
        orders=stores.orders,
        inbox=stores.lanes.inbox,
        outbox=stores.lanes.outbox,
        errand=stores.lanes.errand,
        dead=stores.dead,
        journal=stores.journal,
    )


async def _keys(stores: Stores, eraser: Eraser, named: Named) -> list[str]:
    """Return the keys of the orders that are meant."""
    keys = {await stores.orders.key_of_order_id(each) for each in named.orders}
    for each in named.transactions:
        keys |= set(await stores.orders.keys_of_transaction(each))
    if any(named.contacts):
        keys |= set(await eraser.naming(named.contacts))
    return sorted(each for each in keys if each is not None)


def _contacts(phones: Sequence[str], emails: Sequence[str]) -> Contacts:
    """Read what was typed. Raises WrongUse."""
    regular = {each: regular_phone(each) for each in phones}
    if bad := [each for each, phone in regular.items() if phone is None]:
        raise WrongUse(f"--phone {bad[0]}: no phone number")
    return Contacts(
        frozenset(phone for phone in regular.values() if phone),
        frozenset(email for each in emails if (email := regular_email(each))),
    )


def _table(traces: Sequence[Trace]) -> Table:
    table = table_of("order", "transaction", "state", "known", "waiting", "dead letters", "note")
    for each in traces:
        table.add_row(
            *(each.order_id or "", each.transaction_id, each.state or "gone"),
            *(", ".join(each.known), str(each.waiting), str(each.dead_letters)),
            "not over" if each.unfinished else "",
        )
    return table
