"""The log names no person and no secret; the metrics are each app's own."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args

import pytest
import structlog
from pydantic import SecretStr

from bridge.observability import Event, Metrics, bound, configure_logging, get_logger


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Log as JSON into a string; put everything back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    written = io.StringIO()
    configure_logging("info", "json", written)
    yield written
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object(stream: io.StringIO) -> None:
    get_logger().info("callback.delivered", action="on_search", tries=1, kwh=Decimal("3.70"))
    (line,) = lines(stream)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", line.pop("timestamp"))
    assert line == {
        "event": "callback.delivered",
        "level": "info",
        "action": "on_search",
        "tries": 1,
        "kwh": "3.70",
    }


def test_below_its_level_nothing_is_written(stream: io.StringIO) -> None:
    get_logger().debug("callback.delivered")
    assert lines(stream) == []


def test_a_terminal_gets_lines_for_eyes(stream: io.StringIO) -> None:
    configure_logging("info", "console", stream)
    get_logger().info("callback.delivered", phone="12345")
    assert "callback.delivered" in stream.getvalue()
    assert "12345" not in stream.getvalue()


def test_auto_is_json_where_no_terminal_is() -> None:
    written = io.StringIO()
    configure_logging("info", "auto", written)
    get_logger().info("callback.delivered")
    structlog.reset_defaults()
    assert lines(written)


async def test_facts_stay_with_their_task(stream: io.StringIO) -> None:
    async def work(transaction_id: str) -> None:
        with bound(transaction_id=transaction_id, cpo=None):
            await asyncio.sleep(0)
            get_logger().info("beckn.queued")

    await asyncio.gather(work("t1"), work("t2"))
    get_logger().info("beckn.queued")
    assert [line.get("transaction_id") for line in lines(stream)] == ["t1", "t2", None]
    assert "cpo" not in lines(stream)[0]


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "token_a",
        "Authorization",
        "phone",
        "callback_phone",
        "customer-email",
        "tax_id",
        "taxNumber",
        "gstin",
        "otp",
        "billing",
        "person",
        "password",
        "client_secret",
        "bank_account_number",
        "source_virtual_payment_address",
    ],
)
def test_private_keys_are_masked_at_any_depth(stream: io.StringIO, name: str) -> None:
    get_logger().info("beckn.queued", **{name: "PRIVATE", "order": {"list": [{name: ["PRIVATE"]}]}})
    (line,) = lines(stream)
    assert line[name] == "***"
    assert line["order"] == {"list": [{name: "***"}]}


@pytest.mark.parametrize(
    "name", ["authorization_reference", "token_uid", "transaction_id", "provider_name", "state"]
)
def test_ids_are_shown(stream: io.StringIO, name: str) -> None:
    get_logger().info("beckn.queued", **{name: "shown"})
    assert lines(stream)[0][name] == "shown"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("connecting to redis://u:PRIVATE@h:1", "connecting to redis://***@h:1"),
        ("sent Authorization: Token UFJJVkFURQ==PRIVATE", "sent Authorization: ***"),
        ("mail to ravi.PRIVATE@mail.example bounced", "mail to *** bounced"),
        ("call +91 98765-43210 now", "call *** now"),
        ("Token not found at 2025-01-01T10:00:00+05:30", None),
    ],
)
def test_private_text_is_masked(stream: io.StringIO, text: str, shown: str | None) -> None:
    get_logger().info("beckn.queued", reason=text, error=ValueError(text))
    (line,) = lines(stream)
    assert line["reason"] == line["error"] == (shown or text)


def test_of_an_object_only_its_type_is_shown(stream: io.StringIO) -> None:
    get_logger().info("beckn.queued", secretly=SecretStr("PRIVATE"), many={"x": object()})
    (line,) = lines(stream)
    assert line["secretly"] == "<SecretStr>"
    assert line["many"] == {"x": "<object>"}


def test_a_traceback_holds_no_values(stream: io.StringIO) -> None:
    account = "PRIVATE"
    try:
        raise ValueError(f"https://{account}:x@host")
    except ValueError:
        get_logger().exception("lane.crashed")
    (line,) = lines(stream)
    assert "ValueError: https://***@host" in line["exception"]
    assert "PRIVATE" not in stream.getvalue()


def test_libraries_are_heard_in_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").info("quiet")
    try:
        raise ValueError("redis://u:PRIVATE@h")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error at %s", "http://u:PRIVATE@h")
    (line,) = lines(stream)
    assert (line["event"], line["level"]) == ("Error at http://***@h", "error")
    assert "ValueError" in line["exception"]
    assert "PRIVATE" not in stream.getvalue()
    assert not [name for name in line if name.startswith("_")]


def test_events_are_noun_and_verb() -> None:
    events = get_args(Event)
    assert events == tuple(sorted(set(events)))
    assert [event for event in events if not re.fullmatch(r"[a-z]+\.[a-z_]+", event)] == []


def test_metrics_are_each_apps_own() -> None:
    one, other = Metrics(), Metrics()
    one.beckn_requests.labels("search", "ack").inc()
    one.beckn_quirks.labels("ttl_without_p").inc(2)
    one.callbacks.labels("on_search", "delivered").inc()
    one.ocpi_requests.labels("in", "c", "cdrs", "PATCH", "1000").inc()
    one.commands.labels("cpo1", "START_SESSION", "ACCEPTED").inc()
    one.lane_depth.labels("outbox").set(3)
    one.dead_letters.set(1)
    one.catalogue_items.set(7)
    one.mapping.info({"fingerprint": "abc"})
    text = one.exposition().decode()
    for line in (
        'bridge_beckn_requests_total{action="search",outcome="ack"} 1.0',
        'bridge_beckn_quirk_total{quirk="ttl_without_p"} 2.0',
        'bridge_callbacks_total{action="on_search",outcome="delivered"} 1.0',
        'bridge_ocpi_requests_total{cpo="c",direction="in",method="PATCH",module="cdrs",status="1000"}',
        'bridge_commands_total{cpo="cpo1",kind="START_SESSION",result="ACCEPTED"} 1.0',
        'bridge_lane_depth{lane="outbox"} 3.0',
        "bridge_dead_letters 1.0",
        "bridge_catalogue_items 7.0",
        'bridge_mapping_info{fingerprint="abc"} 1.0',
        "process_resident_memory_bytes",
    ):
        assert line in text
    assert "on_search" not in other.exposition().decode()
