"""Dates and durations as BAPs spell them (use cases, Q1 and Q4)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.beckn.quirks import Quirk
from bridge.beckn.times import (
    format_instant,
    is_duration,
    parse_duration,
    parse_instant,
    parse_ttl,
)

INDIA = ZoneInfo("Asia/Kolkata")
NOON = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "quirks"),
    [
        ("2026-03-04T12:00:00+05:30", []),
        ("2026-03-04T06:30:00Z", []),
        ("2026-03-04t06:30:00.000z", []),
        ("2026:03:04:12:00:00", [Quirk.COLON_DATE]),
        ("2026:03:04:06:30:00Z", [Quirk.COLON_DATE]),
        ("2026:03:04:12:00:00+05:30", [Quirk.COLON_DATE]),
        ("2026-03-04T12:00:00", [Quirk.ZONELESS_DATE]),
    ],
)
def test_one_instant_in_many_spellings(text: str, quirks: list[str]) -> None:
    seen: list[str] = []

    assert parse_instant(text, INDIA, seen.append) == NOON
    assert seen == quirks


def test_a_fraction_of_a_second_is_kept_to_the_microsecond() -> None:
    at = parse_instant("2026-03-04T06:30:00.123456789Z", UTC, _no_quirk)

    assert at.microsecond == 123456


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not an RFC 3339 date-time"),
        ("tomorrow", "is not an RFC 3339 date-time"),
        ("2026-03-04", "is not an RFC 3339 date-time"),
        ("2025-09-16T012:00:00Z", "is not an RFC 3339 date-time"),
        ("2026-02-30T06:30:00Z", "is a date that does not exist"),
        ("2026:13:04:12:00:00", "is a date that does not exist"),
        ("2026-03-04T06:30:00+25:00", "is a date that does not exist"),
        ("0001-01-01T00:00:00+12:00", "is a date that does not exist"),
        ("1969-12-31T23:59:59Z", "is a date before 1970 or after 2200"),
        ("9999-12-31T23:59:59Z", "is a date before 1970 or after 2200"),
    ],
)
def test_what_is_no_date_is_said_to_be_none(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_instant(text, UTC, _any_quirk)


@pytest.mark.parametrize(
    ("at", "zone", "text"),
    [
        (NOON, UTC, "2026-03-04T06:30:00Z"),
        (NOON, INDIA, "2026-03-04T12:00:00+05:30"),
        (NOON.replace(microsecond=250_000), UTC, "2026-03-04T06:30:00.250Z"),
        (NOON.astimezone(INDIA), UTC, "2026-03-04T06:30:00Z"),
    ],
)
def test_instants_are_sent_as_rfc_3339(at: datetime, zone: ZoneInfo, text: str) -> None:
    assert format_instant(at, zone) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT10M", 600),
        ("PT15S", 15),
        ("PT0.5S", 0.5),
        ("P1DT2H", 93_600),
        ("P2W", 1_209_600),
        ("PT1H30M", 5400),
    ],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert is_duration(text)


@pytest.mark.parametrize("text", ["", "P", "PT", "P1M", "P1Y", "10", "15S", "PT10M ", "-PT5S"])
def test_other_texts_are_no_durations(text: str) -> None:
    assert not is_duration(text)
    with pytest.raises(ValueError, match="is not an ISO 8601 duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds", "quirks"),
    [
        ("PT10M", 600, []),
        ("15S", 15, [Quirk.TTL_WITHOUT_PT]),
        ("2H", 7200, [Quirk.TTL_WITHOUT_PT]),
        ("soon", None, [Quirk.TTL_UNREADABLE]),
        ("P1M", None, [Quirk.TTL_UNREADABLE]),
        ("2026-03-04T06:30:00Z", None, [Quirk.TTL_UNREADABLE]),
    ],
)
def test_a_ttl_is_never_a_reason_to_refuse(
    text: str, seconds: float | None, quirks: list[str]
) -> None:
    seen: list[str] = []

    assert parse_ttl(text, seen.append) == seconds
    assert seen == quirks


def _no_quirk(name: str) -> None:
    pytest.fail(f"unexpected quirk {name}")


def _any_quirk(name: str) -> None:
    assert name in set(Quirk)
