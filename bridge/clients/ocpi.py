"""One request to an OCPI peer: headers, time-outs, and what the answer means."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from bridge.clients.traffic import Traffic, retry_after_s
from bridge.clients.wire import Received, Request, exchange
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.observability.tracing import OFF, Tracing, carried
from bridge.ocpi import headers, lenient
from bridge.ocpi.answers import ACKNOWLEDGEMENT, Due, Said, object_of, understood
from bridge.ocpi.envelope import FORWARD_FAILED, FORWARD_TIMEOUT, UNKNOWN_RECEIVER
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met, first_of_each

T = TypeVar("T")

SAID: Final = 300
"""Characters of what a peer says about a failure that are kept."""

HUB_SAYS: Final = {
    UNKNOWN_RECEIVER: "the hub does not know",
    FORWARD_TIMEOUT: "the hub got no answer in time from",
    FORWARD_FAILED: "the hub has no connection to",
}
"""What the codes mean by which a hub says that it could not pass a request on to a party."""


_TOKEN_FIELD: Final = re.compile(r"""(["']token["']\s*:\s*["'])[^"']*""")


class Timeouts(NamedTuple):
    """Limits of one request, in seconds; ``total_s`` is for everything, redirects included."""

    connect_s: float = 3
    total_s: float = 10


TIMEOUTS: Final = Timeouts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to be made.

    Args:
        module: the module's identifier, or ``versions``; it names the call in logs and errors.
        to: the CPO party; None on configuration modules, which carry no routing headers.
        hub: the platform passes the request on, and may say that it could not.
        body: JSON, encoded.
        correlation_id: the same for all that belongs together; None = a new one.
        raw_token: the token goes out as it is, not in Base64.
        given: a token that the body gives to the peer.
        due: what the data of the answer is to be.
        despite_pause: it goes out although the peer asked for a pause: somebody waits for it.
        despite_silence: it goes out although the peer did not answer lately.
    """

    method: str
    url: str
    token: str = field(repr=False)
    module: str
    cpo_id: str = ""
    to: Party | None = None
    hub: bool = False
    body: bytes | None = field(default=None, repr=False)
    correlation_id: str | None = None
    timeouts: Timeouts = TIMEOUTS
    raw_token: bool = False
    given: str = field(default="", repr=False)
    due: Due = ACKNOWLEDGEMENT
    despite_pause: bool = False
    despite_silence: bool = False


class Answer(NamedTuple):
    """A successful answer (1.3 HTTP vs OCPI status).

    Args:
        http, code: HTTP status and OCPI status_code; no code without an envelope.
        data: untyped JSON in the shape that was due, as ``codec.loads`` gives it; None when absent.
            In a list, what has nothing to forgive may be ``Ready``.
        url: where it came from, after redirects.
        link, total, limit: headers Link (several joined), X-Total-Count, X-Limit, as they came.
    """

    http: int
    code: int | None
    data: object
    url: str
    link: str | None
    total: str | None
    limit: str | None


class Exchange(NamedTuple):
    """What happened, for metrics, log and journal; it holds no token.

    Args:
        url: without its query.
        http, code: HTTP status and OCPI status_code, None when there was none.
        error: why it failed; empty when it did not.
        said: what the peer says about it, of failures only.
        unreached: the party that a hub could not pass the request on to.
    """

    cpo_id: str
    module: str
    method: str
    url: str
    request_id: str
    correlation_id: str
    duration_s: float
    http: int | None
    code: int | None
    error: str = ""
    said: str = ""
    unreached: Party | None = None


class OcpiClient:
    """Our side of every request to a CPO.

    Args:
        http: the session for CPOs (``wire.cpo_session``).
        own: the eMSP party of the bridge.
        observe: told of every request when it is over.
        limit_bytes: largest answer that is read.
        tolerated: counts a deviation of a CPO that was forgiven.
        traffic: knows which CPO is to be left alone.
        tls: of the CPOs that have authorities or a certificate of their own, by id.
        tracing: makes a span of each request.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        own: Party,
        *,
        observe: Callable[[Exchange], None],
        limit_bytes: int = 16 * 1024 * 1024,
        tolerated: Callable[[str, Met], None] = lambda cpo_id, met: None,
        traffic: Traffic | None = None,
        tls: Mapping[str, ssl.SSLContext] | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        self._tracing = tracing
        self._http = http
        self.own = own
        self._observe = observe
        self._limit_bytes = limit_bytes
        self.tolerated = tolerated
        self.traffic = traffic or Traffic()
        self._tls = tls or {}

    async def call(self, call: Call) -> Answer:
        """Make a request; a POST leaves once, and once more along each redirect.

        Raises:
            CallFailed: no success, or the CPO is left alone for now.
        """
        with self.traffic.passage(
            call.cpo_id,
            call.module,
            despite_pause=call.despite_pause,
            despite_silence=call.despite_silence,
        ):
            return await self._traced(call)

    async def fetch(self, call: Call, type_: type[T]) -> T:
        """GET an object.

        Raises:
            CallFailed: as ``call``, and when the answer is no such object.
        """
        answer = await self.call(replace(call, due=object_of(type_)))
        return self.read(call.cpo_id, call.module, answer, type_)

    def read(self, cpo_id: str, module: str, answer: Answer, type_: type[T]) -> T:
        """Make an OCPI object of an answer's data. Raises CallFailed."""
        met: list[Met] = []
        try:
            read = lenient.read(answer.data, type_, met, self.own)
        except OcpiInvalid as error:
            raise unusable(module, answer, str(error)) from error
        self.count(cpo_id, met, "data")
        return read

    def count(self, cpo_id: str, met: Iterable[Met], below: str = "") -> None:
        """Count what was met in one object, each leniency once: there it was met first.

        Args:
            below: place of the object.
        """
        for leniency, path in first_of_each(met):
            dot = "." if below and path and not path.startswith("[") else ""
            self.tolerated(cpo_id, Met(leniency, f"{below}{dot}{path}"))

    async def _traced(self, call: Call) -> Answer:
        name = f"OCPI {call.method} {call.module}"
        peer = _host(call.url)
        with self._tracing.span(
            name, "client", method=call.method, cpo=call.cpo_id or None, peer=peer
        ) as span:
            try:
                answer = await self._observed(call)
            except CallFailed as error:
                span.note(http=error.http, ocpi_status=error.code)
                raise
            span.note(http=answer.http, ocpi_status=answer.code)
            return answer

    async def _observed(self, call: Call) -> Answer:
        sent = self._headers(call)
        started = time.perf_counter()
        http: int | None = None
        try:
            received = await self._received(call, sent)
            http = received.http
            answer = self._judged(call, received)
        except CallFailed as error:
            http = http or error.http
            self._observe(_exchange(call, sent, started, http, error.code, error))
            raise
        self._observe(_exchange(call, sent, started, answer.http, answer.code))
        return answer

    async def _received(self, call: Call, sent: Mapping[str, str]) -> Received:
        request = Request(
            module=call.module,
            method=call.method,
            url=call.url,
            headers=sent,
            body=call.body,
            connect_s=call.timeouts.connect_s,
            limit_bytes=self._limit_bytes,
            tls=self._tls.get(call.cpo_id),
        )
        try:
            async with asyncio.timeout(call.timeouts.total_s):
                return await exchange(self._http, request)
        except TimeoutError as error:
            raise CallFailed(
                f"{call.module}: no answer within {call.timeouts.total_s:g} s", no_answer=True
            ) from error

    def _headers(self, call: Call) -> dict[str, str]:
        routing = {} if call.to is None else headers.routing(to=call.to, from_=self.own)
        given = call.correlation_id or ""
        return {
            headers.AUTHORIZATION: headers.authorization(call.token, raw=call.raw_token),
            headers.REQUEST_ID: str(uuid.uuid4()),
            # A correlation id may come from a BAP: what no header can hold is not used.
            headers.CORRELATION_ID: given
            if given.isascii() and given.isprintable() and given.strip()
            else str(uuid.uuid4()),
            **routing,
            **carried(),
            **({"Content-Type": "application/json"} if call.body is not None else {}),
            "Accept": "application/json",
        }

    def _judged(self, call: Call, received: Received) -> Answer:
        """Return a success. Raises CallFailed for everything else."""
        said = understood(received.http, received.body, call.due, reading=call.method == "GET")
        self.count(call.cpo_id, (*said.met, *_met_on_the_way(received, said)))
        if not said.ok:
            raise _failed(call, received, said)
        return Answer(
            http=received.http,
            code=said.code,
            data=said.data,
            url=received.url,
            link=received.link,
            total=received.headers.get(headers.TOTAL_COUNT),
            limit=received.headers.get(headers.LIMIT),
        )


def unusable(module: str, answer: Answer, why: str) -> CallFailed:
    """Return the error for a success whose data cannot be used."""
    return CallFailed(
        f"{module}: unusable answer", http=answer.http, code=answer.code, said=f"data: {why}"
    )


def _exchange(
    call: Call,
    sent: Mapping[str, str],
    started: float,
    http: int | None,
    code: int | None,
    failed: CallFailed | None = None,
) -> Exchange:
    return Exchange(
        cpo_id=call.cpo_id,
        module=call.module,
        method=call.method,
        url=_bare(call.url),
        request_id=sent[headers.REQUEST_ID],
        correlation_id=sent[headers.CORRELATION_ID],
        duration_s=time.perf_counter() - started,
        http=http,
        code=code,
        error=failed.reason if failed else "",
        said=failed.said if failed else "",
        unreached=call.to if call.hub and code in HUB_SAYS else None,
    )


def _met_on_the_way(received: Received, said: Said) -> Iterator[Met]:
    """Return what is wrong with an answer apart from its body."""
    if received.hops:
        yield Met(Leniency.REDIRECT, headers.LOCATION)
    if received.http == 403:
        yield Met(Leniency.FORBIDDEN, "status")
    kind = received.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if said.json and kind != "application/json":
        yield Met(Leniency.CONTENT_TYPE, "Content-Type")


def _failed(call: Call, received: Received, said: Said) -> CallFailed:
    """Return why an answer is no success; exact codes decide nothing, peers mix them up.

    But for those of a hub: nobody else has them.
    """
    http = received.http
    hub_says = HUB_SAYS.get(said.code or 0) if call.hub else None
    if hub_says is not None:
        what = f"{hub_says} {call.to} (OCPI {said.code})"
    elif not said.enveloped:
        what = f"HTTP {http} without an OCPI envelope"
    else:
        what = f"HTTP {http}, OCPI {said.code or 'without a status_code'}"
    return CallFailed(
        f"{call.module}: {what}",
        http=401 if http == 403 else http,
        code=said.code,
        said=_without_token(call, said.words),
        data=said.data,
        no_answer=http >= 500 and not said.enveloped,
        undelivered=hub_says is not None and said.code != FORWARD_TIMEOUT,
        retry_after_s=retry_after_s(http, received.headers),
    )


def _without_token(call: Call, text: str) -> str:
    """Return a peer's words fit for a log: some repeat the token they do not like.

    Words that are a broken document may hold one that is meant for us.
    """
    for token in filter(None, (call.token, call.given)):
        encoded = headers.authorization(token).removeprefix("Token ")
        for secret in (token, encoded, encoded.rstrip("=")):
            text = text.replace(secret, "***")
    text = _TOKEN_FIELD.sub(r"\1***", text)
    return "".join(each if each.isprintable() else " " for each in text)[:SAID].strip()


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _bare(url: str) -> str:
    """Return a URL without query and credentials."""
    try:
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, netloc, parts.path, "", ""))
    except ValueError:
        return ""
