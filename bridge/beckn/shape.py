"""From JSON to a checked model, with faults that name the field as a Beckn person writes it.

The types below read what BAPs really send: what deviates from core 1.1.0 and is still clear is
taken, and reported as a quirk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from bridge.beckn.quirks import Quirk, Report
from bridge.beckn.times import parse_instant
from bridge.errors import BecknInvalid

Model = TypeVar("Model", bound=BaseModel)

LARGEST = Decimal(10**12)
"""Numbers beyond are mistakes; within, arithmetic on them stays exact."""

_encoder = msgspec.json.Encoder(decimal_format="number")
_DECIMAL = re.compile(r"[+-]?(\d{1,15}\.)?\d{1,15}|[+-]?\.\d{1,15}", re.ASCII)
_URL_TEXT = re.compile(r"https?://[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")


class Reading(NamedTuple):
    """What reading depends on: the zone of dates without one, and whom to tell of quirks."""

    zone: tzinfo
    quirk: Report


def reading_of(info: ValidationInfo) -> Reading:
    """Return the Reading that ``read_as`` was given."""
    reading = info.context
    if not isinstance(reading, Reading):
        raise TypeError("a model with these types is read by read_as only")
    return reading


class Part(BaseModel):
    """A part of a Beckn message: what we read of it; everything else in it is let pass.

    A null counts as absent.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        if isinstance(value, Mapping):
            return {key: item for key, item in value.items() if item is not None}
        return value


def read_as(model: type[Model], value: object, path: str, reading: Reading) -> Model:
    """Check a JSON value.

    ``path`` says where in the document it stands, e.g. ``context``.

    Raises:
        BecknInvalid: naming the first field that is wrong.
    """
    try:
        return model.model_validate(value, context=reading)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where, reason = json_path(path, fault["loc"]), _reason(fault["type"], fault["msg"])
        raise BecknInvalid(where, reason) from error


def json_path(start: str, steps: Sequence[str | int]) -> str:
    """Return a path such as ``message.order.items[0].id``."""
    path = start
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def _reason(kind: str, text: str) -> str:
    if kind == "missing":
        return "is missing"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "must be an object"
    if kind in ("list_type", "tuple_type"):
        return "must be a list"
    return text.removeprefix("Value error, ").replace("Input should", "should", 1)


def encode_json(value: object) -> bytes:
    """Encode what was decoded from a message; numbers come out as they were."""
    return _encoder.encode(value)


def _text(value: object, info: ValidationInfo) -> object:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        reading_of(info).quirk(Quirk.NUMBER_FOR_STRING)
        return format(_bounded(Decimal(value)), "f")
    return value


def _number(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise ValueError("must be a decimal number in a string")
        return _bounded(Decimal(value))
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        reading_of(info).quirk(Quirk.NUMBER_FOR_STRING)
        return _bounded(Decimal(value))
    raise ValueError("must be a decimal number in a string")


def _bounded(number: Decimal) -> Decimal:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -15 or abs(number) > LARGEST:
        raise ValueError("is too large, or too precise")
    return number


def _instant(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a date-time in a string")
    reading = reading_of(info)
    return parse_instant(value, reading.zone, reading.quirk)


def is_http_url(text: str) -> bool:
    """Return whether a text is a URL that messages may be posted to."""
    try:
        parts = urlsplit(text)
        return bool(_URL_TEXT.fullmatch(text) and parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _http_url(text: str) -> str:
    if not is_http_url(text):
        raise ValueError("must be an http:// or https:// URL")
    return text


Id = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=255)]
Word = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=255)]
Text = Annotated[str, BeforeValidator(_text), Field(max_length=2048)]
Number = Annotated[Decimal, BeforeValidator(_number)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
HttpUrl = Annotated[str, Field(max_length=2048), AfterValidator(_http_url)]
