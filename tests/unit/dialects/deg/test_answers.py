"""Answers that are not about the order's substance, and errors."""

from __future__ import annotations

import json

import pytest

from bridge.dialects.deg.dialect import Deg
from bridge.dialects.dialect import Dialect
from bridge.errors import BecknInvalid, BridgeError, CpoUnavailable, ItemUnavailable
from tests.unit.dialects.deg.given import dialect, order


def test_the_dialect_fits_the_protocol() -> None:
    fits: Dialect = dialect()

    assert (fits.name, fits.domain) == ("deg", "deg:ev-charging")
    assert {"1.1.0", "1.0.0"} <= Deg.versions


@pytest.mark.parametrize(
    ("state", "tracking"),
    [
        ("CONFIRMED", {"status": "inactive"}),
        ("CHARGING", {"id": "TRACK-S-1", "status": "active"}),
        ("INTERRUPTED", {"id": "TRACK-S-1", "status": "active"}),
        ("SETTLED", {"id": "TRACK-S-1", "status": "inactive"}),
    ],
)
def test_tracking(state: str, tracking: dict[str, str]) -> None:
    url = "https://bridge.example/session/x"

    message = json.loads(dialect().render_tracking(order(state), url))

    assert message == {"tracking": tracking | {"url": url}}


def test_rating_may_offer_a_form() -> None:
    assert dialect().render_rating(None) == b"{}"
    assert json.loads(dialect().render_rating("https://bridge.example/form")) == {
        "feedback_form": {
            "form": {"url": "https://bridge.example/form", "mime_type": "text/html"},
            "required": False,
        }
    }


def test_support_says_what_is_known() -> None:
    message = dialect().render_support("order-1", "1800", None, "https://help.example")

    assert json.loads(message) == {
        "support": {"ref_id": "order-1", "phone": "1800", "url": "https://help.example"}
    }


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ItemUnavailable("EVSE E1 is CHARGING"), "40002", "EVSE E1 is CHARGING"),
        (
            CpoUnavailable("https://cpo.internal timed out"),
            "40000",
            "not possible at the moment, try again later",
        ),
        (BecknInvalid("message.order", "is missing"), "30000", "message.order: is missing"),
    ],
)
def test_errors_have_a_string_code_and_keep_our_affairs_to_us(
    error: BridgeError, code: str, text: str
) -> None:
    part = json.loads(dialect().render_error(error))

    assert (part["code"], part["message"]) == (code, text)


def test_core_wants_a_message_beside_the_error_of_a_rating_only() -> None:
    assert dialect().error_message("on_rating") == b"{}"
    assert dialect().error_message("on_update") is None


def test_what_may_be_rated() -> None:
    message = json.loads(dialect().render_rating_categories())

    assert set(message["rating_categories"]) >= {"Item", "Order", "Fulfillment", "Provider"}


def test_the_reasons_of_a_cancel_have_ids_of_digits_and_names() -> None:
    message = json.loads(dialect().render_cancellation_reasons())

    reasons = {each["id"]: each["descriptor"]["name"] for each in message["cancellation_reasons"]}
    assert all(each.isdecimal() for each in reasons)
    assert reasons["5"] == "Cannot come"


def test_nothing_found_is_told() -> None:
    assert json.loads(dialect().render_nothing_found()) == {"catalog": {"providers": []}}
