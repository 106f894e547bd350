"""Names and the question whether a text means one."""

from __future__ import annotations

from bridge.catalog.names import NameBook, folded


def test_names_are_compared_without_case_and_with_single_blanks() -> None:
    assert folded("  BlueCharge \n Connaught  PLACE ") == "bluecharge connaught place"


def test_a_text_is_had_when_it_is_part_of_a_name() -> None:
    book = NameBook()
    book.add(["blue station", "green station"])
    assert book.has("een sta")
    assert not book.has("red")


def test_no_text_reaches_over_two_names() -> None:
    book = NameBook()
    book.add(["blue", "green"])
    assert not book.has(folded("blue\ngreen"))


def test_a_name_stays_until_its_last_use_is_dropped() -> None:
    book = NameBook()
    book.add(["blue", "blue"])
    book.drop(["blue"])
    assert book.has("blue")
    book.drop(["blue"])
    assert not book.has("blue")
    book.add(["blue"])
    assert book.has("blue")
