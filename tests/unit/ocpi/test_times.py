from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.ocpi.times import format_datetime, parse_datetime

NOON = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.requirement("O23")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01T12:00:00", NOON),
        ("2024-05-01T12:00:00.25Z", NOON + timedelta(milliseconds=250)),
        ("2024-05-01T12:00:00.123456789", NOON + timedelta(milliseconds=123)),
        ("2024-05-01T17:30:00+05:30", NOON),
        ("2024-05-01T12:00:00.000-00:00", NOON),
    ],
)
def test_reads_as_utc(text: str, moment: datetime) -> None:
    read = parse_datetime(text)
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-05-01",
        "2024-05-01 12:00:00Z",
        "2024-05-01T12:00Z",
        "2024-5-1T12:00:00Z",
        "2024-05-01T12:00:00z",
        "2024-05-01T12:00:00+0530",
        "2024-05-01T12:00:00Z\n",
        "2024-02-30T12:00:00Z",
        "2024-05-01T24:30:00Z",
        "0001-01-01T00:00:00+05:30",
        "२०२४-05-01T12:00:00Z",
    ],
)
def test_refuses_what_is_no_timestamp(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_datetime(text)


@pytest.mark.requirement("O22")
@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2024-05-01T12:00:00Z"),
        (NOON + timedelta(milliseconds=7), "2024-05-01T12:00:00.007Z"),
        (NOON + timedelta(microseconds=7999), "2024-05-01T12:00:00.007Z"),
        (NOON + timedelta(microseconds=7), "2024-05-01T12:00:00Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2024-05-01T12:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_writes_seconds_or_milliseconds_in_utc(moment: datetime, text: str) -> None:
    assert format_datetime(moment) == text
    assert len(text) <= 25


def test_writes_no_time_without_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_datetime(datetime(2024, 5, 1, 12, 0, 0))
