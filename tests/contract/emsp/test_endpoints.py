"""Every endpoint of the standard that is ours to have is there, and what holds for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.server.ocpi_dispatch import ROUTES
from tests.contract.emsp.backends import Backend, MemoryBackend
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import CPO, EMSP, ISSUER, TOKEN_A
from tests.contract.emsp.walk import ENDPOINTS, WALK, Step, ready, walk

ELSEWHERE = {"chargingprofiles"}
"""A module that the bridge does not have."""

OURS = {
    "{versions_url}": "versions",
    "{version_details_url}": "2.2.1",
    "{Location URL returned by POST}": "2.2.1/cdrs/{}/{}/{}",
    "{response_url}": "2.2.1/commands/{}/{}",
}
"""Addresses whose shape is left to us."""

FORGIVEN = {("2.2.1/cdrs/{}", "POST"), ("2.2.1/cdrs/{}/{}/{}", "POST")}
"""Where some CPOs send what has an address of its own (docs/ocpi-peers.md)."""

ROUTING = {
    "OCPI-to-country-code": "IN",
    "OCPI-to-party-id": "BRG",
    "OCPI-from-country-code": "IN",
    "OCPI-from-party-id": "ABC",
}


def route(path: str) -> str:
    """Return our route for a path of the reference material."""
    if path in OURS:
        return OURS[path]
    module, *segments = path.split("/")
    places = [each if not each.startswith("{") else "{}" for each in segments]
    return "/".join(["2.2.1", module.strip("{}"), *places])


@pytest.mark.shared
def test_the_table_is_that_of_the_standard(shared: Path) -> None:
    rows = json.loads((shared / "data" / "ocpi" / "endpoints.json").read_text())
    expected = {
        (route(row["path"]), row["method"])
        for row in rows
        if "implements" in row["bridge"] and row["module"] not in ELSEWHERE
    }
    built = {(path, method) for path, methods in ROUTES.items() for method in methods}
    assert built == expected | FORGIVEN


def test_the_walk_goes_over_every_endpoint() -> None:
    walked = {(route(step.endpoint.split(maxsplit=2)[2]), step.method) for step in WALK}
    built = {(path, method) for path, methods in ROUTES.items() for method in methods}
    assert walked == built - FORGIVEN


@pytest.fixture
def backend() -> Backend:
    """Stay in memory: none of this is about the store."""
    return MemoryBackend(EMSP, ISSUER)


@pytest.fixture
async def begun(rig: Rig) -> Rig:
    """Give a rig where the walk begins."""
    return await ready(rig)


@pytest.mark.requirement("O5", "O6", "O7", "O12")
@pytest.mark.endpoint(*ENDPOINTS)
async def test_each_endpoint_answers_in_an_envelope_with_what_it_has_to_say(begun: Rig) -> None:
    """The rig itself looks at the envelope, and at ``data`` where it can."""
    walked = []
    async for step, answer in walk(begun):
        assert answer.headers["Content-Type"] == "application/json", step
        assert answer.is_bare is not step.payload, step
        walked.append(step.endpoint)
    assert walked == list(ENDPOINTS)


@pytest.mark.requirement("O12")
async def test_what_is_put_or_posted_again_is_200(begun: Rig) -> None:
    for step in WALK:
        if step.created:
            for http in (201, 200):
                answer = await begun.call(step.method, step.path, step.body, token=step.token)
                assert answer.status == (http, 1000), step


@pytest.mark.requirement("O13", "O14")
async def test_each_answer_repeats_the_ids_and_turns_the_routing_round(begun: Rig) -> None:
    ids = {"X-Request-ID": "request-1", "X-Correlation-ID": "correlation-1"}
    async for step, answer in walk(begun, headers={**ids, **ROUTING}):
        assert ids.items() <= answer.headers.items(), step
        routing = {
            name: value for name, value in answer.headers.items() if name.startswith("OCPI-")
        }
        turned = {
            "OCPI-to-country-code": "IN",
            "OCPI-to-party-id": "ABC",
            "OCPI-from-country-code": "IN",
            "OCPI-from-party-id": "BRG",
        }
        assert routing == (turned if step.routed else {}), step


@pytest.mark.requirement("O37")
@pytest.mark.parametrize(
    "spell",
    [
        lambda path: path + "/",
        lambda path: path.replace("/", "//"),
        lambda path: f"//{path.replace('/', '///')}//",
    ],
    ids=["at the end", "doubled", "everywhere"],
)
async def test_slashes_too_many_change_nothing(begun: Rig, spell: Callable[[str], str]) -> None:
    async for step, answer in walk(begun, spelled=lambda step: spell(step.root + step.path)):
        assert answer.is_bare is not step.payload, step


@pytest.mark.requirement("O25")
@pytest.mark.parametrize("fold", [str.lower, str.swapcase], ids=["lower", "swapped"])
async def test_ids_in_a_path_are_compared_without_case(
    begun: Rig, fold: Callable[[str], str]
) -> None:
    def spelled(step: Step) -> str:
        module, *ids = step.path.split("/")
        folded = [fold(each) if each != "authorize" else each for each in ids]
        return step.root + "/".join([module, *(folded if step.ids else ids)])

    async for step, answer in walk(begun, spelled=spelled):
        assert answer.is_bare is not step.payload, step


@pytest.mark.requirement("O2", "O3", "O6")
@pytest.mark.parametrize("token", [None, "nobody", TOKEN_A])
async def test_without_a_token_that_opens_it_each_endpoint_is_401(
    begun: Rig, token: str | None
) -> None:
    before = await begun.backend.connections.get(CPO)
    for step in WALK:
        if not (step.registers and token == TOKEN_A):
            path = step.root + step.path
            answer = await begun.call(step.method, path, step.body, token=token, root="")
            assert answer.status == (401, 2001), step
            assert answer.is_bare, step
    assert await begun.backend.connections.get(CPO) == before
    for step in WALK:
        if step.method == "GET" and step.ids:
            assert (await begun.get(step.path, token=step.token)).http == 404, step


WITH_BODY = [step for step in WALK if step.body is not None]


@pytest.mark.requirement("O9")
@pytest.mark.parametrize("raw", [b"{", b"<xml/>", b"kwh=1", b"\xff", b"{'id': 1}", b"[1,]"])
async def test_a_body_that_is_no_json_is_400_at_each_endpoint(begun: Rig, raw: bytes) -> None:
    for step in WITH_BODY:
        answer = await begun.call(step.method, step.path, raw=raw, token=step.token)
        assert answer.status == (400, 2001), step


@pytest.mark.requirement("O10")
@pytest.mark.parametrize("raw", [b"[]", b"[[]]", b'"text"', b"7", b"true", b'{"a": {"b": []}}'])
async def test_json_of_another_shape_is_2001_at_each_endpoint(begun: Rig, raw: bytes) -> None:
    # So that what is to be changed is there.
    for step in WALK:
        if step.created:
            await begun.call(step.method, step.path, step.body, token=step.token)
    for step in WITH_BODY:
        answer = await begun.call(step.method, step.path, raw=raw, token=step.token)
        assert answer.status == (200, 2001), step
