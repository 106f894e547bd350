"""How OTPs are sent, as it is configured: a webhook with its secret, or the log for trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_settings import MINIMAL, faults, settings

SECRET = "SECRET-of-the-hook"
HOOK = f"{MINIMAL}otp: {{sender: webhook, url: 'https://sms.example/otp', secret: {SECRET}}}\n"


def test_nobody_sends_otps_by_default(tmp_path: Path) -> None:
    otp = settings(tmp_path).otp
    assert (otp.sender, otp.url, otp.secret) == (None, None, None)


def test_a_webhook_has_a_url_and_a_secret(tmp_path: Path) -> None:
    otp = settings(tmp_path, HOOK).otp
    assert otp.secret is not None
    assert (otp.url, otp.secret.get_secret_value()) == ("https://sms.example/otp", SECRET)
    assert SECRET not in repr(otp)


def test_the_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    hook = f"{MINIMAL}otp: {{sender: webhook, url: 'https://sms.example/otp'}}\n"
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    in_file = f"secret_file: {tmp_path}/secret"
    named = hook.replace("sender: webhook", f"sender: webhook, {in_file}")

    for told in (settings(tmp_path, hook, BRIDGE_OTP__SECRET=SECRET), settings(tmp_path, named)):
        assert told.otp.secret is not None
        assert told.otp.secret.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("otp", "fault"),
    [
        ("{sender: sms}", "otp.sender: "),
        ("{sender: webhook}", "otp: a webhook needs url and secret"),
        ("{sender: webhook, url: 'https://sms.example'}", "otp: a webhook needs url and secret"),
        ("{sender: webhook, url: nowhere, secret: SECRET-of-the-hook}", "otp.url: not an http"),
        ("{sender: webhook, url: 'https://s.example', secret: SECRET}", "otp.secret: a secret has"),
        ("{sender: log, secret: SECRET-of-the-hook}", "otp: url and secret are for sender"),
        ("{sender: webhook, secret_file: /no/where}", "otp.secret_file: cannot be read"),
    ],
)
def test_a_sender_that_cannot_work_is_refused(tmp_path: Path, otp: str, fault: str) -> None:
    told = faults(tmp_path, f"{MINIMAL}otp: {otp}\n")

    assert any(each.startswith(fault) for each in told), told
    assert "SECRET" not in str(told)
