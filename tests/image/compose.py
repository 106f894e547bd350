"""Reads compose.yaml, and moves its services to ports of this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.pages import read

PORTS = {"bridge": 8080, "valkey": 6379, "cpo": 9101, "bap": 5301}
"""Where each service listens; others call it by its name and this port."""


@dataclass(frozen=True)
class Service:
    """What compose.yaml says about a service, its variables at their defaults."""

    name: str
    given: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        """What its program is given."""
        return list(map(str, self.given.get("command", ())))

    @property
    def environment(self) -> dict[str, str]:
        """What it finds in its environment."""
        return dict(self.given.get("environment", {}))


def services() -> dict[str, Service]:
    """Return the services of compose.yaml by name."""
    whole = yaml.safe_load(defaults(read("compose.yaml")))
    return {name: Service(name, given) for name, given in whole["services"].items()}


def defaults(text: str) -> str:
    """Put the default of each ``${NAME:-default}`` in its place."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def configuration() -> str:
    """Return the configuration that the bridge is given."""
    return read("config/bridge.compose.yaml")


@dataclass(frozen=True)
class Loopback:
    """Where the services are on this machine, by name: ports of 127.0.0.1."""

    ports: Mapping[str, int]

    def url(self, name: str) -> str:
        """Return the address of a service."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def moved(self, text: str) -> str:
        """Return a text with the addresses of services replaced by those on this machine."""
        for name, port in self.ports.items():
            text = text.replace(f"//{name}:{PORTS[name]}", f"//127.0.0.1:{port}")
        return text

    def command(self, service: Service) -> list[str]:
        """Return what a service's program is given, to listen here."""
        words = [self.moved(word) for word in service.command]
        own = {str(PORTS[service.name]): str(self.ports[service.name]), "0.0.0.0": "127.0.0.1"}
        return [own.get(word, word) for word in words]

    def environment(self, service: Service) -> dict[str, str]:
        """Return what a service finds in its environment, addresses moved."""
        return {name: self.moved(value) for name, value in service.environment.items()}

    def configuration(self, port: int) -> str:
        """Return the bridge's configuration, to listen at a port here.

        The sandbox BAP's name, allowed as a host, becomes its address.
        """
        moved = yaml.safe_load(self.moved(configuration()))
        assert moved["listen"] == {"host": "0.0.0.0", "port": PORTS["bridge"]}
        assert moved["allow_hosts"] == ["bap"]
        changes = {"listen": {"host": "127.0.0.1", "port": port}, "allow_hosts": ["127.0.0.1"]}
        return yaml.safe_dump({**moved, **changes})
