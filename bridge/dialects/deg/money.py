"""Money as the pages of ``deg:ev-charging`` have it: each line by itself, discounts negative."""

from __future__ import annotations

from bridge.dialects.v1.money import MoneyRenderer
from bridge.dialects.v1.settings import DialectSettings
from bridge.mapping import Mappings
from bridge.mapping.formats import money
from bridge.orders.order import Bill, Line, LineKind, Order, Payment, Quote


class DegMoney(MoneyRenderer):
    """Renders everything about money in an order of ``deg``."""

    def __init__(self, mappings: Mappings, settings: DialectSettings) -> None:
        super().__init__(mappings, "deg", settings, ("refund_type", "refund_amount"))

    def lines(self, shown: Quote, item_id: str) -> list[dict[str, object]]:
        """Return ``quote.breakup``: one entry for each line."""
        return [
            self.line(line, shown.currency, item_id if line.kind is LineKind.ENERGY else None)
            for line in shown.lines
        ]

    def line(self, line: Line, currency: str, item_id: str | None) -> dict[str, object]:
        """Return a line of ``quote.breakup``; no field but the title says what it is."""
        facts = {"title": self.title(line, currency), "item_id": item_id, "currency": currency}
        return self.maps["line"].render({"line": line, "facts": facts})

    def word(self, kind: LineKind) -> str:
        """Return the pages' title of a kind of line."""
        return self.titles.to_beckn(kind) or str(kind)

    def when(self, order: Order, payment: Payment) -> str:
        """Return that it is paid beforehand: the pages call everything so until the bill."""
        return "BEFORE"

    def account(self, payment: Payment, *, open_: bool) -> dict[str, object]:
        """Return the account that an open payment may go to, by the ways to pay on offer."""
        options = self.options
        by_bank = open_ and "BANK-TRANSFER" in options.methods
        by_upi = open_ and "UPI-TRANSFER" in options.methods
        return {
            "bank_code": options.bank_code if by_bank else None,
            "bank_account_number": options.bank_account_number if by_bank else None,
            "upi_address": options.upi_address if by_upi else None,
        }

    def refund(self, bill: Bill, payment: Payment) -> dict[str, object]:
        """Return the entry of a refund, with its two tag groups that have a bare value."""
        amount = f"{money(bill.refund)}{bill.quote.currency}"
        tags = [
            self.maps["refund_type"].render({}),
            self.maps["refund_amount"].render({"facts": {"amount": amount}}),
        ]
        return super().refund(bill, payment) | {"tags": tags}
