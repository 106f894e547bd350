"""What a peer answered to one of our requests: data, or words on why there is none.

OCPI 2.2.1 transport_and_format, response format; what peers make of it: Q6, Q7, Q16-Q18, Q21.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from html import unescape
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec

from bridge.errors import NotJson, OcpiInvalid
from bridge.ocpi.codec import loads
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.lenient import read
from bridge.ocpi.lenient.plain import LISTED, read_plain
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff

T = TypeVar("T")

BODY: Final = "body"
"""Place of what is wrong with an answer as a whole."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,5})?Z?")

_TEXT_READ: Final = 8192
"""Bytes of an answer in plain text or HTML that are looked at for words."""
_HTML_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)</title", re.IGNORECASE)
_HTML_SILENT: Final = re.compile(r"<(script|style)\b.*?(</\1[^>]*>?|\Z)", re.IGNORECASE | re.DOTALL)
_HTML_TAG: Final = re.compile(r"<[^>]*>?")

_SPOKEN: Final = ("status_message", "detail", "message", "error_description", "error", "title")
"""Where the frameworks that CPOs are built with say what went wrong."""
_SPOKEN_DEPTH: Final = 4
_SPOKEN_EACH: Final = 3


class Shape(enum.Enum):
    """What JSON the data of an answer is to be."""

    ANYTHING = "ANYTHING"
    """An acknowledgement: whatever it carries, or nothing, says nothing."""
    OBJECT = "OBJECT"
    LIST = "LIST"


def whole(read: T) -> T:
    """Keep all of an object."""
    return read


class Due(NamedTuple):
    """What the data of an answer is to be.

    Args:
        usable: whether data of this shape can be used; asked only when the answer breaks OCPI, so
            that an error is never taken for data.
        listed: what type of object a list is to have, if such objects may be read at once.
        kept: what is kept of each of them.
    """

    shape: Shape
    usable: Callable[[object], bool]
    listed: type[object] | None = None
    kept: Callable[[Any], object] = whole


class Ready(msgspec.Struct, frozen=True):
    """An object of a list that had nothing to forgive, and what tells it from others.

    Thousands of them come: one after the other is read, and let go before the next one.

    Args:
        object: what is kept of it.
    """

    country_code: str
    party_id: str
    id: str
    last_updated: datetime
    object: Any


ACKNOWLEDGEMENT: Final = Due(Shape.ANYTHING, lambda data: True)


def object_of(type_: type[object]) -> Due:
    """Return that an object of OCPI is due."""
    return Due(Shape.OBJECT, lambda data: _readable(data, type_))


def list_of(type_: type[T], kept: Callable[[T], object] = whole) -> Due:
    """Return that a list of objects of OCPI is due; one of them that is good makes it usable."""
    return Due(
        Shape.LIST,
        lambda data: isinstance(data, list) and any(_readable(each, type_) for each in data),
        type_ if type_ in LISTED else None,
        kept,
    )


def _readable(data: object, type_: type[object]) -> bool:
    try:
        read(data, type_, [])
    except OcpiInvalid:
        return False
    return True


class Said(NamedTuple):
    """An answer, understood.

    Args:
        ok: it is a success.
        json: it is a JSON document.
        enveloped: it had an envelope; else there is no code.
        code: OCPI status_code, None when there was none that can be read.
        data: untyped JSON, in the shape that is due if it could be brought into it; None: none. In
            a list, an object that has nothing to forgive may be ``Ready``.
        words: what the peer says about it, as it says it.
        met: what was forgiven.
    """

    ok: bool
    json: bool = True
    enveloped: bool = True
    code: int | None = None
    data: object = None
    words: str = ""
    met: tuple[Met, ...] = ()


def understood(http: int, body: bytes, due: Due, *, reading: bool) -> Said:
    """Return what an answer means; any bytes mean something.

    A success is HTTP 2xx and a status_code of 1xxx (1.3 HTTP vs OCPI status). Beyond that, with
    HTTP 2xx: usable data without an envelope, usable data beside no readable status_code, and,
    for a GET (``reading``), usable data beside a code of 2xxx.
    """
    fine = 200 <= http < 300
    if fine and due.listed is not None and (said := _plain(body, due)) is not None:
        return said
    met: list[Met] = []
    if body.startswith(_BYTE_ORDER_MARK):
        met.append(Met(Leniency.BYTE_ORDER_MARK, BODY))
        body = body.removeprefix(_BYTE_ORDER_MARK)
    if fine and due.shape is Shape.ANYTHING and not body.strip():
        met.append(Met(Leniency.NO_ENVELOPE, BODY))
        return Said(ok=True, json=False, enveloped=False, met=tuple(met))
    try:
        document = loads(body)
    except NotJson:
        words = _words_of_text(body)
        return Said(ok=False, json=False, enveloped=False, words=words, met=tuple(met))
    if isinstance(document, dict) and ("status_code" in document or "data" in document):
        return _opened(document, fine, due, reading, met)
    return _bare(document, fine, due, met)


class _Page(msgspec.Struct, forbid_unknown_fields=True):
    """A page of a list whose envelope has nothing to forgive."""

    data: list[msgspec.Raw]
    status_code: Annotated[int, msgspec.Meta(ge=1000, lt=2000)]
    timestamp: Annotated[str, msgspec.Meta(pattern=rf"^{_TIMESTAMP.pattern}\Z")]
    status_message: str | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)


def _plain(body: bytes, due: Due) -> Said | None:
    """Return what a page means, each object read by itself; None: its envelope is not plain."""
    try:
        page = _PAGE.decode(body)
        data = [_read(bytes(each), due) for each in page.data]
    except (ValueError, NotJson):
        return None
    return Said(ok=True, code=page.status_code, data=data)


def _read(body: bytes, due: Due) -> object:
    plain = None if due.listed is None else read_plain(body, due.listed)
    if not isinstance(plain, Location | Tariff):
        return loads(body)
    return Ready(plain.country_code, plain.party_id, plain.id, plain.last_updated, due.kept(plain))


def _opened(
    document: dict[str, object], fine: bool, due: Due, reading: bool, met: list[Met]
) -> Said:
    code = _code(document.get("status_code"), met)
    timestamp = document.get("timestamp")
    if not isinstance(timestamp, str) or not _TIMESTAMP.fullmatch(timestamp):
        met.append(Met(Leniency.ANSWER_TIMESTAMP, "timestamp"))
    if not isinstance(document.get("status_message"), str | None):
        met.append(Met(Leniency.STATUS_MESSAGE, "status_message"))
    data = _shaped(document.get("data"), due, met, "data")
    ok = fine and code is not None and 1000 <= code < 2000
    if fine and code is None:
        ok = _taken(data, due)
    elif fine and code is not None and reading and 2000 <= code < 3000:
        ok = due.shape is not Shape.ANYTHING and due.usable(data)
        met += [Met(Leniency.ERROR_WITH_DATA, "status_code")] if ok else []
    words = "" if ok else _words_of(document)
    return Said(ok=ok, code=code, data=data, words=words, met=tuple(met))


def _bare(document: object, fine: bool, due: Due, met: list[Met]) -> Said:
    data = _shaped(document, due, met, BODY)
    ok = fine and _taken(data, due)
    met += [Met(Leniency.NO_ENVELOPE, BODY)] if ok else []
    words = "" if ok else _words_of(document)
    return Said(ok=ok, enveloped=False, data=data, words=words, met=tuple(met))


def _taken(data: object, due: Due) -> bool:
    """Whether data may stand for itself; an empty list is one that has nothing wrong in it."""
    return due.usable(data) or (due.shape is Shape.LIST and data == [])


def _code(value: object, met: list[Met]) -> int | None:
    match value:
        case bool():
            pass
        case int():
            return value
        case Decimal() if value == value.to_integral_value():
            met.append(Met(Leniency.STATUS_CODE, "status_code"))
            return int(value)
        case str() if re.fullmatch(r"\s*[0-9]{4}\s*", value):
            met.append(Met(Leniency.STATUS_CODE, "status_code"))
            return int(value)
    met.append(Met(Leniency.STATUS_CODE, "status_code"))
    return None


def _shaped(data: object, due: Due, met: list[Met], place: str) -> object:
    """Take an object out of a list of one, or put one where a list is due."""
    match due.shape, data:
        case Shape.OBJECT, [dict() as only]:
            met.append(Met(Leniency.OBJECT_IN_LIST, place))
            return only
        case Shape.LIST, dict() if due.usable([data]):
            met.append(Met(Leniency.SINGLE_FOR_LIST, place))
            return [data]
    return data


def _words_of(document: object, depth: int = _SPOKEN_DEPTH) -> str:
    """Return what an error in JSON says; empty when it is in no place we know."""
    match document:
        case str():
            return document
        case {"loc": list() as place, "msg": str() as fault}:
            return f"{'.'.join(str(each) for each in place)}: {fault}"
        case dict() if depth:
            said = (_words_of(document.get(name), depth - 1) for name in _SPOKEN)
            return next(filter(None, said), "")
        case list() if depth:
            said = (_words_of(each, depth - 1) for each in document[:_SPOKEN_EACH])
            return "; ".join(filter(None, said))
        case _:
            return ""


def _words_of_text(body: bytes) -> str:
    """Return plain text as it is, and of a page of HTML its title, or else its text."""
    text = body[:_TEXT_READ].decode("utf-8", "replace").strip()
    if not text.startswith("<"):
        return text
    title = _HTML_TITLE.search(text)
    words = unescape(title[1] if title else _HTML_TAG.sub(" ", _HTML_SILENT.sub(" ", text)))
    return " ".join(words.split())
