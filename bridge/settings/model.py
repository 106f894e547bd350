"""Everything that can be set, with its default: the keys of the configuration file.

``config/bridge.example.yaml`` shows each key with a word on what it does. Durations are seconds
and end in ``_s``. A secret is a SecretStr and shows in no message.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from bridge.beckn.registry import RegistryKind
from bridge.beckn.signing import private_key
from bridge.errors import SignatureInvalid
from bridge.ocpi.locations import Capability
from bridge.settings.redis_url import parse_redis_url


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("not a URL") from error
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", text):
        raise ValueError("not an http:// or https:// URL")
    if parts.username is not None or parts.fragment:
        raise ValueError("a URL here has neither user and password nor a #fragment")
    return text


def _base_url(text: str) -> str:
    """Take a URL that paths are appended to: it may have one of its own, but ends in no slash."""
    if "?" in _url(text):
        raise ValueError("a URL here has no ?query")
    return text.rstrip("/")


def _redis_url(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value() != "embedded":
        parse_redis_url(secret.get_secret_value())
    return secret


def _token(secret: SecretStr) -> SecretStr:
    """Take a credentials token: printable ASCII without spaces (OCPI 2.2.1 mod_credentials)."""
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        raise ValueError("a token is one or more printable ASCII characters without spaces")
    return secret


def _secrets_key(secret: SecretStr) -> SecretStr:
    """Take Fernet keys with commas between them: 32 bytes each, in URL-safe Base64."""
    keys = keys_of(secret) or ("",)
    for number, each in enumerate(keys, 1):
        if not re.fullmatch(r"[\w-]{43}=", each, re.ASCII):
            which = f"key {number} of {len(keys)}" if len(keys) > 1 else "this"
            raise ValueError(
                f"{which} is no Fernet key: 44 characters, 32 bytes in URL-safe Base64"
            )
    return secret


def _hook_secret(secret: SecretStr) -> SecretStr:
    """Take a secret that two programs share: who could guess it could pretend to be one of them."""
    if len(secret.get_secret_value()) < 16:
        raise ValueError("a secret has 16 characters at least")
    return secret


def keys_of(secret: SecretStr | None) -> tuple[str, ...]:
    """Return the keys that stand in a secret, the one that encrypts first."""
    given = "" if secret is None else secret.get_secret_value()
    return tuple(each.strip() for each in given.split(",")) if given else ()


def _duration(text: str) -> str:
    if not re.fullmatch(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?", text):
        raise ValueError("not an ISO 8601 duration in days, hours, minutes and seconds: PT2H")
    return text


def _signing_key(secret: SecretStr) -> SecretStr:
    """Take an Ed25519 private key in Base64; whatever is wrong, nothing of it is repeated."""
    try:
        private_key(secret.get_secret_value())
    except SignatureInvalid as error:
        raise ValueError(error.reason) from None
    return secret


Url = Annotated[str, AfterValidator(_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
Token = Annotated[SecretStr, AfterValidator(_token)]
SigningKey = Annotated[SecretStr, AfterValidator(_signing_key)]
SecretsKey = Annotated[SecretStr, AfterValidator(_secrets_key)]
HookSecret = Annotated[SecretStr, AfterValidator(_hook_secret)]
Duration = Annotated[str, AfterValidator(_duration)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=1024)]
CountryCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$"), AfterValidator(str.upper)]
PartyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3}$"), AfterValidator(str.upper)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Module = Literal[
    "credentials",
    "locations",
    "sessions",
    "cdrs",
    "tariffs",
    "tokens",
    "commands",
    "hubclientinfo",
]
Role = Literal["sender", "receiver"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Listen(_Part):
    """Where the bridge listens; port 0 takes any free one."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=0, le=65535)


class OcpiParty(_Part):
    """Who the bridge is towards CPOs: one eMSP."""

    country_code: CountryCode
    party_id: PartyId
    business_name: Name


class Provider(_Part):
    """A CPO as Beckn sees it."""

    id: Id
    name: Name


class Party(_Part):
    """One more party behind the same OCPI connection, shown as a provider of its own."""

    country_code: CountryCode
    party_id: PartyId
    provider: Provider


class Support(_Part):
    """Whom a driver asks for help."""

    phone: str | None = None
    email: str | None = None
    url: Url | None = None


class CpoTimeouts(_Part):
    """How long a CPO may take."""

    connect_s: Seconds = 3
    total_s: Seconds = 10


class CpoPoll(_Part):
    """How often a CPO is asked for what changed; pushes come besides."""

    locations_s: Seconds = 600
    tariffs_s: Seconds = 600
    sessions_s: Seconds = 600
    cdrs_s: Seconds = 600
    clients_s: Seconds = 3600
    everything_s: Seconds = 86_400


class CpoFlags(_Part):
    """Deviations of one CPO from OCPI: the fields of ``bridge.ocpi.flags.Flags``."""

    raw_token: bool = False
    explicit_nulls: bool = False
    append_slash: bool = False
    endpoint_slash: bool = False
    token_visual_number: bool = False
    push_tokens: bool = True
    charging_preferences: bool = False
    patch_without_last_updated: bool = False
    own_token_inbound: bool = False
    cdr_put: bool = False
    receiver_alias: bool = False
    default_capabilities: tuple[Capability, ...] = ()


class Cpo(_Part):
    """One OCPI connection. ``token_a`` is never absent: ``load`` brings it from where it stands.

    With ``versions_url`` the bridge registers at the CPO; without, the CPO registers at the bridge
    and presents ``token_a``.
    """

    id: Id
    versions_url: Url | None = None
    token_a: Token
    token_a_file: Path | None = None
    provider: Provider
    parties: tuple[Party, ...] = ()
    hub: bool = False
    endpoints: dict[Module, dict[Role, Url]] = {}
    flags: CpoFlags = CpoFlags()
    public_url: BaseUrl | None = None
    timeouts: CpoTimeouts = CpoTimeouts()
    poll: CpoPoll = CpoPoll()
    rotate_days: Annotated[int, Field(ge=1)] | None = 30
    support: Support | None = None


class Layer2File(_Part):
    """The OpenAPI file that messages of a domain and version are checked with."""

    domain: Name
    version: Name
    file: Path


class Beckn(_Part):
    """Who the bridge is in the Beckn network, and what stands between it and the network."""

    adapter: Literal["none", "protocol-server", "onix"] = "none"
    subscriber_id: Name
    reply_base_url: BaseUrl | None = None
    verify_inbound: bool = False
    key_id: Name | None = None
    private_key: SigningKey | None = None
    private_key_file: Path | None = None
    registry_url: BaseUrl | None = None
    registry_kind: RegistryKind = RegistryKind.LEGACY
    layer2: tuple[Layer2File, ...] = ()
    layer2_outbound: Literal["send", "withhold"] = "send"
    signature_life_s: Seconds = 300
    signature_skew_s: Seconds = 5
    dialects: tuple[Literal["deg"], ...] = Field(default=("deg",), min_length=1)

    @model_validator(mode="after")
    def _adapter_has_an_address(self) -> Self:
        if self.adapter != "none" and self.reply_base_url is None:
            raise ValueError("with an adapter, reply_base_url says where the callbacks go")
        return self

    @model_validator(mode="after")
    def _keys_are_complete(self) -> Self:
        if self.verify_inbound and self.registry_url is None:
            raise ValueError("to verify signatures, registry_url says where the keys are")
        if (self.key_id is None) != (self.private_key is None):
            raise ValueError("key_id and private_key go together: both sign, or none does")
        return self


class Terms(_Part):
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


class Payment(_Part):
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


class OtpSender(_Part):
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


class Limits(_Part):
    """How large a message may be."""

    max_body_bytes: Bytes = 1_048_576
    max_reply_bytes: int = Field(default=180_000, ge=8192)
    max_reply_messages: int = Field(default=5, ge=1)
    max_cpo_body_bytes: Bytes = 16_777_216


class Log(_Part):
    """How the log is written; ``auto`` is console on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Settings(_Part):
    """The whole configuration, checked."""

    public_url: BaseUrl
    listen: Listen = Listen()
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

    @property
    def secrets_keys(self) -> tuple[str, ...]:
        """The keys that tokens are encrypted with in Redis, the first one for writing."""
        return keys_of(self.secrets_key)
