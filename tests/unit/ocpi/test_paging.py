from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from bridge.errors import OcpiInvalid
from bridge.ocpi.paging import Page, page

START = datetime(2024, 5, 1, 8, 0, tzinfo=UTC)
BASE = "https://bridge.example/ocpi/2.2.1/tokens"


class Item(msgspec.Struct, frozen=True):
    number: int
    last_updated: datetime


ITEMS = [Item(number, START + timedelta(minutes=number)) for number in range(10)]


def listed(items: list[Item] = ITEMS, /, **given: str) -> Page[Item]:
    parameters: dict[str, Any] = dict.fromkeys(("date_from", "date_to", "offset", "limit"))
    return page(items, **(parameters | given), max_limit=4, base_url=BASE)


def numbers(given: Page[Item]) -> list[int]:
    return [item.number for item in given.items]


@pytest.mark.requirement("O17")
@pytest.mark.requirement("O18")
def test_the_first_page_without_parameters() -> None:
    first = listed()
    assert numbers(first) == [0, 1, 2, 3]
    assert (first.total, first.limit) == (10, 4)


@pytest.mark.requirement("O16")
def test_the_links_lead_to_every_item_once_and_keep_the_filters() -> None:
    given = {"date_from": "2024-05-01T08:01:00Z", "date_to": "2024-05-01T08:08:00", "limit": "3"}
    current, seen = listed(**given), []
    while True:
        seen += numbers(current)
        if current.next_url is None:
            break
        assert current.next_url.startswith(BASE + "?")
        query = {
            name: value for name, [value] in parse_qs(urlsplit(current.next_url).query).items()
        }
        assert query["date_from"] == given["date_from"]
        assert query["date_to"] == "2024-05-01T08:08:00Z"
        current = listed(**query)
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert current.total == 7


@pytest.mark.requirement("O17")
def test_date_from_is_inclusive_and_date_to_exclusive() -> None:
    found = listed(date_from="2024-05-01T08:02:00Z", date_to="2024-05-01T08:04:00Z")
    assert numbers(found) == [2, 3]
    assert found.next_url is None


@pytest.mark.requirement("O17")
def test_the_limit_is_capped() -> None:
    assert numbers(listed(limit="1000")) == [0, 1, 2, 3]
    assert numbers(listed(limit="2")) == [0, 1]
    assert listed(limit="2").limit == 4


@pytest.mark.requirement("O16")
@pytest.mark.parametrize(("offset", "count"), [("6", 4), ("9", 1), ("10", 0), ("99", 0)])
def test_the_last_page_has_no_link(offset: str, count: int) -> None:
    last = listed(offset=offset)
    assert len(last.items) == count
    assert last.next_url is None
    assert last.total == 10


@pytest.mark.requirement("O18")
def test_the_order_is_kept() -> None:
    assert numbers(listed(ITEMS[::-1])) == [9, 8, 7, 6]


def test_nothing_to_list_is_an_empty_page() -> None:
    assert listed([]) == Page(items=(), total=0, limit=4, next_url=None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date_from", "yesterday"),
        ("date_to", "2024-13-01T00:00:00Z"),
        ("offset", "-1"),
        ("offset", "1.5"),
        ("offset", "9" * 5000),
        ("limit", "0"),
        ("limit", "many"),
        ("limit", "٣"),
    ],
)
def test_a_bad_parameter_is_named(name: str, value: str) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        listed(**{name: value})
    assert refused.value.path == name
