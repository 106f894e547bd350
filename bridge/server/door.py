"""Who may come in, and how long they may take to say what they want.

aiohttp itself bounds lines and headers; it waits for an hour until a request has begun, which is
right for a connection that a proxy keeps open, and wrong for one that has sent half a request.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final, NamedTuple

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from bridge.observability import Metrics

LINGER_S: Final = 2.0
"""How long what is left of a refused body is read, and decompressed, so that its answer arrives."""

MAX_LINE: Final = 8190
"""Bytes of the request line, and of one header."""

MAX_HEADERS: Final = 128


class Patience(NamedTuple):
    """What a door lets pass.

    Args:
        connections: open at a time; one more is closed at once.
        head_s: from the connection, or from the first byte of a later request, to its last header.
        quiet: protocol-server dies of a refusal: there is room for any number, and what is no HTTP
            is answered 200 as well.
    """

    connections: int
    head_s: float
    quiet: bool = False


class Visitor(web.RequestHandler):
    """One connection; it ends when a head takes too long."""

    def __init__(self, door: Door, manager: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            manager,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            lingering_time=LINGER_S,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
        )
        self._door = door
        self._in_loop = loop
        self._busy = False
        self._head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or turn away."""
        super().connection_made(transport)
        self._expect_head()
        if not self._door.admits(self):
            self.force_close()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first ones of a request set its time."""
        if not self._busy and self._head is None:
            self._expect_head()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._door.visitors.discard(self)
        self._head_is_there()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no route could."""
        response = super().handle_error(request, status, exc, message)
        if self._door.patience.quiet and isinstance(exc, HttpProcessingError):
            response.set_status(200)
        return response

    def begins(self) -> None:
        """Say that a request is whole but for its body."""
        self._busy = True
        self._head_is_there()

    def ends(self) -> None:
        """Say that it is answered."""
        self._busy = False

    def _expect_head(self) -> None:
        self._head = self._in_loop.call_later(self._door.patience.head_s, self._is_late)

    def _head_is_there(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _is_late(self) -> None:
        self._head = None
        self._door.turned_away("slow")
        self.force_close()


class Door(web.BaseSite):
    """A port of the bridge.

    Args:
        given: a socket that listens already; then host and port do not matter.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        patience: Patience,
        metrics: Metrics,
        given: socket.socket | None = None,
    ) -> None:
        super().__init__(runner)
        self._host = host
        self._port = port
        self._given = given
        self._metrics = metrics
        self.patience = patience
        self.visitors: set[Visitor] = set()

    @property
    def name(self) -> str:
        """Return the address."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Open the port. Raises OSError."""
        await super().start()
        loop = asyncio.get_running_loop()
        manager = self._runner.server
        if manager is None:
            raise RuntimeError("set the runner up first")
        where: dict[str, Any] = {"host": self._host, "port": self._port}
        if self._given is not None:
            where = {"sock": self._given}
        self._server = await loop.create_server(
            lambda: Visitor(self, manager, loop), backlog=1024, **where
        )

    def admits(self, visitor: Visitor) -> bool:
        """Tell whether there is room for one more."""
        self.visitors.add(visitor)
        if self.patience.quiet or len(self.visitors) <= self.patience.connections:
            return True
        self.turned_away("full")
        return False

    def turned_away(self, why: str) -> None:
        """Count a connection that was ended."""
        self._metrics.turned_away.labels(why).inc()


def attentive(body_s: float, metrics: Metrics) -> Middleware:
    """Return what tells a visitor when its request begins and ends, and waits for no slow body.

    Args:
        body_s: how long a body may take; whoever reads it then gets a RequestPayloadError.
    """

    @web.middleware
    async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
        def is_late() -> None:
            if not request.content.is_eof():
                metrics.turned_away.labels("slow").inc()
                request.content.set_exception(web.RequestPayloadError("the body took too long"))

        visitor = request.protocol if isinstance(request.protocol, Visitor) else None
        if visitor is not None:
            visitor.begins()
        late = asyncio.get_running_loop().call_later(body_s, is_late)
        try:
            return await handler(request)
        finally:
            late.cancel()
            if visitor is not None:
                visitor.ends()

    return attend
