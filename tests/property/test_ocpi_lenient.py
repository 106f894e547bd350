"""The short way through the reader: it comes out where the long one does, or is not taken."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import OcpiInvalid
from bridge.ocpi.codec import encode, loads
from bridge.ocpi.leniency import Met
from bridge.ocpi.lenient import read, read_around
from bridge.ocpi.lenient.plain import is_plain
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff
from tests.property.ocpi_objects import objects

ODD: tuple[Any, ...] = (
    *(None, "", [], {}, True, 0, -1, 10**30, 1.5, "7", "1.50", "true", " ", "x" * 300),
    *("2024-05-01T08:00:00", "2024-05-01 08:00:00Z", "2024-05-01T08:00:00.000000Z"),
    *("2024-05-01T08:00:00.1234Z", "2024-05-01T08:00:00+05:30", "2024-05-01t08:00:00z"),
    *("2024-13-01T08:00:00Z", "2024-05-01T08:00Z", "2024-05-01T08:00:00.5Z"),
    *("91.00000", "-90.000001", "190.00000", "12.9", "https://a.example/b c", "a\u00a0b", "a\nb"),
    *("24:00", "8:00", "NOT_A_WORD", "image/jpeg", {"latitude": "12.97160"}, [None], [""]),
)
"""What may stand where something else is due."""

Parent = dict[str, Any] | list[Any]


def places(value: object) -> Iterator[tuple[Parent, Any]]:
    """Yield everything that stands somewhere in a document, as its container and its key."""
    keyed: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        keyed = iter(value.items())
    elif isinstance(value, list):
        keyed = iter(enumerate(value))
    for key, item in keyed:
        yield value, key  # type: ignore[misc]
        yield from places(item)


def spoilt(body: object, random: Random) -> object:
    """Return a document with something odd, something missing or something more in it."""
    body = copy.deepcopy(body)
    for _ in range(random.choice((1, 1, 2))):
        container, key = random.choice(list(places(body)))
        match random.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[random.choice(("extra", "evses", "last_updated"))] = random.choice(ODD)
            case _:
                container[key] = random.choice(ODD)
    return body


def outcome(way: Any, body: object, type_: Any) -> tuple[object, list[Met]]:
    """Return what comes out, or the fault, and what was forgiven."""
    met: list[Met] = []
    try:
        return way(body, type_, met), met
    except OcpiInvalid as error:
        return (error.path, error.reason), []


listed = st.sampled_from((Location, Tariff)).flatmap(lambda type_: objects(type_.__name__))


@given(listed)
def test_what_we_write_ourselves_is_plain(thing: Location | Tariff) -> None:
    body, met = loads(encode(thing)), list[Met]()
    assert is_plain(body, type(thing))
    assert read(body, type(thing), met) == thing
    assert met == []


@given(listed, st.integers(0, 2**63))
def test_both_ways_lead_to_the_same(thing: Location | Tariff, seed: int) -> None:
    body = spoilt(loads(encode(thing)), Random(seed))
    assert outcome(read, body, type(thing)) == outcome(read_around, body, type(thing))
