"""The ``context`` of Beckn messages: what a request must carry, and what its answer repeats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Raw
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from bridge.beckn.actions import META, NOT_APPLICABLE, REQUESTS
from bridge.beckn.quirks import Quirk, Report
from bridge.beckn.request import Request
from bridge.beckn.shape import (
    HttpUrl,
    Instant,
    Part,
    Reading,
    encode_json,
    is_http_url,
    read_as,
    reading_of,
)
from bridge.beckn.times import format_duration, format_instant, is_duration, parse_ttl
from bridge.errors import ActionNotApplicable, BecknInvalid, NotJson
from bridge.nesting import MAX_DEPTH, is_too_deep

ECHOED = ("domain", "core_version", "country", "city")
"""Words of a context that its answer repeats; the last three are what protocol-server adds."""

USUAL_VERSION = "1.1.0"
"""What a context speaks that does not say so: layer 2 of uei does not require a version."""

USUAL_TTL_S = 30.0
"""The ttl of an answer to a request without one, which layer 2 of uei requires."""


def _exact(text: str) -> Decimal:
    """Read a number; written out, one with a huge exponent would fill the memory.

    One that no float can hold would be no JSON to whoever reads the message without Decimals:
    layer 2, and we ourselves when we answer.
    """
    number = Decimal(text)
    if not -300 < number.adjusted() < 300:
        raise ValueError("a number is out of range")
    return number


_decoder = msgspec.json.Decoder(float_hook=_exact)


def _subscriber_id(text: str) -> str:
    """Take a subscriber id; ``|`` stands between the parts of our own keys."""
    if not re.fullmatch(r"[^\s|\x00-\x1f\x7f]+", text):
        raise ValueError("must be a subscriber id: no spaces, no |")
    return text


def _ttl(value: object, info: ValidationInfo) -> object:
    quirk = reading_of(info).quirk
    if isinstance(value, str):
        return parse_ttl(value, quirk)
    quirk(Quirk.TTL_UNREADABLE)
    return None


_Id = Annotated[str, Field(min_length=1, max_length=255)]
_SubscriberId = Annotated[_Id, AfterValidator(_subscriber_id)]


class _Named(Part):
    name: str | None = None
    code: str | None = None


class _Place(Part):
    country: _Named | None = None
    city: _Named | None = None


class _Context(Part):
    """What is read of a context; core 1.1.0 requires less, but no answer is possible with less."""

    domain: _Id
    action: _Id
    version: _Id | None = None
    bap_id: _SubscriberId
    bap_uri: HttpUrl
    bpp_id: _Id | None = None
    transaction_id: _Id
    message_id: _Id
    timestamp: Instant | None = None
    ttl: Annotated[float | None, BeforeValidator(_ttl)] = None
    location: _Place | None = None


def read_envelope(
    body: bytes,
    *,
    path_action: str | None,
    dialects: Mapping[str, str],
    versions: Mapping[str, frozenset[str]],
    bpp_id: str,
    now: datetime,
    time_zone: tzinfo,
    max_clock_skew_s: float | None,
    quirk: Report,
) -> tuple[Request, Mapping[str, object]]:
    """Return whom to answer, and the ``message`` as JSON values with every number exact.

    Args:
        path_action: the action of the URL, None when it names none.
        dialects, versions: name and accepted versions of each dialect, by domain.
        bpp_id: our subscriber id.
        time_zone: of a timestamp that has none.
        max_clock_skew_s: how far the timestamp may be from ``now``; None = any distance.

    Raises:
        NotJson: the body is no JSON document, or nested beyond reason.
        ActionNotApplicable: it asks for what makes no sense here.
        BecknInvalid: naming the field that is missing, wrong, or not meant for us.
    """
    document = _decode(body)
    if not isinstance(document, dict):
        raise BecknInvalid("", "the message must be an object with context and message")
    context = read_as(_Context, _part(document, "context"), "context", Reading(time_zone, quirk))
    _check_action(context, path_action)
    message = {} if context.action in META else _part(document, "message")
    if context.domain not in dialects:
        raise BecknInvalid("context.domain", f"this BPP speaks {', '.join(sorted(dialects))}")
    version = context.version
    if version is None:
        quirk(Quirk.VERSION_MISSING)
        version = USUAL_VERSION
    if version not in versions[context.domain]:
        known = ", ".join(sorted(versions[context.domain]))
        raise BecknInvalid("context.version", f"of {context.domain} must be one of {known}")
    if context.bpp_id is None and context.action != "search":
        raise BecknInvalid("context.bpp_id", "is missing")
    if context.bpp_id is not None and context.bpp_id != bpp_id:
        raise BecknInvalid("context.bpp_id", f"this BPP is {bpp_id}")
    if max_clock_skew_s is not None:
        _check_age(context.timestamp, now, max_clock_skew_s)
    request = Request(
        action=context.action,
        dialect=dialects[context.domain],
        domain=context.domain,
        version=version,
        bap_id=context.bap_id,
        bap_uri=context.bap_uri,
        transaction_id=context.transaction_id,
        message_id=context.message_id,
        context=Raw(encode_json(document["context"])),
        received_at=now,
        ttl_s=context.ttl,
    )
    return request, message


def _part(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = document.get(name)
    if not isinstance(part, dict):
        raise BecknInvalid(name, "must be an object" if name in document else "is missing")
    return part


def _decode(body: bytes) -> object:
    try:
        document: object = _decoder.decode(body)
    except (ValueError, ArithmeticError) as error:
        raise NotJson(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise NotJson(f"the body is nested deeper than {MAX_DEPTH} levels") from error
    if is_too_deep(document):
        raise NotJson(f"the body is nested deeper than {MAX_DEPTH} levels")
    return document


def _check_action(context: _Context, path_action: str | None) -> None:
    if path_action is not None and context.action != path_action:
        raise BecknInvalid(
            "context.action", f"is {context.action!r}, but the path says {path_action!r}"
        )
    if context.action in NOT_APPLICABLE:
        raise ActionNotApplicable("context.action", f"{context.action}: no order is returned here")
    if context.action not in REQUESTS:
        raise BecknInvalid("context.action", f"{context.action!r} is not an action of a BPP")


def _check_age(timestamp: datetime | None, now: datetime, max_clock_skew_s: float) -> None:
    if timestamp is None:
        raise BecknInvalid("context.timestamp", "is missing")
    if abs((now - timestamp).total_seconds()) > max_clock_skew_s:
        raise BecknInvalid(
            "context.timestamp", f"is more than {max_clock_skew_s:g} s away from our clock"
        )


def named_bpp_uri(request: Request) -> str | None:
    """Return where the sender of a request reaches us; None when it names no usable URL."""
    named = msgspec.json.decode(request.context).get("bpp_uri")
    return named if isinstance(named, str) and is_http_url(named) else None


def answer_context(
    request: Request,
    *,
    action: str,
    message_id: str,
    now: datetime,
    bpp_id: str,
    bpp_uri: str,
) -> dict[str, object]:
    """Return the context of a callback to the sender of ``request``, valid against core 1.1.0.

    A ttl is repeated as a duration; without one it is the usual. ``location`` is repeated with its
    country and city.
    """
    asked: dict[str, object] = msgspec.json.decode(request.context)
    context = {key: asked[key] for key in ECHOED if isinstance(asked.get(key), str)}
    if asked.get("location") is not None:
        place = _Place.model_validate(asked["location"])
        context["location"] = place.model_dump(exclude_none=True)
    ttl = asked.get("ttl")
    if not (isinstance(ttl, str) and is_duration(ttl)):
        ttl = format_duration(USUAL_TTL_S if request.ttl_s is None else request.ttl_s)
    return context | {
        "version": request.version,
        "ttl": ttl,
        "action": action,
        "bap_id": request.bap_id,
        "bap_uri": request.bap_uri,
        "bpp_id": bpp_id,
        "bpp_uri": bpp_uri,
        "transaction_id": request.transaction_id,
        "message_id": message_id,
        "timestamp": format_instant(now),
    }
