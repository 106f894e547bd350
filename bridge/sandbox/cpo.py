"""A CPO that speaks OCPI 2.2.1: versions, credentials, lists, commands; pushes what happens."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, Protocol, TypeVar

import aiohttp
import msgspec
from aiohttp import web
from msgspec.structs import replace

from bridge.errors import BadInput
from bridge.ocpi import envelope
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import decode, encode, loads, merge_patch
from bridge.ocpi.commands import (
    CommandResponseType,
    CommandResult,
    CommandResultType,
)
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.ocpi.headers import Party, authorization, routing, token_candidates
from bridge.ocpi.locations import EVSE, Location, Status
from bridge.ocpi.sessions import ChargingPreferences, ChargingPreferencesResponse, Session
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.tokens import Token
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role, VersionNumber
from bridge.ocpi.urls import join
from bridge.ocpi.versions import Endpoint, Version, VersionDetails
from bridge.sandbox import stations
from bridge.sandbox.calls import client
from bridge.sandbox.commanded import commanded

T = TypeVar("T")
Seen = Callable[[str, str, str], None]
"""Told of every OCPI message: direction (``in``, ``out``), what, a few words."""


@dataclass
class Behaviour:
    """How the sandbox charge points act; tests change it while it runs.

    Args:
        response, result: what commands are answered with; result None = none ever comes.
        timeout_s: how long the bridge shall wait for a result.
        delivers_kwh: the vehicle is full then.
        steps: Session updates on the way.
        step_s: pause between them.
        lasts_s: how long a session says that it took; None = as long as it did.
        echoes_reference: Session and CDR carry the authorization_reference.
        sends_session, sends_cdr: there is one at all.
        pushes: tells the bridge of what happens; else it has to ask.
        cdr_after_s: pause between the end of the session and its CDR.
    """

    response: CommandResponseType = CommandResponseType.ACCEPTED
    result: CommandResultType | None = CommandResultType.ACCEPTED
    timeout_s: int = 10
    delivers_kwh: Decimal = Decimal("3.7")
    steps: int = 4
    step_s: float = 0.2
    lasts_s: int | None = None
    echoes_reference: bool = True
    sends_session: bool = True
    sends_cdr: bool = True
    cdr_after_s: float = 0.0
    pushes: bool = True


@dataclass
class SandboxCpo:
    """The CPO's platform. ``url`` is its base once it is served.

    Args:
        token_a: what the bridge registers with.
        page_size: objects of one page of a list.
        more_evses: EVSEs besides those of the three stations.
    """

    token_a: str
    party: Party = field(default_factory=lambda: Party("IN", "SBX"))
    name: str = "Sandbox Charging"
    page_size: int = 2
    more_evses: int = 0
    behaviour: Behaviour = field(default_factory=Behaviour)
    seen: Seen = lambda direction, what, words: None
    url: str = ""

    role: ClassVar[Role] = Role.CPO
    modules: ClassVar[tuple[tuple[ModuleID, InterfaceRole], ...]] = (
        (ModuleID.CREDENTIALS, InterfaceRole.SENDER),
        (ModuleID.LOCATIONS, InterfaceRole.SENDER),
        (ModuleID.TARIFFS, InterfaceRole.SENDER),
        (ModuleID.SESSIONS, InterfaceRole.SENDER),
        (ModuleID.CDRS, InterfaceRole.SENDER),
        (ModuleID.COMMANDS, InterfaceRole.RECEIVER),
        (ModuleID.TOKENS, InterfaceRole.RECEIVER),
    )

    def __post_init__(self) -> None:
        self.tariffs: dict[str, Tariff] = {stations.TARIFF_ID: stations.tariff(self.party)}
        self.locations: dict[str, Location] = {
            location.id: location
            for location in stations.locations(self.party, more_evses=self.more_evses)
        }
        self.sessions: dict[str, Session] = {}
        self.cdrs: dict[str, CDR] = {}
        self.tokens: dict[str, Token] = {}
        self.preferences: dict[str, ChargingPreferences] = {}
        self.reservations: dict[str, Session] = {}
        self.stop_asked: dict[str, asyncio.Event] = {}
        self.commands: list[tuple[str, bytes]] = []
        self.peer: Credentials | None = None
        self.peer_endpoints: tuple[Endpoint, ...] = ()
        self.token_c: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    # Serving

    def app(self) -> web.Application:
        """Return the aiohttp application; its clean-up ends every session task."""
        app = web.Application()
        app.cleanup_ctx.append(self._running)
        base = "/ocpi/2.2.1"
        app.add_routes(
            [
                web.get("/ocpi/versions", self._wrapped(self._versions)),
                web.get(base, self._wrapped(self._details)),
                web.post(f"{base}/credentials", self._wrapped(self._register)),
                web.put(f"{base}/credentials", self._wrapped(self._renew)),
                web.delete(f"{base}/credentials", self._wrapped(self._unregister)),
                web.get(f"{base}/locations", self._wrapped(self._list_locations)),
                web.get(f"{base}/locations/{{id}}", self._wrapped(self._get_location)),
                web.get(f"{base}/locations/{{id}}/{{uid}}", self._wrapped(self._get_evse)),
                web.get(f"{base}/tariffs", self._wrapped(self._list_tariffs)),
                web.get(f"{base}/sessions", self._wrapped(self._list_sessions)),
                web.put(
                    f"{base}/sessions/{{id}}/charging_preferences",
                    self._wrapped(self._put_preferences),
                ),
                web.get(f"{base}/cdrs", self._wrapped(self._list_cdrs)),
                web.post(f"{base}/commands/{{command}}", self._wrapped(self._command)),
                web.put(f"{base}/tokens/{{cc}}/{{party}}/{{uid}}", self._wrapped(self._put_token)),
                web.patch(
                    f"{base}/tokens/{{cc}}/{{party}}/{{uid}}", self._wrapped(self._patch_token)
                ),
            ]
        )
        return app

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        self._http = client()
        yield
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close()

    def spawn(self, work: Awaitable[None]) -> None:
        """Run something beside the requests; ended with the application."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _wrapped(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Check the token, tell the timeline, answer bad input as OCPI has it."""

        async def handle(request: web.Request) -> web.Response:
            known = {token for token in (self.token_c or self.token_a,) if token}
            given = token_candidates(request.headers.get("Authorization", ""))
            if not known.intersection(given):
                return answer(envelope.failure(2001, "unknown token"), 401)
            what = request.path.removeprefix("/ocpi/2.2.1/").removeprefix("/ocpi/")
            self.seen("in", f"{request.method} {what}", request.query_string)
            try:
                return await handler(request)
            except BadInput as error:
                return answer(envelope.failure(2001, str(error)))

        return handle

    # Configuration modules

    async def _versions(self, _: web.Request) -> web.Response:
        version = Version(version=VersionNumber("2.2.1"), url=f"{self.url}/ocpi/2.2.1")
        return answer(envelope.success([version]))

    async def _details(self, _: web.Request) -> web.Response:
        endpoints = tuple(
            Endpoint(identifier=module, role=role, url=f"{self.url}/ocpi/2.2.1/{module}")
            for module, role in self.modules
        )
        details = VersionDetails(version=VersionNumber("2.2.1"), endpoints=endpoints)
        return answer(envelope.success(details))

    async def _register(self, request: web.Request) -> web.Response:
        if self.peer is not None:
            return answer(envelope.failure(2000, "registered already"), 405)
        return await self._connect(request)

    async def _renew(self, request: web.Request) -> web.Response:
        if self.peer is None:
            return answer(envelope.failure(2000, "not registered"), 405)
        return await self._connect(request)

    async def _connect(self, request: web.Request) -> web.Response:
        """Take the bridge's credentials, read its endpoints, give it a new token."""
        peer = decode(await request.read(), Credentials)
        versions = await self._fetch(peer, peer.url, list[Version])
        found = next((v for v in versions if v.version == VersionNumber("2.2.1")), None)
        if found is None:
            return answer(envelope.failure(3002, "no 2.2.1"))
        details = await self._fetch(peer, found.url, VersionDetails)
        self.peer, self.peer_endpoints = peer, details.endpoints
        self.token_c = secrets.token_urlsafe(24)
        return answer(envelope.success(self._credentials(self.token_c)))

    async def _unregister(self, _: web.Request) -> web.Response:
        self.peer, self.peer_endpoints, self.token_c = None, (), None
        return answer(envelope.success())

    def _credentials(self, token: str) -> Credentials:
        role = CredentialsRole(
            role=self.role,
            business_details=BusinessDetails(name=self.name),
            party_id=self.party.party_id,
            country_code=self.party.country_code,
        )
        return Credentials(token=token, url=f"{self.url}/ocpi/versions", roles=(role,))

    async def _fetch(self, peer: Credentials, url: str, type_: type[T]) -> T:
        assert self._http is not None
        headers = {"Authorization": authorization(peer.token), "X-Request-ID": str(uuid.uuid4())}
        headers["X-Correlation-ID"] = headers["X-Request-ID"]
        self.seen("out", f"GET {url.partition('/ocpi/')[2]}", "with the bridge's token")
        async with self._http.get(url, headers=headers) as response:
            opened = envelope.open_envelope(await response.read())
        return msgspec.convert(opened.data, type_, strict=False)

    # Lists

    async def _list_locations(self, request: web.Request) -> web.Response:
        return page(request, self.url, list(self.locations.values()), self.page_size)

    async def _list_tariffs(self, request: web.Request) -> web.Response:
        return page(request, self.url, list(self.tariffs.values()), self.page_size)

    async def _list_sessions(self, request: web.Request) -> web.Response:
        return page(request, self.url, list(self.sessions.values()), self.page_size)

    async def _list_cdrs(self, request: web.Request) -> web.Response:
        return page(request, self.url, list(self.cdrs.values()), self.page_size)

    async def _get_location(self, request: web.Request) -> web.Response:
        location = self.locations.get(request.match_info["id"])
        if location is None:
            return answer(envelope.failure(2003, "unknown location"), 404)
        return answer(envelope.success(location))

    async def _get_evse(self, request: web.Request) -> web.Response:
        evse = self.evse(request.match_info["id"], request.match_info["uid"])
        if evse is None:
            return answer(envelope.failure(2003, "unknown EVSE"), 404)
        return answer(envelope.success(evse))

    def evse(self, location_id: str, uid: str) -> EVSE | None:
        """Return an EVSE."""
        location = self.locations.get(location_id)
        evses = () if location is None else location.evses
        return next((evse for evse in evses if evse.uid == uid), None)

    # Tokens

    async def _put_token(self, request: web.Request) -> web.Response:
        token = decode(await request.read(), Token)
        if request.query.get("type", "RFID") != token.type:
            return answer(envelope.failure(2001, "the type in the address is another"))
        self.tokens[request.match_info["uid"]] = token
        return answer(envelope.success())

    async def _patch_token(self, request: web.Request) -> web.Response:
        known = self.tokens.get(request.match_info["uid"])
        if known is None:
            return answer(envelope.failure(2004, "unknown token"), 404)
        token = merge_patch(known, loads(await request.read()), Token)
        self.tokens[request.match_info["uid"]] = token
        return answer(envelope.success())

    # Wishes

    async def _put_preferences(self, request: web.Request) -> web.Response:
        session_id = request.match_info["id"]
        if session_id not in self.sessions:
            return answer(envelope.failure(2003, "unknown session"), 404)
        self.preferences[session_id] = decode(await request.read(), ChargingPreferences)
        return answer(envelope.success(ChargingPreferencesResponse.ACCEPTED))

    # Commands

    async def _command(self, request: web.Request) -> web.Response:
        command = request.match_info["command"]
        body = await request.read()
        self.commands.append((command, body))
        return answer(envelope.success(commanded(self, command, body)))

    async def result(
        self, response_url: str, command: str, result: CommandResultType | None = None
    ) -> None:
        """Post the CommandResult, as Behaviour has it unless given; None there: none comes."""
        said = result or self.behaviour.result
        if said is not None:
            words = f"{command} result {said}"
            await self.call("POST", response_url, words, CommandResult(result=said))

    # Pushes

    async def set_status(self, location_id: str, uid: str, status: Status) -> bool:
        """Change an EVSE's status and push it; return whether the bridge took it."""
        now = datetime.now(UTC).replace(microsecond=0)
        location = self.locations[location_id]
        evses = tuple(
            replace(evse, status=status, last_updated=now) if evse.uid == uid else evse
            for evse in location.evses
        )
        self.locations[location_id] = replace(location, evses=evses, last_updated=now)
        url = self.receiver(ModuleID.LOCATIONS, location_id, uid)
        return await self.push(
            "PATCH", url, f"EVSE {uid} {status}", {"status": status, "last_updated": now}
        )

    async def push(self, method: str, url: str, words: str, body: object) -> bool:
        """Tell the bridge of one of our objects, unless it has to ask."""
        return self.behaviour.pushes and await self.call(method, url, words, body)

    def receiver(self, module: ModuleID, *ids: str) -> str:
        """Return the bridge's receiver URL of one of our objects."""
        base = next(
            endpoint.url for endpoint in self.peer_endpoints if endpoint.identifier == module
        )
        return join(base, self.party.country_code, self.party.party_id, *ids)

    async def call(self, method: str, url: str, words: str, body: object) -> bool:
        """Call the bridge; a failed push is not repeated (OCPI 2.2.1, 1.8 Delivery)."""
        if self._http is None or self.peer is None:
            return False
        mine = self.peer.roles[0]
        request_id = str(uuid.uuid4())
        headers = {
            "Authorization": authorization(self.peer.token),
            "Content-Type": "application/json",
            "X-Request-ID": request_id,
            "X-Correlation-ID": request_id,
            **routing(Party(mine.country_code, mine.party_id), self.party),
        }
        what = f"{method} {url.partition('/2.2.1/')[2]}"
        self.seen("out", what, words)
        try:
            async with self._http.request(
                method, url, data=encode(body), headers=headers
            ) as response:
                said = envelope.open_envelope(await response.read())
        except (aiohttp.ClientError, TimeoutError, BadInput) as error:
            self.seen("out", what, f"not delivered: {error!r}")
            return False
        if not said.ok:
            self.seen("out", what, f"refused: {said.status_code} {said.status_message}")
        return said.ok


class Listed(Protocol):
    """An object of a list."""

    @property
    def last_updated(self) -> datetime: ...


def page(request: web.Request, base_url: str, objects: Sequence[Listed], size: int) -> web.Response:
    """Return the page of a list that is asked for, with a link to the next one."""
    since = request.query.get("date_from", "")
    wanted = [each for each in objects if each.last_updated.isoformat() >= since[:19]]
    offset = int(request.query.get("offset", "0"))
    response = answer(envelope.success(wanted[offset : offset + size]))
    response.headers["X-Total-Count"] = str(len(wanted))
    response.headers["X-Limit"] = str(size)
    following = offset + size
    if following < len(wanted):
        query = {**request.query, "offset": str(following)}
        link = f"{base_url}{request.path}?" + "&".join(
            f"{name}={value.replace('+', '%2B')}" for name, value in query.items()
        )
        response.headers["Link"] = f'<{link}>; rel="next"'
    return response


def answer(body: bytes, status: int = 200) -> web.Response:
    """Return an answer."""
    return web.Response(body=body, status=status, content_type="application/json")
