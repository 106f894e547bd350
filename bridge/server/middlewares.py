"""What holds for every route of the bridge that is not OCPI's: faults of ours end here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.beckn.ack import nack
from bridge.errors import BusinessRefused
from bridge.observability import get_logger

log = get_logger()


def beckn_faults(*, quiet: bool) -> Middleware:
    """Return what answers NACK, and logs, when a Beckn route fails in a way nobody foresaw.

    Args:
        quiet: with 200, since behind protocol-server a 5xx is posted again (decisions 6).
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:
            if not request.path.startswith("/beckn"):
                raise
            log.exception("beckn.crashed", path=request.path)
            body = nack(BusinessRefused("the bridge could not process this request"))
            status = 200 if quiet else 500
            return web.Response(body=body, content_type="application/json", status=status)

    return guard


def last_words(
    leaving: Callable[[], bool],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return what ends each connection with its answer once the bridge stops.

    Whoever kept it for a next request would lose that one when the port closes.
    """

    async def prepare(_: web.Request, response: web.StreamResponse) -> None:
        if leaving():
            response.force_close()
            response.headers["Connection"] = "close"

    return prepare
