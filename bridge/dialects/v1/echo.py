"""The parts of an order that are handed back as they came: billing, customer, vehicle.

They are checked to the last field of core 1.1.0 all the same, since what we send back must be
valid. Of the fields that core knows, the few that no charging order needs (pictures, credentials,
schedules) are dropped; a dialect says whether those that core does not know are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, TypeAlias

from msgspec import UNSET, Raw
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from bridge.beckn.quirks import Quirk, Report
from bridge.beckn.shape import HttpUrl, Part, Text, encode_json, reading_of
from bridge.beckn.times import format_instant, parse_instant
from bridge.errors import BecknInvalid
from bridge.orders.intents import Echo

_PHONE_SPACERS = re.compile(r"[\s().-]+")
_E164 = re.compile(r"\+?[1-9]\d{1,14}", re.ASCII)
_REGULAR_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _date_time(text: str, info: ValidationInfo) -> str:
    """Take a date-time; one that is not RFC 3339 to the letter is rewritten."""
    zone, quirk = reading_of(info)
    at = parse_instant(text, zone, quirk)
    return text if _REGULAR_DATE.fullmatch(text) else format_instant(at, zone)


def _date(text: str, info: ValidationInfo) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("must be a date, YYYY-MM-DD")
    parse_instant(f"{text}T00:00:00Z", *reading_of(info))
    return text


def _email(text: str) -> str:
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", text):
        raise ValueError("must be an e-mail address")
    return text


DateTime = Annotated[str, AfterValidator(_date_time)]
Date = Annotated[str, AfterValidator(_date)]
Email = Annotated[str, AfterValidator(_email)]
Dropped = Annotated[None, BeforeValidator(lambda _: None)]


class _Echo(Part):
    model_config = ConfigDict(extra="allow", frozen=True)


class _Named(_Echo):
    name: Text | None = None
    code: Text | None = None


class _Descriptor(_Named):
    short_desc: Text | None = None
    long_desc: Text | None = None
    additional_desc: Dropped = None
    media: Dropped = None
    images: Dropped = None


class _Range(_Echo):
    start: DateTime | None = None
    end: DateTime | None = None


class _Time(_Echo):
    label: Text | None = None
    timestamp: DateTime | None = None
    duration: Text | None = None
    range: _Range | None = None
    days: Text | None = None
    schedule: Dropped = None


class _Contact(_Echo):
    phone: Text | None = None
    email: Text | None = None
    jcard: Dropped = None


class _Organization(_Echo):
    descriptor: _Descriptor | None = None
    address: Text | None = None
    state: _Named | None = None
    city: _Named | None = None
    contact: _Contact | None = None


class Billing(_Echo):
    """Who gets the invoice."""

    name: Text | None = None
    organization: _Organization | None = None
    address: Text | None = None
    state: _Named | None = None
    city: _Named | None = None
    email: Email | None = None
    phone: Text | None = None
    time: _Time | None = None
    tax_id: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _number_for_phone(cls, value: object, info: ValidationInfo) -> object:
        """Take ``number`` for ``phone`` (UEI Postman)."""
        if isinstance(value, dict) and "number" in value and "phone" not in value:
            reading_of(info).quirk(Quirk.BILLING_NUMBER)
            kept = {key: part for key, part in value.items() if key != "number"}
            return kept | {"phone": value["number"]}
        return value


class _Person(_Echo):
    id: Text | None = None
    url: HttpUrl | None = None
    name: Text | None = None
    image: Dropped = None
    age: Text | None = None
    dob: Date | None = None
    gender: Text | None = None
    creds: Dropped = None
    languages: Dropped = None
    skills: Dropped = None
    tags: Dropped = None


class Customer(_Echo):
    """Who charges."""

    person: _Person | None = None
    contact: _Contact | None = None


class Vehicle(_Echo):
    """What is charged."""

    category: Text | None = None
    capacity: Annotated[int, Field(strict=True, ge=0, le=10_000)] | None = None
    make: Text | None = None
    model: Text | None = None
    size: Text | None = None
    variant: Text | None = None
    color: Text | None = None
    energy_type: Text | None = None
    registration: Text | None = None
    wheels_count: Text | None = None
    cargo_volumne: Text | None = None
    wheelchair_access: Text | None = None
    code: Text | None = None
    emission_standard: Text | None = None


Encoder: TypeAlias = Callable[[BaseModel | None, str, Report], Echo]
"""Makes JSON again of a part that stands at a path; how, is up to the dialect."""


def as_it_came(part: BaseModel | None, path: str, quirk: Report) -> Echo:
    """Return a part without what was dropped; what core does not know is kept."""
    return UNSET if part is None else Raw(encode_json(part.model_dump(exclude_none=True)))


def in_core_words(part: BaseModel | None, path: str, quirk: Report) -> Echo:
    """Return what core knows of a part, with its phone numbers in E.164: layer 2 of uei is closed.

    Raises:
        BecknInvalid: a phone number is none.
    """
    return UNSET if part is None else Raw(encode_json(_known(part, path, quirk)))


def _known(part: BaseModel, path: str, quirk: Report) -> dict[str, object]:
    known: dict[str, object] = {}
    for name in type(part).model_fields:
        value, where = getattr(part, name), f"{path}.{name}"
        if isinstance(value, BaseModel):
            known[name] = _known(value, where, quirk)
        elif name == "phone" and isinstance(value, str):
            known[name] = _e164(value, where, quirk)
        elif value is not None:
            known[name] = value
    return known


def _e164(text: str, path: str, quirk: Report) -> str:
    """Return a phone number as E.164 has it, country code first."""
    digits = e164(text)
    if digits is None:
        raise BecknInvalid(path, "must be a phone number with its country code: +919876543210")
    if digits != text:
        quirk(Quirk.PHONE)
    return digits


def e164(text: str) -> str | None:
    """Return a phone number without what people put between its digits; None when it is none."""
    digits = _PHONE_SPACERS.sub("", text)
    return digits if _E164.fullmatch(digits) else None
