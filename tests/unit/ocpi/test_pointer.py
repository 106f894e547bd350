"""Places of faults as JSON Pointers."""

from __future__ import annotations

import pytest

from bridge.ocpi.pointer import pointer


@pytest.mark.parametrize(
    ("steps", "path", "expected"),
    [
        ((), "", ""),
        (("data", 3), "", "/data/3"),
        (("data", 3), "evses[0].uid", "/data/3/evses/0/uid"),
        ((), "[2]", "/2"),
        ((), "tariff_alt_text[10][1].text", "/tariff_alt_text/10/1/text"),
        (("a/b",), "c~d", "/a~1b/c~0d"),
    ],
)
def test_a_path_becomes_a_pointer(steps: tuple[str | int, ...], path: str, expected: str) -> None:
    assert pointer(*steps, path=path) == expected
