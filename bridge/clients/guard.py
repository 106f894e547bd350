"""Which hosts the bridge calls when somebody else names the address (SSRF, decisions 27)."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from aiohttp.resolver import DefaultResolver
from aiohttp.tracing import Trace
from yarl import URL

from bridge.tls import client_context

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


class Guard(NamedTuple):
    """What may be called although somebody else named it.

    Args:
        allow_hosts: hosts that may have any scheme and address.
        allow_private: every address may be called.
        allow_loopback: this machine may be called: the bridge itself is reached only from there.
        tls: other hosts need https.
    """

    allow_hosts: Collection[str] = ()
    allow_private: bool = False
    allow_loopback: bool = False
    tls: bool = True

    def refusal(self, url: str) -> str | None:
        """Return why a URL may not be called; None = it may.

        Names are checked again when they are resolved.
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
        if self._allows(host):
            return None
        if self.tls and read.scheme != "https":
            return f"host {host} is not allow-listed, so it must be https"
        if self.allow_private or self._may_be_reached(host):
            return None
        return f"{host} is not a public address"

    def reachable(self, host: str, address: str) -> bool:
        """Tell whether an address that a host was resolved to may be called."""
        if self.allow_private or self._allows(host) or is_public(address):
            return True
        return self.allow_loopback and is_loopback(address)

    def _allows(self, host: str) -> bool:
        return host.casefold() in (each.casefold() for each in self.allow_hosts)

    def _may_be_reached(self, host: str) -> bool:
        """Whether a host is an address that may be called, or a name that is still to resolve."""
        try:
            return self.reachable(host, host)
        except ValueError:
            # 127.1, 2130706433 or 0x7f000001 are addresses to those who connect, never resolved.
            last = host.rstrip(".").rpartition(".")[2]
            return not (":" in host or last.isdigit() or last.startswith("0x"))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: an address of it, or the name that everybody gives it."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


class AddressRefused(aiohttp.ClientError):
    """A session was asked to call what its guard refuses; nothing left."""


class NotPublic(OSError):
    """A name leads to no address that may be called."""

    def __init__(self, host: str) -> None:
        super().__init__(errno.EACCES, f"{host} has no public address")


class GuardedResolver(AbstractResolver):
    """Resolves names to addresses that may be called, so that a name cannot lead inside.

    What it gives is what is connected to: there is no second look-up that could say otherwise.
    """

    def __init__(self, guard: Guard, *, inner: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._inner = inner or DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name. Raises NotPublic when nothing is left that may be called."""
        found = await self._inner.resolve(host, port, family)
        allowed = [entry for entry in found if self._guard.reachable(host, entry["host"])]
        if not allowed:
            raise NotPublic(host)
        return allowed

    async def close(self) -> None:
        """Let the inner resolver go."""
        await self._inner.close()


class GuardedConnector(aiohttp.TCPConnector):
    """Connects to nothing that its guard refuses, whoever asks, also along redirects."""

    def __init__(
        self,
        guard: Guard,
        *,
        inner: AbstractResolver | None = None,
        limit: int,
        per_host: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            resolver=GuardedResolver(guard, inner=inner),
            limit=limit,
            limit_per_host=per_host,
            ssl=tls or client_context(),
        )
        self._guard = guard

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        """Connect for a request. Raises AddressRefused."""
        # aiohttp asks no resolver about what looks like an IP address.
        why = self._guard.refusal(str(req.url))
        if why is not None:
            raise AddressRefused(why)
        return await super().connect(req, traces, timeout)


def guarded_session(
    guard: Guard, *, limit: int = 100, per_host: int = 0, tls: ssl.SSLContext | None = None
) -> aiohttp.ClientSession:
    """Return a session that calls nothing that its guard refuses, and keeps no cookies.

    Args:
        limit, per_host: connections at a time, 0 = any number.
        tls: whom to trust; None = the system's authorities.
    """
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=GuardedConnector(guard, limit=limit, per_host=per_host, tls=tls),
    )
