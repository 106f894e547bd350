"""Which hosts the bridge calls when somebody else names the address (SSRF, decisions 27)."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

_UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given out; outside are loopback, site-local, IPv4-compatible and the like."""

_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, not private, local or multicast.

    An IPv6 address that stands for an IPv4 one is judged as that.

    Raises:
        ValueError: it is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = _inner(ip)
        if inner is None:
            return ip in _UNICAST and ip.is_global
        ip = inner
    return ip.is_global and not ip.is_multicast


def _inner(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that mapping, 6to4 or NAT64 leads to."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def refusal(url: str, allow_hosts: Collection[str], *, allow_private: bool) -> str | None:
    """Return why a URL named by a BAP may not be called; None = it may.

    An allow-listed host may have any scheme and address; others need https and, if they are IP
    addresses, a public one. Names are checked again when they are resolved.
    """
    try:
        # As aiohttp will read it: where two readings of a URL differ there is a way in.
        read = URL(url)
    except (IndexError, ValueError):
        # IndexError: http://[]@
        return "not a URL"
    host = read.raw_host
    if read.scheme not in ("http", "https") or not host or "@" in read.raw_authority:
        return "not a plain http(s) URL"
    if host in _folded(allow_hosts):
        return None
    if read.scheme != "https":
        return f"host {host} is not allow-listed, so it must be https"
    if allow_private or _may_be_public(host):
        return None
    return f"{host} is not a public address"


def _may_be_public(host: str) -> bool:
    """Whether a host is a public address, or a name that is still to be resolved."""
    try:
        return is_public(host)
    except ValueError:
        # 127.1, 2130706433 or 0x7f000001 are addresses to those who connect, never resolved.
        last = host.rstrip(".").rpartition(".")[2]
        return not (":" in host or last.isdigit() or last.startswith("0x"))


def _folded(hosts: Collection[str]) -> frozenset[str]:
    return frozenset(host.casefold() for host in hosts)


class GuardedResolver(AbstractResolver):
    """Resolves names to public addresses only, so that a name cannot lead inside.

    aiohttp does not ask for what looks like an IP address; ``refusal`` has seen that before.
    """

    def __init__(
        self,
        allow_hosts: Collection[str],
        *,
        allow_private: bool,
        inner: AbstractResolver | None = None,
    ) -> None:
        self._inner = inner or DefaultResolver()
        self._allow_hosts = _folded(allow_hosts)
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name; OSError when nothing is left that may be called."""
        found = await self._inner.resolve(host, port, family)
        if self._allow_private or host.casefold() in self._allow_hosts:
            return found
        public = [entry for entry in found if is_public(entry["host"])]
        if not public:
            raise OSError(errno.EACCES, f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Let the inner resolver go."""
        await self._inner.close()
