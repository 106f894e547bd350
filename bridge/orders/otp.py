"""One-time passwords: what an order keeps of one, which is not the OTP itself."""

from __future__ import annotations

import enum
import hashlib
import hmac
import secrets
from datetime import datetime

import msgspec


class OtpStep(enum.StrEnum):
    """The step of an order that an OTP is asked for."""

    CONFIRM = "CONFIRM"
    START = "START"


class OtpMedium(enum.StrEnum):
    """Which of a driver's contacts an OTP went to."""

    PHONE = "PHONE"
    EMAIL = "EMAIL"


class IssuedOtp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An OTP as its order knows it.

    Args:
        id: of the errand that brings it.
        sent_to: hash of the contact (``Customer.keys``): another contact gets another OTP.
        salt, digest: what a guess is compared with; nothing once it was said rightly.
        attempts: how many wrong guesses are left.
        proven: it was said rightly; it is not asked for any more.
        undelivered: nobody took it; it may be replaced before its time.
    """

    id: str
    step: OtpStep
    medium: OtpMedium
    sent_to: str
    salt: str
    digest: str
    expires_at: datetime
    attempts: int
    proven: bool = False
    undelivered: bool = False


def new_code(digits: int) -> str:
    """Return a code of decimal digits that nobody can foretell."""
    return "".join(secrets.choice("0123456789") for _ in range(digits))


def digest_of(salt: str, order_key: str, code: str) -> str:
    """Return what is kept of a code: good for one order, in hexadecimal."""
    return hashlib.sha256(f"{salt}:{order_key}:{code}".encode()).hexdigest()


def is_said(otp: IssuedOtp, order_key: str, guess: str) -> bool:
    """Tell whether a guess is the code, in the same time whatever it is."""
    said = digest_of(otp.salt, order_key, guess.strip())
    return hmac.compare_digest(said, otp.digest)
