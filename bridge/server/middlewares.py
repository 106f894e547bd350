"""What holds for every route of the bridge that is not OCPI's: faults of ours end here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.beckn.ack import nack
from bridge.beckn.actions import REQUESTS
from bridge.errors import BecknInvalid, BridgeError, BusinessRefused
from bridge.observability import Metrics, get_logger

log = get_logger()


def beckn_faults(*, quiet: bool, metrics: Metrics) -> Middleware:
    """Return what answers NACK, and logs, when a Beckn route fails in a way nobody foresaw.

    Args:
        quiet: with 200, and to what no route takes too: behind protocol-server a 4xx or 5xx ends
            the process that posted (decisions 6).
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if not (quiet and _is_posted_astray(request)):
                raise
            metrics.beckn_requests.labels("unknown", "nack").inc()
            log.warning("beckn.refused", path=request.path, reason=error.reason)
            return _answer(BecknInvalid("", f"{request.path} is no place for messages"), 200)
        except Exception:
            if not _is_beckn(request):
                raise
            log.exception("beckn.crashed", path=request.path)
            crashed = BusinessRefused("the bridge could not process this request")
            return _answer(crashed, 200 if quiet else 500)

    return guard


def _is_beckn(request: web.Request) -> bool:
    return request.path.startswith("/beckn") or request.path.removeprefix("/") in REQUESTS


def _is_posted_astray(request: web.Request) -> bool:
    """Whether a webhook may have been set to this address: no other room of ours takes it."""
    return request.method == "POST" and not request.path.startswith(("/ocpi", "/payments"))


def _answer(error: BridgeError, status: int) -> web.Response:
    return web.Response(body=nack(error), content_type="application/json", status=status)


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
