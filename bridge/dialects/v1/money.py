"""Quotes, bills, payments and refund terms (use cases, B7 to B9)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import quote as quoted

from msgspec.structs import replace

from bridge.catalog.local_time import zone_of
from bridge.dialects.v1.settings import DialectSettings
from bridge.dialects.v1.wording import is_uri, price, short
from bridge.mapping import Mappings
from bridge.mapping.formats import money, plain
from bridge.orders.intents import Request
from bridge.orders.order import (
    Bill,
    Line,
    LineKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    Quote,
)
from bridge.orders.refunds import steps_left
from bridge.orders.terms import Refunds, RefundStep
from bridge.orders.transitions import OVER, PLACED

PER_HOUR = frozenset({LineKind.TIME, LineKind.PARKING_TIME, LineKind.RESERVATION})


MAPS = (
    *("quote", "line", "payment", "payment_methods", "payment_method", "due"),
    *("refund", "refund_before", "refund_after"),
)


class MoneyRenderer(ABC):
    """Renders everything about money in an order; a dialect says how a line and an account look."""

    def __init__(
        self,
        mappings: Mappings,
        dialect: str,
        settings: DialectSettings,
        more_maps: Iterable[str] = (),
    ) -> None:
        self.options = settings.payment
        self._terms = settings.refund
        self._symbols = settings.currency_symbols
        self.titles = mappings.table(dialect, "line_titles")
        self._methods = mappings.table(dialect, "payment_methods")
        self.maps = {name: mappings.fields(dialect, name) for name in (*MAPS, *more_maps)}

    def quote(self, order: Order, now: datetime) -> dict[str, object] | None:
        """Return ``order.quote``: the bill as far as there is one, else the quote.

        The ttl is what is left of a quote's life; it ends when the order is placed.
        """
        shown = order.bill.quote if order.bill is not None else order.quote
        if shown is None:
            return None
        ttl = None
        if order.state not in PLACED and shown.expires_at is not None:
            ttl = f"PT{max(0, int((shown.expires_at - now).total_seconds()))}S"
        facts = {"lines": self.lines(shown, order.item.id), "ttl": ttl}
        return self.maps["quote"].render({"quote": shown, "facts": facts})

    @abstractmethod
    def lines(self, shown: Quote, item_id: str) -> list[dict[str, object]]:
        """Return ``quote.breakup``, for this item."""

    @abstractmethod
    def account(self, payment: Payment, *, open_: bool) -> dict[str, object]:
        """Return the facts bank_code, bank_account_number and upi_address of a payment entry.

        Args:
            open_: it is to be paid to that account.
        """

    @abstractmethod
    def when(self, order: Order, payment: Payment) -> str:
        """Return when the agreed payment is made: BEFORE, DURING or AFTER."""

    def title(self, line: Line, currency: str) -> str:
        """Return a line's title with the numbers behind it.

        ``Charging session cost (5 kWh @ ₹18.00/kWh)``, ``surge price(20%)``.
        """
        title = line.title or self.word(line.kind)
        if line.kind is LineKind.TAX and line.vat is not None:
            return f"{title} ({plain(line.vat)}%)"
        if line.share is not None:
            return f"{title}({plain(line.share * 100)}%)"
        if line.quantity is None:
            return title
        unit = "h" if line.kind in PER_HOUR else "kWh"
        numbers = f"{short(line.quantity)} {unit}"
        if line.unit_price is not None:
            numbers += f" @ {self._symbol(currency)}{price(line.unit_price)}/{unit}"
        return f"{title} ({numbers})"

    @abstractmethod
    def word(self, kind: LineKind) -> str:
        """Return what a kind of line is called that the operator gave no title."""

    def _symbol(self, currency: str) -> str:
        return self._symbols.get(currency, f"{currency} ")

    def payments(self, order: Order) -> list[dict[str, object]] | None:
        """Return ``order.payments``: what was to be paid, and once it is over the rest.

        A second entry is a refund or what is due, never both (decisions 17). Where nothing was
        paid there is one entry only: what was to be paid before became part of what is due.
        """
        payment = order.payment
        if payment is None or order.state is OrderState.SELECTED:
            return None
        bill = order.bill if order.state in OVER else None
        if bill is None:
            return [self._payment(order, payment, self.when(order, payment))]
        if payment.status is PaymentStatus.NOT_PAID:
            left = replace(payment, amount=bill.due, due_at=None)
            return [self._payment(order, left, "AFTER")]
        entries = [self._payment(order, payment, self.when(order, payment))]
        if bill.refund > 0:
            entries.append(self.refund(bill, payment))
        elif bill.due > 0:
            facts = self.account(payment, open_=True) | {"id": f"{payment.id}-due"}
            entries.append(
                self.maps["due"].render({"bill": bill, "payment": payment, "facts": facts})
            )
        return entries

    def _payment(self, order: Order, payment: Payment, when: str) -> dict[str, object]:
        """Return the first entry; how to pay is said while there is something to be paid."""
        paid = payment.status is PaymentStatus.PAID
        open_ = not paid and payment.amount > 0 and payment.collected_by != "BAP"
        facts = self.account(payment, open_=open_) | {
            "url": self.link(order.request, payment) if payment.amount > 0 else None,
            "time": when,
            # What a payment page is opened with is how its payment is known.
            "transaction_id": payment.transaction_id
            or (order.request.transaction_id if paid else None),
        }
        entry = self.maps["payment"].render({"payment": payment, "facts": facts})
        methods = self.options.methods if payment.method is None else (payment.method,)
        if open_ and methods:
            entry["tags"] = [self._offered(methods)]
        return entry

    def _offered(self, methods: tuple[str, ...]) -> dict[str, object]:
        entries = [
            self.maps["payment_method"].render(
                {"facts": {"method": method, "short_desc": self._methods.name_of(method)}}
            )
            for method in methods
        ]
        return self.maps["payment_methods"].render({"facts": {"methods": entries}})

    def link(self, request: Request, payment: Payment) -> str | None:
        """Return the payment page for this order; a BAP that collects by itself needs none."""
        if self.options.url is None or payment.collected_by == "BAP":
            return None
        url = self.options.url.replace(
            "$transaction_id", quoted(request.transaction_id, safe="")
        ).replace("$amount", money(_to_pay(payment)))
        return url if is_uri(url) else None

    def refund(self, bill: Bill, payment: Payment) -> dict[str, object]:
        """Return the entry of what goes back to the driver."""
        done = payment.refunded >= bill.refund
        facts = self.account(payment, open_=False) | {
            "id": f"{payment.id}-refund",
            "status": PaymentStatus.PAID if done else PaymentStatus.NOT_PAID,
        }
        return self.maps["refund"].render({"bill": bill, "payment": payment, "facts": facts})

    def refund_terms(self, order: Order, now: datetime) -> list[dict[str, object]] | None:
        """Return ``order.refund_terms``: before charging, as it still holds, and once it has begun.

        Where the terms depend on how early a driver cancels, each step has an entry.
        """
        if order.payment is None or order.quote is None:
            return None
        agreed = self.refunds(order)
        before = [
            self._refund_before(order, order.quote, step, agreed.within)
            for step in steps_left(agreed, order, now)
        ]
        return [*before, self.maps["refund_after"].render({})]

    def refunds(self, order: Order) -> Refunds:
        """Return what was agreed on cancelling, else the settings' one step."""
        share = self._terms.share
        return order.agreed.refunds or Refunds(
            steps=(RefundStep(before_s=0, share=share),),
            no_show_share=share,
            within=self._terms.within,
        )

    def _refund_before(
        self, order: Order, quote: Quote, step: RefundStep, within: str
    ) -> dict[str, object]:
        """Return what comes back of the price, and until when."""
        eligible = step.share > 0
        said = f"{plain(step.share * 100)}% refund {deadline(order, step.before_s)}"
        facts = {
            "said": said,
            "terms": said if eligible else None,
            "eligible": eligible,
            "within": within if eligible else None,
            "amount": quote.price * step.share if eligible else None,
            "currency": quote.currency if eligible else None,
        }
        return self.maps["refund_before"].render({"facts": facts})


def _to_pay(payment: Payment) -> Decimal:
    """Return what a driver who opens the payment page has to pay; once paid, what it was."""
    return max(payment.amount - payment.paid, Decimal(0)) or payment.amount


def deadline(order: Order, ahead_s: float) -> str:
    """Say until when a driver has to cancel."""
    if not ahead_s or order.start is None:
        return "if cancelled before charging starts"
    hours = plain(round(Decimal(ahead_s) / 3600, 2))
    last = (order.start - timedelta(seconds=ahead_s)).astimezone(
        zone_of(order.item.location.time_zone)
    )
    until = last.isoformat(timespec="seconds")
    return f"if cancelled at least {hours} h before the scheduled time, until {until}"
