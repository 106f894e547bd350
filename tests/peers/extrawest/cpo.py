"""A CPO made with the package extrawest-ocpi as it is on PyPI; only the storage is ours.

It runs in an environment of its own, which requirements.txt beside this file describes. Ids come
out of the library in lower case, whatever is stored here.

    OCPI_HOST=127.0.0.1:9201 PROTOCOL=http COUNTRY_CODE=IN PARTY_ID=EXW TOKEN_A=... python cpo.py
"""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from py_ocpi import get_application
from py_ocpi.core.adapter import BaseAdapter
from py_ocpi.core.authentication.authenticator import Authenticator
from py_ocpi.core.config import settings
from py_ocpi.core.crud import Crud
from py_ocpi.core.enums import Action, ModuleID, RoleEnum
from py_ocpi.core.push import client_url, send_push_request
from py_ocpi.core.utils import encode_string_base64
from py_ocpi.modules.commands.v_2_2_1.enums import CommandType
from py_ocpi.modules.versions.enums import VersionNumber

Record = dict[str, Any]

VERSION = VersionNumber.v_2_2_1
OWNER = {"country_code": settings.COUNTRY_CODE, "party_id": settings.PARTY_ID}
STATIONS = 120
"""More than the bridge asks for at once: the list has a second page."""

PRICE = 18
"""INR for a kWh, without VAT."""

METER = {"first": 1.5, "last": 3.0}
"""kWh that a session has got by its first report, and by its end."""


def now() -> str:
    """Return the time as the library writes it: in whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def tariff() -> Record:
    """Return the tariff of all connectors."""
    component = {"type": "ENERGY", "price": PRICE, "step_size": 1}
    return {
        **OWNER,
        "id": "STANDARD",
        "currency": "INR",
        "elements": [{"price_components": [component]}],
        "last_updated": now(),
    }


def location(number: int) -> Record:
    """Return a Location with one EVSE; the first one is in the middle of Bengaluru."""
    location_id, built = f"LOC{number:03}", now()
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2_COMBO",
        "format": "CABLE",
        "power_type": "DC",
        "max_voltage": 400,
        "max_amperage": 75,
        "max_electric_power": 30_000,
        "tariff_ids": ["STANDARD"],
        "last_updated": built,
    }
    evse = {
        "uid": f"{location_id}-E1",
        "evse_id": f"IN*EXW*E{number:03}*1",
        "status": "AVAILABLE",
        "capabilities": ["REMOTE_START_STOP_CAPABLE"],
        "connectors": [connector],
        "last_updated": built,
    }
    return {
        **OWNER,
        "id": location_id,
        "publish": True,
        "name": f"Extrawest {number}",
        "address": f"{number} Hundred Feet Road",
        "city": "Bengaluru",
        "country": "IND",
        "coordinates": {"latitude": f"{12.97838 + number / 1000:.5f}", "longitude": "77.64087"},
        "evses": [evse],
        "time_zone": "Asia/Kolkata",
        "opening_times": {"twentyfourseven": True},
        "last_updated": built,
    }


def session_of(command: Record, number: int) -> Record:
    """Return the Session that a START_SESSION begins."""
    token = command["token"]
    owner_and_ids = ("country_code", "party_id", "uid", "type", "contract_id")
    return {
        **OWNER,
        "id": f"S-{number}",
        "start_date_time": now(),
        "kwh": 0,
        "cdr_token": {name: token[name] for name in owner_and_ids},
        "auth_method": "COMMAND",
        "authorization_reference": command["authorization_reference"],
        "location_id": command["location_id"],
        "evse_uid": command["evse_uid"],
        "connector_id": command["connector_id"] or "1",
        "currency": "INR",
        "status": "ACTIVE",
        "last_updated": now(),
    }


def cdr_of(session: Record, at: Record) -> Record:
    """Return the bill of a session that has ended."""
    evse = at["evses"][0]
    connector = evse["connectors"][0]
    repeated = ("start_date_time", "end_date_time", "cdr_token", "auth_method", "currency")
    start, end = (datetime.fromisoformat(session[name]) for name in repeated[:2])
    hours = (end - start) / timedelta(hours=1)
    dimensions = [
        {"type": "ENERGY", "volume": session["kwh"]},
        {"type": "TIME", "volume": round(hours, 4)},
    ]
    return {
        **OWNER,
        **{name: session[name] for name in repeated},
        "id": session["id"].replace("S", "C"),
        "session_id": session["id"],
        "authorization_reference": session["authorization_reference"],
        "cdr_location": {
            **{name: at[name] for name in ("id", "name", "address", "city", "country")},
            "coordinates": at["coordinates"],
            "evse_uid": evse["uid"],
            "evse_id": evse["evse_id"],
            "connector_id": connector["id"],
            "connector_standard": connector["standard"],
            "connector_format": connector["format"],
            "connector_power_type": connector["power_type"],
        },
        "charging_periods": [
            {"start_date_time": session["start_date_time"], "dimensions": dimensions}
        ],
        "total_cost": {"excl_vat": session["kwh"] * PRICE},
        "total_energy": session["kwh"],
        "total_time": round(hours, 4),
        "last_updated": now(),
    }


class Peer:
    """The eMSP that registered: its token for us, ours for it, and its endpoints."""

    def __init__(self) -> None:
        self.given = ""
        self.token = ""
        self.endpoints: list[Record] = []

    async def push(self, module: ModuleID, each: Record) -> None:
        """Send a whole object, as the library does."""
        answer = await send_push_request(
            each["id"],
            each,
            module,
            BaseAdapter,
            f"Token {encode_string_base64(self.token)}",
            self.endpoints,
            VERSION,
        )
        answer.raise_for_status()

    async def patch(self, module: ModuleID, object_id: str, change: Record) -> None:
        """Send what changed in an object: the library has no words for that."""
        base = next(
            each["url"]
            for each in self.endpoints
            if (each["identifier"], each["role"]) == (module.value, "RECEIVER")
        )
        token = {"Authorization": f"Token {encode_string_base64(self.token)}"}
        async with httpx.AsyncClient() as client:
            url = client_url(module, object_id, base)
            answer = await client.patch(url, headers=token, json=change)
        answer.raise_for_status()


class Storage(Crud):
    """What the library asks for and hands over: objects by module and id, and what EVSEs do."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.objects: dict[ModuleID, dict[str, Record]] = {module: {} for module in ModuleID}
        self.under_way: set[asyncio.Task[None]] = set()
        self.keep(ModuleID.tariffs, tariff())
        for number in range(STATIONS):
            self.keep(ModuleID.locations, location(number))

    def keep(self, module: ModuleID, each: Record) -> Record:
        """Store an object under its id, in lower case as the library asks for it."""
        self.objects[module][str(each["id"]).lower()] = each
        return each

    async def get(self, module: ModuleID, role: RoleEnum, id: Any, *_: Any, **about: Any) -> Any:
        """Return an object; of commands what the EVSE says, who does it from then on."""
        if module is ModuleID.commands:
            return self.obey(about["command"], about["command_data"].dict())
        if module is ModuleID.credentials_and_registration:
            return self.credentials()
        return self.objects[module].get(str(id).lower())

    async def list(
        self, module: ModuleID, role: RoleEnum, filters: Record, *_: Any, **about: Any
    ) -> tuple[list[Record], int, bool]:
        """Return a page, the number of all that fit, and whether it is the last one."""
        since, until = filters["date_from"], filters["date_to"]
        fitting = [
            each
            for each in self.objects[module].values()
            if (since is None or datetime.fromisoformat(each["last_updated"]) >= since)
            and (until is None or datetime.fromisoformat(each["last_updated"]) < until)
        ]
        end = filters["offset"] + filters["limit"]
        return fitting[filters["offset"] : end], len(fitting), end >= len(fitting)

    async def create(
        self, module: ModuleID, role: RoleEnum, data: Record, *_: Any, **about: Any
    ) -> Any:
        """Store what the eMSP sent: its credentials with its endpoints, or a token."""
        if module is ModuleID.credentials_and_registration:
            self.peer.token = data["credentials"]["token"]
            self.peer.endpoints = data["endpoints"]["endpoints"]
            self.peer.given = secrets.token_urlsafe(24)
            return self.credentials()
        self.objects[module][data["uid"]] = data
        return data

    async def update(
        self, module: ModuleID, role: RoleEnum, data: Record, id: Any, *_: Any, **about: Any
    ) -> Any:
        """Store what the eMSP sent anew."""
        return await self.create(module, role, data)

    async def delete(
        self, module: ModuleID, role: RoleEnum, id: Any, *_: Any, **about: Any
    ) -> None:
        """End the registration: nothing else of ours is deleted from outside."""
        self.peer.given = self.peer.token = ""

    async def do(
        self, module: ModuleID, role: RoleEnum | None, action: Action, *_: Any, **about: Any
    ) -> Any:
        """Take a command, or say which token the eMSP is called with."""
        if action is Action.get_client_token:
            return self.peer.token
        return {"result": "ACCEPTED", "timeout": 30}

    def credentials(self) -> Record:
        """Return who we are, and the token the eMSP calls us with."""
        role = {**OWNER, "role": "CPO", "business_details": {"name": "Extrawest"}}
        url = f"{settings.PROTOCOL}://{settings.OCPI_HOST}/{settings.OCPI_PREFIX}/versions"
        return {"token": self.peer.given, "url": url, "roles": [role]}

    def obey(self, command: CommandType, body: Record) -> Record:
        """Let the EVSE begin; its session is told beside the CommandResult, or after it."""
        doing = {CommandType.start_session: self.charge, CommandType.stop_session: self.finish}
        if command not in doing:
            return {"result": "NOT_SUPPORTED"}
        task = asyncio.create_task(doing[command](body))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)
        return {"result": "ACCEPTED"}

    async def charge(self, command: Record) -> None:
        """Begin a session and report the first energy."""
        number = len(self.objects[ModuleID.sessions]) + 1
        session = self.keep(ModuleID.sessions, session_of(command, number))
        await self.occupy(session, "CHARGING")
        await self.peer.push(ModuleID.sessions, session)
        change = {"kwh": METER["first"], "last_updated": now()}
        session.update(change)
        await self.peer.patch(ModuleID.sessions, session["id"], change)

    async def finish(self, command: Record) -> None:
        """End a session and bill it."""
        session = self.objects[ModuleID.sessions][command["session_id"]]
        ended = {"status": "COMPLETED", "end_date_time": now(), "last_updated": now()}
        session.update(ended, kwh=METER["last"], total_cost={"excl_vat": METER["last"] * PRICE})
        await self.peer.push(ModuleID.sessions, session)
        at = await self.occupy(session, "AVAILABLE")
        cdr = self.keep(ModuleID.cdrs, cdr_of(session, at))
        await self.peer.push(ModuleID.cdrs, cdr)

    async def occupy(self, session: Record, status: str) -> Record:
        """Tell what became of the EVSE of a session; return its Location."""
        at = self.objects[ModuleID.locations][session["location_id"]]
        at["evses"][0].update(status=status, last_updated=now())
        at["last_updated"] = now()
        await self.peer.push(ModuleID.locations, at)
        return at


def main() -> None:
    """Listen where the library's own settings say we are."""
    peer = Peer()

    class Doorkeeper(Authenticator):
        """Lets in whoever may register, and then whoever did."""

        @classmethod
        async def get_valid_token_a(cls) -> list[str]:
            return [] if peer.given else [os.environ["TOKEN_A"]]

        @classmethod
        async def get_valid_token_c(cls) -> list[str]:
            return [peer.given] if peer.given else []

    app = get_application(
        version_numbers=[VERSION],
        roles=[RoleEnum.cpo],
        crud=Storage(peer),
        modules=[
            ModuleID.credentials_and_registration,
            ModuleID.locations,
            ModuleID.tariffs,
            ModuleID.tokens,
            ModuleID.commands,
            ModuleID.sessions,
            ModuleID.cdrs,
        ],
        authenticator=Doorkeeper,
    )
    host, _, port = settings.OCPI_HOST.partition(":")
    uvicorn.run(app, host=host, port=int(port))


if __name__ == "__main__":
    main()
