"""What a request must carry to be read, and what its answer repeats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bridge.beckn.actions import ACTIONS, META
from bridge.beckn.context import answer_context, read_envelope
from bridge.beckn.quirks import Quirk
from bridge.beckn.request import Request
from bridge.errors import ActionNotApplicable, BecknInvalid, NotJson

NOW = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
ME = "bridge.example"
CONTEXT: Mapping[str, object] = {
    "domain": "deg:ev-charging",
    "action": "select",
    "version": "1.1.0",
    "bap_id": "bap.example",
    "bap_uri": "https://bap.example:8443/beckn/v1",
    "bpp_id": ME,
    "bpp_uri": "https://bridge.example/beckn",
    "transaction_id": "t-1",
    "message_id": "select-msg-001",
    "timestamp": "2026-03-04T06:30:00Z",
    "ttl": "PT10M",
    "location": {"country": {"code": "IND"}, "city": {"code": "std:020"}},
}


def read(
    context: object,
    message: object | None = None,
    *,
    path_action: str | None = "select",
    max_clock_skew_s: float | None = None,
    quirks: list[str] | None = None,
) -> tuple[Request, Mapping[str, object]]:
    """Read an envelope with these parts."""
    body = {"context": context, "message": {} if message is None else message}
    return read_bytes(
        json.dumps(body).encode(),
        path_action=path_action,
        max_clock_skew_s=max_clock_skew_s,
        quirks=quirks,
    )


def read_bytes(
    body: bytes,
    *,
    path_action: str | None = "select",
    max_clock_skew_s: float | None = None,
    quirks: list[str] | None = None,
) -> tuple[Request, Mapping[str, object]]:
    """Read a body as the edge does."""
    return read_envelope(
        body,
        path_action=path_action,
        dialects={"deg:ev-charging": "deg"},
        versions={"deg:ev-charging": frozenset({"1.1.0", "1.0.0"})},
        bpp_id=ME,
        now=NOW,
        time_zone=ZoneInfo("Asia/Kolkata"),
        max_clock_skew_s=max_clock_skew_s,
        quirk=(quirks if quirks is not None else []).append,
    )


def fault(context: object, **options: object) -> tuple[str, str]:
    """Return path and reason of the refusal of a context."""
    with pytest.raises(BecknInvalid) as caught:
        read(context, **options)  # type: ignore[arg-type]
    return caught.value.path, caught.value.reason


def without(key: str) -> dict[str, object]:
    """Return the context without a key."""
    return {name: value for name, value in CONTEXT.items() if name != key}


def test_a_request_is_read_completely() -> None:
    request, message = read(CONTEXT, {"order": {}})

    assert request.action == "select"
    assert request.dialect == "deg"
    assert request.domain == "deg:ev-charging"
    assert request.version == "1.1.0"
    assert (request.bap_id, request.bap_uri) == (CONTEXT["bap_id"], CONTEXT["bap_uri"])
    assert (request.transaction_id, request.message_id) == ("t-1", "select-msg-001")
    assert (request.received_at, request.ttl_s) == (NOW, 600)
    assert json.loads(bytes(request.context)) == CONTEXT
    assert message == {"order": {}}


def test_numbers_of_a_message_stay_exact() -> None:
    body = b'{"context": %s, "message": {"a": 0.1, "b": 1.10}}' % json.dumps(CONTEXT).encode()

    _, message = read_bytes(body)

    assert message == {"a": Decimal("0.1"), "b": Decimal("1.10")}
    assert str(message["b"]) == "1.10"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"{",
        b'{"context": {}, "message": {}} x',
        b'{"context": NaN}',
        b'{"context": "\xff"}',
        b'{"context": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"context": {}, "message": {"a": 1e999999999}}',
        b'{"context": {}, "message": {"a": 1e-99999999999999999999999}}',
        b'{"context": {}, "message": ' + b"[" * 65 + b"]" * 65 + b"}",
    ],
)
def test_what_is_no_json_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(NotJson) as caught:
        read_bytes(body)

    assert caught.value.http_status == 400


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", ""),
        (b'"search"', ""),
        (b"{}", "context"),
        (b'{"context": []}', "context"),
        (b'{"context": %s}' % json.dumps(CONTEXT).encode(), "message"),
        (b'{"context": %s, "message": null}' % json.dumps(CONTEXT).encode(), "message"),
    ],
)
def test_a_document_without_its_two_parts_is_refused(body: bytes, path: str) -> None:
    with pytest.raises(BecknInvalid) as caught:
        read_bytes(body)

    assert caught.value.path == path


@pytest.mark.parametrize(
    "key",
    ["domain", "action", "bap_id", "bap_uri", "bpp_id", "transaction_id", "message_id"],
)
@pytest.mark.parametrize("how", ["absent", "null"])
def test_what_is_missing_is_named(key: str, how: str) -> None:
    context = without(key) if how == "absent" else {**CONTEXT, key: None}

    assert fault(context) == (f"context.{key}", "is missing")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("domain", 5),
        ("bap_id", ""),
        ("bap_id", "a|b"),
        ("bap_id", "a b"),
        ("bap_id", "x" * 256),
        ("bap_uri", "bap.example"),
        ("bap_uri", "ftp://bap.example"),
        ("bap_uri", "https://"),
        ("bap_uri", "https://bap.example:99999/"),
        ("bap_uri", "https://bap example/"),
        ("bap_uri", "https://bäp.example/"),
        ("bap_uri", "http://[::1"),
        ("transaction_id", ""),
        ("transaction_id", 17),
        ("message_id", []),
        ("message_id", "x" * 256),
        ("location", "Pune"),
        ("timestamp", "yesterday"),
        ("timestamp", 1_772_606_400),
    ],
)
def test_what_is_wrong_is_named(key: str, value: object) -> None:
    path, reason = fault({**CONTEXT, key: value})

    assert path == f"context.{key}"
    assert reason


def test_a_nested_fault_is_named_to_the_last_step() -> None:
    location = {"country": {"code": 91}}

    assert fault({**CONTEXT, "location": location})[0] == "context.location.country.code"


def test_an_unknown_domain_is_refused() -> None:
    path, reason = fault({**CONTEXT, "domain": "ev-charging:uei"})

    assert path == "context.domain"
    assert "deg:ev-charging" in reason


def test_an_unknown_version_is_refused() -> None:
    assert fault({**CONTEXT, "version": "2.0.0"})[0] == "context.version"


def test_a_request_for_another_bpp_is_refused() -> None:
    path, reason = fault({**CONTEXT, "bpp_id": "other.example"})

    assert path == "context.bpp_id"
    assert ME in reason


def test_a_search_through_a_gateway_names_no_bpp() -> None:
    request, _ = read({**without("bpp_id"), "action": "search"}, path_action="search")

    assert request.action == "search"


def test_a_search_for_another_bpp_is_refused_too() -> None:
    context = {**CONTEXT, "action": "search", "bpp_id": "other.example"}

    assert fault(context, path_action="search")[0] == "context.bpp_id"


def test_the_action_must_be_that_of_the_path() -> None:
    path, reason = fault(CONTEXT, path_action="init")

    assert path == "context.action"
    assert "select" in reason
    assert "init" in reason


def test_a_path_without_action_leaves_it_to_the_context() -> None:
    assert read(CONTEXT, path_action=None)[0].action == "select"


@pytest.mark.parametrize("action", ["on_search", "rating_categories", "SELECT", "x"])
def test_what_is_no_action_of_a_bpp_is_refused(action: str) -> None:
    assert fault({**CONTEXT, "action": action}, path_action=action)[0] == "context.action"


def test_ten_actions_are_known() -> None:
    assert len(ACTIONS) == 10


@pytest.mark.parametrize("action", sorted(META))
@pytest.mark.parametrize("parts", [{}, {"message": {}}, {"message": None}])
def test_a_question_of_the_meta_api_needs_no_message(action: str, parts: dict[str, object]) -> None:
    body = json.dumps({"context": {**CONTEXT, "action": action}, **parts}).encode()

    request, message = read_bytes(body, path_action=action)

    assert message == {}
    assert f"get_{request.callback}" == action


def test_every_other_callback_is_called_on() -> None:
    assert read(CONTEXT)[0].callback == "on_select"


def test_what_nobody_needs_here_is_not_applicable() -> None:
    with pytest.raises(ActionNotApplicable) as caught:
        read({**CONTEXT, "action": "get_return_reasons"}, path_action="get_return_reasons")

    assert (caught.value.path, caught.value.beckn_code) == ("context.action", "40001")


def test_a_context_without_a_version_speaks_the_usual_one() -> None:
    quirks: list[str] = []

    request, _ = read(without("version"), quirks=quirks)

    assert request.version == "1.1.0"
    assert quirks == [Quirk.VERSION_MISSING]
    assert answered(without("version"))["version"] == "1.1.0"


def test_the_dates_and_ttls_of_the_pages_are_read() -> None:
    quirks: list[str] = []

    request, _ = read({**CONTEXT, "timestamp": "2026:03:04:12:00:00", "ttl": "15S"}, quirks=quirks)

    assert request.ttl_s == 15
    assert quirks == [Quirk.COLON_DATE, Quirk.TTL_WITHOUT_PT]


@pytest.mark.parametrize("timestamp", ["2026:03:04:12:00:00+05:30", "2026:03:04:06:30:00Z"])
def test_a_colon_date_may_have_a_zone(timestamp: str) -> None:
    quirks: list[str] = []

    read({**CONTEXT, "timestamp": timestamp}, max_clock_skew_s=60, quirks=quirks)

    assert quirks == [Quirk.COLON_DATE]


@pytest.mark.parametrize("ttl", ["soon", 600, {"a": 1}])
def test_an_unreadable_ttl_is_no_ttl(ttl: object) -> None:
    quirks: list[str] = []

    request, _ = read({**CONTEXT, "ttl": ttl}, quirks=quirks)

    assert request.ttl_s is None
    assert quirks == [Quirk.TTL_UNREADABLE]


def test_timestamp_and_ttl_need_not_be_there() -> None:
    context = {key: CONTEXT[key] for key in CONTEXT.keys() - {"timestamp", "ttl", "location"}}

    assert read(context)[0].ttl_s is None


@pytest.mark.parametrize(
    ("timestamp", "refused"),
    [
        ("2026-03-04T06:29:00Z", False),
        ("2026-03-04T06:31:00Z", False),
        ("2026-03-04T06:28:59Z", True),
        ("2026-03-04T06:31:01Z", True),
        (None, True),
    ],
)
def test_age_counts_where_the_operator_says_so(timestamp: str | None, refused: bool) -> None:
    context = {**CONTEXT, "timestamp": timestamp}
    if refused:
        assert fault(context, max_clock_skew_s=60)[0] == "context.timestamp"
    else:
        assert read(context, max_clock_skew_s=60)[0].action == "select"


def test_age_does_not_count_otherwise() -> None:
    assert read({**CONTEXT, "timestamp": "2023-07-16T04:41:16Z"})[0].action == "select"


def answered(context: Mapping[str, object]) -> dict[str, object]:
    """Return the context of the answer to a request with this context."""
    request, _ = read(context)
    return answer_context(
        request,
        action="on_select",
        message_id="m-2",
        now=NOW + timedelta(milliseconds=250),
        bpp_id=ME,
        bpp_uri="https://bridge.example/beckn",
    )


def test_an_answer_repeats_what_must_be_repeated() -> None:
    assert answered(CONTEXT) == {
        **CONTEXT,
        "action": "on_select",
        "message_id": "m-2",
        "timestamp": "2026-03-04T06:30:00.250Z",
    }


def test_an_answer_repeats_the_version_of_the_request() -> None:
    assert answered({**CONTEXT, "version": "1.0.0"})["version"] == "1.0.0"


@pytest.mark.parametrize(
    ("ttl", "said"),
    [("PT10M", "PT10M"), ("15S", "PT15S"), ("soon", "PT30S"), (600, "PT30S"), (None, "PT30S")],
)
def test_an_answer_has_a_real_ttl(ttl: object, said: str) -> None:
    assert answered({**CONTEXT, "ttl": ttl})["ttl"] == said


def test_an_answer_is_valid_though_the_request_was_not_quite() -> None:
    location = {"country": {"code": None, "name": "India"}, "city": None, "gps": "nowhere"}

    answer = answered({**CONTEXT, "location": location, "key": "k", "country": {"x": 1}})

    assert answer["location"] == {"country": {"name": "India"}}
    assert answer.keys() == CONTEXT.keys()


def test_what_an_adapter_adds_is_repeated() -> None:
    added = {"country": "IND", "city": "std:020", "core_version": "1.1.0"}

    assert answered({**CONTEXT, **added}).items() >= added.items()
