"""Any bytes are an answer of some meaning, and any headers lead to the end of a list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.clients.crawl import Crawl, Ending
from bridge.clients.ocpi import Answer
from bridge.flows.peer import CallFailed
from bridge.ocpi.answers import ACKNOWLEDGEMENT, Shape, list_of, object_of, understood
from bridge.ocpi.urls import same_origin
from bridge.ocpi.versions import Version

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
