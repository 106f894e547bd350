"""What the codec writes, whatever object it is given, is valid OCPI."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ocpi.codec import encode
from tests.property.examples import examples
from tests.property.ocpi_objects import STRUCTS, objects

pytestmark = pytest.mark.shared


@pytest.mark.requirement("O22")
@pytest.mark.requirement("O24")
@pytest.mark.parametrize("name", sorted(STRUCTS))
@examples(25)
@given(data=st.data())
def test_what_is_written_is_valid(
    name: str, data: st.DataObject, validate: Callable[[object, str], list[str]]
) -> None:
    assert validate(json.loads(encode(data.draw(objects(name)))), name) == []
