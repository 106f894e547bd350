"""What a field map may read from: dotted paths below named structs, checked and compiled once."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET

from bridge.ocpi.cdrs import CDR
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.locations import EVSE, Connector, Location
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.tokens import Token
from bridge.orders.item import ChargingItem, Provider
from bridge.orders.order import Bill, Line, Order, Payment, Quote
from bridge.orders.pass_order import Membership, PassOrder
from bridge.orders.terms import Offer, Pass, Surcharge

STRUCTS: Mapping[str, type[msgspec.Struct]] = {
    "location": Location,
    "evse": EVSE,
    "connector": Connector,
    "tariff": Tariff,
    "token": Token,
    "session": Session,
    "cdr": CDR,
    "credentials": Credentials,
    "provider": Provider,
    "item": ChargingItem,
    "order": Order,
    "quote": Quote,
    "bill": Bill,
    "line": Line,
    "payment": Payment,
    "offer": Offer,
    "pass": Pass,
    "pass_order": PassOrder,
    "membership": Membership,
    "surcharge": Surcharge,
}
"""Sources with a type. ``facts`` is the other one: values that Python works out."""

FACTS = "facts"

Sources = Mapping[str, object]
Getter = Callable[[Sources], object]


class Source(NamedTuple):
    """A compiled path: what reads it, and the types it may give (empty: only Python knows)."""

    path: str
    get: Getter
    types: tuple[type, ...] = ()


class PathUnknown(ValueError):
    """A path that names nothing; the text says where it breaks."""


def source(path: str, facts: frozenset[str]) -> Source:
    """Compile a dotted path such as ``location.coordinates`` or ``facts.gps``.

    Raises:
        PathUnknown: it names no source, or no attribute there.
    """
    root, *names = path.split(".")
    if root == FACTS:
        if len(names) != 1 or names[0] not in facts:
            raise PathUnknown(f"{path!r} is not among the facts of this map")
        return Source(path, _fact(names[0]))
    if root not in STRUCTS or not names:
        raise PathUnknown(f"unknown source {path!r}: it starts with none of {_known()}")
    owners: tuple[type, ...] = (STRUCTS[root],)
    for name in names:
        owners = tuple(kind for owner in owners for kind in _kinds(_annotation(owner, name)))
        if not owners:
            raise PathUnknown(f"{path!r}: there is no {name!r}")
    return Source(path, _getter(root, tuple(names)), owners)


def _known() -> str:
    return ", ".join((*STRUCTS, FACTS))


def _annotation(owner: type, name: str) -> object:
    """Return the annotation of a struct's field or property; None when there is none."""
    if issubclass(owner, msgspec.Struct):
        for field in msgspec.structs.fields(owner):
            if field.name == name:
                return field.type
    attribute = getattr(owner, name, None)
    if isinstance(attribute, property) and attribute.fget:
        return get_type_hints(attribute.fget).get("return")
    return None


def _kinds(annotation: object) -> tuple[type, ...]:
    """Return the classes behind an annotation, without None and unset."""
    if annotation is None or annotation is type(None) or annotation is msgspec.UnsetType:
        return ()
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(kind for part in get_args(annotation) for kind in _kinds(part))
    kind = origin or annotation
    return (kind,) if isinstance(kind, type) else ()


def _fact(name: str) -> Getter:
    def get(sources: Sources) -> object:
        facts = sources.get(FACTS)
        return facts.get(name) if isinstance(facts, Mapping) else None

    return get


def _getter(root: str, names: tuple[str, ...]) -> Getter:
    def get(sources: Sources) -> object:
        value = sources.get(root)
        for name in names:
            if value is None or value is UNSET:
                return None
            value = getattr(value, name)
        return None if value is UNSET else value

    return get
