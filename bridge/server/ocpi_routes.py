"""The OCPI side for CPOs: recognise, read, let a flow answer, put it into an envelope.

OCPI 2.2.1 transport_and_format. Whatever comes in, an envelope goes out, with the message ids of
the request; HTTP and OCPI status are those of the error (1.3, HTTP vs OCPI status).
"""

from __future__ import annotations

import codecs
import hmac
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from aiohttp import HttpVersion11, web

from bridge.errors import BridgeError, NotJson, ObjectUnknown, OcpiRefused, TooOften, Unauthorized
from bridge.flows.emsp.emsp import Call, Emsp, Flow, Reply
from bridge.nesting import is_too_deep
from bridge.observability import Metrics, episode, get_logger, learn
from bridge.observability.metrics import NONE
from bridge.observability.tracing import HEADER, OFF, Tracing
from bridge.ocpi import codec, envelope, headers
from bridge.ocpi.connection import Presented, TokenUse
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.types import ModuleID
from bridge.server.ocpi_dispatch import (
    ALIAS,
    BODY_OPTIONAL,
    Target,
    admit,
    find,
    flag_for,
    module_of,
    segments_of,
)
from bridge.server.rates import Limiter

log = get_logger()

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

# Any number of slashes around, then anything, line ends too: ocpi_dispatch matches what follows.
PATH = r"/{slashes:/*}ocpi{rest:(/[\s\S]*)?}"

MESSAGE_IDS = (headers.REQUEST_ID, headers.CORRELATION_ID)
LONGEST_MESSAGE_ID = 255


class BodyTooLarge(OcpiRefused):
    """The body is larger than any OCPI message."""

    http_status = 413


class _Edge(NamedTuple):
    emsp: Emsp
    metrics: Metrics
    max_body_bytes: int
    limiter: Limiter
    tracing: Tracing


class _Answer(NamedTuple):
    http_status: int
    ocpi_status: int
    body: bytes
    headers: Mapping[str, str] = {}


def ocpi_routes(
    emsp: Emsp, metrics: Metrics, max_body_bytes: int, limiter: Limiter, tracing: Tracing = OFF
) -> list[web.RouteDef]:
    """Return the one route below ``/ocpi``: every path, every method."""
    edge = _Edge(emsp, metrics, max_body_bytes, limiter, tracing)

    async def receive(request: web.Request) -> web.Response:
        return await _receive(edge, request)

    return [web.route("*", PATH, receive, expect_handler=_expected)]


async def _expected(http: web.Request) -> None:
    """Let the body come; an expectation that nobody knows is no reason to refuse with HTTP 417."""
    asks = http.headers.get("Expect", "").lower() == "100-continue"
    if asks and http.version >= HttpVersion11:
        await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _receive(edge: _Edge, http: web.Request) -> web.Response:
    """Answer one request and count it."""
    started = time.perf_counter()
    segments = segments_of(http.rel_url.raw_path)
    module = module_of(segments)
    ids = _message_ids(http)
    facts = {
        "module": module,
        "method": http.method,
        "correlation_id": ids[headers.CORRELATION_ID],
    }
    method = http.method if http.method in METHODS else "other"
    name, parent = f"OCPI {method} {module or NONE}", http.headers.get(HEADER)
    with episode(), edge.tracing.span(name, "server", parent=parent, method=method) as span:
        answer = await _answer(edge, http, segments, facts)
        span.note(http=answer.http_status, ocpi_status=answer.ocpi_status)
    # Labels are words of closed sets, whatever was asked for.
    who = ("in", facts.get("cpo") or NONE, module or NONE)
    edge.metrics.ocpi_requests.labels(*who, method, str(answer.ocpi_status)).inc()
    edge.metrics.ocpi_seconds.labels(*who).observe(time.perf_counter() - started)
    return web.Response(
        status=answer.http_status,
        body=answer.body,
        content_type="application/json",
        headers={**ids, **_routing(http, module), **answer.headers},
    )


async def _answer(
    edge: _Edge, http: web.Request, segments: tuple[str, ...], facts: dict[str, str | None]
) -> _Answer:
    """Let a flow answer; every failure becomes an envelope here, and a line of the log."""
    flags = NO_FLAGS
    try:
        caller = await _recognise(edge.emsp, http)
        facts["cpo"] = caller.cpo_id
        learn(cpo=caller.cpo_id)
        flags = edge.emsp.flags(caller.cpo_id)
        edge.limiter.take(caller.cpo_id)
        for met in _forgiven(http, segments):
            edge.emsp.tolerated(caller.cpo_id, met)
        reply = await _reply(edge, http, _target(edge.emsp, http, segments, caller), caller)
        if http.method in WITH_BODY:
            edge.emsp.pushed(caller.cpo_id)
        data = envelope.ABSENT if reply.data is None else reply.data
        answer = _Answer(
            http_status=201 if reply.created else 200,
            ocpi_status=envelope.SUCCESS,
            body=envelope.success(data, nulls=flags.explicit_nulls),
            headers=reply.headers,
        )
    except BridgeError as error:
        if isinstance(error, TooOften):
            edge.metrics.limited.labels("ocpi").inc()
        answer = _refusal(error, segments, flags)
        tell = log.warning if error.retryable else log.info
        tell("ocpi.refused", **facts, http=answer.http_status, reason=str(error))
    except Exception:
        log.exception("ocpi.crashed", **facts)
        answer = _failure(200, envelope.SERVER_ERROR, "internal error")
    else:
        log.debug("ocpi.answered", **facts, http=answer.http_status)
    return answer


async def _recognise(emsp: Emsp, http: web.Request) -> Presented:
    """Return whose token the request carries, and what it is good for.

    Raises:
        Unauthorized: there is none, or nobody has it.
    """
    given = http.headers.get(headers.AUTHORIZATION, "")
    candidates = headers.token_candidates(given)
    caller = await emsp.connections.present(candidates) if candidates else None
    if caller is not None:
        met = headers.forgiven_in_token(given, caller.token)
    else:
        caller = await _own_token(emsp, candidates)
        met = (Leniency.OWN_TOKEN,)
    if caller is None:
        raise Unauthorized
    for leniency in met:
        emsp.tolerated(caller.cpo_id, Met(leniency, headers.AUTHORIZATION))
    return caller


async def _own_token(emsp: Emsp, candidates: Sequence[str]) -> Presented | None:
    """Return the CPO that calls with the token it gave to us, where its flag allows that (Q3)."""
    for cpo_id in emsp.cpo_ids if candidates else ():
        theirs = (await emsp.connections.get(cpo_id)).token
        if theirs is None or not any(is_same_token(theirs, candidate) for candidate in candidates):
            continue
        if emsp.flags(cpo_id).own_token_inbound:
            return Presented(cpo_id, TokenUse.REGISTERED, theirs)
        emsp.refused(cpo_id, "own_token_inbound", headers.AUTHORIZATION)
    return None


def is_same_token(theirs: str, candidate: str) -> bool:
    """Compare tokens in constant time; any bytes may stand in a header."""
    return hmac.compare_digest(theirs.encode(), candidate.encode(errors="replace"))


def _forgiven(http: web.Request, segments: tuple[str, ...]) -> Iterator[Met]:
    """Yield what is odd about the request before anybody reads its body."""
    if not all(http.headers.get(name) for name in MESSAGE_IDS):
        yield Met(Leniency.MESSAGE_ID_MISSING, headers.REQUEST_ID)
    if "//" in http.rel_url.raw_path:
        yield Met(Leniency.DOUBLED_SLASH, "URL")
    if segments[:1] == (ALIAS,):
        yield Met(Leniency.RECEIVER_ALIAS, "URL")


def _target(emsp: Emsp, http: web.Request, segments: tuple[str, ...], caller: Presented) -> Target:
    """Return where the path leads.

    Raises:
        ObjectUnknown: nowhere, at least for this CPO.
    """
    flags = emsp.flags(caller.cpo_id)
    flag = flag_for(segments, http.method)
    if flag is not None and not getattr(flags, flag):
        emsp.refused(caller.cpo_id, flag, "URL")
    return find(segments, flags)


async def _reply(edge: _Edge, http: web.Request, target: Target, caller: Presented) -> Reply:
    """Read the body, run the flow.

    Raises:
        ObjectUnknown: nothing is there for this caller.
    """
    admit(caller.use, target.module, http.method)
    if target.module == ModuleID.HUB_CLIENT_INFO and not await edge.emsp.is_hub(caller.cpo_id):
        raise ObjectUnknown("only a hub has this module")
    if target.module == ModuleID.SESSIONS and target.ids:
        learn(session_id=target.ids[-1])
    flow = target.flow(http.method)
    body = await _body(edge, http)
    if body.startswith(codecs.BOM_UTF8):
        edge.emsp.tolerated(caller.cpo_id, Met(Leniency.BYTE_ORDER_MARK, "body"))
        body = body.removeprefix(codecs.BOM_UTF8)
    call = Call(
        caller=caller,
        ids=target.ids,
        query=dict(http.rel_url.query),
        body=_json(http.method, body, flow),
        sender=headers.read_routing(http.headers).from_,
    )
    return await flow(edge.emsp, call)


async def _body(edge: _Edge, http: web.Request) -> bytes:
    """Return the body of a request that has one.

    Raises:
        NotJson: it is not what its Content-Encoding says.
        BodyTooLarge
    """
    body = bytearray()
    if http.method not in WITH_BODY:
        return b""
    try:
        async for chunk in http.content.iter_any():
            body += chunk
            if len(body) > edge.max_body_bytes:
                raise BodyTooLarge(f"the body is larger than {edge.max_body_bytes} bytes")
    except web.RequestPayloadError as error:
        raise NotJson("the body cannot be read") from error
    return bytes(body)


def _json(method: str, body: bytes, flow: Flow) -> object:
    """Return the JSON of a body; None where there need be none.

    Raises:
        NotJson: it is missing, or no JSON.
    """
    if method not in WITH_BODY or (not body.strip() and flow in BODY_OPTIONAL):
        return None
    document = codec.loads(body)
    if is_too_deep(document):
        raise NotJson("the body is nested too deeply")
    return document


def _refusal(error: BridgeError, segments: tuple[str, ...], flags: Flags) -> _Answer:
    """Return the answer that an error stands for."""
    # What goes wrong inside is not the CPO's to read; what goes wrong between us is.
    ours = error.ocpi_status == envelope.SERVER_ERROR
    message = "not possible now, try again later" if ours else str(error)
    more: dict[str, str] = {}
    if error.http_status == 401:
        more["WWW-Authenticate"] = "Token"
    elif error.http_status == 405:
        more["Allow"] = find(segments, flags).allow
    elif isinstance(error, TooOften):
        more["Retry-After"] = str(error.retry_after_s)
    return _failure(error.http_status, error.ocpi_status, message, more)


def _failure(
    http_status: int, ocpi_status: int, message: str, more: Mapping[str, str] | None = None
) -> _Answer:
    return _Answer(http_status, ocpi_status, envelope.failure(ocpi_status, message), more or {})


def _message_ids(http: web.Request) -> dict[str, str]:
    """Return the ids of the request, for the answer; new ones where it had none to repeat."""
    return {
        name: given if (given := _printable(http.headers.get(name))) else str(uuid.uuid4())
        for name in MESSAGE_IDS
    }


def _printable(value: str | None) -> str | None:
    """Return a header value that can stand in an answer."""
    fits = value is not None and value.isascii() and value.isprintable()
    return value if fits and len(value or "") <= LONGEST_MESSAGE_ID else None


def _routing(http: web.Request, module: str | None) -> dict[str, str]:
    """Return the routing headers of the answer, sides swapped; configuration modules have none."""
    if module not in headers.FUNCTIONAL_MODULES:
        return {}
    swapped = headers.answer_routing(http.headers)
    return swapped if all(map(_printable, swapped.values())) else {}
