"""How money is asked for and told of, as it is configured: one secret, a URL, or the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.mapping import load
from bridge.settings import data_path
from bridge.wiring import dialects_of
from tests.unit.test_settings import MINIMAL, faults, settings

SECRET = "SECRET-of-the-gateway"


def test_by_default_nobody_tells_and_nobody_is_asked(tmp_path: Path) -> None:
    payment = settings(tmp_path).payment
    assert (payment.secret, payment.requests_url) == (None, None)


def test_the_secret_comes_from_file_environment_or_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    for told in (
        settings(tmp_path, f"{MINIMAL}payment: {{secret: {SECRET}}}\n"),
        settings(tmp_path, BRIDGE_PAYMENT__SECRET=SECRET),
        settings(tmp_path, f"{MINIMAL}payment: {{secret_file: {tmp_path}/secret}}\n"),
    ):
        assert told.payment.secret is not None
        assert told.payment.secret.get_secret_value() == SECRET
        assert "SECRET" not in repr(told.payment)


@pytest.mark.parametrize(
    ("payment", "fault"),
    [
        ("{requests_url: 'https://pay.example'}", "payment: requests_url needs a secret"),
        ("{requests_url: nowhere, secret: SECRET-of-the-gateway}", "payment.requests_url: not an"),
        ("{secret: SECRET}", "payment.secret: a secret has"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, payment: str, fault: str) -> None:
    told = faults(tmp_path, f"{MINIMAL}payment: {payment}\n")
    assert any(each.startswith(fault) for each in told), told
    assert "SECRET" not in str(told)


UEI = MINIMAL.replace("beckn: {", "beckn: {dialects: [deg, uei], ")
ACCOUNT = "bank_code: B1, bank_account_number: '0042', upi_address: b@upi"


@pytest.mark.parametrize(
    ("payment", "missing"),
    [
        ("bank_code: B1", ["bank_account_number", "upi_address"]),
        (ACCOUNT, None),
        ("collected_by: BAP", None),
    ],
)
def test_uei_warns_of_an_account_that_is_not_whole(
    payment: str, missing: list[str] | None, tmp_path: Path
) -> None:
    told = settings(tmp_path, f"{UEI}payment: {{{payment}}}\n")
    assert (told.beckn.dialects, told.beckn.uei_profile) == (("deg", "uei"), "3.1")
    with capture_logs() as logs:
        dialects_of(told, load(data_path("mappings")))
    warned = [line["keys"] for line in logs if line["event"] == "payment.account_missing"]
    assert warned == ([] if missing is None else [missing])


def test_uei_needs_phones_with_their_country_code(tmp_path: Path) -> None:
    text = f"{UEI}payment: {{{ACCOUNT}}}\nsupport: {{phone: '%s'}}\n"
    assert settings(tmp_path, text % "+91 98765-43210").support.phone == "+91 98765-43210"
    assert any("support.phone" in each for each in faults(tmp_path, text % "098765"))


def test_the_profile_of_uei_need_not_be_quoted(tmp_path: Path) -> None:
    text = UEI.replace("beckn: {", "beckn: {uei_profile: 3.0, ")
    assert settings(tmp_path, f"{text}payment: {{{ACCOUNT}}}\n").beckn.uei_profile == "3.0"
