from __future__ import annotations

import base64

import pytest

from bridge.ocpi.headers import (
    CONFIGURATION_MODULES,
    FUNCTIONAL_MODULES,
    Party,
    Routing,
    answer_routing,
    authorization,
    read_routing,
    routing,
    token_candidates,
)
from bridge.ocpi.types import ModuleID

BRIDGE = Party("IN", "BRG")
CPO = Party("IN", "CPO")


@pytest.mark.requirement("O1")
def test_the_token_is_sent_in_base64() -> None:
    assert authorization("example-token") == "Token ZXhhbXBsZS10b2tlbg=="
    assert authorization("a?>~" * 16) == "Token " + base64.b64encode(b"a?>~" * 16).decode()


@pytest.mark.requirement("O4")
@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Token example-token", "example-token"),
        ("Token ZXhhbXBsZS10b2tlbg==", "example-token"),
        ("Token ZXhhbXBsZS10b2tlbg", "example-token"),
        ("Token ZXhhbXBsZS10b2tlbgo=", "example-token"),
        ("token  ZXhhbXBsZS10b2tlbg== ", "example-token"),
        ("Token abcd", "abcd"),
    ],
)
def test_each_way_to_send_a_token_is_understood(header: str, token: str) -> None:
    assert token in token_candidates(header)


@pytest.mark.requirement("O4")
def test_a_token_sent_as_it_is_stays_the_first_candidate() -> None:
    assert token_candidates("Token c2FtZQ==") == ("c2FtZQ==", "same")


@pytest.mark.parametrize("header", [None, "", "Token", "Token ", "Basic c2FtZQ==", "c2FtZQ=="])
def test_no_token_no_candidate(header: str | None) -> None:
    assert token_candidates(header) == ()


@pytest.mark.parametrize("raw", ["a", "not base64!", "/w==", "=====", "Cg==", "é"])
def test_what_cannot_be_decoded_is_only_itself(raw: str) -> None:
    assert token_candidates(f"Token {raw}") == (raw,)


@pytest.mark.requirement("O25")
def test_a_party_is_the_same_whatever_its_case() -> None:
    assert Party("in", "brg") == BRIDGE
    assert (Party("in", "brg") != BRIDGE) is False
    assert {Party("in", "Brg"): 1}[BRIDGE] == 1
    assert BRIDGE != CPO
    assert BRIDGE != "IN*BRG"
    assert str(Party("in", "brg")) == "IN*BRG"
    assert Party("in", "brg").country_code == "in"


@pytest.mark.requirement("O14")
def test_routing_headers_name_both_parties() -> None:
    assert routing(CPO, BRIDGE) == {
        "OCPI-to-country-code": "IN",
        "OCPI-to-party-id": "CPO",
        "OCPI-from-country-code": "IN",
        "OCPI-from-party-id": "BRG",
    }
    assert routing(None, BRIDGE).keys() == {"OCPI-from-country-code", "OCPI-from-party-id"}


@pytest.mark.requirement("O14")
def test_the_answer_has_the_sides_swapped() -> None:
    assert answer_routing(routing(CPO, BRIDGE)) == routing(BRIDGE, CPO)
    assert answer_routing({}) == {}


@pytest.mark.requirement("O15")
def test_routing_headers_are_read_in_any_case_or_missing() -> None:
    lower = {name.lower(): value.lower() for name, value in routing(CPO, BRIDGE).items()}
    assert read_routing(lower) == Routing(to=CPO, from_=BRIDGE)
    assert read_routing({"X-Request-ID": "1"}) == Routing()
    assert read_routing({"OCPI-to-party-id": "CPO"}) == Routing()


@pytest.mark.requirement("O14")
def test_configuration_modules_are_not_routed() -> None:
    assert {ModuleID.CREDENTIALS, ModuleID.HUB_CLIENT_INFO} == CONFIGURATION_MODULES
    assert set(ModuleID) == FUNCTIONAL_MODULES | CONFIGURATION_MODULES
    assert not FUNCTIONAL_MODULES & CONFIGURATION_MODULES
