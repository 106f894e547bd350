"""The file of commercial terms: its keys, what is refused, and how it becomes ``Commercial``.

``config/commercial.example.yaml`` shows each key; what they mean stands in
``bridge/orders/terms.py``, whose names these are. Amounts are without VAT, shares from 0 to 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bridge.errors import SettingsInvalid
from bridge.ocpi.locations import PowerType
from bridge.ocpi.tariffs import DayOfWeek
from bridge.orders.customer import regular_email, regular_phone
from bridge.orders.terms import Commercial, OtpUse, PriceSource
from bridge.settings.model import Settings, Terms
from bridge.settings.sources import Draft, read_text, tree_of
from bridge.settings.values import Duration, Id, Name, Seconds, Url

ONE_OF: Final = {
    "surcharges": ("share", "per_kwh"),
    "offers": ("share", "per_kwh", "amount"),
}
"""Of these keys an entry has one and no more."""

NAMED: Final = ("fees", "surcharges", "offers", "passes", "agreements")
"""Lists whose entries have an id of their own."""


def _time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError("not a time of the day as HH:MM")
    return text


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError("not a date as YYYY-MM-DD") from error


def _moment(text: object, info: ValidationInfo) -> object:
    """Read a date and time; where no zone stands it is that of the settings."""
    if not isinstance(text, str):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("not a date or time as 2026-11-01 or 2026-11-01T18:00+05:30") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=info.context)
    return moment.astimezone(UTC)


def _phone(text: str) -> str:
    if regular_phone(text) is None:
        raise ValueError("not a phone number")
    return text


def _email(text: str) -> str:
    if "@" not in (regular_email(text) or ""):
        raise ValueError("not an e-mail address")
    return text


def _pairs(value: object) -> object:
    return tuple(value.items()) if isinstance(value, dict) else value


Share = Annotated[Decimal, Field(gt=0, le=1, decimal_places=6)]
ShareOrNone = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]
Amount = Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=6)]
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=6)]
Quantity = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=6)]
Wait = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
TimeOfDay = Annotated[str, AfterValidator(_time)]
Day = Annotated[str, AfterValidator(_date)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Phone = Annotated[str, AfterValidator(_phone)]
Email = Annotated[str, AfterValidator(_email)]
Benefits = Annotated[tuple[tuple[Name, Text], ...], BeforeValidator(_pairs)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _ordered(low: str, high: str, *, same: bool = False) -> Any:
    """Return a check of ``high``: it lies above ``low``, where that one is given and is right."""

    def check(value: Any, info: ValidationInfo) -> Any:
        least = info.data.get(low)
        if value is None or least is None or least < value or (same and least == value):
            return value
        raise ValueError(f"must {'not be below' if same else 'lie beyond'} {low}")

    return field_validator(high)(check)


class Where(_Part):
    """The connectors that a term is for; nothing given = all."""

    providers: tuple[Name, ...] = ()
    locations: tuple[Name, ...] = ()
    items: tuple[Text, ...] = ()
    power_types: tuple[PowerType, ...] = ()
    min_power_kw: Quantity | None = None
    max_power_kw: Amount | None = None

    _power = _ordered("min_power_kw", "max_power_kw", same=True)


class When(_Part):
    """Local times of the Location; ends are exclusive. 22:00 to 06:00 goes over midnight."""

    start_time: TimeOfDay | None = None
    end_time: TimeOfDay | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    day_of_week: tuple[DayOfWeek, ...] = ()

    _dates = _ordered("start_date", "end_date")


class WhenCharging(When):
    """What is looked at in each charging period, as in a tariff (OCPI 2.2.1 mod_tariffs)."""

    min_kwh: Quantity | None = None
    max_kwh: Amount | None = None
    min_current: Quantity | None = None
    max_current: Amount | None = None
    min_power: Quantity | None = None
    max_power: Amount | None = None
    min_duration: Annotated[int, Field(ge=0)] | None = None
    max_duration: Count | None = None

    _kwh = _ordered("min_kwh", "max_kwh")
    _current = _ordered("min_current", "max_current")
    _power = _ordered("min_power", "max_power")
    _duration = _ordered("min_duration", "max_duration")


class Fee(_Part):
    """A service fee."""

    id: Id
    amount: Amount
    title: Name | None = None
    vat: Percent | None = None
    where: Where = Where()


class Surcharge(_Part):
    """A surge price."""

    id: Id
    title: Name | None = None
    share: Annotated[Decimal, Field(gt=0, decimal_places=6)] | None = None
    per_kwh: Amount | None = None
    when: WhenCharging | None = None
    where: Where = Where()


class Offer(_Part):
    """A promotion."""

    id: Id
    title: Name
    share: Share | None = None
    per_kwh: Amount | None = None
    amount: Amount | None = None
    max_amount: Amount | None = None
    min_kwh: Amount | None = None
    min_value: Amount | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    when: When | None = None
    where: Where = Where()
    uses: Count | None = None
    uses_per_customer: Count | None = None
    automatic: bool = False
    code: Name | None = None
    short_desc: Text | None = None
    long_desc: Text | None = None
    image_url: Url | None = None

    _valid = _ordered("valid_from", "valid_until")


class Pass(_Part):
    """A loyalty pass on sale."""

    id: Id
    provider: Id
    name: Name
    tier: Name
    price: Amount
    currency: Currency
    share: Share
    when: When | None = None
    where: Where = Where()
    valid_days: Count = 30
    free_cancellation_days: Annotated[int, Field(ge=0)] = 0
    next_tier: Id | None = None
    next_tier_spend: Amount | None = None
    benefits: Benefits = ()
    auto_renewal: Text | None = None
    code: Name = "loyalty-subscription"
    short_desc: Text | None = None
    long_desc: Text | None = None
    info_url: Url | None = None
    image_url: Url | None = None


class Agreement(_Part):
    """A contract with a company."""

    id: Id
    organization: Name
    title: Name | None = None
    phones: tuple[Phone, ...] = ()
    emails: tuple[Email, ...] = ()
    share: Share
    where: Where = Where()
    valid_from: Moment | None = None
    valid_until: Moment | None = None

    _valid = _ordered("valid_from", "valid_until")


class Otp(_Part):
    """One-time passwords."""

    use: OtpUse = OtpUse.NONE
    digits: Annotated[int, Field(ge=4, le=10)] = 6
    life_s: Seconds = 600
    attempts: Count = 3


class RefundStep(_Part):
    """A share that comes back."""

    before_s: Wait
    share: ShareOrNone


class Refunds(_Part):
    """What a cancellation before charging gives back; what is not given stands in ``terms``."""

    steps: tuple[RefundStep, ...] = ()
    no_show_share: ShareOrNone | None = None
    within: Duration | None = None

    @field_validator("steps")
    @classmethod
    def _to_the_start(cls, steps: tuple[RefundStep, ...]) -> tuple[RefundStep, ...]:
        times = [step.before_s for step in steps]
        if times != sorted(set(times), reverse=True):
            raise ValueError("the longest before_s comes first, and none stands twice")
        if times and times[-1] != 0:
            raise ValueError("the last step has before_s: 0")
        return steps


class CommercialFile(_Part):
    """The whole file, checked; every key may be left out."""

    fees: tuple[Fee, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    offers: tuple[Offer, ...] = ()
    passes: tuple[Pass, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    otp: Otp = Otp()
    overcharge_share: ShareOrNone = Decimal(0)
    guard_share: Annotated[Decimal, Field(gt=0, decimal_places=6)] | None = Decimal(1)
    price_source: PriceSource = PriceSource.OWN
    refunds: Refunds | None = None
    spot_within_s: Wait = 900
    grace_s: Wait | None = None

    def commercial(self, terms: Terms) -> Commercial:
        """Return the terms of the file; ``terms`` has what its refunds do not say."""
        given = self.model_dump(exclude_unset=True)
        if self.refunds is not None:
            given["refunds"] = self._refunds(self.refunds, terms)
        return msgspec.convert(given, Commercial)

    @staticmethod
    def _refunds(refunds: Refunds, terms: Terms) -> dict[str, Any]:
        own = refunds.no_show_share
        return {
            "steps": [step.model_dump() for step in refunds.steps]
            or [{"before_s": 0, "share": terms.refund_share}],
            "no_show_share": terms.refund_share if own is None else own,
            "within": refunds.within or terms.refund_within,
        }


class LoadedTerms(NamedTuple):
    """Commercial terms, and the fingerprint of the file they are from."""

    commercial: Commercial = Commercial()
    fingerprint: str = ""


def load_commercial(settings: Settings) -> LoadedTerms:
    """Read the file of commercial terms that the settings name, if they name one.

    Raises SettingsInvalid with every fault as ``file: key: what``.
    """
    if settings.commercial is None:
        return LoadedTerms()
    return parse_commercial(settings.commercial, read_text(settings.commercial), settings)


def fingerprint_of(text: str) -> str:
    """Return a short word for the content of a file."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse_commercial(path: Path, text: str, settings: Settings) -> LoadedTerms:
    """Read the text of a file of commercial terms.

    Raises SettingsInvalid with every fault as ``file: key: what``; never a value.
    """
    draft = Draft(tree=tree_of(path, text))
    _compare(draft)
    try:
        file = CommercialFile.model_validate(draft.tree, context=settings.time_zone)
    except ValidationError as error:
        draft.blame_all(error)
    if settings.otp.sender is None:
        _refuse_otps(draft)
    if draft.faults:
        raise SettingsInvalid([f"{path}: {where}: {what}" for where, what in draft.faults.items()])
    return LoadedTerms(file.commercial(settings.terms), fingerprint_of(text))


def _compare(draft: Draft) -> None:
    """Look at what no key says by itself: this is done even where some key is wrong."""
    for kind in NAMED:
        rows = [(row, entry) for row, entry in _rows(draft, kind) if "id" in entry]
        draft.refuse_twice([((kind, row, "id"), str(entry["id"])) for row, entry in rows])
    for kind, keys in ONE_OF.items():
        for row, entry in _rows(draft, kind):
            if sum(entry.get(key) is not None for key in keys) != 1:
                draft.blame((kind, row), f"needs one of {', '.join(keys)}, and only one")
    passes = {str(entry.get("id")) for _, entry in _rows(draft, "passes")}
    for row, entry in _rows(draft, "passes"):
        _next_tier(draft, row, entry, passes)
    for row, entry in _rows(draft, "agreements"):
        if not entry.get("phones") and not entry.get("emails"):
            draft.blame(("agreements", row), "needs phones or emails: nobody could use it")


def _refuse_otps(draft: Draft) -> None:
    """Refuse terms that need OTPs: nobody could confirm an order."""
    what = "an OTP has to be sent: set otp.sender in the configuration of the bridge"
    if draft.tree.get("agreements"):
        draft.blame(("agreements",), what)
    otp = draft.tree.get("otp")
    if isinstance(otp, dict) and otp.get("use", OtpUse.NONE) in (OtpUse.CONFIRM, OtpUse.START):
        draft.blame(("otp", "use"), what)


def _next_tier(draft: Draft, row: int, entry: dict[str, Any], passes: set[str]) -> None:
    tier, spend = entry.get("next_tier"), entry.get("next_tier_spend")
    if tier is not None and str(tier) not in passes - {str(entry.get("id"))}:
        draft.blame(("passes", row, "next_tier"), "no other pass has this id")
    if (tier is None) != (spend is None):
        draft.blame(("passes", row), "next_tier and next_tier_spend go together")


def _rows(draft: Draft, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = draft.tree.get(kind)
    for index, entry in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(entry, dict):
            yield index, entry
