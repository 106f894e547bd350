"""bridge cpo unlock: free a stuck plug. For a help desk: no Beckn message leads here (O131)."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Annotated, Final

import msgspec
import typer
from msgspec import Raw

from bridge.cli.context import ConfigOption, JsonOption, out
from bridge.cli.cpo import CpoId, desk_of, settings_with
from bridge.clients.sender import CpoSender
from bridge.errors import BridgeError
from bridge.flows.command import result_wait_s
from bridge.flows.ports import Kind
from bridge.flows.start import PLACEHOLDER_URL
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import (
    CommandResponseType,
    CommandResultType,
    CommandType,
    UnlockConnector,
)
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.orders.plans import CommandPlan
from bridge.wiring import Stores

POLL_S: Final = 0.25
"""How often to look for the result, which comes to a running bridge."""


class Unlocked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; ``result`` None: nothing came in time, or nothing is to come."""

    command_id: str
    response: CommandResponseType
    result: CommandResultType | None = None


def unlock(
    cpo_id: CpoId,
    location: Annotated[str, typer.Argument(help="id of the Location.")],
    evse: Annotated[str, typer.Argument(help="uid of the EVSE.")],
    connector: Annotated[str, typer.Argument(help="id of the Connector.")],
    config: ConfigOption = None,
    party: Annotated[
        str | None, typer.Option("--party", help="Whose Location it is, such as IN*ABC.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have a connector unlocked, and wait for the charge point's answer.

    A bridge must be running: the answer goes to its public_url. The exit code is 1 unless the
    charge point says ACCEPTED.

    Example: bridge cpo unlock cpo1 LOC1 EVSE1 1
    """
    settings = settings_with(config, cpo_id)

    async def run() -> Unlocked:
        async with desk_of(settings) as desk:
            stores, operator = desk.stores, desk.operator
            connection = await stores.connections.get(cpo_id)
            owner = await _owner(stores, connection, location, party)
            sender = CpoSender(
                client=desk.client,
                connections=stores.connections,
                cpos=operator.cpos(),
                response_url=operator.response_url,
            )
            plan = planned(cpo_id, owner, location, evse, connector)
            default_s = settings.terms.command_timeout_s
            return await unlocked(stores, sender, plan, default_s=default_s)

    done = asyncio.run(run())
    if as_json:
        out.print_json(msgspec.json.encode(done).decode())
    else:
        out.print(f"response {done.response}")
        if done.response is CommandResponseType.ACCEPTED:
            out.print(f"result {done.result or 'none came in time'}")
    if done.result is not CommandResultType.ACCEPTED:
        raise BridgeError(f"{connector} of {evse} is not known to be unlocked")


def planned(cpo_id: str, owner: Party, location: str, evse: str, connector: str) -> CommandPlan:
    """Return an UNLOCK_CONNECTOR; it belongs to no order, and has a story of its own."""
    command_id = secrets.token_urlsafe(18)
    body = UnlockConnector(
        response_url=PLACEHOLDER_URL, location_id=location, evse_uid=evse, connector_id=connector
    )
    return CommandPlan(
        id=command_id,
        type=CommandType.UNLOCK_CONNECTOR,
        cpo_id=cpo_id,
        party=owner,
        order_key=f"operator|{command_id}",
        correlation_id=command_id,
        body=Raw(encode(body)),
    )


async def unlocked(
    stores: Stores, sender: CpoSender, plan: CommandPlan, *, default_s: float
) -> Unlocked:
    """Send the command once, and wait for its result as long as the CPO says.

    It is written down first, so that a running bridge knows the response_url.

    Args:
        default_s: how long where the CPO says nothing that makes sense.

    Raises:
        CallFailed: there was no CommandResponse.
        StoreUnavailable
    """
    asked = stores.journal.note(
        plan.order_key, "operator > CPO", "OCPI", str(plan.type), cpo=plan.cpo_id
    )
    await stores.database.commit([stores.orders.planned(plan), *asked])
    response = await sender.command(plan)
    said = Unlocked(command_id=plan.id, response=response.result)
    answered = stores.journal.note(
        plan.order_key, "CPO > operator", "OCPI", "CommandResponse", result=response.result
    )
    await stores.database.commit(answered)
    if response.result is not CommandResponseType.ACCEPTED:
        return said
    until = time.monotonic() + result_wait_s(response.timeout, default_s)
    while True:
        for entry in await stores.journal.read(plan.order_key):
            if entry.what == "CommandResult":
                result = CommandResultType(entry.detail["result"])
                return msgspec.structs.replace(said, result=result)
        if time.monotonic() >= until:
            return said
        await asyncio.sleep(POLL_S)


async def _owner(stores: Stores, connection: Connection, location: str, named: str | None) -> Party:
    """Return the party that a Location belongs to. Raises BridgeError when that is not clear."""
    parties = connection.parties()
    if named is not None:
        parties = tuple(party for party in parties if str(party).casefold() == named.casefold())
    owners = [
        party
        for party in parties
        if await stores.objects.read(Kind.LOCATION, party, location) is not None
    ]
    if len(owners) == 1 or len(parties) == 1:
        return (owners or parties)[0]
    known = ", ".join(str(party) for party in connection.parties()) or "none"
    raise BridgeError(f"whose Location {location} is, --party must say; there are: {known}")
