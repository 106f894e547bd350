"""What holds for every route of the bridge that is not OCPI's: faults of ours end here."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.beckn.ack import nack
from bridge.errors import BusinessRefused
from bridge.observability import get_logger

log = get_logger()


@web.middleware
async def beckn_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer NACK and log the traceback when a Beckn route fails in a way nobody foresaw."""
    if not request.path.startswith("/beckn"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("beckn.crashed", path=request.path)
        body = nack(BusinessRefused("the bridge could not process this request"))
        return web.Response(body=body, content_type="application/json", status=500)
