from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from bridge.errors import OcpiInvalid
from bridge.ocpi.urls import closed, join, page_query, same_origin, with_query, with_scheme_of


@pytest.mark.requirement("O38")
@pytest.mark.parametrize(
    ("base", "segments", "url"),
    [
        ("https://cpo.example/ocpi/cdrs", ("C1",), "https://cpo.example/ocpi/cdrs/C1"),
        ("https://cpo.example/ocpi/cdrs//", ("C1",), "https://cpo.example/ocpi/cdrs/C1"),
        ("https://cpo.example", ("a", "b"), "https://cpo.example/a/b"),
        ("https://cpo.example/x", ("IN*CPO*E1",), "https://cpo.example/x/IN%2ACPO%2AE1"),
        ("https://cpo.example/x", ("a/b", "s::1"), "https://cpo.example/x/a%2Fb/s%3A%3A1"),
        ("https://cpo.example/x", ("a b?#%",), "https://cpo.example/x/a%20b%3F%23%25"),
        ("https://cpo.example/x/?key=1", ("a",), "https://cpo.example/x/a?key=1"),
        ("https://cpo.example/x/", (), "https://cpo.example/x"),
    ],
)
def test_joins_with_one_slash(base: str, segments: tuple[str, ...], url: str) -> None:
    assert join(base, *segments) == url


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_no_segment_leads_elsewhere(segment: str) -> None:
    with pytest.raises(OcpiInvalid, match="segment"):
        join("https://cpo.example/x", segment)


def test_a_base_that_is_no_url_is_refused() -> None:
    with pytest.raises(OcpiInvalid, match="no URL"):
        join("http://[", "a")
    with pytest.raises(OcpiInvalid, match="no URL"):
        closed("http://[")
    with pytest.raises(OcpiInvalid, match="no URL"):
        with_query("http://[", "a=1")


@pytest.mark.requirement("O38")
@pytest.mark.parametrize(
    ("url", "ended"),
    [
        ("https://cpo.example/x", "https://cpo.example/x/"),
        ("https://cpo.example/x/", "https://cpo.example/x/"),
        ("https://cpo.example/x//", "https://cpo.example/x/"),
        ("https://cpo.example", "https://cpo.example/"),
        ("https://cpo.example/x?key=a/b", "https://cpo.example/x/?key=a/b"),
    ],
)
def test_a_path_ends_in_one_slash(url: str, ended: str) -> None:
    assert closed(url) == ended


@pytest.mark.requirement("O38")
@pytest.mark.parametrize(
    ("url", "query", "joined"),
    [
        ("https://cpo.example/x", "a=1&b=2", "https://cpo.example/x?a=1&b=2"),
        ("https://cpo.example/x/", "a=1", "https://cpo.example/x/?a=1"),
        ("https://cpo.example/x?key=1", "a=1", "https://cpo.example/x?key=1&a=1"),
        ("https://cpo.example/x?", "a=1", "https://cpo.example/x?a=1"),
        ("https://cpo.example/x#part", "a=1", "https://cpo.example/x?a=1"),
        ("https://cpo.example/x?key=1", "", "https://cpo.example/x?key=1"),
        ("https://cpo.example/x", "", "https://cpo.example/x"),
    ],
)
def test_a_query_is_appended_to_the_one_that_is_there(url: str, query: str, joined: str) -> None:
    assert with_query(url, query) == joined


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("https://a.example/x", "https://A.example:443/y?z", True),
        ("http://a.example", "http://a.example:80", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://b.example", False),
        ("https://a.example", "https://a.example@b.example", False),
        ("https://a.example", "/x", False),
        ("/x", "/x", False),
        ("https://a.example:99999", "https://a.example:99999", False),
        ("http://[", "http://[", False),
    ],
)
def test_compares_origins(a: str, b: str, same: bool) -> None:
    assert same_origin(a, b) is same


HTTP, HTTPS = "http://cpo.example:8000/ocpi/versions", "https://cpo.example:8000/ocpi/versions"


@pytest.mark.parametrize(
    ("answered", "url", "usable"),
    [
        (HTTP, "https://cpo.example:8000/x?a=1", "http://cpo.example:8000/x?a=1"),
        (HTTPS, "http://CPO.example:8000/x", "https://CPO.example:8000/x"),
        (HTTP, "http://cpo.example:8000/x", "http://cpo.example:8000/x"),
        # Another place, or one that may be another: it stays as it is.
        (HTTP, "https://cpo.example:8443/x", "https://cpo.example:8443/x"),
        (HTTP, "https://other.example:8000/x", "https://other.example:8000/x"),
        ("http://cpo.example/x", "https://cpo.example/x", "https://cpo.example/x"),
        ("https://cpo.example/x", "http://cpo.example/x", "http://cpo.example/x"),
        (HTTP, "ftp://cpo.example:8000/x", "ftp://cpo.example:8000/x"),
        (HTTP, "https://cpo.example:port/x", "https://cpo.example:port/x"),
    ],
)
def test_a_port_that_answered_has_one_scheme(answered: str, url: str, usable: str) -> None:
    assert with_scheme_of(answered, url) == usable


@pytest.mark.requirement("O22")
def test_a_query_holds_what_is_given() -> None:
    moment = datetime(2024, 5, 1, 8, 0, tzinfo=UTC)
    query = page_query(date_from=moment, date_to=moment, offset=0, limit=50)
    assert "%3A" in query
    assert parse_qs(query) == {
        "date_from": ["2024-05-01T08:00:00Z"],
        "date_to": ["2024-05-01T08:00:00Z"],
        "offset": ["0"],
        "limit": ["50"],
    }
    assert page_query() == ""
