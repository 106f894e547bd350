"""Splitting: no message too large, nothing twice, nothing lost while messages are left."""

from __future__ import annotations

import json
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalog.answer import SHELF_PART, Shelf, messages
from bridge.catalog.place import Hit, HitOffer
from bridge.orders.item import Provider
from tests.unit.catalog.world import PlainJson

PROVIDERS = [Provider(id=f"p{number}", name="é" * number) for number in range(3)]
MOST = 5


def fragment(id: str, size: int) -> bytes:
    """Make a JSON object with an id, of at least this many bytes."""
    return json.dumps({"id": id, "x": "x" * max(0, size - len(id) - 15)}).encode()


@st.composite
def hit_lists(draw: st.DrawFn) -> list[Hit]:
    shapes = st.tuples(
        st.sampled_from(PROVIDERS),
        st.integers(0, 300),
        st.lists(st.integers(0, 400), min_size=1, max_size=8),
        st.sets(st.integers(0, 3), max_size=3),
    )
    return [
        Hit(
            provider,
            fragment(f"L{place}", size),
            fragment(f"F{place}", 0),
            [fragment(f"L{place}/{number}", of_item) for number, of_item in enumerate(items)],
            json.dumps(f"L{place}").encode(),
            [
                HitOffer(
                    number,
                    fragment(f"O{number}", 40 * number),
                    # An offer is for whole Locations, or for some connectors of each.
                    [json.dumps(f"L{place}/{n}").encode() for n in range(len(items))]
                    if number % 2
                    else [],
                )
                for number in offers
            ],
        )
        for place, (provider, size, items, offers) in enumerate(draw(st.lists(shapes, max_size=15)))
    ]


def ids(message: bytes, list_name: str) -> list[str]:
    return [one["id"] for part in json.loads(message)["providers"] for one in part[list_name]]


def ids_of(hits: list[Hit]) -> list[str]:
    return [json.loads(item)["id"] for hit in hits for item in hit.items]


def rank(item_id: str) -> tuple[int, int]:
    place, _, number = item_id.removeprefix("L").partition("/")
    return int(place), int(number)


def size_alone(hit: Hit) -> int:
    """Return the size of a message with nothing but this."""
    return sum(map(len, messages([hit], PlainJson(), 10**9, 1)))


@settings(deadline=None)
@given(
    hits=hit_lists(), limit=st.integers(60, 3000), sizes=st.lists(st.integers(0, 200), max_size=3)
)
def test_passes_go_along(hits: list[Hit], limit: int, sizes: list[int]) -> None:
    """No message is too large for them, and each that names a provider has all or none of them."""
    own = [fragment(f"S{number}", size) for number, size in enumerate(sizes)]
    shelves = {PROVIDERS[0].id: Shelf(PROVIDERS[0], fragment("SF", 0), own)}
    most = SHELF_PART * sum(map(len, [fragment("SF", 0), *own]))
    names = {f"S{number}" for number in range(len(sizes))}

    found = messages(hits, PlainJson(), limit, MOST, shelves)

    assert all(len(message) <= limit for message in found)
    for message in found:
        for part in json.loads(message)["providers"]:
            told = {one["id"] for one in part["items"]} & names
            shown = part["id"] == PROVIDERS[0].id and most <= limit
            assert told == (names if shown else set())


@settings(deadline=None)
@given(hits=hit_lists(), limit=st.integers(60, 3000))
def test_splitting(hits: list[Hit], limit: int) -> None:
    found = messages(hits, PlainJson(), limit, MOST)
    told = [item for message in found for item in ids(message, "items")]

    assert len(found) <= MOST
    assert all(ids(message, "items") for message in found)
    assert all(len(message) <= limit for message in found)
    assert len(set(told)) == len(told)

    # A nearer connector is never in a later message.
    by_message = [sorted(map(rank, ids(message, "items"))) for message in found]
    assert list(chain.from_iterable(by_message)) == sorted(map(rank, told))

    # A Location is spread over messages only when none could hold it.
    for hit in hits:
        fits = size_alone(hit) <= limit
        own = set(ids_of([hit]))
        assert not fits or sum(bool(own & set(ids(message, "items"))) for message in found) <= 1

    # What is told is the beginning of what can be told at all; everything, while messages are left.
    possible = [
        item_id
        for hit in hits
        for item, item_id in zip(hit.items, ids_of([hit]), strict=True)
        if size_alone(hit._replace(items=[item], offers=[])) <= limit
    ]
    assert sorted(told, key=rank) == possible[: len(told)]
    if len(found) < MOST:
        assert len(told) == len(possible)


@settings(deadline=None)
@given(hits=hit_lists(), limit=st.integers(60, 3000))
def test_each_message_stands_alone(hits: list[Hit], limit: int) -> None:
    for message in messages(hits, PlainJson(), limit, MOST):
        for part in json.loads(message)["providers"]:
            places = [one["id"] for one in part["locations"]]
            assert len(set(places)) == len(places)
            assert [one["id"] for one in part["fulfillments"]] == [
                place.replace("L", "F") for place in places
            ]
            offers = part.get("offers", [])
            assert len({one["id"] for one in offers}) == len(offers)
            for offer in offers:
                assert offer["locations"]
                assert set(offer["locations"]) <= set(places)
                assert len(set(offer["locations"])) == len(offer["locations"])
                narrowed = {one.partition("/")[0] for one in offer.get("items", [])}
                assert narrowed in (set(), set(offer["locations"]))
            of_items = [one["id"].partition("/")[0] for one in part["items"]]
            assert list(dict.fromkeys(of_items)) == places


@settings(deadline=None)
@given(hits=hit_lists())
def test_one_message_is_enough_exactly_when_everything_fits_into_one(hits: list[Hit]) -> None:
    if not hits:
        assert messages(hits, PlainJson(), 10**9, MOST) == []
        return
    (whole,) = messages(hits, PlainJson(), 10**9, MOST)
    assert sorted(ids(whole, "items")) == sorted(ids_of(hits))
    assert messages(hits, PlainJson(), len(whole), MOST) == [whole]
    if len(hits) > 1:
        assert len(messages(hits, PlainJson(), len(whole) - 1, MOST)) > 1
