"""How outgoing connections are secured: always verified, TLS 1.2 or newer."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, NamedTuple

MINIMUM: Final = ssl.TLSVersion.TLSv1_2


class Named(NamedTuple):
    """A PEM file, and the setting that names it."""

    setting: str
    file: Path


def client_context(
    ca: Named | None = None,
    cert: Named | None = None,
    key: Named | None = None,
    *,
    password: str = "",
) -> ssl.SSLContext:
    """Return what a client needs to know whom it talks to. There is no way to leave that out.

    Args:
        ca: authorities that are trusted besides the system's.
        cert: the certificate that is shown to a server that asks for one, with its chain.
        key: its private key; None = it stands in the file of the certificate.
        password: of the key; nobody is asked for one.

    Raises:
        ValueError: naming a file that cannot be used, and its setting.
    """
    for named in (ca, cert, key):
        if named is not None:
            _opened(named)
    context = ssl.create_default_context()
    context.minimum_version = MINIMUM
    context.set_alpn_protocols(["http/1.1"])
    if ca is not None:
        _trust(context, ca)
    if cert is not None:
        _show(context, cert, key or cert, password)
    return context


def _opened(named: Named) -> None:
    try:
        with named.file.open("rb"):
            return
    except OSError as error:
        raise ValueError(
            f"{named.setting} {named.file}: cannot be read: {error.strerror}"
        ) from error


def _trust(context: ssl.SSLContext, ca: Named) -> None:
    try:
        context.load_verify_locations(cafile=ca.file)
    except ssl.SSLError as error:
        raise ValueError(f"{ca.setting} {ca.file}: no certificates in PEM") from error


def _show(context: ssl.SSLContext, cert: Named, key: Named, password: str) -> None:
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(cert.file, key.file, password=lambda: password)
    except ssl.SSLError as error:
        files = f"{cert.setting} {cert.file}, {key.setting} {key.file}"
        raise ValueError(
            f"{files}: not a certificate in PEM and its key, or the key has a passphrase"
        ) from error
