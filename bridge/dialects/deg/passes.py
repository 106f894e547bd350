"""Loyalty passes of ``deg:ev-charging``, in catalogues and as orders (use case 4)."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from bridge.dialects.deg.money import DegMoney
from bridge.dialects.v1.catalogue import Catalogue
from bridge.dialects.v1.wording import is_uri
from bridge.mapping import Mappings
from bridge.mapping.formats import money as amount
from bridge.mapping.formats import plain
from bridge.orders.order import PaymentStatus
from bridge.orders.pass_order import PassOrder, PassState, state_at
from bridge.orders.terms import Pass

_FULFILLMENTS = uuid.UUID("5d1d3c9a-8c4e-5c0b-9a53-1f8a7a2f7b10")
"""Namespace of fulfillment ids; never to be changed."""

DAY = timedelta(days=1)


class PassRenderer:
    """Renders passes; what is in an order follows from what has happened, not from the action."""

    def __init__(
        self,
        mappings: Mappings,
        catalogue: Catalogue,
        money: DegMoney,
        *,
        symbols: Mapping[str, str],
    ) -> None:
        self._catalogue = catalogue
        self._money = money
        self._symbols = symbols
        self._states = mappings.table("deg", "pass_state")
        self._maps = {
            name: mappings.fields("deg", name)
            for name in (
                *("pass_item", "pass_benefits", "pass_tag", "pass_order", "pass_fulfillment"),
                *("pass_stop", "pass_payment", "pass_terms", "quote", "refund"),
            )
        }

    # In catalogues

    def fulfillment_id(self, provider_id: str) -> str:
        """Return an id made of the provider's own: all searches and replicas give the same."""
        return str(uuid.uuid5(_FULFILLMENTS, provider_id.casefold()))

    def fulfillment_fragment(self, provider_id: str, at: datetime) -> bytes:
        """Encode the DIGITAL one of ``providers[].fulfillments[]``."""
        facts = {"id": self.fulfillment_id(provider_id), "kind": "PASS", "stops": self._stops(at)}
        return msgspec.json.encode(self._maps["pass_fulfillment"].render({"facts": facts}))

    def item_fragment(self, sold: Pass) -> bytes:
        """Encode a pass as one of ``providers[].items[]``."""
        return msgspec.json.encode(self._item(sold, self._details(sold)))

    def _item(
        self, sold: Pass, facts: Mapping[str, object], held: Pass | None = None, **sources: object
    ) -> dict[str, object]:
        """Return ``items[]``; the benefits are those of the tier that is held."""
        image, info = sold.image_url, sold.info_url
        known: dict[str, object] = {
            "price": amount(sold.price),
            "content_type": "text/html" if info else None,
            "images": [{"url": image}] if image is not None and is_uri(image) else None,
            "category_ids": [self._catalogue.loyalty_category_id()],
            "fulfillment_ids": [self.fulfillment_id(sold.provider)],
        }
        given = {"pass": sold, "facts": known | dict(facts), **sources}
        item = self._maps["pass_item"].render(given)
        benefits = self._benefits(held or sold)
        if benefits:
            tags = item.setdefault("tags", [])
            assert isinstance(tags, list)
            tags.append(benefits)
        return item

    def _benefits(self, held: Pass) -> dict[str, object] | None:
        if not held.benefits:
            return None
        entries = [self._tag(code, value) for code, value in held.benefits]
        return self._maps["pass_benefits"].render({"facts": {"benefits": entries}})

    def _tag(self, code: str, value: str, name: str | None = None) -> dict[str, object]:
        words = name or code.replace("-", " ").replace("_", " ").title()
        facts = {"code": code, "name": words, "value": value}
        return self._maps["pass_tag"].render({"facts": facts})

    def _details(self, sold: Pass) -> dict[str, object]:
        return {
            "validity": f"{sold.valid_days} days",
            "tier": sold.tier,
            "auto_renewal": sold.auto_renewal,
        }

    def _stops(self, at: datetime) -> list[dict[str, object]]:
        facts = {"kind": "START", "at": at.replace(microsecond=0)}
        return [self._maps["pass_stop"].render({"facts": facts})]

    # As orders

    def render(self, order: PassOrder, now: datetime) -> bytes:
        """Return ``{"order": ...}``, valid against core 1.1.0."""
        facts = {
            "state": state_at(order, now),
            "provider": self._catalogue.provider(order.provider),
            "items": [self._ordered_item(order, now)],
            "fulfillments": [self._fulfillment(order, now)],
            "quote": self._quote(order, now),
            "payments": self._payments(order),
            "terms": self._terms(order),
        }
        rendered = self._maps["pass_order"].render({"pass_order": order, "facts": facts})
        return msgspec.json.encode({"order": rendered})

    def _ordered_item(self, order: PassOrder, now: datetime) -> dict[str, object]:
        member = order.membership
        if member is None:
            facts = self._details(order.sold)
            if order.state is not PassState.SELECTED:
                facts |= {
                    "activation": "immediate",
                    "starts": now,
                    "ends": now + timedelta(days=order.sold.valid_days),
                }
            return self._item(order.sold, facts)
        active = state_at(order, now) is PassState.ACTIVE
        until = order.cancellation.at if order.cancellation else member.valid_until
        usage = order.usage
        facts = {
            "until": until,
            "days_left": str(math.ceil((until - now) / DAY)) if active else "0",
            "renewal": until if active else None,
            "sessions": str(usage.sessions),
            "savings": self._shown(usage.saved, order.sold.currency),
        }
        item = self._item(order.sold, facts | self._progress(order), member.held, membership=member)
        self._name_threshold(order, item)
        return item

    def _goal(self, order: PassOrder) -> tuple[str, Decimal] | None:
        """Return the tier that is ahead, or that was reached last, and what has to be spent."""
        member, lower = order.membership, order.risen_from
        if member is None:
            return None
        spend = member.held.next_tier_spend
        if member.above is not None and spend is not None:
            return member.above, spend
        if lower is not None and lower.next_tier_spend is not None:
            return member.held.tier, lower.next_tier_spend
        return None

    def _progress(self, order: PassOrder) -> dict[str, object]:
        goal = self._goal(order)
        if goal is None:
            return {}
        percent = (order.usage.spent / goal[1] * 100).quantize(Decimal(1), ROUND_HALF_UP)
        return {
            "spend": self._shown(order.usage.spent, order.sold.currency),
            "progress": f"{plain(min(percent, Decimal(100)))}%",
        }

    def _name_threshold(self, order: PassOrder, item: dict[str, object]) -> None:
        """Add the entry that the pages name by the tier, ``platinum-threshold``."""
        goal, tags = self._goal(order), item.get("tags")
        if goal is None or not isinstance(tags, list):
            return
        tier, spend = goal
        code = f"{'-'.join(tier.casefold().split())}-threshold"
        value = self._shown(spend, order.sold.currency)
        for group in tags:
            if group["descriptor"]["code"] == "tier-progress":
                group["list"].insert(1, self._tag(code, value, f"Spend for {tier} Upgrade"))

    def _shown(self, sum_: Decimal, currency: str) -> str:
        return f"{self._symbols.get(currency, f'{currency} ')}{amount(sum_)}"

    def _fulfillment(self, order: PassOrder, now: datetime) -> dict[str, object]:
        state, member = state_at(order, now), order.membership
        facts = {
            "id": order.fulfillment_id,
            "kind": "PASS",
            "state": state,
            "state_name": self._states.name_of(state),
            "stops": self._stops(now if member is None else member.valid_from),
        }
        return self._maps["pass_fulfillment"].render({"pass_order": order, "facts": facts})

    def _quote(self, order: PassOrder, now: datetime) -> dict[str, object]:
        shown = order.quote if order.bill is None else order.bill.quote
        ttl = None
        if not order.placed and shown.expires_at is not None:
            ttl = f"PT{max(0, int((shown.expires_at - now).total_seconds()))}S"
        lines = [self._money.line(line, shown.currency, order.sold.id) for line in shown.lines]
        return self._maps["quote"].render({"quote": shown, "facts": {"lines": lines, "ttl": ttl}})

    def _payments(self, order: PassOrder) -> list[dict[str, object]] | None:
        """Return what is to be paid, and where; once it is cancelled, what goes back."""
        payment = order.payment
        if payment is None or order.state is PassState.SELECTED:
            return None
        link = None if order.placed else self._money.link(order.request, payment)
        entry = self._maps["pass_payment"].render({"payment": payment, "facts": {"link": link}})
        if order.bill is None or order.bill.refund <= 0:
            return [entry]
        done = payment.refunded >= order.bill.refund
        facts = {"status": PaymentStatus.PAID if done else PaymentStatus.NOT_PAID}
        return [entry, self._maps["refund"].render({"bill": order.bill, "facts": facts})]

    def _terms(self, order: PassOrder) -> list[dict[str, object]] | None:
        """Return the terms of cancellation: free for some days, or not at all."""
        if order.state is PassState.SELECTED:
            return None
        days = order.sold.free_cancellation_days
        facts = {
            "eligible": days > 0,
            "fee": "0" if days else None,
            "currency": order.sold.currency if days else None,
            "within": f"P{days}D" if days else None,
        }
        return [self._maps["pass_terms"].render({"facts": facts})]
