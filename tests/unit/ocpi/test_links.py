"""Where the next page is, by a Link header of any quality."""

from __future__ import annotations

import pytest

from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.links import at_offset, next_link, next_page

LIST = "https://cpo.example/ocpi/2.2.1/locations?offset=0&limit=50"


def met_of(*leniencies: Leniency) -> list[Met]:
    """Return these, met in the header."""
    return [Met(each, "Link") for each in leniencies]


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('<https://a.example/l?offset=5>; rel="next"', "https://a.example/l?offset=5"),
        ("<https://a.example/l?offset=5>;rel=next", "https://a.example/l?offset=5"),
        ('<https://a.example/1>; rel="prev", </2>; rel="next"', "/2"),
        (
            '<https://a.example/?a=1,2;b>; title="x, y"; rel="last next"',
            "https://a.example/?a=1,2;b",
        ),
        ("</p>; REL=NEXT", "/p"),
        ('</p>; rel="prev"; rel="next"', None),
        ('</p>; rel="nextdoor"', None),
        ('</p>; rel="prev", </q>', None),
        ("</p>, </q>", None),
        ('</p>; rel=""', None),
        (None, None),
    ],
)
def test_finds_the_next_page(header: str | None, url: str | None) -> None:
    met: list[Met] = []
    assert next_link(header, met) == url
    assert met == []


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("header", "url"),
    [
        ("<https://a.example/l?offset=5>", "https://a.example/l?offset=5"),
        ('</p>; title="rel=next"', "/p"),
        ("https://a.example/l?offset=5&limit=2", "https://a.example/l?offset=5&limit=2"),
        ("https://a.example/l; rel=next", "https://a.example/l"),
        ('https://a.example/l;title="x";rel="next"', "https://a.example/l"),
        ("/l?offset=5", "/l?offset=5"),
        ("?offset=5", "?offset=5"),
    ],
)
def test_the_only_link_may_lack_rel_or_brackets(header: str, url: str) -> None:
    met: list[Met] = []
    assert next_link(header, met) == url
    assert met == met_of(Leniency.LINK_SYNTAX)


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    "header",
    [
        "",
        "  ",
        '""',
        '<>; rel="next"',
        "<>",
        "null",
        'nonsense; rel="next"',
        '</unclosed; rel="next"',
        'https://a.example/l; rel="prev"',
    ],
)
def test_a_header_without_a_link_ends_the_list(header: str) -> None:
    met: list[Met] = []
    assert next_link(header, met) is None
    assert met == met_of(Leniency.LINK_EMPTY)


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("link", "met"),
    [
        ("https://cpo.example/ocpi/2.2.1/locations?offset=50", None),
        ("https://CPO.example:443/ocpi/2.2.1/locations?offset=50", None),
        ("?offset=50", Leniency.RELATIVE_URL),
        ("/ocpi/2.2.1/locations?offset=50", Leniency.RELATIVE_URL),
        ("//cpo.example/ocpi/2.2.1/locations?offset=50", Leniency.RELATIVE_URL),
        ("http://cpo.example/ocpi/2.2.1/locations?offset=50", Leniency.LINK_ORIGIN),
        ("http://10.0.0.1:8000/ocpi/2.2.1/locations?cursor=x", Leniency.LINK_ORIGIN),
        ("https://b.example/ocpi/2.2.1/locations/?offset=50", Leniency.LINK_ORIGIN),
        ("https://b.example//ocpi/2.2.1/locations?offset=50", Leniency.LINK_ORIGIN),
        ("https://b.example/cpo/locations?offset=50", Leniency.LINK_PATH),
        ("http://cpo.example/cpo/2.2.1/locations/?offset=50", Leniency.LINK_PATH),
    ],
)
def test_a_link_to_the_list_is_asked_of_its_origin(link: str, met: Leniency | None) -> None:
    told: list[Met] = []
    target = next_page(link, LIST, LIST, told)
    assert target is not None
    assert target.lower().replace(":443", "") == (
        f"https://cpo.example/ocpi/2.2.1/locations?{link.partition('?')[2]}"
    )
    assert told == met_of(*filter(None, [met]))


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    "link",
    [
        "https://b.example/cpo/locations?cursor=x",
        "https://b.example/cpo/tariffs?offset=50",
        "https://cpo.example@b.example/ocpi?offset=50",
        "ftp://cpo.example/x",
        "http://[",
        "http://cpo.example:99999/x",
    ],
)
def test_a_link_to_another_platform_is_not_followed(link: str) -> None:
    assert next_page(link, LIST, LIST, []) is None


@pytest.mark.requirement("O19")
def test_another_path_on_the_same_origin_is_the_cpos_own_affair() -> None:
    met: list[Met] = []
    assert next_page("/pages/2?x=1", LIST, LIST, met) == "https://cpo.example/pages/2?x=1"


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("query", "whole", "met"),
    [
        ("offset=5", "offset=5&date_from=2026-01-01T00%3A00%3A00Z", (Leniency.LINK_FILTERS,)),
        ("offset=5&date_from=2026-01-01", "offset=5&date_from=2026-01-01", ()),
        ("cursor=abc", "cursor=abc", ()),
    ],
)
def test_dates_that_a_link_forgot_are_added(
    query: str, whole: str, met: tuple[Leniency, ...]
) -> None:
    first = "https://cpo.example/l?date_from=2026-01-01T00%3A00%3A00Z&offset=0"
    told: list[Met] = []
    assert next_page(f"https://cpo.example/l?{query}", first, first, told) == (
        f"https://cpo.example/l?{whole}"
    )
    assert told == met_of(*met)


def test_an_offset_takes_the_place_of_the_one_that_is_there() -> None:
    first = "https://cpo.example/l?key=&date_from=2026-01-01T00%3A00%3A00Z&offset=0&limit=50"
    assert at_offset(first, 50) == (
        "https://cpo.example/l?key=&date_from=2026-01-01T00%3A00%3A00Z&limit=50&offset=50"
    )
    assert at_offset("https://cpo.example/l", 50) == "https://cpo.example/l?offset=50"
