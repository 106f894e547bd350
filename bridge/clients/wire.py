"""One request on the wire: sent, redirects followed, the answer read to its end."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp

from bridge.clients.guard import AddressRefused, Guard, NotPublic, guarded_session
from bridge.flows.peer import CallFailed
from bridge.ocpi import headers
from bridge.ocpi.urls import same_origin

REDIRECTS: Final = 5
"""Redirects followed for one request."""

CONNECTIONS: Final = 100
"""Connections to one host of a CPO: more than all that one process asks of it at a time."""

CHUNK: Final = 64 * 1024
"""Bytes that are read at a time."""

NO_URL: Final = "its address is no usable URL"
NOT_CALLED: Final = "its address may not be called (allow_hosts)"


def cpo_session(guard: Guard) -> aiohttp.ClientSession:
    """Return a session for requests to CPOs; none of them can use up what others need."""
    return guarded_session(guard, limit=0, per_host=CONNECTIONS)


class Request(NamedTuple):
    """What is sent.

    Args:
        module: names the request in errors.
        limit_bytes: largest answer that is read.
        tls: what is particular to this CPO; None = as the session has it.
    """

    module: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    connect_s: float
    limit_bytes: int
    tls: ssl.SSLContext | None = None


class Received(NamedTuple):
    """What came back.

    Args:
        link: the Link headers, several joined; None without any.
        url: where it came from, after ``hops`` redirects.
    """

    http: int
    headers: Mapping[str, str]
    link: str | None
    body: bytes
    url: str
    hops: int


async def exchange(http: aiohttp.ClientSession, request: Request) -> Received:
    """Send, and go on along redirects within the origin: method, body and headers stay.

    307 and 308 are followed for all methods, 301 and 302 for GET. To another origin nothing is
    sent, and neither is it to the same host without TLS: the token would go along.

    Raises:
        CallFailed: no answer came, or a redirect leads elsewhere or nowhere.
    """
    url = request.url
    for hops in range(REDIRECTS + 1):
        received = await _send(http, request, url, hops)
        if not _moves(request.method, received.http):
            return received
        target = _target(url, received.headers.get(headers.LOCATION, ""))
        if not same_origin(url, target):
            raise CallFailed(
                f"{request.module}: HTTP {received.http} to another origin, not followed",
                http=received.http,
            )
        url = target
    raise CallFailed(f"{request.module}: more than {REDIRECTS} redirects", http=received.http)


async def _send(http: aiohttp.ClientSession, request: Request, url: str, hops: int) -> Received:
    module, first = request.module, hops == 0
    if _has_user(url):
        raise CallFailed(f"{module}: {NO_URL}", nothing_left=first)
    try:
        async with http.request(
            request.method,
            url,
            headers={**request.headers, **_length(request)},
            data=_once(request),
            allow_redirects=False,
            ssl=request.tls or True,
            timeout=aiohttp.ClientTimeout(total=None, connect=request.connect_s),
        ) as response:
            return Received(
                http=response.status,
                headers=response.headers,
                link=_joined(response.headers.getall(headers.LINK, ())),
                body=await _read(request, response),
                url=url,
                hops=hops,
            )
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise CallFailed(f"{module}: {NO_URL}", nothing_left=first) from error
    except AddressRefused as error:
        raise CallFailed(f"{module}: {NOT_CALLED}: {error}", nothing_left=first) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        inside = getattr(error, "os_error", None)
        if isinstance(inside, NotPublic):
            reason = f"{module}: {NOT_CALLED}: {inside.strerror}"
            raise CallFailed(reason, nothing_left=first) from error
        # What redirected us may have acted besides: then nothing is certain.
        raise CallFailed(
            f"{module}: no connection{_untrusted(error)}",
            nothing_left=first,
            no_answer=True,
            refused=isinstance(error.__cause__, ConnectionRefusedError),
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise CallFailed(f"{module}: the connection broke", no_answer=True) from error


def _untrusted(error: aiohttp.ClientError) -> str:
    """Return what TLS finds wrong with the other end; empty when that is not the fault."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        found = error.certificate_error
        return f", its certificate: {getattr(found, 'verify_message', '') or found}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        reason = getattr(error.os_error, "reason", None) or str(error.strerror)
        return f", no TLS: {reason.replace('_', ' ').lower()}"
    return ""


def _length(request: Request) -> dict[str, str]:
    """Return the header that keeps a body from being sent in chunks."""
    return {} if request.method == "GET" else {"Content-Length": str(len(request.body or b""))}


def _once(request: Request) -> AsyncIterator[bytes] | None:
    """Return the body as something that can be read once only.

    aiohttp sends a PUT or DELETE again whose answer got lost. A CPO that obeyed the first PUT of
    credentials would refuse the second one, and we would take that for its answer.
    """

    async def body() -> AsyncIterator[bytes]:
        if request.body:
            yield request.body

    return None if request.method == "GET" else body()


async def _read(request: Request, response: aiohttp.ClientResponse) -> bytes:
    """Read an answer of a bounded size, as it is after decompression."""
    body = await read_up_to(response, request.limit_bytes)
    if len(body) > request.limit_bytes:
        raise CallFailed(
            f"{request.module}: the answer is larger than {request.limit_bytes} bytes",
            http=response.status,
        )
    return body


async def read_up_to(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    """Read an answer to its end; of one that is larger than the limit, a little more than that."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > limit_bytes:
            break
    return bytes(body)


def _joined(links: tuple[str, ...] | list[str]) -> str | None:
    return ", ".join(links) if links else None


def _moves(method: str, http: int) -> bool:
    return http in (307, 308) or (http in (301, 302) and method == "GET")


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
