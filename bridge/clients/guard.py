"""Which hosts the bridge calls when somebody else names the address (SSRF, decisions 27)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, not private, local or multicast."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


def refusal(url: str, allow_hosts: Collection[str], *, allow_private: bool) -> str | None:
    """Return why a URL named by a BAP may not be called; None = it may.

    An allow-listed host may have any scheme and address; others need https and, if they are IP
    addresses, a public one. Names are checked again when they are resolved.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return "not a plain http(s) URL"
    if host in allow_hosts:
        return None
    if parts.scheme != "https":
        return f"host {host} is not allow-listed, so it must be https"
    try:
        public = is_public(host)
    except ValueError:
        return None
    return None if public or allow_private else f"{host} is not a public address"


class GuardedResolver(AbstractResolver):
    """Resolves names to public addresses only, so that a name cannot lead inside."""

    def __init__(self, allow_hosts: Collection[str], *, allow_private: bool) -> None:
        self._inner = DefaultResolver()
        self._allow_hosts = frozenset(allow_hosts)
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name; OSError when nothing is left that may be called."""
        found = await self._inner.resolve(host, port, family)
        if self._allow_private or host in self._allow_hosts:
            return found
        public = [entry for entry in found if is_public(entry["host"])]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Let the inner resolver go."""
        await self._inner.close()
