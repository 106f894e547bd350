"""Connections as they stand in Redis: what we present to a CPO is encrypted, if there is a key.

Inbound tokens can be kept as hashes; the outbound one must be readable. With ``secrets_key`` set a
record has it in ``sealed`` (Fernet) and none in ``token``, so nobody takes the one for the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from msgspec.structs import asdict, replace

from bridge.errors import StoreUnavailable
from bridge.ocpi.connection import Connection
from bridge.store.database import packed


class Sealed(Connection, frozen=True, kw_only=True, omit_defaults=True):
    """A connection whose token is encrypted."""

    sealed: str | None = None


class Seal:
    """Encrypts and decrypts tokens.

    Args:
        keys: Fernet keys; the first encrypts, all decrypt. Without any, tokens stay as they are.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._first = Fernet(keys[0]) if keys else None
        self._all = MultiFernet([Fernet(each) for each in keys]) if keys else None

    def packed(self, connection: Connection) -> bytes:
        """Encode a connection for Redis."""
        if self._first is None or connection.token is None:
            return packed(connection)
        sealed = self._first.encrypt(connection.token.encode()).decode()
        return packed(Sealed(**asdict(replace(connection, token=None)), sealed=sealed))

    def read(self, cpo_id: str, record: bytes | None) -> Connection:
        """Return what is stored of a connection; an unregistered one when nothing is.

        Raises:
            StoreUnavailable: its token is encrypted, and no key fits.
        """
        if record is None:
            return Connection(cpo_id=cpo_id)
        connection = msgspec.json.decode(record, type=Connection)
        if connection.token is not None:
            return connection
        sealed = msgspec.json.decode(record, type=Sealed).sealed
        return connection if sealed is None else replace(connection, token=self._open(sealed))

    def is_stale(self, record: bytes) -> bool:
        """Whether a record should be written anew: in clear, or encrypted with an older key."""
        if self._first is None:
            return False
        stored = msgspec.json.decode(record, type=Sealed)
        if stored.sealed is None:
            return stored.token is not None
        try:
            self._first.decrypt(stored.sealed)
        except InvalidToken:
            return True
        return False

    def _open(self, sealed: str) -> str:
        if self._all is None:
            raise StoreUnavailable("tokens in Redis are encrypted: secrets_key is not set")
        try:
            return self._all.decrypt(sealed).decode()
        except InvalidToken as error:
            raise StoreUnavailable(
                "tokens in Redis are encrypted with a key that is not among secrets_key"
            ) from error


OPEN = Seal()
"""Without a key."""
