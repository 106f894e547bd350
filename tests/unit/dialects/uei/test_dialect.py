"""The dialect as a whole."""

from __future__ import annotations

from bridge.dialects.dialect import Dialect
from bridge.dialects.uei.dialect import Uei
from tests.unit.dialects.uei.given import dialect


def test_the_dialect_fits_the_protocol() -> None:
    fits: Dialect = dialect()

    assert (fits.name, fits.domain) == ("uei", "ev-charging:uei")
    assert {"1.1.0", "1.0.0"} <= Uei.versions
