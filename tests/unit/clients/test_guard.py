"""Addresses that somebody else names: what may be called and what may not (SSRF)."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from bridge.clients.guard import Guard, GuardedResolver, is_public

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = [
    "1.1.1.1",
    "93.184.216.34",
    "172.32.0.1",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
]


def host_of(address: str) -> str:
    """Return an address as it stands in a URL."""
    return f"[{address.replace('%', '%25')}]" if ":" in address else address


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_public(address: str) -> None:
    assert is_public(address)


def refusal(
    url: str, allow_hosts: tuple[str, ...], *, allow_private: bool, **more: bool
) -> str | None:
    """Ask a guard about a URL."""
    return Guard(allow_hosts, allow_private=allow_private, **more).refusal(url)


PRIVATE_NETWORKS = [
    ip_network(each)
    for each in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
]


@given(st.ip_addresses(v=4))
def test_every_way_to_write_an_ipv4_address_is_judged_alike(ip: IPv4Address) -> None:
    ways = {
        str(ip),
        str(IPv6Address((0xFFFF << 32) + int(ip))),
        str(IPv6Address((0x64FF9B << 96) + int(ip))),
        str(IPv6Address((0x2002 << 112) + (int(ip) << 80))),
    }
    assert len({is_public(way) for way in ways}) == 1
    if any(ip in network for network in PRIVATE_NETWORKS):
        assert not is_public(str(ip))


@pytest.mark.parametrize("name", ["", "bap.example", "1.1.1", "localhost"])
def test_what_is_no_address_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="IPv4 or IPv6"):
        is_public(name)


@pytest.mark.parametrize(
    "url",
    [
        "https://bap.example/live",
        "https://bap.example:8443/live?x=1",
        "HTTPS://BAP.example",
        "https://1.2.3.4.example/",
        "https://10-0-0-1.example/",
        *(f"https://{host_of(address)}/" for address in OUTSIDE),
    ],
)
def test_https_to_a_name_or_a_public_address_may_be_called(url: str) -> None:
    assert refusal(url, (), allow_private=False) is None


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("port", ["", ":8443"])
def test_an_address_inside_is_refused(address: str, port: str) -> None:
    url = f"https://{host_of(address)}{port}/"

    assert refusal(url, (), allow_private=False) is not None
    assert refusal(url, (), allow_private=True) is None


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0.0.0x1",
        "127.0.0.1.",
        "169.254.169.254.",
        "１２７.0.0.1",  # noqa: RUF001
        "①②⑦.0.0.1",
        "127。0。0。1",
        "0",
        "300.300.300.300",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[1:2]",
    ],
)
def test_an_address_in_disguise_is_refused(host: str) -> None:
    assert refusal(f"https://{host}/", (), allow_private=False) is not None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bap.example",
        "//bap.example/live",
        "/live",
        "https:///live",
        "https://",
        "https://:443/",
        "ftp://bap.example/",
        "file:///etc/passwd",
        "gopher://bap.example/",
        "redis://bap.example/",
        "javascript:alert(1)",
        "https://user@bap.example/",
        "https://user:word@bap.example/",
        "https://bap.example@10.0.0.1/",
        "https://bap.example\\@10.0.0.1/",
        "https://bap.example:port/",
        "https://bap.example:99999/",
        "https://[::1/",
        "https://\ud800.example/",
    ],
)
@pytest.mark.parametrize("allow_private", [False, True])
def test_what_is_no_plain_url_is_refused(url: str, allow_private: bool) -> None:
    assert refusal(url, ("10.0.0.1",), allow_private=allow_private) is not None


def test_without_tls_only_allow_listed_hosts_are_called() -> None:
    assert refusal("http://bap.example/", (), allow_private=False) is not None
    assert refusal("http://bap.example/", (), allow_private=True) is not None
    assert refusal("http://bap.example/", ("bap.example",), allow_private=False) is None


def test_an_allow_listed_host_is_called_whatever_it_is() -> None:
    allowed = ("127.0.0.1", "Bap.Example", "::1")

    for host in ("127.0.0.1", "127.0.0.1:5001", "bap.example", "BAP.EXAMPLE", "[::1]:80"):
        assert refusal(f"http://{host}/", allowed, allow_private=False) is None
    for host in ("127.0.0.2", "a.bap.example", "bap.example.org", "[::2]"):
        assert refusal(f"http://{host}/", allowed, allow_private=False) is not None


@example("https://[]@")
@given(st.text(max_size=40) | st.from_regex(r"https?://[0-9a-fx.:\[\]%@]{1,20}/?", fullmatch=True))
def test_any_text_gets_an_answer_and_no_way_in(url: str) -> None:
    if refusal(url, (), allow_private=False) is None:
        host = URL(url).raw_host
        assert host is not None
        try:
            assert is_public(host)
        except ValueError:
            # A name: aiohttp resolves it, and does not take it for an address by itself.
            assert ":" not in host
            assert not host.replace(".", "").isdigit()


class Zone(AbstractResolver):
    """Resolves every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        self.closed = True


async def resolved(
    zone: Zone, allow_hosts: tuple[str, ...] = (), allow_private: bool = False
) -> list[str]:
    """Resolve ``bap.example`` past the guard; return the addresses."""
    guard = GuardedResolver(Guard(allow_hosts, allow_private=allow_private), inner=zone)
    return [entry["host"] for entry in await guard.resolve("bap.example", 443)]


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside_is_not_resolved(address: str) -> None:
    with pytest.raises(OSError, match="has no public address"):
        await resolved(Zone(address))


async def test_of_several_addresses_the_public_ones_are_left() -> None:
    zone = Zone("10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111")

    assert await resolved(zone) == ["1.1.1.1", "2606:4700::1111"]


async def test_allow_listed_names_may_lead_inside() -> None:
    zone = Zone("10.0.0.1")

    assert await resolved(zone, allow_hosts=("BAP.example",)) == ["10.0.0.1"]
    assert await resolved(zone, allow_private=True) == ["10.0.0.1"]


async def test_closing_closes_the_inner_resolver() -> None:
    zone = Zone()

    await GuardedResolver(Guard(), inner=zone).close()

    assert zone.closed
