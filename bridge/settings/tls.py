"""TLS of outgoing connections: whom we trust, and what we show of ourselves."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, unquote

from pydantic import PrivateAttr, model_validator

from bridge.settings.redis_url import RedisAddress
from bridge.settings.values import Part
from bridge.tls import Named, client_context


class Tls(Part):
    """PEM files, read once: a fault of one is a fault of the configuration."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    _trusting: ssl.SSLContext = PrivateAttr()
    _showing: ssl.SSLContext = PrivateAttr()

    @model_validator(mode="after")
    def _files_can_be_used(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        ca, cert, key = (
            None if file is None else Named(name, file)
            for name, file in (
                ("ca_file", self.ca_file),
                ("cert_file", self.cert_file),
                ("key_file", self.key_file),
            )
        )
        self._trusting = client_context(ca)
        self._showing = client_context(ca, cert, key)
        return self

    @property
    def trusting(self) -> ssl.SSLContext:
        """The authorities alone, for hosts that somebody else named."""
        return self._trusting

    @property
    def showing(self) -> ssl.SSLContext:
        """Authorities and certificate, for hosts that the operator named."""
        return self._showing


def check_redis_files(address: RedisAddress) -> None:
    """Look at the files that a Redis address names. Raises ValueError, never with the address."""
    # redis-py decodes a value twice.
    said = {name: unquote(value) for name, value in parse_qsl(address.query)}
    ca, cert, key = (
        Named(name, Path(said[name])) if name in said else None
        for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
    )
    if key is not None and cert is None:
        raise ValueError("ssl_keyfile needs ssl_certfile")
    folder = said.get("ssl_ca_path")
    if folder is not None and not Path(folder).is_dir():
        raise ValueError(f"ssl_ca_path {folder}: no such folder")
    client_context(ca, cert, key, password=said.get("ssl_password", ""))
