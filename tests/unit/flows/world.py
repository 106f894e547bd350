"""What flows may look at: the project's own mappings and dialect, and small fakes of the ports."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from bridge.dialects.deg.dialect import Deg
from bridge.dialects.v1.settings import DialectSettings, PaymentOptions, RefundTerms
from bridge.errors import BridgeError, ItemUnknown, ProviderUnknown
from bridge.flows.decision import Terms
from bridge.flows.ports import Contact
from bridge.mapping import Mappings, load
from bridge.ocpi.locations import EVSE
from bridge.orders.intents import Measure, PaymentClaim, Quantity, Search, Wish
from bridge.orders.item import ChargingItem, Provider
from tests import factories
from tests.reference import PROJECT

TERMS = Terms(
    reply_deadline_s=8,
    search_deadline_s=10,
    quote_ttl_s=900,
    session_wait_s=120,
    command_timeout_s=30,
    cdr_wait_s=30,
    interruption_s=120,
    interruption_limit_s=1800,
    session_stale_s=60,
    fault_hold_s=60,
    refund_share=Decimal(1),
    default_kwh=Decimal(10),
    max_kwh=Decimal(100),
    bill_tolerance=Decimal("0.01"),
    collected_by="BPP",
    reserve=False,
    reserve_lead_s=900,
    no_show_s=600,
)

PROVIDER_ID = "cpo1.example"
ITEM_ID = factories.item().id


@cache
def mappings() -> Mappings:
    """Load the project's own mappings, once."""
    return load(PROJECT / "mappings")


@cache
def dialect() -> Deg:
    """Make the dialect ``deg``, without any way to pay."""
    settings = DialectSettings(
        bpp_id="bridge.example",
        zone=ZoneInfo("Asia/Kolkata"),
        payment=PaymentOptions(),
        refund=RefundTerms(share=Decimal(1), within="PT2H"),
    )
    return Deg(mappings(), settings)


@dataclass
class Offered:
    """Fits Catalog and CatalogSearch: one item, and the messages a search finds."""

    item: ChargingItem = field(default_factory=factories.item)
    found: list[bytes] = field(default_factory=lambda: [b'{"catalog":{"providers":[]}}'])
    searched: list[Search] = field(default_factory=list)
    starts: list[datetime | None] = field(default_factory=list)

    def find(self, provider_id: str, item_id: str, at: datetime | None = None) -> ChargingItem:
        """Return the item by its id, or by its EVSE, and remember for when."""
        self.starts.append(at)
        if provider_id != self.item.provider.id:
            raise ProviderUnknown
        if item_id not in (self.item.id, self.item.evse.uid):
            raise ItemUnknown
        return self.item

    def current(self, item: ChargingItem) -> ChargingItem | None:
        """Return the item."""
        return self.item

    def provider(self, provider_id: str) -> tuple[str, Provider]:
        """Return the provider of the item."""
        if provider_id != self.item.provider.id:
            raise ProviderUnknown
        return self.item.cpo_id, self.item.provider

    def messages(self, dialect: str, search: Search, now: datetime) -> list[bytes]:
        """Return what was found, and remember the search."""
        self.searched.append(search)
        return self.found


@dataclass
class Live:
    """Fits LiveStatus and Freshness; ``asked`` are the items that the CPO was asked for.

    Args:
        silent: the CPO never answers.
    """

    answer: EVSE | BridgeError | None = field(default_factory=factories.evse)
    is_fresh: bool = True
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    async def evse(self, cpo_id: str, item: ChargingItem) -> EVSE | None:
        """Answer, or raise."""
        self.asked.append(item.id)
        if self.silent:
            await asyncio.Event().wait()
        if isinstance(self.answer, BridgeError):
            raise self.answer
        return self.answer

    def fresh(self, item: ChargingItem) -> bool:
        """Return what was said."""
        return self.is_fresh


HELP = Contact("1800", "help@bridge.example", "https://bridge.example/help")


@dataclass
class Desk:
    """Fits Contacts."""

    contact: Contact | None = HELP
    form: str | None = "https://bridge.example/form"
    forbidden: str | None = None
    asked: list[str | None] = field(default_factory=list)

    def support(self, cpo_id: str | None) -> Contact | None:
        """Return the contact, and remember who was asked for."""
        self.asked.append(cpo_id)
        return self.contact

    def feedback_url(self) -> str | None:
        """Return the form."""
        return self.form

    def callback_allowed(self, url: str) -> str | None:
        """Return why not, for every address."""
        return self.forbidden


def wish(**changes: Any) -> Wish:
    """Make the wish for 100 INR at the only connector."""
    made = Wish(provider_id=PROVIDER_ID, item_id=ITEM_ID, quantity=amount("100"))
    return replace(made, **changes)


def amount(inr: str) -> Quantity:
    """Make a budget."""
    return Quantity(measure=Measure.AMOUNT, value=Decimal(inr), unit="INR", stated=inr)


def paid(inr: str = "100", **changes: Any) -> PaymentClaim:
    """Make the claim that so much is paid."""
    made = PaymentClaim(amount=Decimal(inr), currency="INR", paid=True, transaction_id="utr-1")
    return replace(made, **changes)
