"""A hub in front of sandbox CPOs: it passes messages on, and is strict about who may get which.

Its members are CPOs of this process, each served at its own address; what they push comes to the
hub and goes on to the bridge. Locations and tariffs go as broadcasts, everything else in the name
of the member (OCPI 2.2.1 transport_and_format, message routing).
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from bridge.ocpi import envelope, headers
from bridge.ocpi.codec import encode
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.headers import FUNCTIONAL_MODULES, Party, Routing, authorization, routing
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus
from bridge.ocpi.types import InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint
from bridge.sandbox.cpo import Listed, SandboxCpo, answer, page

Handler = Callable[[web.Request], Awaitable[web.Response]]

BROADCAST: Final = frozenset({ModuleID.LOCATIONS, ModuleID.TARIFFS})
"""What members push goes to everybody; the sender is the hub then."""

PUSHED: Final = (ModuleID.LOCATIONS, ModuleID.TARIFFS, ModuleID.SESSIONS, ModuleID.CDRS)

LISTS: Final = frozenset(f"/ocpi/2.2.1/{module}" for module in PUSHED)


@dataclass
class SandboxHub(SandboxCpo):
    """The hub's platform; tests read what was wrong with its messages from ``faults``.

    Args:
        members: the CPOs behind it, each with its ``url``.
        patience_s: how long a member may take.
    """

    party: Party = field(default_factory=lambda: Party("IN", "HUB"))
    name: str = "Sandbox Hub"
    members: tuple[SandboxCpo, ...] = ()
    patience_s: float = 5.0
    faults: list[str] = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)

    role = Role.HUB
    modules = (*SandboxCpo.modules, (ModuleID.HUB_CLIENT_INFO, InterfaceRole.SENDER))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clients = {member.party: _client(member.party) for member in self.members}
        self._results: dict[str, tuple[Party, str]] = {}

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = super().app()
        app.cleanup_ctx.append(self._with_members)
        app.add_routes(
            [
                web.get("/ocpi/2.2.1/hubclientinfo", self._wrapped(self._list_clients)),
                web.route("*", "/members/{party}/{module}{rest:.*}", self._push),
                web.post("/results/{id}", self._result),
            ]
        )
        return app

    async def _with_members(self, _: web.Application) -> AsyncIterator[None]:
        """Let every member take the hub for its peer."""
        for member in self.members:
            member.token_c = secrets.token_urlsafe(24)
            own = self._credentials(secrets.token_urlsafe(24))
            member.peer = own
            member.peer_endpoints = tuple(
                Endpoint(
                    identifier=module,
                    role=InterfaceRole.RECEIVER,
                    url=f"{self.url}/members/{member.party}/{module}",
                )
                for module in PUSHED
            )
        yield

    # What the bridge asks for

    def _wrapped(self, handler: Handler) -> Handler:
        """Check the routing headers besides, and answer with the sides swapped."""
        admitted = super()._wrapped(handler)

        async def handle(request: web.Request) -> web.Response:
            fault = self._fault(request)
            if fault is not None:
                self.faults.append(f"{request.method} {request.path}: {fault}")
                return answer(envelope.failure(envelope.INVALID_PARAMETERS, fault), 400)
            response = await admitted(request)
            response.headers.update(headers.answer_routing(request.headers))
            return response

        return handle

    def _fault(self, request: web.Request) -> str | None:
        """Return what is wrong with the routing headers of a request of the bridge."""
        given = headers.read_routing(request.headers)
        if _module(request) not in FUNCTIONAL_MODULES:
            routed = [name for name in request.headers if name.lower().startswith("ocpi-")]
            return f"routed: {', '.join(routed)}" if routed else None
        if _exactly(given.from_) != _exactly(self._bridge()):
            return f"from {given.from_}"
        if given.to is None:
            return "to nobody"
        if given.to == self.party:
            return None if request.path in LISTS and request.method == "GET" else "to the hub"
        client = self.clients.get(given.to)
        if client is not None and client.status is not ConnectionStatus.CONNECTED:
            return f"to {given.to}, which is {client.status}"
        return None

    async def _list_clients(self, request: web.Request) -> web.Response:
        return page(request, self.url, tuple(self.clients.values()), self.page_size)

    async def _list_locations(self, request: web.Request) -> web.Response:
        return await self._list(request, lambda member: tuple(member.locations.values()))

    async def _list_tariffs(self, request: web.Request) -> web.Response:
        return await self._list(request, lambda member: tuple(member.tariffs.values()))

    async def _list_sessions(self, request: web.Request) -> web.Response:
        return await self._list(request, lambda member: tuple(member.sessions.values()))

    async def _list_cdrs(self, request: web.Request) -> web.Response:
        return await self._list(request, lambda member: tuple(member.cdrs.values()))

    async def _list(
        self, request: web.Request, objects: Callable[[SandboxCpo], Sequence[Listed]]
    ) -> web.Response:
        """Answer for all members at once, or let the one answer that is asked."""
        if headers.read_routing(request.headers).to != self.party:
            return await self._pass_to_member(request)
        reached = (each for each in self.members if self._reaches(each.party))
        everything = [each for member in reached for each in objects(member)]
        return page(request, self.url, everything, self.page_size)

    async def _get_location(self, request: web.Request) -> web.Response:
        return await self._pass_to_member(request)

    async def _get_evse(self, request: web.Request) -> web.Response:
        return await self._pass_to_member(request)

    async def _command(self, request: web.Request) -> web.Response:
        """Pass a command on; its result comes back by way of the hub."""
        body = msgspec.json.decode(await request.read())
        to = headers.read_routing(request.headers).to
        assert to is not None
        self.commands.append((request.match_info["command"], msgspec.json.encode(body)))
        result_id = uuid.uuid4().hex
        self._results[result_id] = to, body["response_url"]
        body["response_url"] = f"{self.url}/results/{result_id}"
        return await self._pass_to_member(request, msgspec.json.encode(body))

    async def _pass_to_member(
        self, request: web.Request, body: bytes | None = None
    ) -> web.Response:
        """Pass a request on to the member it is for, or say why that is not possible."""
        sides = headers.read_routing(request.headers)
        member = next((each for each in self.members if each.party == sides.to), None)
        if member is None:
            return answer(envelope.failure(envelope.UNKNOWN_RECEIVER, "unknown receiver"))
        self.passed.append((f"{request.method} {request.path}", str(member.party)))
        url = f"{member.url}{request.raw_path}"
        return await self._pass_on(request, url, member.token_c or "", sides, body)

    # What members push

    async def _push(self, request: web.Request) -> web.Response:
        """Pass an object on to the bridge."""
        member = Party(*request.match_info["party"].split("*"))
        module = ModuleID(request.match_info["module"])
        base = next(
            (
                each.url
                for each in self.peer_endpoints
                if (each.identifier, each.role) == (module, InterfaceRole.RECEIVER)
            ),
            None,
        )
        if base is None or self.peer is None or not self._reaches(member):
            return answer(envelope.failure(envelope.FORWARD_FAILED, "not connected"))
        rest = request.raw_path.partition(f"/{module}")[2]
        from_ = self.party if module in BROADCAST else member
        sides = Routing(to=self._bridge(), from_=from_)
        return await self._pass_on(request, f"{base}{rest}", self.peer.token, sides)

    async def _result(self, request: web.Request) -> web.Response:
        """Pass the result of a command on to where the bridge waits for it."""
        member, url = self._results[request.match_info["id"]]
        assert self.peer is not None
        sides = Routing(to=self._bridge(), from_=member)
        return await self._pass_on(request, url, self.peer.token, sides)

    async def _pass_on(
        self,
        request: web.Request,
        url: str,
        token: str,
        sides: Routing,
        body: bytes | None = None,
    ) -> web.Response:
        """Send a message on under a new request id, and return its answer.

        What is wrong with the sides of the answer is a fault too.
        """
        assert self._http is not None
        sent = {
            headers.AUTHORIZATION: authorization(token),
            headers.REQUEST_ID: str(uuid.uuid4()),
            headers.CORRELATION_ID: request.headers[headers.CORRELATION_ID],
            "Content-Type": "application/json",
            **routing(sides.to, sides.from_),
        }
        data = await request.read() if body is None else body
        try:
            async with (
                asyncio.timeout(self.patience_s),
                self._http.request(
                    request.method, URL(url, encoded=True), data=data or None, headers=sent
                ) as response,
            ):
                if sides.to == self._bridge():
                    self._check(f"{request.method} {url}", response.headers, sides)
                passed = answer(await response.read(), response.status)
        except TimeoutError:
            return answer(envelope.failure(envelope.FORWARD_TIMEOUT, "no answer in time"))
        except aiohttp.ClientError:
            return answer(envelope.failure(envelope.FORWARD_FAILED, "no connection"))
        for name in (headers.LINK, headers.TOTAL_COUNT, headers.LIMIT, headers.LOCATION):
            if name in response.headers:
                passed.headers[name] = response.headers[name]
        return passed

    def _check(self, what: str, answered: Mapping[str, str], sides: Routing) -> None:
        given = headers.read_routing(answered)
        if (_exactly(given.to), _exactly(given.from_)) != (
            _exactly(sides.from_),
            _exactly(sides.to),
        ):
            self.faults.append(f"{what}: answered to {given.to} from {given.from_}")

    # Whom the hub reaches

    async def tell(self, party: Party, status: ConnectionStatus) -> bool:
        """Change the status of a member and tell the bridge; return whether it took it."""
        self.clients[party] = info = _client(party, status)
        base = next(
            each.url for each in self.peer_endpoints if each.identifier == ModuleID.HUB_CLIENT_INFO
        )
        assert self._http is not None
        assert self.peer is not None
        sent = {
            headers.AUTHORIZATION: authorization(self.peer.token),
            headers.REQUEST_ID: str(uuid.uuid4()),
            headers.CORRELATION_ID: str(uuid.uuid4()),
            "Content-Type": "application/json",
        }
        url = f"{base}/{party.country_code}/{party.party_id}"
        async with self._http.put(url, data=encode(info), headers=sent) as response:
            return envelope.open_envelope(await response.read()).ok

    def _reaches(self, party: Party) -> bool:
        return self.clients[party].status is ConnectionStatus.CONNECTED

    def _bridge(self) -> Party | None:
        roles = self.peer.roles if isinstance(self.peer, Credentials) else ()
        found = (each for each in roles if each.role is Role.EMSP)
        return next((Party(each.country_code, each.party_id) for each in found), None)


def _client(party: Party, status: ConnectionStatus = ConnectionStatus.CONNECTED) -> ClientInfo:
    return ClientInfo(
        party_id=party.party_id,
        country_code=party.country_code,
        role=Role.CPO,
        status=status,
        last_updated=datetime.now(UTC),
    )


def _module(request: web.Request) -> str:
    return request.path.removeprefix("/ocpi/2.2.1/").partition("/")[0]


def _exactly(party: Party | None) -> tuple[str, str] | None:
    """Return the ids of a party as they are spelt: some platforms look at their case."""
    return None if party is None else (party.country_code, party.party_id)
