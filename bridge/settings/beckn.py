"""What is set for the Beckn side."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from bridge.beckn.registry import RegistryKind
from bridge.settings.tls import Tls
from bridge.settings.values import (
    BaseUrl,
    EncryptionKey,
    Name,
    Part,
    RegistryKey,
    Seconds,
    SharedKey,
    SigningKey,
)

ADAPTER_URLS: Final = {
    "protocol-server": "http://bpp-client:6001",
    "onix": "http://onix-bpp:8082/bpp/caller",
}
"""Where the callbacks go behind an adapter, as their own compose files name them."""


class Layer2File(Part):
    """The OpenAPI file that messages of a domain and version are checked with."""

    domain: Name
    version: Name
    file: Path


class Beckn(Part):
    """Who the bridge is in the Beckn network, and what stands between it and the network."""

    adapter: Literal["none", "protocol-server", "onix"] = "none"
    subscriber_id: Name
    bpp_uri: BaseUrl | None = None
    reply_base_url: BaseUrl | None = None
    tls: Tls | None = None
    webhook_hmac_key: SharedKey | None = None
    webhook_hmac_key_file: Path | None = None
    webhook_hmac_mode: Literal["enforce", "report"] = "enforce"
    verify_inbound: bool = False
    key_id: Name | None = None
    private_key: SigningKey | None = None
    private_key_file: Path | None = None
    registry_url: BaseUrl | None = None
    registry_kind: RegistryKind = RegistryKind.LEGACY
    on_subscribe: Literal["off", "decrypt", "sign"] = "off"
    encryption_private_key: EncryptionKey | None = None
    encryption_private_key_file: Path | None = None
    registry_encryption_key: RegistryKey | None = None
    layer2: tuple[Layer2File, ...] = ()
    layer2_outbound: Literal["send", "withhold"] = "send"
    signature_life_s: Seconds = 300
    signature_skew_s: Seconds = 5
    uei_profile: Literal["3.1", "3.0"] = "3.1"
    dialects: tuple[Literal["deg", "uei"], ...] = Field(default=("deg",), min_length=1)

    @model_validator(mode="after")
    def _checks_fit_the_adapter(self) -> Self:
        behind = self.adapter == "protocol-server"
        if self.verify_inbound and behind:
            raise ValueError("protocol-server passes no signature on: verify_inbound cannot be met")
        if self.webhook_hmac_key is not None and not behind:
            raise ValueError("webhook_hmac_key is for protocol-server; nobody else has an HMAC")
        return self

    @model_validator(mode="after")
    def _keys_are_complete(self) -> Self:
        if self.verify_inbound and self.registry_url is None:
            raise ValueError("to verify signatures, registry_url says where the keys are")
        if (self.key_id is None) != (self.private_key is None):
            raise ValueError("key_id and private_key go together: both sign, or none does")
        return self

    @model_validator(mode="after")
    def _challenges_can_be_answered(self) -> Self:
        if self.on_subscribe != "off" and self.adapter == "protocol-server":
            raise ValueError("protocol-server answers on_subscribe itself")
        if self.on_subscribe == "sign" and self.private_key is None:
            raise ValueError("on_subscribe: sign needs key_id and private_key")
        keys = (self.encryption_private_key, self.registry_encryption_key)
        if self.on_subscribe == "decrypt" and None in keys:
            raise ValueError(
                "on_subscribe: decrypt needs encryption_private_key and registry_encryption_key"
            )
        return self

    @property
    def callbacks_to(self) -> str | None:
        """Where callbacks go; None = to the ``bap_uri`` of each request."""
        return self.reply_base_url or ADAPTER_URLS.get(self.adapter)
