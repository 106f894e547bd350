"""Addresses of a Redis: one server, a Sentinel set, or a Cluster.

``redis://`` ``rediss://`` and ``unix://`` are as redis-py has them. Two more are ours, each also
with ``rediss``:

    redis+sentinel://user:password@host:port,host:port/service/db?sentinel_password=...
    redis+cluster://user:password@host:port,host:port
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

Kind = Literal["single", "sentinel", "cluster"]
Scheme = Literal["redis", "rediss", "unix"]

_SCHEMES: dict[str, tuple[Kind, Scheme]] = {
    "redis": ("single", "redis"),
    "rediss": ("single", "rediss"),
    "unix": ("single", "unix"),
    "redis+sentinel": ("sentinel", "redis"),
    "rediss+sentinel": ("sentinel", "rediss"),
    "redis+cluster": ("cluster", "redis"),
    "rediss+cluster": ("cluster", "rediss"),
}

_DEFAULT_PORT: dict[Kind, int] = {"single": 6379, "sentinel": 26379, "cluster": 6379}

# The query options of redis-py that make sense here; any other would fail at the first command.
_OPTIONS = {
    "db",
    "username",
    "password",
    "health_check_interval",
    "socket_connect_timeout",
    "socket_timeout",
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
    "ssl_min_version",
    "ssl_password",
}
_OPTIONS_OF: dict[Kind, set[str]] = {
    "single": _OPTIONS,
    "sentinel": _OPTIONS | {"sentinel_username", "sentinel_password"},
    "cluster": _OPTIONS - {"db", "ssl_ca_path", "ssl_password"},
}


_VERIFIED = {"ssl_cert_reqs": ("required",), "ssl_check_hostname": ("true", "yes", "1")}
_VERSIONS = ("771", "772")
"""TLS 1.2 and 1.3 as redis-py wants them: the numbers on the wire."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis address in its parts; ``credentials`` and ``query`` are as in the URL, encoded.

    A Unix socket has no ``hosts``; ``service`` is a Sentinel's name for the set.
    """

    kind: Kind
    scheme: Scheme
    hosts: tuple[tuple[str, int], ...]
    service: str
    db: int
    credentials: str = field(repr=False)
    query: str = field(repr=False)


def parse_redis_url(text: str) -> RedisAddress:
    """Take a Redis URL apart.

    Raises ValueError with a reason that never repeats the URL: it may hold a password.
    """
    head, _, rest = text.partition("://")
    if head not in _SCHEMES:
        raise ValueError(f"not a Redis URL: it begins with none of {', '.join(_SCHEMES)}")
    kind, scheme = _SCHEMES[head]
    place, _, query = rest.partition("?")
    _check_options(kind, query)
    _check_tls(scheme, query)
    authority, _, path = place.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    if scheme == "unix":
        if not path:
            raise ValueError("a unix:// URL needs the path of the socket")
        return RedisAddress(kind, scheme, (), "", 0, credentials, query)
    service, db = _service_and_db(kind, path)
    return RedisAddress(kind, scheme, _hosts(kind, hosts), service, db, credentials, query)


def _check_options(kind: Kind, query: str) -> None:
    if not {name for name, _ in parse_qsl(query, keep_blank_values=True)} <= _OPTIONS_OF[kind]:
        names = ", ".join(sorted(_OPTIONS_OF[kind]))
        raise ValueError(f"unknown option after the question mark; known are {names}")


def _check_tls(scheme: Scheme, query: str) -> None:
    """See to it that what is said of TLS is done, and that nothing switches verification off."""
    said = [(name, value) for name, value in parse_qsl(query, True) if name.startswith("ssl_")]
    if said and scheme != "rediss":
        raise ValueError("options that begin with ssl_ are for rediss://")
    for name, value in said:
        if name in _VERIFIED and value.lower() not in _VERIFIED[name]:
            allowed = " or ".join(_VERIFIED[name])
            raise ValueError(f"{name} can only be {allowed}: certificates are always verified")
        if name == "ssl_min_version" and value not in _VERSIONS:
            raise ValueError(f"ssl_min_version is {' or '.join(_VERSIONS)}: TLS 1.2 or 1.3")


def _service_and_db(kind: Kind, path: str) -> tuple[str, int]:
    """Read ``service/db`` (Sentinel) or ``db`` (one server); a Cluster has neither."""
    service, _, db = path.partition("/") if kind == "sentinel" else ("", "", path)
    if kind == "sentinel" and not service:
        raise ValueError("a Sentinel URL needs the name of the service: host:port/service")
    if kind == "cluster" and db:
        raise ValueError("a Cluster has no database number")
    if db and not db.isdecimal():
        raise ValueError("the database is not a number")
    return service, int(db or 0)


def _hosts(kind: Kind, text: str) -> tuple[tuple[str, int], ...]:
    names = text.split(",")
    if len(names) > 1 and kind == "single":
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    return tuple(_host(name, _DEFAULT_PORT[kind]) for name in names)


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port or default_port
    except ValueError as error:
        raise ValueError("a host or its port cannot be read") from error
    if not parts.hostname:
        raise ValueError("a host is missing")
    return parts.hostname, port
