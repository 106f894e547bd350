"""The short way through the reader: it comes out where the long one does, or is not taken."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from bridge.ocpi.codec import encode, loads, stored
from bridge.ocpi.leniency import Met
from bridge.ocpi.lenient import read
from bridge.ocpi.lenient.plain import read_plain
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff
from tests.property.ocpi_objects import objects

ODD: tuple[Any, ...] = (
    *(None, "", [], {}, True, 0, -1, 1.5, "7", "1.50", "true", " ", "x" * 300),
    *("2024-05-01T08:00:00", "2024-05-01 08:00:00Z", "2024-05-01T08:00:00.000000Z"),
    *("2024-05-01T08:00:00.1234Z", "2024-05-01T08:00:00+05:30", "2024-05-01t08:00:00z"),
    *("2024-13-01T08:00:00Z", "2024-05-01T08:00Z", "2024-05-01T08:00:00.5Z"),
    *("91.00000", "-90.000001", "190.00000", "12.9", "https://a.example/b c", "a\u00a0b", "a\nb"),
    *("24:00", "8:00", "NOT_A_WORD", "image/jpeg", {"latitude": "12.97160"}, [None], [""]),
    *(Raw(b"62.50"), Raw(b"1E5"), Raw(b"1e400"), Raw(b"1e-450"), Raw(b"-0"), Raw(b"1" * 30)),
    *(Raw(b'"\\u0032024-05-01 08:00:00Z"'), Raw(b'"\\u0041"'), Raw(b'"\x7f"'), Raw(b'"\xff"')),
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
        odd = copy.deepcopy(random.choice(ODD))
        match random.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[random.choice(("extra", "evses", "last_updated"))] = odd
            case _:
                container[key] = odd
    return body


def written(body: object, random: Random) -> bytes:
    """Return a document in one of the ways in which peers write JSON."""
    text = stored(body)
    match random.randrange(4):
        case 0:
            return msgspec.json.format(text, indent=2)
        case 1:
            return text.replace(b"/", rb"\/")
        case 2:
            return re.sub(
                rb"[^\x00-\x7f]+",
                lambda some: b"".join(
                    rb"\u%02x%02x" % tuple(pair) for pair in pairs(some[0].decode(errors="replace"))
                ),
                text,
            )
        case _:
            return text


def pairs(text: str) -> Iterator[bytes]:
    """Yield the code units of a text in UTF-16, big-endian."""
    units = text.encode("utf-16-be")
    return (units[start : start + 2] for start in range(0, len(units), 2))


listed = st.sampled_from((Location, Tariff)).flatmap(lambda type_: objects(type_.__name__))


@given(listed, st.integers(0, 2**63))
def test_what_we_write_ourselves_is_plain(thing: Location | Tariff, seed: int) -> None:
    body, met = encode(thing), list[Met]()
    plain = read_plain(written(Raw(body), Random(seed)), type(thing))
    assert plain is not None
    assert isinstance(plain, type(thing))
    assert encode(plain) == body
    assert read(loads(body), type(thing), met) == thing
    assert met == []


@given(listed, st.integers(0, 2**63))
def test_both_ways_lead_to_the_same(thing: Location | Tariff, seed: int) -> None:
    random = Random(seed)
    body = written(spoilt(loads(encode(thing)), random), random)
    plain = read_plain(body, type(thing))
    if plain is not None:
        met: list[Met] = []
        assert stored(plain) == stored(read(loads(body), type(thing), met))
        assert met == []
