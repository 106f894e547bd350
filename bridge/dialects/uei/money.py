"""Money as layer 2 of ``ev-charging:uei`` takes it: two titles, nothing negative, bank details."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from bridge.dialects.uei.breakup import charged
from bridge.dialects.v1.money import MoneyRenderer, deadline
from bridge.dialects.v1.settings import DialectSettings
from bridge.mapping import Mappings
from bridge.mapping.formats import plain
from bridge.orders.order import LineKind, Order, Payment, PaymentStatus, Quote
from bridge.orders.refunds import steps_left
from bridge.orders.terms import RefundStep
from bridge.orders.transitions import PLACED

MANDATES = frozenset({"UPI-TRANSFER"})
"""Ways to pay by which the driver allows to collect up to an amount."""

ACCOUNT = ("bank_code", "bank_account_number", "upi_address")
"""Bank details that layer 2 wants in every payment."""

NO_ACCOUNT = "NA"
"""Stands for those that are not set, and for all where the BAP collects, which knows its own."""


class UeiMoney(MoneyRenderer):
    """Renders everything about money in an order of ``uei``."""

    def __init__(self, mappings: Mappings, settings: DialectSettings) -> None:
        more = ("empty_line", "cancellation_before", "cancellation_after")
        super().__init__(mappings, "uei", settings, more)

    def lines(self, shown: Quote, item_id: str) -> list[dict[str, object]]:
        """Return ``quote.breakup``: an entry for each line, and both titles, if only with 0."""
        entries = [
            self.maps["line"].render(
                {
                    "line": line,
                    "facts": {
                        "charged": amount,
                        "name": self.title(line, shown.currency),
                        "item_id": item_id if line.kind is LineKind.ENERGY else None,
                        "currency": shown.currency,
                    },
                }
            )
            for line, amount in charged(shown.lines)
        ]
        for kind in (LineKind.ENERGY, LineKind.FEE):
            title = self.titles.to_beckn(kind)
            if all(entry["title"] != title for entry in entries):
                facts = {"kind": kind, "amount": Decimal(0), "currency": shown.currency}
                entries.append(self.maps["empty_line"].render({"facts": facts}))
        return entries

    def word(self, kind: LineKind) -> str:
        """Return what a kind of line is called; its title is one of two words."""
        return self.titles.name_of(kind) or str(kind)

    def when(self, order: Order, payment: Payment) -> str:
        """Return whether it is paid beforehand, by a mandate while it charges, or afterwards."""
        if payment.status is PaymentStatus.PAID or order.state not in PLACED:
            return "BEFORE"
        return "DURING" if payment.method in MANDATES else "AFTER"

    def account(self, payment: Payment, *, open_: bool) -> dict[str, object]:
        """Return the account: every entry has to name one, whatever it is for."""
        ours = payment.collected_by == "BPP"
        return {
            name: (getattr(self.options, name) if ours else None) or NO_ACCOUNT for name in ACCOUNT
        }

    def cancellation_terms(self, order: Order, now: datetime) -> list[dict[str, object]]:
        """Return ``order.cancellation_terms``: the other side of the refund terms.

        Before charging the fee is what does not come back; afterwards all of it.
        """
        if order.payment is None:
            return []
        before = [
            self._cancelled_before(order, step)
            for step in steps_left(self.refunds(order), order, now)
        ]
        return [*before, self.maps["cancellation_after"].render({})]

    def _cancelled_before(self, order: Order, step: RefundStep) -> dict[str, object]:
        fee = plain(round((1 - step.share) * 100, 2))
        until = None
        if step.before_s and order.start is not None:
            until = order.start - timedelta(seconds=step.before_s)
        terms = f"{fee}% fee {deadline(order, step.before_s)}"
        facts = {"fee": fee, "terms": terms, "until": until}
        return self.maps["cancellation_before"].render({"facts": facts})
