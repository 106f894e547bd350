"""Who sent a Beckn message: its signature, by the keys of the registry (BECKN-006)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

from bridge.beckn.registry import Subscriber
from bridge.beckn.signing import SIGNED, KeyId, check_bytes, check_time, read_signature
from bridge.errors import SignatureInvalid
from bridge.orders.intents import Request

SENDER: Final = "Authorization"
GATEWAYS: Final = ("X-Gateway-Authorization", "Proxy-Authorization")
"""Where a gateway signs: BECKN-006 and ONIX say the first, protocol-server the second."""


class Keys(Protocol):
    """Finds keys; both methods raise RegistryUnavailable."""

    async def key_of(self, key_id: KeyId) -> Subscriber | None:
        """Return who has a key, as remembered."""
        ...

    async def asked_anew(self, key_id: KeyId) -> Subscriber | None:
        """Return who has a key now; None also when it was asked a moment ago."""
        ...


class Verifier:
    """Checks inbound messages.

    Args:
        realm: our subscriber id, told to whoever is refused.
        skew: how far ahead of ours a sender's clock may be.
    """

    def __init__(
        self, keys: Keys, *, realm: str, skew: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._skew = skew
        self._clock = clock
        self._wanted = f'Signature realm="{realm}",headers="{SIGNED}"'

    def challenge(self, error: SignatureInvalid) -> dict[str, str]:
        """Return the header that says whose signature is missing or wrong."""
        name = "Proxy-Authenticate" if error.by_gateway else "WWW-Authenticate"
        return {name: self._wanted}

    async def sender_of(self, headers: Mapping[str, str], body: bytes) -> Subscriber:
        """Return who signed exactly these bytes; a gateway in between has to have signed as well.

        Raises:
            SignatureInvalid: nobody did, or not with a key of the registry.
            RegistryUnavailable: it cannot be found out now.
        """
        sender = await self._signer(headers.get(SENDER), body)
        for name in GATEWAYS:
            if name in headers:
                try:
                    await self._signer(headers[name], body)
                except SignatureInvalid as error:
                    raise SignatureInvalid(error.reason, by_gateway=True) from error
        return sender

    async def _signer(self, header: str | None, body: bytes) -> Subscriber:
        if header is None:
            raise SignatureInvalid(f"{SENDER} is missing")
        signature = read_signature(header)
        check_time(signature, now=self._clock(), skew=self._skew)
        signer = await self._keys.key_of(signature.key_id)
        if signer is None:
            raise SignatureInvalid("the registry does not know this key")
        try:
            check_bytes(body, signature, signer.key)
        except SignatureInvalid:
            # The key may have been renewed since it was asked for.
            renewed = await self._keys.asked_anew(signature.key_id)
            if renewed is None:
                raise
            check_bytes(body, signature, renewed.key)
            return renewed
        return signer


def require_own(sender: Subscriber, request: Request) -> None:
    """Raise SignatureInvalid unless a request speaks for its signer and is answered at its host."""
    if sender.id != request.bap_id:
        raise SignatureInvalid("context.bap_id is not the subscriber that signed")
    if sender.url is not None and _host(sender.url) != _host(request.bap_uri):
        raise SignatureInvalid("context.bap_uri is not at the host that the registry names")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
