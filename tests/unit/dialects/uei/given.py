"""What the tests of ``uei`` start from: the orders of ``deg``, worded otherwise."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.dialects.uei.dialect import Uei
from bridge.dialects.v1.settings import DialectSettings, PaymentOptions, RefundTerms
from tests.unit.dialects.deg.given import ME, ZONE, mappings

PAYMENT = PaymentOptions(
    methods=("UPI-TRANSFER", "PAYMENT-LINK", "BANK-TRANSFER"),
    url="https://pay.example/now?transaction_id=$transaction_id&amount=$amount",
    bank_code="BANK0001",
    bank_account_number="0042",
    upi_address="bridge@upi",
)


def dialect(*, payment: PaymentOptions = PAYMENT, share: str = "1", zone: ZoneInfo = ZONE) -> Uei:
    """Make the dialect as an operator might set it up."""
    settings = DialectSettings(
        bpp_id=ME,
        zone=zone,
        payment=payment,
        refund=RefundTerms(share=Decimal(share), within="PT2H"),
    )
    return Uei(mappings(), settings)
