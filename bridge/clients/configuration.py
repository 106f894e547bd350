"""Versions and credentials of a peer: modules without routing headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from bridge.clients.cpo import Cpo, at
from bridge.clients.ocpi import Answer, Call, OcpiClient, unusable
from bridge.errors import OcpiInvalid
from bridge.flows.peer import CallFailed
from bridge.ocpi import lenient
from bridge.ocpi.answers import ACKNOWLEDGEMENT, Due, Shape, list_of, object_of
from bridge.ocpi.codec import encode
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.types import ModuleID, VersionNumber
from bridge.ocpi.urls import with_scheme_of
from bridge.ocpi.versions import Endpoint, Version, VersionDetails

T = TypeVar("T", Version, Endpoint)

VERSIONS = "versions"

HANDSHAKE_S = 30.0
"""A peer fetches our versions and details before it answers the POST or PUT of credentials."""

_DETAILS: Final = Due(
    Shape.OBJECT, lambda data: isinstance(data, dict) and isinstance(data.get("endpoints"), list)
)


class ConfigurationApi:
    """Fits flows.ports.PeerApi. All methods raise CallFailed, a CpoUnavailable.

    A CPO that did not answer lately is called all the same: whoever registers waits by himself.

    Args:
        cpo: whom the calls are counted for, and what it needs of them; it need not be registered.
        answering: the CPO called us and waits: we call back although it asked for a pause.
    """

    def __init__(self, client: OcpiClient, cpo: Cpo, *, answering: bool = False) -> None:
        self._client = client
        self._cpo = cpo
        self._answering = answering

    async def versions(self, url: str, token: str) -> Sequence[Version]:
        """GET the versions; those we do not know are left out."""
        answer = await self._call("GET", url, token, VERSIONS, list_of(Version))
        return tuple(self._known(answer, answer.data, Version, "data"))

    async def details(self, url: str, token: str) -> VersionDetails:
        """GET the version details; endpoints of modules we do not know are left out."""
        answer = await self._call("GET", url, token, VERSIONS, _DETAILS)
        if not isinstance(answer.data, dict):
            raise unusable(VERSIONS, answer, "expected an object")
        listed = answer.data.get("endpoints")
        endpoints = tuple(self._known(answer, listed, Endpoint, "data.endpoints"))
        return VersionDetails(version=VersionNumber.V2_2_1, endpoints=endpoints)

    async def post_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """POST our credentials, return theirs."""
        return await self._exchange_credentials("POST", url, token, body)

    async def put_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        """PUT our credentials, return theirs; from now on they hold only the new token."""
        return await self._exchange_credentials("PUT", url, token, body)

    async def delete_credentials(self, url: str, token: str) -> None:
        """DELETE the registration at the peer."""
        await self._call("DELETE", self._at(url), token, ModuleID.CREDENTIALS, ACKNOWLEDGEMENT)

    async def _exchange_credentials(
        self, method: str, url: str, token: str, body: Credentials
    ) -> Credentials:
        sent = encode(body, nulls=self._cpo.flags.explicit_nulls)
        due = object_of(Credentials)
        answer = await self._call(
            method, self._at(url), token, ModuleID.CREDENTIALS, due, sent, given=body.token
        )
        return self._client.read(self._cpo.id, ModuleID.CREDENTIALS, answer, Credentials)

    async def _call(
        self,
        method: str,
        url: str,
        token: str,
        module: str,
        due: Due,
        body: bytes | None = None,
        *,
        given: str = "",
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
                given=given,
                due=due,
                despite_pause=self._answering,
                despite_silence=True,
            )
        )

    def _at(self, url: str) -> str:
        try:
            return at(self._cpo, url)
        except OcpiInvalid as error:
            raise CallFailed(
                f"{ModuleID.CREDENTIALS}: {error.reason}", nothing_left=True
            ) from error

    def _known(self, answer: Answer, data: object, type_: type[T], place: str) -> Iterator[T]:
        """Read a list, without what a later version of OCPI or an agreement of others added."""
        if not isinstance(data, list):
            raise unusable(VERSIONS, answer, "expected an array")
        for index, each in enumerate(data):
            met: list[Met] = []
            try:
                read = _usable(answer, lenient.read(each, type_, met), met)
            except OcpiInvalid:
                continue
            self._client.count(self._cpo.id, met, f"{place}[{index}]")
            yield read


def _usable(answer: Answer, read: T, met: list[Met]) -> T:
    """Return a version or endpoint with a URL that can be asked. Raises OcpiInvalid."""
    try:
        joined, relative = urljoin(answer.url, read.url), not urlsplit(read.url).scheme
    except ValueError as error:
        raise OcpiInvalid("url", "no URL") from error
    url = with_scheme_of(answer.url, joined)
    if relative:
        met.append(Met(Leniency.RELATIVE_URL, "url"))
    if url != joined:
        met.append(Met(Leniency.URL_SCHEME, "url"))
    return msgspec.structs.replace(read, url=url)
