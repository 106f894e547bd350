"""The answers of the meta API, as Beckn core meta 1.1.0 draws them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.beckn.actions import META
from bridge.beckn.context import answer_context
from bridge.dialects.dialect import Dialect
from tests.reference import load_tool
from tests.unit.dialects.deg import given as deg
from tests.unit.dialects.uei import given as uei

pytestmark = pytest.mark.shared

CORE_META = "data/core/meta_core_1.1.0.yaml"

SLIPS = {"rating_categories": ["/message: 'return_reasons' is a required property [required]"]}
"""What no message can be valid for: core asks for another answer's key."""


@pytest.mark.parametrize("dialect", [deg.dialect(), uei.dialect()], ids=["deg", "uei"])
@pytest.mark.parametrize("action", sorted(META))
def test_an_answer_has_the_shape_of_core(shared: Path, action: str, dialect: Dialect) -> None:
    request = replace(deg.request(), action=action)
    context = answer_context(
        request,
        action=request.callback,
        message_id=deg.UUID,
        now=deg.NOW,
        bpp_id=deg.ME,
        bpp_uri="https://bridge.example/beckn",
    )
    answers = {
        "rating_categories": dialect.render_rating_categories(),
        "cancellation_reasons": dialect.render_cancellation_reasons(),
    }
    message = {"context": context, "message": json.loads(answers[request.callback])}

    faults = load_tool(shared, "validate_layer2").validate(message, spec=str(shared / CORE_META))

    assert faults == SLIPS.get(request.callback, [])
