"""Where a registry asks whether we have the keys that we register (``on_subscribe``)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from bridge.beckn.ack import nack
from bridge.errors import BecknInvalid
from bridge.observability import get_logger

log = get_logger()

Answer = Callable[[str], str]
"""Makes the answer of a challenge; raises BecknInvalid."""


class _Asked(msgspec.Struct, frozen=True):
    challenge: str
    subscriber_id: str | None = None


def subscribe_routes(answer: Answer | None, subscriber_id: str) -> list[web.RouteDef]:
    """Return ``POST /on_subscribe`` and ``/beckn/on_subscribe``; none when it is switched off.

    A registry appends the name to what is registered: our host, or our address for messages. 200
    with the answer; 400 with a NACK that names the field.
    """
    if answer is None:
        return []

    async def asked(http: web.Request) -> web.Response:
        try:
            text = answer(_challenge(await http.read(), subscriber_id))
        except BecknInvalid as error:
            log.warning("subscription.refused", path=error.path, reason=error.reason)
            return web.Response(body=nack(error), content_type="application/json", status=400)
        log.info("subscription.answered", peer=http.remote)
        return web.json_response({"answer": text})

    return [web.post(path, asked) for path in ("/on_subscribe", "/beckn/on_subscribe")]


def _challenge(body: bytes, subscriber_id: str) -> str:
    """Return the challenge of a body. Raises BecknInvalid."""
    try:
        asked = msgspec.json.decode(body, type=_Asked)
    except msgspec.ValidationError as error:
        field = "subscriber_id" if "subscriber_id" in str(error) else "challenge"
        raise BecknInvalid(field, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise BecknInvalid("challenge", "the body is no JSON") from error
    if asked.subscriber_id not in (None, subscriber_id):
        raise BecknInvalid("subscriber_id", "is another subscriber's")
    return asked.challenge
