"""Outgoing TLS meets real servers: with a CA of their own, that ask who we are, that are old."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import trustme
from aiohttp import web

from bridge.clients.ocpi import Call, OcpiClient
from bridge.clients.wire import cpo_session
from bridge.flows.peer import CallFailed
from bridge.network import session_for_baps, session_for_named
from bridge.ocpi.headers import Party
from bridge.operator import Operator
from bridge.settings import Settings
from tests.guards import LOCAL

AUTHORITY: Final = trustme.CA()
"""Of the servers."""

OURS: Final = trustme.CA()
"""Of our own certificate."""

HELLO: Final = {"status_code": 1000, "timestamp": "2026-03-01T12:00:00Z", "data": []}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Give the PEM files of a ``tls`` with everything."""
    own = OURS.issue_cert("bridge.example")
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    return {f"{name}_file": str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key")}


def settings(*, cpo: Any = None, beckn: Any = None) -> Settings:
    """Return a configuration with TLS settings of one CPO and of the Beckn side."""
    return Settings.model_validate(
        {
            "public_url": "http://127.0.0.1:8080",
            "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Bridge"},
            "cpos": [
                {"id": "cpo1", "token_a": "a", "provider": {"id": "one", "name": "One"}, "tls": cpo}
            ],
            "beckn": {"subscriber_id": "bridge.example", "tls": beckn},
        }
    )


def server_side(*, wants_ours: bool = False) -> ssl.SSLContext:
    """Return what a server of the private authority has."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    if wants_ours:
        OURS.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[str]:
    """Run a server over TLS, and give its address."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(HELLO)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield f"https://localhost:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def called(configured: Settings, url: str, cpo_id: str = "cpo1") -> int:
    """Call a CPO as the bridge does. Raises CallFailed."""
    async with cpo_session(LOCAL) as http:
        client = OcpiClient(
            http, Party("IN", "BRG"), observe=lambda each: None, tls=Operator(configured).tls()
        )
        call = Call(method="GET", url=url, token="t", module="locations", cpo_id=cpo_id)
        return (await client.call(call)).http


async def test_a_private_authority_is_trusted_where_it_is_named(files: dict[str, str]) -> None:
    trusting = settings(cpo={"ca_file": files["ca_file"]})
    async with serving(server_side()) as url:
        assert await called(trusting, url) == 200
        with pytest.raises(CallFailed, match="certificate: unable to get local issuer") as caught:
            await called(settings(), url)
        # What one CPO's authority says of another counts for nothing.
        with pytest.raises(CallFailed, match="no connection"):
            await called(trusting, url, cpo_id="cpo2")
        # The name is looked at too.
        with pytest.raises(CallFailed, match="certificate: IP address mismatch"):
            await called(trusting, url.replace("localhost", "127.0.0.1"))
    assert caught.value.nothing_left


async def test_a_cpo_that_asks_who_we_are_is_shown_our_certificate(files: dict[str, str]) -> None:
    async with serving(server_side(wants_ours=True)) as url:
        assert await called(settings(cpo=files), url) == 200
        with pytest.raises(CallFailed):
            await called(settings(cpo={"ca_file": files["ca_file"]}), url)


async def test_the_adapter_sees_our_certificate_and_no_bap_does(files: dict[str, str]) -> None:
    configured = settings(beckn=files)
    async with (
        serving(server_side(wants_ours=True)) as strict,
        serving(server_side()) as plain,
        session_for_named(configured) as named,
        session_for_baps(configured, LOCAL) as baps,
        session_for_named(settings()) as knows_nobody,
        session_for_baps(settings(), LOCAL) as trusts_nobody,
    ):
        for http, url in ((named, strict), (named, plain), (baps, plain)):
            async with http.get(url) as answer:
                assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await baps.get(strict)
        for http in (knows_nobody, trusts_nobody):
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await http.get(plain)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_a_server_that_has_no_newer_tls_than_1_1_is_refused(files: dict[str, str]) -> None:
    old = server_side()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    configured = settings(cpo=files, beckn=files)
    # This server does speak, to those who lower themselves: what refuses is our minimum.
    lax = configured.cpos[0].tls
    assert lax is not None
    async with serving(old) as url, session_for_named(configured) as named:
        with pytest.raises(CallFailed, match="no connection"):
            await called(configured, url)
        with pytest.raises(aiohttp.ClientConnectorError):
            await named.get(url)
        lowered = lax.showing
        lowered.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(CallFailed, match="no connection"):
            await called(configured, url)
        lowered.minimum_version = ssl.TLSVersion.TLSv1_1
        assert await called(configured, url) == 200
