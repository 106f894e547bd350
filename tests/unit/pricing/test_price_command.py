"""The command ``bridge price``: what it reads, what it says, what it refuses."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pricing.price_command import Ran, Run, runner

TARIFF: dict[str, Any] = {
    "country_code": "IN",
    "party_id": "ABC",
    "id": "T1",
    "currency": "INR",
    "elements": [
        {
            "price_components": [{"type": "ENERGY", "price": 12.5, "vat": 18, "step_size": 1}],
            "restrictions": {"start_time": "18:00", "end_time": "22:00"},
        },
        {
            "price_components": [
                {"type": "FLAT", "price": 10, "step_size": 1},
                {"type": "ENERGY", "price": 10, "vat": 18, "step_size": 500},
                {"type": "PARKING_TIME", "price": 60, "step_size": 300},
            ]
        },
    ],
    "last_updated": "2026-03-01T00:00:00Z",
}
SESSION: dict[str, Any] = {
    "start_date_time": "2026-03-04T12:00:00Z",
    "end_date_time": "2026-03-04T13:10:00Z",
    "charging_periods": [
        {
            "start_date_time": "2026-03-04T12:30:00Z",
            "dimensions": [{"type": "ENERGY", "volume": 4}, {"type": "TIME", "volume": 0.5}],
        },
        {
            "start_date_time": "2026-03-04T12:00:00Z",
            "dimensions": [{"type": "ENERGY", "volume": 3.3}, {"type": "TIME", "volume": 0.5}],
        },
        {
            "start_date_time": "2026-03-04T13:00:00Z",
            "dimensions": [{"type": "PARKING_TIME", "volume": 0.1167}],
        },
    ],
}
"""17:30 in India, until 18:40; its periods are not in order.

3.3 kWh x 10, then 4 kWh x 12.50, no whole step missing: 83 and 18% of it, 14.94. Parked 7 minutes,
10 billed: 10. The start: 10. Together 103 and 117.94.
"""


@pytest.fixture
def price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command on a tariff and a session, given as JSON values."""
    run = runner(monkeypatch, capsys)
    monkeypatch.chdir(tmp_path)

    def priced(tariff: object, session: object, *more: str, time_zone: str = "Asia/Kolkata") -> Ran:
        Path("tariff.json").write_text(json.dumps(tariff))
        Path("session.json").write_text(json.dumps(session))
        files = ("--tariff", "tariff.json", "--session", "session.json")
        return run(*files, "--time-zone", time_zone, *more)

    return priced


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy with another value at a path such as ``elements.0.restrictions``."""
    copy: Any = json.loads(json.dumps(document))
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = copy
    for step in way:
        place = place[step]
    place[last] = value
    return dict(copy)


def totals(ran: Ran) -> tuple[Decimal, Decimal]:
    return Decimal(ran.bill["excl_vat"]), Decimal(ran.bill["incl_vat"])


def test_the_bill_as_json(price: Run) -> None:
    bill = price(TARIFF, SESSION, "--json").bill
    assert (bill["excl_vat"], bill["incl_vat"]) == ("103", "117.94")
    flat, low, high, parked = bill["lines"]
    assert flat == {
        "kind": "FLAT",
        "tariff_id": "T1",
        "element": 1,
        "component": "FLAT",
        "price_component": 0,
        "quantity": "1",
        "unit": "session",
        "unit_price": "10",
        "vat": None,
        "period": 1,
        "start_date_time": "2026-03-04T12:00:00Z",
        "excl_vat": "10",
        "incl_vat": "10",
        "unverified": False,
    }
    assert low["start_date_time"] == "2026-03-04T12:00:00Z"
    assert (low["element"], low["price_component"], low["period"]) == (1, 1, 1)
    assert (low["quantity"], low["unit"], low["unit_price"]) == ("3.3", "kWh", "10")
    assert (low["vat"], low["excl_vat"], low["incl_vat"]) == ("18", "33", "38.94")
    assert (high["element"], high["period"], high["excl_vat"]) == (0, 0, "50")
    assert (parked["component"], parked["period"], parked["unit"]) == ("PARKING_TIME", 2, "h")
    assert Decimal(parked["quantity"]) * 60 == pytest.approx(Decimal(10), abs=Decimal("1e-20"))


def test_the_bill_as_a_table(price: Run) -> None:
    ran = price(TARIFF, SESSION)
    assert (ran.code, ran.err) == (0, "")
    assert [" ".join(line.split()) for line in ran.out.splitlines()] == [
        "2026-03-04, times of Asia/Kolkata, prices in INR without VAT",
        "period element component quantity price VAT excl. incl.",
        "03-04 17:30 1 FLAT 1 10 10 10",
        "03-04 17:30 1 ENERGY 3.3 kWh 10 18% 33 38.94",
        "03-04 18:00 0 ENERGY 4 kWh 12.5 18% 50 59",
        "03-04 18:30 1 PARKING_TIME 0.1667 h 60 10 10",
        "TOTAL 103.00 117.94",
    ]


def test_totals_of_the_table_are_rounded_and_those_of_the_json_are_not(price: Run) -> None:
    # 0.5 h parked: 3 x 0.5 = 1.5 yen, 2 on the table. 7 minutes in 60 x 10 are not whole.
    yen = changed(TARIFF, "currency", "JPY")
    yen["elements"] = [{"price_components": [{"type": "TIME", "price": 1.5, "step_size": 0}]}]
    assert totals(price(yen, SESSION, "--json")) == (Decimal("1.5"), Decimal("1.5"))
    assert price(yen, SESSION).out.split()[-3:] == ["TOTAL", "2", "2"]


def test_limits_are_lines_and_what_the_driver_pays_is_told(price: Run) -> None:
    limited = changed(TARIFF, "max_price", {"excl_vat": 51.5})
    bill = price(limited, SESSION, "--json").bill
    assert (bill["excl_vat"], bill["incl_vat"]) == ("51.5", "117.94")
    told = {name: value for name, value in bill["lines"][-1].items() if value}
    assert told == {"kind": "MAXIMUM", "excl_vat": "-51.5", "incl_vat": "0"}
    said = price(limited, SESSION).out
    assert "MAXIMUM" in said
    assert "in proportion: 58.97 INR" in said


def test_a_price_that_nobody_can_verify_has_a_mark(price: Run) -> None:
    slow = changed(TARIFF, "elements.0.restrictions", {"max_power": 11})
    assert price(slow, SESSION, "--json").bill["lines"][1]["unverified"] is True
    said = price(slow, SESSION).out
    assert "ENERGY *" in said
    assert "* depends on a current or power" in said


@pytest.mark.parametrize(
    ("told", "cost"),
    # 30 minutes at 60/h = 30; the fee of one that expired is 25 instead of 5.
    [("USED", "35"), ("EXPIRED", "55"), (None, "55")],
)
def test_a_reservation(price: Run, told: str | None, cost: str) -> None:
    reserving = {
        **TARIFF,
        "elements": [
            {
                "price_components": [{"type": "FLAT", "price": 25, "step_size": 1}],
                "restrictions": {"reservation": "RESERVATION_EXPIRES"},
            },
            {
                "price_components": [
                    {"type": "FLAT", "price": 5, "step_size": 1},
                    {"type": "TIME", "price": 60, "step_size": 60},
                ],
                "restrictions": {"reservation": "RESERVATION"},
            },
        ],
    }
    session = {
        **SESSION,
        "reservation": told,
        "charging_periods": [
            {
                "start_date_time": "2026-03-04T12:00:00Z",
                "dimensions": [{"type": "RESERVATION_TIME", "volume": 0.5}],
            }
        ],
    }
    bill = price(reserving, session, "--json").bill
    assert bill["excl_vat"] == cost
    assert {line["kind"] for line in bill["lines"]} == {"RESERVATION"}
    assert "TIME, reserved" in price(reserving, session).out


def test_what_only_names_a_tariff_may_be_missing(price: Run) -> None:
    bare = {name: TARIFF[name] for name in ("currency", "elements")}
    assert totals(price(bare, SESSION, "--json")) == (Decimal(103), Decimal("117.94"))


def test_numbers_may_be_strings_and_it_is_said(price: Run) -> None:
    spelled = changed(TARIFF, "elements.1.price_components.0.price", "20")
    ran = price(spelled, SESSION, "--json")
    assert json.loads(ran.out)["excl_vat"] == "113"
    assert ran.err == (
        "note: tariff.json: elements[1].price_components[0].price: number_as_string\n"
    )


def test_energy_in_wh_is_told_by_the_total(price: Run) -> None:
    in_wh = {**changed(SESSION, "charging_periods.0.dimensions.0.volume", 4000), "kwh": 7.3}
    in_wh = changed(in_wh, "charging_periods.1.dimensions.0.volume", 3300)
    ran = price(TARIFF, in_wh, "--json")
    assert json.loads(ran.out)["excl_vat"] == "103"
    assert ran.err == "note: session.json: charging_periods: energy_in_wh\n"


def test_a_session_that_runs_ends_when_it_was_last_heard_of(price: Run) -> None:
    running = {**SESSION, "end_date_time": None, "last_updated": "2026-03-04T13:10:00Z"}
    assert totals(price(TARIFF, running, "--json")) == (Decimal(103), Decimal("117.94"))


def test_without_periods_there_is_the_minimum(price: Run) -> None:
    least = {**TARIFF, "min_price": {"excl_vat": 5, "incl_vat": 6}}
    assert totals(price(least, {**SESSION, "charging_periods": []}, "--json")) == (
        Decimal(5),
        Decimal(6),
    )
    assert "TOTAL" in price(least, {**SESSION, "charging_periods": []}).out


CHEAP: dict[str, Any] = {
    **TARIFF,
    "id": "T2",
    "start_date_time": "2026-03-04T12:30:00Z",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}]}],
}


class TestSeveralTariffs:
    def test_the_one_in_force_at_the_start_stays(self, price: Run) -> None:
        bill = price([CHEAP, TARIFF], SESSION, "--json").bill
        assert bill["excl_vat"] == "103"
        assert "T1 0" in price([CHEAP, TARIFF], SESSION).out

    def test_a_period_may_name_another(self, price: Run) -> None:
        named = changed(SESSION, "charging_periods.0.tariff_id", "t2")
        # 10 + 33 + 4 x 1 + 10
        assert price([CHEAP, TARIFF], named, "--json").bill["excl_vat"] == "57"

    def test_they_may_stand_in_files_of_their_own(self, price: Run) -> None:
        Path("cheap.json").write_text(json.dumps(CHEAP))
        later = {**SESSION, "start_date_time": "2026-03-04T12:00:00Z"}
        later = changed(later, "charging_periods.0.tariff_id", "T2")
        bill = price(TARIFF, later, "--tariff", "cheap.json", "--json").bill
        assert bill["excl_vat"] == "57"

    def test_one_that_is_named_must_be_there(self, price: Run) -> None:
        named = changed(SESSION, "charging_periods.0.tariff_id", "T9")
        ran = price([CHEAP, TARIFF], named)
        assert (ran.code, ran.out) == (2, "")
        assert "session.json: no tariff is called T9" in ran.err

    def test_one_must_be_in_force(self, price: Run) -> None:
        ran = price([CHEAP, {**CHEAP, "id": "T3"}], SESSION)
        assert ran.code == 2
        assert "no tariff is in force at 2026-03-04T12:00:00" in ran.err

    def test_their_currency_is_one(self, price: Run) -> None:
        named = changed(SESSION, "charging_periods.0.tariff_id", "T2")
        ran = price([{**CHEAP, "currency": "EUR"}, TARIFF], named)
        assert ran.code == 2
        assert "its tariffs are in EUR and INR" in ran.err


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("currency", None, "tariff.json: currency: is required"),
        ("elements", None, "tariff.json: elements: is required"),
        ("elements", [], "tariff.json: elements: "),
        ("elements.0.price_components", [], "tariff.json: elements[0].price_components: "),
        (
            "elements.0.price_components.0.price",
            "twelve",
            "tariff.json: elements[0].price_components[0].price: expected a number",
        ),
        (
            "elements.0.price_components.0.type",
            "POWER",
            "tariff.json: elements[0].price_components[0].type: ",
        ),
        (
            "elements.0.restrictions.start_time",
            "25:00",
            "tariff.json: elements[0].restrictions.start_time: ",
        ),
        (
            "elements.0.restrictions.day_of_week",
            ["FUNDAY"],
            "tariff.json: elements[0].restrictions.day_of_week[0]: ",
        ),
        ("end_date_time", "tomorrow", "tariff.json: end_date_time: expected a timestamp"),
    ],
)
def test_a_faulty_tariff(price: Run, path: str, value: object, said: str) -> None:
    ran = price(changed(TARIFF, path, value), SESSION)
    assert (ran.code, ran.out) == (2, "")
    assert f"error {said}" in ran.err


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("start_date_time", None, "start_date_time: is required"),
        ("end_date_time", None, "end_date_time: is required"),
        ("end_date_time", "2026-03-04T11:59:59Z", "end_date_time: is before start_date_time"),
        ("end_date_time", "9999-12-31T23:59:59Z", "end_date_time: the year 9999"),
        ("charging_periods", None, "charging_periods: is required"),
        ("charging_periods", 7, "charging_periods: "),
        ("charging_periods.1.start_date_time", None, "charging_periods[1].start_date_time: "),
        (
            "charging_periods.1.start_date_time",
            "0001-01-01T00:00:00Z",
            "charging_periods[1].start_date_time: the year 1 ",
        ),
        (
            "charging_periods.1.dimensions.0.volume",
            "much",
            "charging_periods[1].dimensions[0].volume: expected a number",
        ),
        (
            "charging_periods.1.dimensions.0.type",
            "ENRGY",
            "charging_periods[1].dimensions[0].type: ",
        ),
        (
            "charging_periods.2.dimensions.0.volume",
            -0.1,
            "charging_periods[2].dimensions[0].volume: a time is not negative",
        ),
        ("reservation", "LOST", "reservation: "),
    ],
)
def test_a_faulty_session(price: Run, path: str, value: object, said: str) -> None:
    ran = price(TARIFF, changed(SESSION, path, value))
    assert (ran.code, ran.out) == (2, "")
    assert f"error session.json: {said}" in ran.err


def test_a_list_names_the_faulty_tariff(price: Run) -> None:
    ran = price([TARIFF, {**TARIFF, "currency": None}], SESSION)
    assert ran.code == 2
    assert "tariff.json[1]: currency: is required" in ran.err
    assert "tariff.json: there is no tariff" in price([], SESSION).err


def test_an_unknown_time_zone(price: Run) -> None:
    ran = price(TARIFF, SESSION, time_zone="Asia/Nowhere")
    assert (ran.code, ran.out) == (2, "")
    assert "--time-zone" in ran.err
    assert "Asia/Nowhere" in ran.err


@pytest.mark.parametrize("missing", ["--tariff", "--session", "--time-zone"])
def test_every_option_is_required(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"--tariff": "t.json", "--session": "s.json", "--time-zone": "UTC"}
    del options[missing]
    given = [each for option in options.items() for each in option]
    ran = runner(monkeypatch, capsys)(*given)
    assert (ran.code, ran.out) == (2, "")
    assert missing in ran.err


def test_files_that_cannot_be_read(price: Run) -> None:
    ran = price(TARIFF, SESSION, "--tariff", "absent.json")
    assert ran.code == 2
    assert "absent.json: No such file" in ran.err
    Path("broken.json").write_text("{")
    ran = price(TARIFF, SESSION, "--session", "broken.json")
    assert ran.code == 2
    assert "broken.json: the body is no JSON document" in ran.err


def test_numbers_of_any_size_are_priced(price: Run) -> None:
    huge = changed(TARIFF, "elements.1.price_components.1.price", 1e300)
    volume = "charging_periods.1.dimensions.0.volume"
    ran = price(huge, changed(SESSION, volume, 1e300))
    assert (ran.code, ran.err) == (0, "")
