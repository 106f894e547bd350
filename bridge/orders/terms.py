"""Commercial terms: what the operator charges, takes off and promises beside the CPO's tariff.

``Commercial`` is the whole file as it is now; ``Agreed`` is the part of it that holds for one
order, frozen at on_init like the tariff: what is changed afterwards concerns later orders only.
Amounts are without VAT, in the currency of the tariff they come on top of; shares run from 0 to 1.
A ``title`` is what a line of the quote is called; None = the word of the dialect for its kind.
"""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

import msgspec

from bridge.ocpi.locations import PowerType
from bridge.ocpi.tariffs import TariffRestrictions


class Where(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The connectors that a term is for: all that is given must hold; nothing given = all.

    Args:
        providers: Beckn provider ids.
        locations: OCPI Location ids.
        items: Beckn item ids.
        min_power_kw, max_power_kw: of the connector, both inclusive.
    """

    providers: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    power_types: tuple[PowerType, ...] = ()
    min_power_kw: Decimal | None = None
    max_power_kw: Decimal | None = None


ANYWHERE = Where()


class Fee(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service fee: once for each session. ``vat`` is percent; None = no VAT."""

    id: str
    amount: Decimal
    title: str | None = None
    vat: Decimal | None = None
    where: Where = ANYWHERE


class Surcharge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A surge price on energy: ``share`` of its price or ``per_kwh``, one of them (use case 7).

    Args:
        when: as a restriction of a tariff, local to the Location; None = always.
    """

    id: str
    title: str | None = None
    share: Decimal | None = None
    per_kwh: Decimal | None = None
    when: TariffRestrictions | None = None
    where: Where = ANYWHERE


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A promotion on energy: ``share``, ``per_kwh`` or ``amount``, one of them (use case 6).

    Args:
        max_amount: it takes off no more than this.
        min_kwh, min_value: less energy, or a lower price of it, gets nothing.
        valid_from, valid_until: of the start of charging; ``until`` is exclusive.
        when: as a restriction of a tariff, looked at when charging starts.
        uses, uses_per_customer: how many orders may have it; None = any number.
        automatic: applied without being chosen, if the driver chose no other.
        code, short_desc, long_desc, image_url: how it is shown.
    """

    id: str
    title: str
    share: Decimal | None = None
    per_kwh: Decimal | None = None
    amount: Decimal | None = None
    max_amount: Decimal | None = None
    min_kwh: Decimal | None = None
    min_value: Decimal | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    when: TariffRestrictions | None = None
    where: Where = ANYWHERE
    uses: int | None = None
    uses_per_customer: int | None = None
    automatic: bool = False
    code: str | None = None
    short_desc: str | None = None
    long_desc: str | None = None
    image_url: str | None = None


class DiscountKind(enum.StrEnum):
    """Why a customer gets a discount."""

    LOYALTY = "LOYALTY"
    B2B = "B2B"


class Discount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one customer gets off energy and fees, by a membership or an agreement.

    Args:
        id: of the membership or the agreement.
        held_by: key of the order that the membership came with; None for an agreement.
        when: as a restriction of a tariff, looked at when charging starts (weekday discounts).
    """

    kind: DiscountKind
    id: str
    share: Decimal
    title: str | None = None
    when: TariffRestrictions | None = None
    held_by: str | None = None


class Pass(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A loyalty pass on sale, a catalogue item of its provider (use case 4).

    Args:
        id: its Beckn item id.
        provider: Beckn provider id of who sells it.
        price: with VAT, as it is paid.
        share: discount on energy and fees while it is active.
        when: narrows the discount, as a restriction of a tariff; None = always.
        where: where the discount is given.
        valid_days: how long it is active from on_confirm on.
        free_cancellation_days: bought and cancelled within, it is paid back in full.
        next_tier: id of the pass it becomes when ``next_tier_spend`` is spent within its validity.
        benefits: further promises as they are shown: code and value; code words the tag.
    """

    id: str
    provider: str
    name: str
    tier: str
    price: Decimal
    currency: str
    share: Decimal
    when: TariffRestrictions | None = None
    where: Where = ANYWHERE
    valid_days: int = 30
    free_cancellation_days: int = 0
    next_tier: str | None = None
    next_tier_spend: Decimal | None = None
    benefits: tuple[tuple[str, str], ...] = ()
    auto_renewal: str | None = None
    code: str = "loyalty-subscription"
    short_desc: str | None = None
    long_desc: str | None = None
    info_url: str | None = None
    image_url: str | None = None


class Agreement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A contract with a company; its discount needs an OTP, always (use case 5, decisions 20).

    Args:
        phones, emails: of those who may use it; compared without blanks, hyphens and case.
        valid_from, valid_until: of the confirm; ``until`` is exclusive.
    """

    id: str
    organization: str
    title: str | None = None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    share: Decimal
    where: Where = ANYWHERE
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class OtpUse(enum.StrEnum):
    """When a driver without an agreement has to say the OTP (decisions 20)."""

    NONE = "none"
    CONFIRM = "confirm"
    START = "start"


class Otp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One-time passwords; an agreement has one in confirm whatever ``use`` says."""

    use: OtpUse = OtpUse.NONE
    digits: int = 6
    life_s: float = 600
    attempts: int = 3


class RefundStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Cancelled at least ``before_s`` ahead of the start, ``share`` of what was paid comes back."""

    before_s: float
    share: Decimal


class Refunds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a cancellation before charging gives back.

    Args:
        steps: the longest ``before_s`` first; the last one is 0.
        no_show_share: when nobody came.
        within: ISO 8601 duration in which the money is back.
    """

    steps: tuple[RefundStep, ...]
    no_show_share: Decimal
    within: str


class PriceSource(enum.StrEnum):
    """What the final bill is made of (mapping 1.11)."""

    OWN = "own"
    CDR = "cdr"


class Commercial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All commercial terms, as they are now; everything off by default.

    Args:
        overcharge_share: of energy, quoted as a provision for a CPO that stops late (use case 3).
        guard_share: STOP_SESSION at this share of paid energy plus provision; None = never.
        spot_within_s: a wished start so near means now (use case 2).
        grace_s: how long a slot is kept for a driver who is late; None = the settings'
            ``no_show_s``.
    """

    fees: tuple[Fee, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    offers: tuple[Offer, ...] = ()
    passes: tuple[Pass, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    otp: Otp = Otp()
    overcharge_share: Decimal = Decimal(0)
    guard_share: Decimal | None = Decimal(1)
    price_source: PriceSource = PriceSource.OWN
    refunds: Refunds | None = None
    spot_within_s: float = 900
    grace_s: float | None = None


class Agreed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The terms of one order, frozen at on_init.

    Args:
        offers: those that apply if their conditions hold in the end.
        discount: only one customer discount; the larger one counts.
        refunds: None = the settings' ``refund_share``.
        grace_s: None = the settings' ``no_show_s``.
    """

    fees: tuple[Fee, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    offers: tuple[Offer, ...] = ()
    discount: Discount | None = None
    overcharge_share: Decimal = Decimal(0)
    guard_share: Decimal | None = None
    price_source: PriceSource = PriceSource.OWN
    refunds: Refunds | None = None
    grace_s: float | None = None


NOTHING_AGREED = Agreed()
"""The terms of an order that has only its tariff."""
