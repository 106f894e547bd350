"""What is read straight from its JSON, and what is looked at value by value."""

from __future__ import annotations

import msgspec
import pytest

from bridge.ocpi.codec import encode, loads, stored
from bridge.ocpi.leniency import Met
from bridge.ocpi.lenient import read
from bridge.ocpi.lenient.plain import read_plain
from bridge.ocpi.locations import Location
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import Tariff
from tests.unit.ocpi.objects import EARLY, evse, location, session

MIX = {"is_green_energy": True, "energy_sources": [{"source": "SOLAR", "percentage": 62}]}
LOCATION = encode(location(evse(), energy_mix=MIX)).decode()
TARIFF = encode(
    {
        "country_code": "IN",
        "party_id": "CPO",
        "id": "T-1",
        "currency": "INR",
        "min_price": {"excl_vat": 1},
        "elements": [
            {
                "price_components": [{"type": "ENERGY", "price": 14, "vat": 18, "step_size": 1}],
                "restrictions": {"start_date": "2024-05-01"},
            }
        ],
        "last_updated": EARLY,
    }
).decode()


def changed(text: str, old: str, new: str) -> bytes:
    """Return a document with another text in one place."""
    assert text.count(old) >= 1
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ('"LOC-1"', '"loc \\u0041"'),
        ('"publish":true', '"publish": true , "name":null'),
        ('"1 Station Road"', '"1 Gare de l\u2019Est, Stra\u00dfe"'),
        ('"1 Station Road"', '"1 Stra\\u00dfe, 3\\/4"'),
        ('"18.52043"', '"-90.000000"'),
        (EARLY, "2024-05-01T08:00:00.5Z"),
        (EARLY, "2024-05-01T08:00:00.123Z"),
        (":62}", ":62.50}"),
        (":62}", ":6.2E1}"),
        (":62}", ":-0}"),
    ],
)
def test_what_has_nothing_to_forgive_is_read_at_once(old: str, new: str) -> None:
    body, met = changed(LOCATION, old, new), list[Met]()
    plain = read_plain(body, Location)
    assert plain is not None
    assert stored(plain) == stored(read(loads(body), Location, met))
    assert met == []


def test_its_numbers_are_exact_and_of_the_same_type() -> None:
    plain = read_plain(LOCATION.encode(), Location)
    assert plain is not None
    assert plain.energy_mix is not None
    number = plain.energy_mix.energy_sources[0].percentage
    assert msgspec.json.encode(number) == b'"62"'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"publish":true', '"publish":true,"extra":1'),
        ('"uid":', '"extra":null,"uid":'),
        (EARLY, "2024-05-01T08:00:00"),
        (EARLY, "2024-05-01 08:00:00Z"),
        (EARLY, "2024-05-01t08:00:00Z"),
        (EARLY, "2024-05-01T08:00:00z"),
        (EARLY, "2024-05-01T08:00:00+00:00"),
        (EARLY, "2024-05-01T08:00:00.1234Z"),
        (EARLY, "\\u0032024-05-01 08:00:00Z"),
        (EARLY, "2024\\u002d05-01 08:00:00Z"),
        (EARLY, "2024-13-01T08:00:00Z"),
        ('"18.52043"', '"90.00001"'),
        ('"18.52043"', '"-91.00000"'),
        ('"18.52043"', '"-10.0000000"'),
        ('"18.52043"', "18.52043"),
        (":62}", ':"62"}'),
        (":62}", ":true}"),
        (":62}", ":null}"),
        (":62}", ":1e400}"),
        (":62}", ":1e-450}"),
        (":62}", ":" + "1" * 30 + "}"),
        ('"LOC-1"', '"LOC-\u00e9"'),
        ('"LOC-1"', '"LOC-\\u00e9"'),
        ('"LOC-1"', '"LOC-\x7f"'),
        ('"1 Station Road"', '"1 Station\\nRoad"'),
        ('"1 Station Road"', '"1 Station\x7fRoad"'),
        ('"1 Station Road"', '"' + "x" * 256 + '"'),
        ('"AVAILABLE"', '"OUT_OF_COFFEE"'),
        ('"publish":true', '"publish":"true"'),
        (LOCATION, LOCATION[:-1]),
        # Nothing is wrong with this one, but for what it looks like.
        ('"1 Station Road"', '"Open from 2024-05-01 on"'),
    ],
)
def test_what_may_have_something_to_forgive_is_not(old: str, new: str) -> None:
    assert read_plain(changed(LOCATION, old, new), Location) is None


def test_an_evse_without_connectors_is_not() -> None:
    assert read_plain(encode(location(evse(connectors=[]))), Location) is None


@pytest.mark.parametrize(
    ("old", "new", "plain"),
    [
        ("", "", True),
        (":14", ":14.05", True),
        (":14", ':"14"', False),
        (":18", ":null", True),
        (":18", ':"18"', False),
        (':{"excl_vat":1}', ":1", False),
        ('"2024-05-01"', '"2024-05-01T00:00:00"', False),
        (EARLY, "2024-05-01", False),
    ],
)
def test_a_tariff(old: str, new: str, plain: bool) -> None:
    assert (read_plain(changed(TARIFF, old, new), Tariff) is not None) is plain


def test_other_types_are_never_read_at_once() -> None:
    body = session(kwh=1)
    assert read(body, Session, []).id
    assert read_plain(encode(body), Session) is None
