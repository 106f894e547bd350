"""Who a customer is: numbers and addresses in the form in which they are compared."""

import pytest
from msgspec import UNSET, Raw

from bridge.orders.customer import STRANGER, Customer, customer_of, regular_email, regular_phone


@pytest.mark.parametrize(
    ("written", "regular"),
    [
        ("+91-9887766554", "+919887766554"),
        ("+91 98877 66554", "+919887766554"),
        ("0091 (98877) 66554", "+919887766554"),
        ("9887766554", "9887766554"),
        ("12345", None),
        ("call me", None),
        ("+12+34567", None),
        ("", None),
        (None, None),
    ],
)
def test_a_phone_number_has_one_form(written: str | None, regular: str | None) -> None:
    assert regular_phone(written) == regular


@pytest.mark.parametrize(
    ("written", "regular"), [(" Ravi@Example.com ", "ravi@example.com"), ("", None), (None, None)]
)
def test_an_address_has_one_form(written: str | None, regular: str | None) -> None:
    assert regular_email(written) == regular


def test_who_pays_counts_before_who_drives() -> None:
    billing = Raw(b'{"name": "R", "phone": "+91 1234567890"}')
    customer = Raw(b'{"contact": {"phone": "+91-9887766554", "email": "r@example.com"}}')
    assert customer_of(billing, customer) == Customer(phone="+911234567890", email="r@example.com")


@pytest.mark.parametrize("customer", [UNSET, Raw(b"{}"), Raw(b'{"person": {"name": "R"}}')])
def test_whoever_gives_neither_is_a_stranger(customer: Raw) -> None:
    assert customer_of(UNSET, customer) == STRANGER
    assert STRANGER.keys() == ()


def test_keys_name_nobody_and_differ_by_kind() -> None:
    keys = Customer(phone="+911234567890", email="r@example.com").keys()
    assert len(set(keys)) == 2
    assert "1234567890" not in "".join(keys)
    assert keys == Customer(phone="+911234567890", email="r@example.com").keys()
