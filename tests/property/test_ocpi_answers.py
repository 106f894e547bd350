"""Any bytes are an answer of some meaning, and any headers lead to the end of a list."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.clients.crawl import Crawl, Ending, key_of
from bridge.clients.ocpi import Answer
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.ocpi.answers import ACKNOWLEDGEMENT, Ready, Shape, list_of, object_of, understood
from bridge.ocpi.codec import encode, loads, stored
from bridge.ocpi.leniency import Met
from bridge.ocpi.lenient import read
from bridge.ocpi.locations import Location
from bridge.ocpi.urls import same_origin
from bridge.ocpi.versions import Version
from tests.property.ocpi_objects import objects as ocpi_objects
from tests.property.test_ocpi_lenient import spoilt, written

FIRST = "https://cpo.example/l?date_from=2026-01-01T00:00:00Z&offset=0&limit=2"
PAGES = 30

scalars = st.none() | st.booleans() | st.integers(-5000, 5000) | st.text(max_size=5)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "status_code",
                    "status_message",
                    "timestamp",
                    "detail",
                    "loc",
                    "msg",
                    "url",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
bodies = (
    st.binary(max_size=60)
    | documents.map(lambda document: json.dumps(document).encode())
    | documents.map(lambda document: b"\xef\xbb\xbf" + json.dumps(document).encode())
    | st.text(max_size=40).map(lambda text: f"<html>{text}</html>".encode())
)
dues = st.sampled_from([ACKNOWLEDGEMENT, object_of(Version), list_of(Version)])

envelopes = st.fixed_dictionaries(
    {},
    optional={
        "status_code": st.sampled_from([1000, 1999, 2000, 3000, 1000.0, "1000", None, True]),
        "timestamp": st.sampled_from(["2026-03-10T12:00:00Z", "2026-03-10T12:00:00", "today", 7]),
        "status_message": st.sampled_from(["Success", None, 7]),
        "extra": st.none(),
    },
)
"""What may be around a list, in place of what should be."""

links = (
    st.none()
    | st.text(max_size=20)
    | st.builds(
        '<{}{}>; rel="{}"'.format,
        st.sampled_from(
            ["", "https://cpo.example/l", "http://cpo.example/l", "https://b.example/x/l", "/other"]
        ),
        st.sampled_from(["?offset=0", "?offset=2", "?offset=4", "?cursor=a", "?cursor=b", ""]),
        st.sampled_from(["next", "next", "next", "prev"]),
    )
)
totals = st.none() | st.integers(-1, 9).map(str) | st.text(max_size=3)
objects = st.lists(
    st.builds(
        lambda id_, changed: {"id": id_, "last_updated": changed},
        st.none() | st.integers(0, 6).map(str),
        st.sampled_from(["2025-12-31T00:00:00Z", "2026-01-02T00:00:00Z", "soon"]),
    )
    | scalars,
    max_size=3,
)
failures = st.builds(
    lambda http, code: CallFailed("locations: no", http=http, code=code),
    st.sampled_from([None, 200, 400, 401, 404, 500]),
    st.none() | st.integers(1000, 4000),
)


@given(st.integers(100, 599), bodies, dues, st.booleans())
def test_any_bytes_have_a_meaning(http: int, body: bytes, due: Any, reading: bool) -> None:
    said = understood(http, body, due, reading=reading)
    if said.ok:
        assert 200 <= http < 300
        assert said.code is None or 1000 <= said.code < 3000
        if said.code is None or said.code >= 2000:
            assert said.met, "what is forgiven is told"
    if said.ok and said.code is not None and said.code >= 2000:
        assert reading
        assert due.shape is not Shape.ANYTHING
        assert due.usable(said.data)


@pytest.mark.requirement("O19")
@given(st.lists(failures | st.tuples(links, totals, totals, objects), min_size=PAGES + 1))
def test_any_list_ends_where_it_began(steps: list[Any]) -> None:
    crawl = Crawl(FIRST, max_pages=PAGES)
    asked = {FIRST}
    following: str | Ending = FIRST
    for step in steps:
        if isinstance(step, CallFailed):
            instead = crawl.instead(step)
            if instead is None:
                return
            following = instead
        else:
            link, total, limit, data = step
            answer = Answer(200, 1000, data, str(following), link, total, limit)
            following = crawl.after(answer, data)
        crawl.told()
        if isinstance(following, Ending):
            return
        assert same_origin(following, FIRST), "our token stays with its origin"
        assert following not in asked, "nothing is asked for twice"
        asked.add(following)
    assert crawl.pages < PAGES, "every page counts"


def outcome(element: object) -> object:
    """Return what becomes of an element of a page: what it is, or what is wrong with it."""
    met: list[Met] = []
    if isinstance(element, Ready):
        return key_of(element), stored(element.object), met
    try:
        return key_of(element), stored(read(element, Location, met)), met
    except OcpiInvalid as error:
        return key_of(element), str(error)


@given(st.lists(ocpi_objects("Location"), max_size=3), envelopes, st.integers(0, 2**63))
def test_a_page_that_is_read_at_once_means_the_same(
    things: list[Location], around: dict[str, object], seed: int
) -> None:
    random = Random(seed)
    bodies = [encode(each) for each in things]
    bodies = [written(spoilt(loads(each), random), random) for each in bodies[:1]] + bodies[1:]
    should_be = {"status_code": 1000, "timestamp": "2026-03-10T12:00:00Z"}
    page = {"data": [msgspec.Raw(each) for each in bodies], **should_be, **around}
    body, due = msgspec.json.encode(page), list_of(Location)

    quick = understood(200, body, due, reading=True)
    careful = understood(200, body, due._replace(listed=None), reading=True)

    assert quick._replace(data=None) == careful._replace(data=None)
    if careful.ok:
        assert isinstance(quick.data, list)
        assert isinstance(careful.data, list)
        assert list(map(outcome, quick.data)) == list(map(outcome, careful.data))
