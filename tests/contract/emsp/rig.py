"""The eMSP side on a real socket, and a CPO that calls it. Every answer is looked at closely."""

from __future__ import annotations

import importlib.util
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from multidict import CIMultiDict
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from bridge.flows.emsp.emsp import Emsp, Event
from bridge.flows.ports import Wanted
from bridge.flows.register import Overrides
from bridge.observability import Metrics
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.types import ModuleID
from bridge.server.ocpi_routes import ocpi_routes
from bridge.server.rates import Limiter
from tests.contract.emsp.backends import Backend
from tests.contract.emsp.samples import EMSP, ISSUER, NOW, TOKEN, Json
from tests.fakes import RecordedPeers

MAX_BODY_BYTES = 100_000
UNLIMITED = Limiter(None)
PUBLIC_URL = "http://bridge.example/base"
ROOT = f"{PUBLIC_URL}/ocpi/2.2.1"

IDS = {"X-Request-ID": "request-1", "X-Correlation-ID": "correlation-1"}

STATUSES = {200, 201, 400, 401, 404, 405, 413, 429}
"""All HTTP statuses an answer may have."""

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,4})?Z")

Validate = Callable[[object, str], list[str]]
"""From an object and the name of its type to what is wrong with it."""


@dataclass(frozen=True)
class Answer:
    """An answer whose envelope is in order."""

    http: int
    envelope: Json
    headers: CIMultiDict[str]

    @property
    def status(self) -> tuple[int, int]:
        """HTTP and OCPI status."""
        return self.http, self.envelope["status_code"]

    @property
    def data(self) -> Any:
        """The data; an answer without any fails the test."""
        return self.envelope["data"]

    @property
    def is_bare(self) -> bool:
        """Whether there is no ``data`` key."""
        return "data" not in self.envelope


@dataclass
class Rig:
    """A running eMSP side with its surroundings."""

    client: TestClient[Request, Application]
    serve: AiohttpClient
    emsp: Emsp
    backend: Backend
    peers: RecordedPeers
    metrics: Metrics
    validate: Validate | None
    notices: list[str] = field(default_factory=list)
    pulls: list[tuple[str, ...]] = field(default_factory=list)
    wakes: list[None] = field(default_factory=list)
    overrides: dict[str, Overrides] = field(default_factory=dict)
    forgiven: list[Leniency] = field(default_factory=list)
    hubs: set[str] = field(default_factory=set)

    async def with_rate(self, limiter: Limiter) -> Rig:
        """Return a rig in the same surroundings that holds CPOs back."""
        app = application(self.emsp, self.metrics, limiter)
        return replace(self, client=await self.serve(app))

    async def on(self, **ports: Any) -> Rig:
        """Return a rig in the same surroundings whose eMSP has other ports."""
        emsp = replace(self.emsp, **ports)
        return replace(self, client=await self.serve(application(emsp, self.metrics)), emsp=emsp)

    def unchecked(self) -> Rig:
        """Return the same rig without the strict validator, for answers that break the standard."""
        return replace(self, validate=None)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        token: str | None = TOKEN,
        authorization: str | None = None,
        headers: Mapping[str, str] | None = None,
        root: str = "/ocpi/2.2.1/",
    ) -> Answer:
        """Call as a CPO does; ``path`` goes out as it is, below ``root``."""
        sent = {"Content-Type": "application/json", **IDS, **(headers or {})}
        if authorization is not None:
            sent["Authorization"] = authorization
        elif token is not None:
            sent["Authorization"] = f"Token {b64encode(token.encode()).decode()}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        origin = str(self.client.make_url("/")).rstrip("/")
        async with self.client.session.request(
            method,
            URL(f"{origin}{root}{path}", encoded=True),
            data=data,
            headers=sent,
            allow_redirects=False,
        ) as response:
            return await self._answer(response, f"{root}{path}")

    async def get(self, path: str, **options: Any) -> Answer:
        """GET as the registered CPO."""
        return await self.call("GET", path, **options)

    async def put(self, path: str, body: object, **options: Any) -> Answer:
        """PUT as the registered CPO."""
        return await self.call("PUT", path, body, **options)

    async def patch(self, path: str, body: object, **options: Any) -> Answer:
        """PATCH as the registered CPO."""
        return await self.call("PATCH", path, body, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Answer:
        """POST as the registered CPO."""
        return await self.call("POST", path, body, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        """DELETE as the registered CPO."""
        return await self.call("DELETE", path, **options)

    async def _answer(self, response: ClientResponse, path: str) -> Answer:
        body = await response.read()
        assert response.status in STATUSES, (response.status, body)
        assert response.content_type == "application/json"
        assert response.headers["X-Request-ID"]
        assert response.headers["X-Correlation-ID"]
        envelope = json.loads(body, parse_float=Decimal)
        assert envelope.keys() <= {"data", "status_code", "status_message", "timestamp"}
        assert _TIMESTAMP.fullmatch(envelope["timestamp"])
        assert envelope.get("data", ...) is not None
        assert (response.status, envelope["status_code"]) != (200, 2000)
        self._check(json.loads(body), path)
        return Answer(response.status, envelope, response.headers.copy())

    def _check(self, envelope: Json, path: str) -> None:
        """Hold an answer against the standard, where the reference material is there."""
        if self.validate is None:
            return
        assert self.validate(envelope, "OcpiResponse") == []
        type_ = type_of(path)
        if type_ is not None and "data" in envelope:
            data = envelope["data"]
            for each in data if isinstance(data, list) else [data]:
                assert self.validate(each, type_) == []


def type_of(path: str) -> str | None:
    """Return the OCPI type of what is answered at a path."""
    parts = [part for part in path.partition("?")[0].split("/") if part][1:]
    if parts == ["versions"]:
        return "Version"
    if parts == ["2.2.1"]:
        return "VersionDetails"
    if len(parts) < 2:
        return None
    if parts[1] == "locations":
        return {5: "Location", 6: "EVSE", 7: "Connector"}.get(len(parts))
    if parts[1] == "tokens":
        return "Token" if len(parts) == 2 else "AuthorizationInfo"
    return {
        "credentials": "Credentials",
        "tariffs": "Tariff",
        "sessions": "Session",
        "cdrs": "CDR",
        "hubclientinfo": "ClientInfo",
    }.get(parts[1])


def validator(shared: Path | None) -> Validate | None:
    """Load the strict validator of the reference material, if there is one."""
    if shared is None:
        return None
    spec = importlib.util.spec_from_file_location(
        "ocpi_validate", shared / "tools" / "ocpi_validate.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def validate(obj: object, type_: str) -> list[str]:
        return list(module.validate(obj, type_))

    return validate


def application(emsp: Emsp, metrics: Metrics, limiter: Limiter = UNLIMITED) -> Application:
    """Return an application that has the OCPI side only."""
    app = Application()
    app.add_routes(ocpi_routes(emsp, metrics, MAX_BODY_BYTES, limiter))
    return app


def emsp_on(
    backend: Backend,
    peers: RecordedPeers,
    *,
    notices: list[str],
    pulls: list[tuple[str, ...]],
    wakes: list[None],
    overrides: dict[str, Overrides],
    forgiven: list[Leniency] | None = None,
    hubs: Set[str] = frozenset(),
) -> Emsp:
    """Return an eMSP whose callbacks write into these lists."""

    def notice(event: Event, *, cpo_id: str, **fields: object) -> None:
        notices.append(event)

    def pull_soon(
        cpo_id: str, module: ModuleID, wanted: Wanted | None = None, *, at_once: bool = False
    ) -> None:
        pulls.append((cpo_id, module) if wanted is None else (cpo_id, module, wanted.id))

    def tolerated(cpo_id: str, met: Met) -> None:
        if forgiven is not None:
            forgiven.append(met.leniency)

    return Emsp(
        objects=backend.objects,
        orders=backend.orders,
        correlation=backend.orders,
        tokens=backend.tokens,
        inbox=backend.inbox,
        connections=backend.connections,
        registrations=backend.connections,
        peers=lambda cpo_id: peers,
        party=EMSP,
        business_name=ISSUER,
        public_url=lambda cpo_id: PUBLIC_URL,
        overrides=lambda cpo_id: overrides.get(cpo_id, {}),
        now=lambda: NOW,
        wake=lambda: wakes.append(None),
        pull_soon=pull_soon,
        sync_soon=lambda cpo_id, party: pulls.append((cpo_id, str(party))),
        notice=notice,
        tolerated=tolerated,
        hubs=lambda cpo_id: cpo_id in hubs,
    )
