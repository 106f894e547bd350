"""Asks a Beckn registry for keys, and remembers what it said for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import aiohttp

from bridge.beckn.registry import RegistryKind, Subscriber, question, subscriber
from bridge.beckn.signing import KeyId
from bridge.clients.wire import read_up_to
from bridge.errors import RegistryUnavailable, SignatureInvalid

LOOKUP_TIMEOUT: Final = aiohttp.ClientTimeout(total=2, connect=1)
"""The sender of a message waits for its ACK meanwhile."""

KNOWN_FOR: Final = timedelta(seconds=300)
UNKNOWN_FOR: Final = timedelta(seconds=10)

ASKED_ANEW_EVERY: Final = timedelta(seconds=30)
"""How often a key that is known is asked for again because a signature does not fit it."""

REMEMBERED: Final = 10_000
"""Keys that are remembered; those that were not used for the longest time go first."""

QUESTIONS_AT_ONCE: Final = 32
"""Open questions; who signs with keys that nobody has does not make us flood the registry."""

ANSWER_LIMIT: Final = 256 * 1024
"""Bytes of an answer that are read."""


class Answer(NamedTuple):
    """What a registry said; ``date`` is its Date header."""

    body: bytes
    date: str | None


class _Known(NamedTuple):
    subscriber: Subscriber | None
    asked_at: datetime
    until: datetime


class Registry:
    """Looks keys up; one question at a time for each key."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        kind: RegistryKind,
        url: str,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._http = http
        self._kind = kind
        self._url = url
        self._clock = clock
        self._known: OrderedDict[KeyId, _Known] = OrderedDict()
        self._asking: dict[KeyId, asyncio.Future[_Known]] = {}

    async def key_of(self, key_id: KeyId) -> Subscriber | None:
        """Return who has a key; None when the registry knows nobody.

        Raises:
            RegistryUnavailable: it gives no usable answer, or has too much to answer, and nothing
                is remembered.
        """
        known = self._known.get(key_id)
        if known is None or known.until <= self._clock():
            return (await self._asked(key_id)).subscriber
        self._known.move_to_end(key_id)
        return known.subscriber

    async def asked_anew(self, key_id: KeyId) -> Subscriber | None:
        """Return who has a key now, as a signature did not fit what is remembered.

        None when nobody has it, and when it was asked a moment ago: who sends bad signatures does
        not make us ask for each. Raises as ``key_of``.
        """
        known = self._known.get(key_id)
        if known is not None and self._clock() < known.asked_at + ASKED_ANEW_EVERY:
            return None
        return (await self._asked(key_id)).subscriber

    async def _asked(self, key_id: KeyId) -> _Known:
        """Ask, or wait for the answer that somebody else is waiting for."""
        asking = self._asking.get(key_id)
        if asking is None:
            if len(self._asking) >= QUESTIONS_AT_ONCE:
                raise RegistryUnavailable("too many questions to the registry are open")
            asking = asyncio.ensure_future(self._ask(key_id))
            self._asking[key_id] = asking
            asking.add_done_callback(partial(self._answered, key_id))
        return await asyncio.shield(asking)

    def _answered(self, key_id: KeyId, asked: asyncio.Future[_Known]) -> None:
        del self._asking[key_id]
        if not asked.cancelled():
            # Nobody may wait any more: then asyncio would log a failure that nobody looked at.
            asked.exception()

    async def _ask(self, key_id: KeyId) -> _Known:
        now = self._clock()
        answer = await ask(self._http, self._kind, self._url, key_id)
        try:
            found = subscriber(answer.body, key_id, now)
        except SignatureInvalid as error:
            raise RegistryUnavailable(error.reason) from error
        until = now + (UNKNOWN_FOR if found is None else KNOWN_FOR)
        if found is not None and found.valid_until is not None:
            until = min(until, found.valid_until)
        known = _Known(found, now, until)
        self._known[key_id] = known
        self._known.move_to_end(key_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known


async def ask(http: aiohttp.ClientSession, kind: RegistryKind, url: str, key_id: KeyId) -> Answer:
    """Ask a registry for a key; that nobody is there is an answer, as an empty list.

    Raises:
        RegistryUnavailable: it gives no usable answer.
    """
    asked = question(kind, url, key_id)
    headers = {} if asked.body is None else {"Content-Type": "application/json"}
    try:
        async with http.request(
            asked.method,
            asked.url,
            data=asked.body,
            headers=headers,
            timeout=LOOKUP_TIMEOUT,
            allow_redirects=False,
        ) as response:
            date = response.headers.get("Date")
            if response.status == 404:
                return Answer(b"[]", date)
            if response.status != 200:
                raise RegistryUnavailable(f"the registry answers HTTP {response.status}")
            body = await read_up_to(response, ANSWER_LIMIT)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise RegistryUnavailable(f"the registry does not answer: {error!r}") from error
    if len(body) > ANSWER_LIMIT:
        raise RegistryUnavailable("the registry's answer is too long")
    return Answer(body, date)
