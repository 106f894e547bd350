"""The file of commercial terms: what is read, what is refused, and where it says nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from pydantic import BaseModel

from bridge.errors import SettingsInvalid
from bridge.ocpi.locations import PowerType
from bridge.ocpi.tariffs import TariffRestrictions
from bridge.orders import terms
from bridge.orders.terms import Commercial, PriceSource, Refunds, RefundStep
from bridge.settings import Settings, commercial, data_path, load, load_commercial

EXAMPLE = data_path("config") / "commercial.example.yaml"


def settings(file: Path | None = None, **terms_given: str) -> Settings:
    variables = {f"BRIDGE_TERMS__{name.upper()}": value for name, value in terms_given.items()}
    variables["BRIDGE_OTP__SENDER"] = "log"
    base = data_path("config") / "bridge.example.yaml"
    return load(base, variables | ({"BRIDGE_COMMERCIAL": str(file)} if file else {}))


def read(tmp_path: Path, text: str, **terms_given: str) -> Commercial:
    path = tmp_path / "commercial.yaml"
    path.write_text(text)
    return load_commercial(settings(path, **terms_given)).commercial


def faults(tmp_path: Path, text: str) -> list[str]:
    """Return the faults of a file, without its name."""
    with pytest.raises(SettingsInvalid) as caught:
        read(tmp_path, text)
    prefix = f"{tmp_path / 'commercial.yaml'}: "
    assert all(fault.startswith(prefix) for fault in caught.value.faults)
    return [fault.removeprefix(prefix) for fault in caught.value.faults]


# --- what is read


def test_the_example_is_valid_as_it_stands() -> None:
    got, fingerprint = load_commercial(settings(EXAMPLE))
    assert len(fingerprint) == 12
    assert [fee.id for fee in got.fees] == ["service", "fast"]
    assert got.fees[1].where.power_types == (PowerType.DC,)
    assert got.surcharges[0].when == TariffRestrictions(start_time="18:00", end_time="21:00")
    assert got.offers[0].valid_from == datetime(2025, 12, 31, 18, 30, tzinfo=UTC)
    assert got.offers[0].valid_until == datetime(2029, 12, 31, 18, 30, tzinfo=UTC)
    assert got.passes[1].benefits[0] == ("priority-slots", "2 a month")
    assert got.agreements[0].phones == ("+91-9887766554",)
    assert got.refunds == Refunds(
        steps=(
            RefundStep(before_s=14400, share=Decimal("0.85")),
            RefundStep(before_s=0, share=Decimal(0)),
        ),
        no_show_share=Decimal(0),
        within="PT2H",
    )


MODELS: list[tuple[type[BaseModel], type[msgspec.Struct]]] = [
    (commercial.CommercialFile, terms.Commercial),
    *(
        (getattr(commercial, name), getattr(terms, name))
        for name in (
            *("Where", "Fee", "Surcharge", "Offer", "Pass", "Agreement", "Otp", "RefundStep"),
            "Refunds",
        )
    ),
]


@pytest.mark.parametrize(("model", "struct"), MODELS, ids=lambda each: each.__name__)
def test_all_terms_can_be_set_and_are_in_the_example(
    model: type[BaseModel], struct: type[msgspec.Struct]
) -> None:
    assert set(model.model_fields) == set(struct.__struct_fields__)
    text = EXAMPLE.read_text()
    assert [key for key in model.model_fields if f"{key}:" not in text] == []


@pytest.mark.parametrize(("model", "struct"), MODELS, ids=lambda each: each.__name__)
def test_defaults_are_those_of_the_vocabulary(
    model: type[BaseModel], struct: type[msgspec.Struct]
) -> None:
    told = dict(
        zip(reversed(struct.__struct_fields__), reversed(struct.__struct_defaults__), strict=False)
    )
    ours = {
        name: field.default
        for name, field in model.model_fields.items()
        if not field.is_required() and not isinstance(field.default, BaseModel)
    }
    ours = {name: ours[name] for name in set(ours) & set(told)}
    assert ours == {name: told[name] for name in ours}


def test_an_empty_file_is_no_terms_at_all(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Commercial()
    assert load_commercial(settings()) == (Commercial(), "")


def test_where_the_file_says_nothing_the_settings_count(tmp_path: Path) -> None:
    own = {"refund_share": "0.5", "refund_within": "PT9H"}
    assert read(tmp_path, "refunds: {}", **own) == Commercial(
        refunds=Refunds(
            steps=(RefundStep(before_s=0, share=Decimal("0.5")),),
            no_show_share=Decimal("0.5"),
            within="PT9H",
        ),
    )
    text = "grace_s: 0\nrefunds: {no_show_share: 0, within: PT1H}"
    got = read(tmp_path, text, **own)
    assert got.grace_s == 0
    assert got.refunds is not None
    assert (str(got.refunds.no_show_share), got.refunds.within) == ("0", "PT1H")


def test_values_keep_what_was_written(tmp_path: Path) -> None:
    got = read(
        tmp_path,
        "fees: [{id: '007', amount: 5.50, title: no}]\nguard_share: null\nprice_source: cdr",
    )
    assert (got.fees[0].id, str(got.fees[0].amount), got.fees[0].title) == ("007", "5.50", "no")
    assert got.guard_share is None
    assert got.price_source is PriceSource.CDR


# --- what is refused


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("offer: []", "offer: unknown key"),
        ("offers: [{id: a, title: A, share: 1.5}]", "offers.0.share: must be at most 1"),
        ("offers: [{id: a, title: A, share: 0}]", "offers.0.share: must be more than 0"),
        ("offers: [{id: a, share: 0.1}]", "offers.0.title: required"),
        ("offers: [{id: a, title: A}]", "offers.0: needs one of share, per_kwh, amount, and only"),
        (
            "offers: [{id: a, title: A, share: 0.1, amount: 2}]",
            "offers.0: needs one of share, per_kwh, amount, and only one",
        ),
        ("surcharges: [{id: a}]", "surcharges.0: needs one of share, per_kwh, and only one"),
        ("fees: [{id: a, amount: -1}]", "fees.0.amount: must be more than 0"),
        ("fees: [{id: a, amount: ten}]", "fees.0.amount: Input should be a valid decimal"),
        ("fees: [{id: a, amount: NaN}]", "fees.0.amount: Input should be a finite number"),
        ("fees: [{id: a, amount: 1, vat: 101}]", "fees.0.vat: must be at most 100"),
        ("fees: [{id: a b, amount: 1}]", "fees.0.id: String should match pattern"),
        (
            "fees: [{id: a, amount: 1}, {id: a, amount: 1}]",
            "fees.1.id: the same as fees.0.id",
        ),
        (
            "fees: [{id: a, amount: 1, where: {min_power_kw: 9, max_power_kw: 8}}]",
            "fees.0.where.max_power_kw: must not be below min_power_kw",
        ),
        (
            "fees: [{id: a, amount: 1, where: {power_types: [DC_4]}}]",
            "fees.0.where.power_types.0: Input should be 'AC_1_PHASE'",
        ),
        (
            "surcharges: [{id: a, share: 1, when: {start_time: 24:00}}]",
            "surcharges.0.when.start_time: not a time of the day as HH:MM",
        ),
        (
            "surcharges: [{id: a, share: 1, when: {start_date: 2026-02-30}}]",
            "surcharges.0.when.start_date: not a date as YYYY-MM-DD",
        ),
        (
            "surcharges: [{id: a, share: 1, when: {start_date: 2026-02-02, end_date: 2026-02-02}}]",
            "surcharges.0.when.end_date: must lie beyond start_date",
        ),
        (
            "surcharges: [{id: a, share: 1, when: {min_kwh: 2, max_kwh: 2}}]",
            "surcharges.0.when.max_kwh: must lie beyond min_kwh",
        ),
        (
            "offers: [{id: a, title: A, share: 1, when: {min_kwh: 2}}]",
            "offers.0.when.min_kwh: unknown key",
        ),
        (
            "offers: [{id: a, title: A, share: 1, valid_from: 1767225600}]",
            "offers.0.valid_from: not a date or time",
        ),
        (
            "offers: [{id: a, title: A, share: 1, valid_from: 2026-02-01T18:00Z,"
            " valid_until: 2026-02-01T18:00+05:30}]",
            "offers.0.valid_until: must lie beyond valid_from",
        ),
        ("offers: [{id: a, title: A, share: 1, uses: 0}]", "offers.0.uses: must be at least 1"),
        (
            "agreements: [{id: a, organization: A, share: 0.1}]",
            "agreements.0: needs phones or emails",
        ),
        (
            "agreements: [{id: a, organization: A, share: 0.1, phones: [none]}]",
            "agreements.0.phones.0: not a phone number",
        ),
        (
            "agreements: [{id: a, organization: A, share: 0.1, emails: [none]}]",
            "agreements.0.emails.0: not an e-mail address",
        ),
        ("refunds: {steps: [{before_s: 60, share: 1}]}", "refunds.steps: the last step has"),
        (
            "refunds: {steps: [{before_s: 0, share: 1}, {before_s: 60, share: 1}]}",
            "refunds.steps: the longest before_s comes first",
        ),
        (
            "refunds: {steps: [{before_s: 0, share: 1}, {before_s: 0, share: 1}]}",
            "refunds.steps: the longest before_s comes first, and none stands twice",
        ),
        ("refunds: {within: 2h}", "refunds.within: not an ISO 8601 duration"),
        ("otp: {use: never}", "otp.use: Input should be 'none', 'confirm' or 'start'"),
        ("otp: {digits: 3}", "otp.digits: must be at least 4"),
        ("overcharge_share: 1.01", "overcharge_share: must be at most 1"),
        ("guard_share: 0", "guard_share: must be more than 0"),
        ("price_source: bill", "price_source: Input should be 'own' or 'cdr'"),
        ("grace_s: -1", "grace_s: must be at least 0"),
        ("fees: {id: a}", "fees: Input should be a valid tuple"),
        ("fees: [a]", "fees.0: Input should be a valid dictionary"),
    ],
)
def test_a_fault_names_its_key(tmp_path: Path, text: str, fault: str) -> None:
    (line,) = faults(tmp_path, text)
    assert line.startswith(fault), line


PASS: dict[str, Any] = {
    **{"id": "a", "provider": "p", "name": "A", "tier": "A", "price": "1", "currency": "INR"},
    "share": "0.1",
}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"currency": "Rupee"}, "passes.0.currency: String should match pattern"),
        ({"price": "0"}, "passes.0.price: must be more than 0"),
        ({"valid_days": "0"}, "passes.0.valid_days: must be at least 1"),
        ({"next_tier": "b", "next_tier_spend": "1"}, "passes.0.next_tier: no other pass has"),
        ({"next_tier": "a", "next_tier_spend": "1"}, "passes.0.next_tier: no other pass has"),
        ({"next_tier_spend": "1"}, "passes.0: next_tier and next_tier_spend go together"),
        ({"info_url": "gold"}, "passes.0.info_url: not an http:// or https:// URL"),
        ({"benefits": {"valet": ["a"]}}, "passes.0.benefits.0.1: Input should be a valid string"),
    ],
)
def test_a_fault_of_a_pass_names_its_key(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    (line,) = faults(tmp_path, yaml.safe_dump({"passes": [PASS | changes]}))
    assert line.startswith(fault), line


def test_all_faults_come_at_once_and_show_no_value(tmp_path: Path) -> None:
    text = """
    fees: [{id: a, amount: SECRET}, {id: a}]
    offers: [{id: o, title: O, share: 7, amount: 1}]
    passes: [{id: p, next_tier: SECRET, next_tier_spend: 1}]
    agreements: [{id: g, organization: G, share: 0.1, phones: [SECRET]}]
    extra: SECRET
    """
    got = faults(tmp_path, text)
    assert {line.partition(": ")[0] for line in got} == {
        *("fees.0.amount", "fees.1.id", "fees.1.amount", "offers.0", "offers.0.share"),
        *(f"passes.0.{key}" for key in ("provider", "name", "tier", "price", "currency", "share")),
        *("passes.0.next_tier", "agreements.0.phones.0", "extra"),
    }
    assert "SECRET" not in "".join(got)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"none\.yaml: cannot be read: No such file"):
        load_commercial(settings(tmp_path / "none.yaml"))
    with pytest.raises(SettingsInvalid, match=r"commercial\.yaml, line 1, column \d+: not YAML"):
        read(tmp_path, "fees: [")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            "agreements: [{id: a, organization: A, share: 0.1, phones: ['+911234567']}]",
            "agreements",
        ),
        ("otp: {use: confirm}", "otp.use"),
        ("otp: {use: start}", "otp.use"),
    ],
)
def test_terms_that_need_otps_need_somebody_who_sends_them(
    tmp_path: Path, text: str, key: str
) -> None:
    path = tmp_path / "commercial.yaml"
    path.write_text(text)
    told = load(data_path("config") / "bridge.example.yaml", {"BRIDGE_COMMERCIAL": str(path)})
    assert told.otp.sender is None

    with pytest.raises(SettingsInvalid) as caught:
        load_commercial(told)

    (fault,) = caught.value.faults
    assert fault.startswith(f"{path}: {key}: an OTP has to be sent: set otp.sender")


def test_terms_that_need_none_do_not(tmp_path: Path) -> None:
    path = tmp_path / "commercial.yaml"
    path.write_text("otp: {use: none, digits: 4}\nagreements: []\n")
    told = load(data_path("config") / "bridge.example.yaml", {"BRIDGE_COMMERCIAL": str(path)})

    assert load_commercial(told).commercial.otp.digits == 4
