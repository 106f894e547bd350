"""Versions and credentials of a peer: modules without routing headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from bridge.clients.cpo import Cpo, at
from bridge.clients.ocpi import Answer, Call, OcpiClient, read, unusable
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.ocpi.codec import convert, encode
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.types import ModuleID, VersionNumber
from bridge.ocpi.versions import Endpoint, Version, VersionDetails

T = TypeVar("T")

VERSIONS = "versions"

HANDSHAKE_S = 30.0
"""A peer fetches our versions and details before it answers the POST or PUT of credentials."""


class ConfigurationApi:
    """Fits flows.ports.PeerApi. All methods raise CallFailed, a CpoUnavailable.

    Args:
        cpo: whom the calls are counted for, and what it needs of them; it need not be registered.
    """

    def __init__(self, client: OcpiClient, cpo: Cpo) -> None:
        self._client = client
        self._cpo = cpo

    async def versions(self, url: str, token: str) -> Sequence[Version]:
        """GET the versions; those we do not know are left out."""
        answer = await self._call("GET", url, token, VERSIONS)
        return tuple(_known(answer, answer.data, Version))

    async def details(self, url: str, token: str) -> VersionDetails:
        """GET the version details; endpoints of modules we do not know are left out."""
        answer = await self._call("GET", url, token, VERSIONS)
        if not isinstance(answer.data, dict):
            raise unusable(VERSIONS, answer, "expected an object")
        endpoints = tuple(_known(answer, answer.data.get("endpoints"), Endpoint))
        return VersionDetails(version=VersionNumber.V2_2_1, endpoints=endpoints)

    async def post_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """POST our credentials, return theirs."""
        return await self._exchange_credentials("POST", url, token, body)

    async def put_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """PUT our credentials, return theirs; from now on they hold only the new token."""
        return await self._exchange_credentials("PUT", url, token, body)

    async def delete_credentials(self, url: str, token: str) -> None:
        """DELETE the registration at the peer."""
        await self._call("DELETE", self._at(url), token, ModuleID.CREDENTIALS)

    async def _exchange_credentials(
        self, method: str, url: str, token: str, body: Credentials
    ) -> Credentials:
        sent = encode(body, nulls=self._cpo.flags.explicit_nulls)
        answer = await self._call(method, self._at(url), token, ModuleID.CREDENTIALS, sent)
        return read(ModuleID.CREDENTIALS, answer, Credentials)

    async def _call(
        self, method: str, url: str, token: str, module: str, body: bytes | None = None
    ) -> Answer:
        timeouts = self._cpo.timeouts
        total_s = timeouts.total_s if body is None else max(timeouts.total_s, HANDSHAKE_S)
        return await self._client.call(
            Call(
                method=method,
                url=url,
                token=token,
                module=module,
                cpo_id=self._cpo.id,
                body=body,
                timeouts=timeouts._replace(total_s=total_s),
                raw_token=self._cpo.flags.raw_token,
            )
        )

    def _at(self, url: str) -> str:
        try:
            return at(self._cpo, url)
        except OcpiInvalid as error:
            raise CallFailed(
                f"{ModuleID.CREDENTIALS}: {error.reason}", nothing_left=True
            ) from error


def _known(answer: Answer, data: object, type_: type[T]) -> Iterator[T]:
    """Read a list, without what a later version of OCPI or an agreement of others added."""
    if not isinstance(data, list):
        raise unusable(VERSIONS, answer, "expected an array")
    for each in data:
        try:
            yield convert(each, type_)
        except OcpiInvalid:
            continue
