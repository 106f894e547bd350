"""Values of settings that have a form: URLs, secrets, identifiers, durations."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bridge.beckn.challenge import encryption_key, registry_key
from bridge.beckn.signing import private_key
from bridge.errors import SignatureInvalid
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


def _encryption_key(secret: SecretStr) -> SecretStr:
    """Take an X25519 private key in Base64; nothing of it is repeated."""
    try:
        encryption_key(secret.get_secret_value())
    except SignatureInvalid as error:
        raise ValueError(error.reason) from None
    return secret


def _registry_key(text: str) -> str:
    try:
        registry_key(text)
    except SignatureInvalid as error:
        raise ValueError(error.reason) from error
    return text


Url = Annotated[str, AfterValidator(_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
Token = Annotated[SecretStr, AfterValidator(_token)]
SigningKey = Annotated[SecretStr, AfterValidator(_signing_key)]
EncryptionKey = Annotated[SecretStr, AfterValidator(_encryption_key)]
RegistryKey = Annotated[str, AfterValidator(_registry_key)]
SecretsKey = Annotated[SecretStr, AfterValidator(_secrets_key)]
SharedKey = Annotated[SecretStr, Field(min_length=1)]
"""A key that another program has already; how long it is was not ours to say."""

HookSecret = Annotated[SecretStr, AfterValidator(_hook_secret)]
Duration = Annotated[str, AfterValidator(_duration)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PerSecond = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=1024)]
CountryCode = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$"), AfterValidator(str.upper)]
PartyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3}$"), AfterValidator(str.upper)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Part(BaseModel):
    """Settings that belong together; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
