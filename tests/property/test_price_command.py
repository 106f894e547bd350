"""``bridge price`` on files of any content: a bill, or a fault by its name; never a crash."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bridge.cli import app
from bridge.errors import WrongUse
from tests.unit.pricing.test_price_command import SESSION, TARIFF

LIMITED = {
    **TARIFF,
    "min_price": {"excl_vat": 5, "incl_vat": 6},
    "max_price": {"excl_vat": 500},
    "type": "REGULAR",
    "start_date_time": "2026-01-01T00:00:00Z",
}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["1e400", "-1", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "24:00"]),
    st.sampled_from([1e308, -1e308, 1e-308, 2**63, -1, 0]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def places(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a document, the document itself first."""
    yield way
    if isinstance(document, dict | list):
        inner = document.items() if isinstance(document, dict) else enumerate(document)
        for name, value in inner:
            yield from places(value, (*way, name))


def changed(document: Any, way: tuple[Any, ...], value: object) -> Any:
    """Return a copy that has another value at a place."""
    if not way:
        return value
    copy = json.loads(json.dumps(document))
    place = copy
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return copy


@given(
    st.sampled_from([("tariff", way) for way in places(LIMITED)])
    | st.sampled_from([("session", way) for way in places(SESSION)]),
    ANYTHING,
    st.booleans(),
)
def test_any_value_in_any_place(
    where: tuple[str, tuple[Any, ...]], value: object, as_json: bool
) -> None:
    which, way = where
    files = {"tariff": LIMITED, "session": SESSION}
    files[which] = changed(files[which], way, value)
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["price", "--time-zone", "America/New_York", *(["--json"] if as_json else [])]
        for name, document in files.items():
            file = Path(folder, f"{name}.json")
            file.write_text(json.dumps(document))
            arguments += [f"--{name}", str(file)]
        ran = CliRunner().invoke(app, arguments)
    if ran.exit_code == 0 and as_json:
        bill = json.loads(ran.stdout)
        assert {Decimal(bill[name]).is_finite() for name in ("excl_vat", "incl_vat")} == {True}
    elif ran.exit_code:
        assert isinstance(ran.exception, WrongUse)
        assert str(ran.exception).startswith(str(Path(folder, f"{which}.json")))
