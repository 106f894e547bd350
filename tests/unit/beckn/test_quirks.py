"""The table of leniencies."""

from __future__ import annotations

import pytest

from bridge.beckn.quirks import Quirk


@pytest.mark.parametrize("quirk", Quirk)
def test_every_quirk_has_a_name_for_metrics_and_a_sentence_for_people(quirk: Quirk) -> None:
    assert quirk == quirk.value
    assert quirk.replace("-", "").isalnum()
    assert quirk.islower()
    assert quirk.meaning.endswith(".")
