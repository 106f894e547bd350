"""Who is heard, and with which token for what (OCPI 2.2.1, 1.1 Authorization and 2.2 Tokens)."""

from __future__ import annotations

from base64 import b64encode

import pytest

from bridge.ocpi.connection import Connection
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import CPO, LOC, NEW_CPO, NOW, PARTY, TOKEN_A, location


@pytest.mark.requirement("O2")
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Token", "Token ", "Bearer abc", "Token bm9ib2R5", "Token nobody", "nobody"],
)
@pytest.mark.parametrize("path", ["", "credentials", f"locations/{LOC}", "nothing/here"])
async def test_without_a_known_token_nobody_is_heard(
    rig: Rig, authorization: str | None, path: str
) -> None:
    answer = await rig.call("GET", path, token=None, authorization=authorization)
    assert answer.status == (401, 2001)
    assert answer.is_bare
    assert answer.headers["WWW-Authenticate"] == "Token"


@pytest.mark.requirement("O4")
@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("base64", "Token {}".format(b64encode(b"s3cret!").decode())),
        ("base64 of token and line end", "Token {}".format(b64encode(b"s3cret!\n").decode())),
        ("no padding", "Token {}".format(b64encode(b"s3cret!").decode().rstrip("="))),
        ("raw", "Token s3cret!"),
        ("scheme in lower case", "token s3cret!"),
    ],
)
async def test_a_token_is_known_in_any_spelling(rig: Rig, name: str, header: str) -> None:
    await registered(rig.backend, CPO, "s3cret!", PARTY)
    assert (await rig.get("", authorization=header)).status == (200, 1000), name


async def test_a_raw_token_that_is_valid_base64_is_known_as_it_is(rig: Rig) -> None:
    await registered(rig.backend, CPO, "YWJjZA==", PARTY)
    assert (await rig.get("", authorization="Token YWJjZA==")).http == 200


@pytest.mark.requirement("O3")
@pytest.mark.parametrize(
    ("path", "http"),
    [
        ("", 200),
        ("credentials", 200),
        (f"locations/{LOC}", 401),
        ("tokens", 401),
        ("cdrs/IN/ABC/1", 401),
        ("sessions/IN/ABC/1", 401),
        ("tariffs/IN/ABC/1", 401),
        ("commands/START_SESSION/1", 401),
    ],
)
async def test_a_token_a_is_for_versions_and_credentials(rig: Rig, path: str, http: int) -> None:
    assert (await rig.get(path, token=TOKEN_A)).http == http


async def test_a_cpo_may_call_back_with_its_token_a_while_our_post_is_open(rig: Rig) -> None:
    connections = rig.backend.connections
    new = Connection(cpo_id=NEW_CPO, token="token-c", registered_at=NOW)
    for _ in range(2):  # the second time is an operator's wish: TOKEN_A was used before
        await connections.offer(NEW_CPO, "token-b")
        for token in (TOKEN_A, "token-b"):
            assert (await rig.get("versions", token=token, root="/ocpi/")).http == 200
            assert (await rig.get("", token=token)).http == 200
        assert (await rig.get("tokens", token=TOKEN_A)).http == 401
        await connections.complete(new, "token-b")
        assert (await rig.get("", token=TOKEN_A)).http == 401


@pytest.mark.requirement("O44")
async def test_our_token_b_reads_while_our_post_is_open(rig: Rig) -> None:
    await rig.backend.connections.offer("cpo3", "token-b")
    assert (await rig.get("", token="token-b")).http == 200
    assert (await rig.get("versions", token="token-b", root="/ocpi/")).http == 200
    assert (await rig.get("tokens", token="token-b")).http == 200
    assert (await rig.get(f"locations/{LOC}", token="token-b")).status == (404, 2001)
    assert (await rig.put(f"locations/{LOC}", location(), token="token-b")).http == 401
    assert (await rig.post("credentials", {}, token="token-b")).http == 405
