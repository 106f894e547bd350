"""Who a customer is: a phone number, or an e-mail address (use case 4, 6; use case 5, 7.1)."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

from bridge.orders.intents import Echo

_NO_PART_OF_A_NUMBER: Final = re.compile(r"[^0-9+]")
_MIN_DIGITS: Final = 6


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The phone counts first, the e-mail address second; both in the form that is compared.

    Neither is ever written to a log, nor to Redis outside the order: ``keys`` are for that.
    """

    phone: str | None = None
    email: str | None = None

    def keys(self) -> tuple[str, ...]:
        """Return what facts about the customer are kept by, the phone's first; none = a stranger.

        A hash: it names nobody, though whoever has it can try numbers (docs/limits.md).
        """
        known = (("phone", self.phone), ("email", self.email))
        return tuple(
            hashlib.sha256(f"{kind}:{word}".encode()).hexdigest()[:32]
            for kind, word in known
            if word
        )


STRANGER: Final = Customer()


class _Contact(msgspec.Struct):
    phone: str | None = None
    email: str | None = None


class _Driver(msgspec.Struct):
    contact: _Contact | None = None


def customer_of(billing: Echo, customer: Echo) -> Customer:
    """Return who pays, as ``order.billing`` says, and where it says nothing ``customer.contact``.

    Both may be missing, and are of the shape that core 1.1.0 wants.
    """
    payer, driver = _Contact(), _Contact()
    if isinstance(billing, msgspec.Raw):
        payer = msgspec.json.decode(billing, type=_Contact)
    if isinstance(customer, msgspec.Raw):
        driver = msgspec.json.decode(customer, type=_Driver).contact or driver
    return Customer(
        phone=regular_phone(payer.phone) or regular_phone(driver.phone),
        email=regular_email(payer.email) or regular_email(driver.email),
    )


def regular_phone(text: str | None) -> str | None:
    """Return a number as digits after a ``+`` if there was one; None for what is no number.

    ``+91-9887766554`` and ``+91 98877 66554`` are one; so are ``0091...`` and ``+91...``.
    """
    digits = _NO_PART_OF_A_NUMBER.sub("", text or "")
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    bare = digits.lstrip("+")
    if len(bare) < _MIN_DIGITS or not bare.isdecimal():
        return None
    return f"+{bare}" if digits.startswith("+") else bare


def regular_email(text: str | None) -> str | None:
    """Return an address without blanks and in lower case; None for nothing."""
    return (text or "").strip().casefold() or None
