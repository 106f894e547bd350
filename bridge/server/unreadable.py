"""What is no HTTP, or breaks off inside a body, never reaches a route: aiohttp answers it itself.

Its log would have a traceback, and in it what was sent, tokens too. One line takes its place.
"""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bridge.observability import get_logger

log = get_logger()


def tell_unreadable() -> None:
    """Have aiohttp's log say one line of what it could not read; faults of ours stay as they are.

    Calling it again changes nothing.
    """
    logging.getLogger("aiohttp.server").addFilter(_not_unreadable)


def _not_unreadable(record: logging.LogRecord) -> bool:
    """Return whether aiohttp's own line shall be logged."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
        return True
    log.info("http.unreadable", reason=type(error).__name__)
    return False
