"""Everything that can be set, with its default: the keys of the configuration file.

``config/bridge.example.yaml`` shows each key with a word on what it does. Durations are seconds
and end in ``_s``. A secret is a SecretStr and shows in no message.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator

from bridge.dialects.v1.echo import e164
from bridge.settings.beckn import Beckn
from bridge.settings.cpo import Cpo, Support
from bridge.settings.redis_url import parse_redis_url
from bridge.settings.tls import check_redis_files
from bridge.settings.values import (
    BaseUrl,
    Bytes,
    CountryCode,
    Duration,
    HookSecret,
    Name,
    Part,
    PartyId,
    PerSecond,
    RedisUrl,
    Seconds,
    SecretsKey,
    Url,
    keys_of,
)


class Listen(Part):
    """Where the bridge listens; port 0 takes any free one."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=0, le=65535)


class OcpiParty(Part):
    """Who the bridge is towards CPOs: one eMSP."""

    country_code: CountryCode
    party_id: PartyId
    business_name: Name


class Terms(Part):
    """What the bridge promises and how long it waits."""

    reply_deadline_s: Seconds = 8
    search_deadline_s: Seconds = 10
    quote_ttl_s: Seconds = 900
    session_wait_s: Seconds = 120
    command_timeout_s: Seconds = 30
    cdr_wait_s: Seconds = 30
    interruption_s: Seconds = 120
    interruption_limit_s: Seconds = 1800
    session_stale_s: Seconds = 60
    fault_hold_s: Seconds = 60
    reserve: bool = False
    reserve_lead_s: Seconds = 900
    no_show_s: Seconds = 900
    refund_share: Decimal = Field(default=Decimal(1), ge=0, le=1)
    refund_within: Duration = "PT2H"
    default_kwh: Decimal = Field(default=Decimal(5), gt=0)
    max_kwh: Decimal = Field(default=Decimal(100), gt=0)
    bill_tolerance: Decimal = Field(default=Decimal("0.01"), ge=0)
    default_radius_km: float = Field(default=5, gt=0, allow_inf_nan=False)


class Payment(Part):
    """How a driver pays, as the quote tells the BAP."""

    collected_by: Literal["BPP", "BAP"] = "BPP"
    methods: tuple[Literal["UPI-TRANSFER", "PAYMENT-LINK", "BANK-TRANSFER"], ...] = (
        "UPI-TRANSFER",
    )
    url: Url | None = None
    bank_code: str | None = None
    bank_account_number: str | None = None
    upi_address: str | None = None
    secret: HookSecret | None = None
    secret_file: Path | None = None
    requests_url: Url | None = None

    @model_validator(mode="after")
    def _requests_are_signed(self) -> Self:
        if self.requests_url is not None and self.secret is None:
            raise ValueError("requests_url needs a secret: requests are signed")
        return self


class OtpSender(Part):
    """How an OTP reaches its driver: into the log (for trials), or to a webhook of the operator."""

    sender: Literal["log", "webhook"] | None = None
    url: Url | None = None
    secret: HookSecret | None = None
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _webhook_is_whole(self) -> Self:
        if self.sender == "webhook" and (self.url is None or self.secret is None):
            raise ValueError("a webhook needs url and secret")
        if self.sender != "webhook" and (self.url is not None or self.secret is not None):
            raise ValueError("url and secret are for sender: webhook")
        return self


class Limits(Part):
    """How large a message may be, how long it may take, and how many there may be."""

    max_body_bytes: Bytes = 1_048_576
    max_reply_bytes: int = Field(default=180_000, ge=8192)
    max_reply_messages: int = Field(default=5, ge=1)
    max_cpo_body_bytes: Bytes = 16_777_216
    max_connections: int = Field(default=4096, ge=1)
    head_s: Seconds = 15
    body_s: Seconds = 30
    bap_rate: PerSecond | None = None
    bap_burst: int = Field(default=100, ge=1)
    cpo_rate: PerSecond | None = None
    cpo_burst: int = Field(default=500, ge=1)


class Log(Part):
    """How the log is written; ``auto`` is console on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Tracing(Part):
    """Where traces go, over OTLP/HTTP; without an endpoint there are none."""

    endpoint: Url | None = None
    sample_ratio: float = Field(default=1, ge=0, le=1)
    service_name: Name = "beckn-ocpi-bridge"


class Settings(Part):
    """The whole configuration, checked."""

    public_url: BaseUrl
    listen: Listen = Listen()
    ops_listen: Listen | None = None
    drain_grace_s: float = Field(default=5, ge=0, allow_inf_nan=False)
    redis_url: RedisUrl = SecretStr("embedded")
    data_dir: Path = Path("./data")
    secrets_key: SecretsKey | None = None
    secrets_key_file: Path | None = None
    ocpi: OcpiParty
    cpos: tuple[Cpo, ...]
    beckn: Beckn
    allow_hosts: tuple[str, ...] = ()
    allow_private: bool = False
    terms: Terms = Terms()
    payment: Payment = Payment()
    otp: OtpSender = OtpSender()
    support: Support = Support()
    feedback_url: Url | None = None
    mapping_overlays: tuple[Path, ...] = ()
    commercial: Path | None = None
    evse_status_ttl_s: Seconds = 60
    retention_days: int = Field(default=90, ge=1)
    time_zone: ZoneInfo = ZoneInfo("Asia/Kolkata")
    max_clock_skew_s: Seconds | None = None
    limits: Limits = Limits()
    log: Log = Log()
    tracing: Tracing = Tracing()

    @field_validator("redis_url")
    @classmethod
    def _redis_files_can_be_used(cls, secret: SecretStr) -> SecretStr:
        if secret.get_secret_value() != "embedded":
            check_redis_files(parse_redis_url(secret.get_secret_value()))
        return secret

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.ops_listen == self.listen and self.listen.port:
            raise ValueError("ops_listen is the address of listen; left out, both share it")
        return self

    @model_validator(mode="after")
    def _uei_can_tell_phones(self) -> Self:
        desks = (self.support, *(cpo.support for cpo in self.cpos))
        phones = [desk.phone for desk in desks if desk is not None and desk.phone is not None]
        for phone in phones if "uei" in self.beckn.dialects else ():
            if e164(phone) is None:
                raise ValueError(
                    f"support.phone {phone!r}: the dialect uei needs it with its country code"
                )
        return self

    @property
    def secrets_keys(self) -> tuple[str, ...]:
        """The keys that tokens are encrypted with in Redis, the first one for writing."""
        return keys_of(self.secrets_key)
