"""One request to an OCPI peer: headers, time-outs, redirects, and the envelope of the answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import aiohttp

from bridge.errors import BadInput, OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.ocpi import headers
from bridge.ocpi.codec import convert
from bridge.ocpi.envelope import ABSENT, open_envelope
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Met
from bridge.ocpi.urls import same_origin

T = TypeVar("T")

REDIRECTS: Final = 5
"""Redirects followed for one request."""

SAID: Final = 300
"""Characters of a peer's status_message that are kept."""

NO_URL: Final = "its address is no usable URL"


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
        body: JSON, encoded.
        correlation_id: the same for all that belongs together; None = a new one.
        raw_token: the token goes out as it is, not in Base64.
    """

    method: str
    url: str
    token: str = field(repr=False)
    module: str
    cpo_id: str = ""
    to: Party | None = None
    body: bytes | None = field(default=None, repr=False)
    correlation_id: str | None = None
    timeouts: Timeouts = TIMEOUTS
    raw_token: bool = False


class Answer(NamedTuple):
    """A successful answer: 2xx and a status_code of 1xxx.

    Args:
        http, code: HTTP status and OCPI status_code.
        data: untyped JSON, as ``codec.loads`` gives it; None when absent.
        url: where it came from, after redirects.
        link, total: headers Link (several joined) and X-Total-Count, as they came.
    """

    http: int
    code: int
    data: object
    url: str
    link: str | None
    total: str | None


class Exchange(NamedTuple):
    """What happened, for metrics, log and journal; it holds no token.

    Args:
        url: without its query.
        http, code: HTTP status and OCPI status_code, None when there was none.
        error: why it failed; empty when it did not.
        said: the peer's status_message, of failures only.
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


class _Received(NamedTuple):
    http: int
    headers: Mapping[str, str]
    link: str | None
    body: bytes
    url: str


class OcpiClient:
    """Our side of every request to a CPO.

    Args:
        http: the session of the process; its connector's limits are shared by all CPOs.
        own: the eMSP party of the bridge.
        observe: told of every request when it is over.
        limit_bytes: largest answer that is read.
        tolerated: counts a deviation of a CPO that was forgiven.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        own: Party,
        *,
        observe: Callable[[Exchange], None],
        limit_bytes: int = 16 * 1024 * 1024,
        tolerated: Callable[[str, Met], None] = lambda cpo_id, met: None,
    ) -> None:
        self._http = http
        self._own = own
        self._observe = observe
        self._limit_bytes = limit_bytes
        self.tolerated = tolerated

    async def call(self, call: Call) -> Answer:
        """Make a request; a POST leaves once, and once more along each redirect.

        Raises:
            CallFailed: anything but 2xx with an envelope of 1xxx (1.3 HTTP vs OCPI status).
        """
        sent = self._headers(call)
        started = time.perf_counter()
        try:
            answer = await self._answer(call, sent)
        except CallFailed as error:
            self._observe(_exchange(call, sent, started, error.http, error.code, error))
            raise
        self._observe(_exchange(call, sent, started, answer.http, answer.code))
        return answer

    async def _answer(self, call: Call, sent: Mapping[str, str]) -> Answer:
        try:
            async with asyncio.timeout(call.timeouts.total_s):
                received = await self._follow(call, sent)
        except TimeoutError as error:
            limit_s = call.timeouts.total_s
            raise CallFailed(f"{call.module}: no answer within {limit_s:g} s") from error
        return _judged(call, received)

    def _headers(self, call: Call) -> dict[str, str]:
        routing = {} if call.to is None else headers.routing(to=call.to, from_=self._own)
        given = call.correlation_id or ""
        return {
            headers.AUTHORIZATION: headers.authorization(call.token, raw=call.raw_token),
            headers.REQUEST_ID: str(uuid.uuid4()),
            # A correlation id may come from a BAP: what no header can hold is not used.
            headers.CORRELATION_ID: given
            if given.isascii() and given.isprintable() and given.strip()
            else str(uuid.uuid4()),
            **routing,
            **({"Content-Type": "application/json"} if call.body is not None else {}),
            "Accept": "application/json",
        }

    async def _follow(self, call: Call, sent: Mapping[str, str]) -> _Received:
        """Send, and go on along 307 and 308 on the same origin: method, body, headers stay."""
        url = call.url
        for hop in range(REDIRECTS + 1):
            received = await self._send(call, url, sent, first=hop == 0)
            if received.http not in (307, 308):
                return received
            target = _target(url, received.headers.get(headers.LOCATION, ""))
            if not same_origin(url, target):
                raise CallFailed(
                    f"{call.module}: HTTP {received.http} to another origin, not followed",
                    http=received.http,
                )
            url = target
        raise CallFailed(f"{call.module}: more than {REDIRECTS} redirects", http=received.http)

    async def _send(
        self, call: Call, url: str, sent: Mapping[str, str], *, first: bool
    ) -> _Received:
        if _has_user(url):
            raise CallFailed(f"{call.module}: {NO_URL}", nothing_left=first)
        try:
            async with self._http.request(
                call.method,
                url,
                headers={**sent, **_length(call)},
                data=_once(call),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=call.timeouts.connect_s),
            ) as response:
                return _Received(
                    http=response.status,
                    headers=response.headers,
                    link=", ".join(response.headers.getall(headers.LINK, ())) or None,
                    body=await self._read(call, response),
                    url=url,
                )
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise CallFailed(f"{call.module}: {NO_URL}", nothing_left=first) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # What redirected us may have acted besides: then nothing is certain.
            raise CallFailed(f"{call.module}: no connection", nothing_left=first) from error
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed(f"{call.module}: the connection broke") from error

    async def _read(self, call: Call, response: aiohttp.ClientResponse) -> bytes:
        """Read an answer of a bounded size, as it is after decompression."""
        body = bytearray()
        async for chunk in response.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > self._limit_bytes:
                raise CallFailed(
                    f"{call.module}: the answer is larger than {self._limit_bytes} bytes",
                    http=response.status,
                )
        return bytes(body)


def _length(call: Call) -> dict[str, str]:
    """Return the header that keeps a body from being sent in chunks."""
    return {} if call.method == "GET" else {"Content-Length": str(len(call.body or b""))}


def _once(call: Call) -> AsyncIterator[bytes] | None:
    """Return the body as something that can be read once only.

    aiohttp sends a PUT or DELETE again whose answer got lost. A CPO that obeyed the first PUT of
    credentials would refuse the second one, and we would take that for its answer.
    """

    async def body() -> AsyncIterator[bytes]:
        if call.body:
            yield call.body

    return None if call.method == "GET" else body()


def read(module: str, answer: Answer, type_: type[T]) -> T:
    """Make an OCPI object of an answer's data. Raises CallFailed."""
    try:
        return convert(answer.data, type_)
    except OcpiInvalid as error:
        raise unusable(module, answer, str(error)) from error


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
    )


def _has_user(url: str) -> bool:
    """Whether an address holds credentials of its own: they would compete with our token."""
    try:
        return "@" in urlsplit(url).netloc
    except ValueError:
        return False


def _target(url: str, location: str) -> str:
    """Return where a redirect leads; empty when that is no URL."""
    try:
        return urljoin(url, location) if location else ""
    except ValueError:
        return ""


def _judged(call: Call, received: _Received) -> Answer:
    """Return a success; exact codes of failures are not looked at, peers use them as they like."""
    http = received.http
    try:
        envelope = open_envelope(received.body)
    except BadInput as error:
        raise CallFailed(
            f"{call.module}: HTTP {http} without an OCPI envelope", http=http
        ) from error
    data = None if envelope.data is ABSENT else envelope.data
    if not 200 <= http < 300 or not envelope.ok:
        raise CallFailed(
            f"{call.module}: HTTP {http}, OCPI {envelope.status_code}",
            http=http,
            code=envelope.status_code,
            said=_without_token(call, envelope.status_message or ""),
            data=data,
        )
    return Answer(
        http=http,
        code=envelope.status_code,
        data=data,
        url=received.url,
        link=received.link,
        total=received.headers.get(headers.TOTAL_COUNT),
    )


def _without_token(call: Call, text: str) -> str:
    """Return a peer's words fit for a log: some repeat the token they do not like."""
    encoded = headers.authorization(call.token).removeprefix("Token ")
    for secret in (call.token, encoded, encoded.rstrip("=")):
        text = text.replace(secret, "***")
    return "".join(each if each.isprintable() else " " for each in text)[:SAID]


def _bare(url: str) -> str:
    """Return a URL without query and credentials."""
    try:
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, netloc, parts.path, "", ""))
    except ValueError:
        return ""
