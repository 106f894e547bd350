"""Versions and credentials of a peer."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from aiohttp import web

from bridge.clients.configuration import ConfigurationApi
from bridge.clients.cpo import Cpo, call_of
from bridge.flows.peer import CallFailed
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role, VersionNumber
from bridge.ocpi.versions import Endpoint
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, always, raw
from tests.contract.ocpi_client.side import CPO_PARTY, Side, Validate

OURS = Credentials(
    token="token-b",
    url="https://bridge.test/ocpi/versions",
    roles=(
        CredentialsRole(
            role=Role.EMSP,
            business_details=BusinessDetails(name="Bridge"),
            party_id="BRG",
            country_code="IN",
        ),
    ),
)
THEIRS: dict[str, Any] = {
    "token": "token-c",
    "url": "https://cpo.test/versions",
    "roles": [
        {
            "role": "CPO",
            "business_details": {"name": "A CPO"},
            "party_id": "ABC",
            "country_code": "IN",
        }
    ],
}


B64_OF_B = b64encode(b"token-b").decode()


@pytest.fixture
def api(side: Side) -> ConfigurationApi:
    return ConfigurationApi(side.client, side.cpo)


@pytest.mark.endpoint("calls GET {versions_url}")
async def test_versions_of_a_later_standard_are_left_out(
    api: ConfigurationApi, fake: FakeCpo
) -> None:
    data = [
        {"version": "2.3.0", "url": "https://cpo.test/2.3.0"},
        {"version": "2.2.1", "url": "https://cpo.test/2.2.1"},
    ]
    fake.on_data("GET", "/versions", data)

    versions = await api.versions(fake.url("/versions"), "token-a")

    assert [each.version for each in versions] == [VersionNumber.V2_2_1]


@pytest.mark.endpoint("calls GET {version_details_url}")
async def test_endpoints_of_unknown_modules_are_left_out(
    api: ConfigurationApi, fake: FakeCpo
) -> None:
    data = {
        "version": "2.2.1",
        "endpoints": [
            {"identifier": "nltnm-tokens", "role": "SENDER", "url": "https://cpo.test/x"},
            {"identifier": "payments", "role": "SENDER", "url": "https://cpo.test/y"},
            {"identifier": "locations", "role": "SENDER", "url": "https://cpo.test/l"},
            {"identifier": "locations", "role": "RECEIVER", "url": "https://cpo.test/r"},
        ],
    }
    fake.on_data("GET", "/2.2.1", data)

    details = await api.details(fake.url("/2.2.1"), "token-a")

    assert [(each.identifier, each.role) for each in details.endpoints] == [
        (ModuleID.LOCATIONS, InterfaceRole.SENDER),
        (ModuleID.LOCATIONS, InterfaceRole.RECEIVER),
    ]


@pytest.mark.requirement("O54")
@pytest.mark.requirement("O55")
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_credentials_go_out_plain_and_theirs_come_back(
    api: ConfigurationApi, fake: FakeCpo, method: str
) -> None:
    fake.on_data(method, "/credentials", THEIRS)
    exchange = api.post_credentials if method == "POST" else api.put_credentials

    theirs = await exchange(fake.url("/credentials"), "token-a", OURS)

    assert theirs.token == "token-c"
    assert theirs.roles[0].party_id == "ABC"
    assert fake.asked[0].json() == {
        "token": "token-b",
        "url": "https://bridge.test/ocpi/versions",
        "roles": [
            {
                "role": "EMSP",
                "business_details": {"name": "Bridge"},
                "party_id": "BRG",
                "country_code": "IN",
            }
        ],
    }


@pytest.mark.shared
async def test_our_credentials_pass_the_strict_checker(
    api: ConfigurationApi, fake: FakeCpo, validate: Validate
) -> None:
    fake.on_data("POST", "/credentials", THEIRS)

    await api.post_credentials(fake.url("/credentials"), "token-a", OURS)

    assert validate(fake.asked[0].json(), "Credentials") == []


@pytest.mark.requirement("O14")
async def test_no_call_of_the_configuration_modules_is_routed(
    api: ConfigurationApi, fake: FakeCpo
) -> None:
    fake.on_data("GET", "/versions", [])
    fake.on_data("GET", "/2.2.1", {"endpoints": []})
    fake.on_data("POST", "/credentials", THEIRS)
    fake.on_data("DELETE", "/credentials", None)

    await api.versions(fake.url("/versions"), "token-a")
    await api.details(fake.url("/2.2.1"), "token-a")
    await api.post_credentials(fake.url("/credentials"), "token-a", OURS)
    await api.delete_credentials(fake.url("/credentials"), "token-c")

    assert len(fake.asked) == 4
    for asked in fake.asked:
        assert not any(name.lower().startswith("ocpi-") for name in asked.headers)


@pytest.mark.parametrize("data", [None, {}, "2.2.1"])
async def test_versions_must_be_a_list(api: ConfigurationApi, fake: FakeCpo, data: object) -> None:
    fake.on_data("GET", "/versions", data)

    with pytest.raises(CallFailed, match="versions: unusable answer"):
        await api.versions(fake.url("/versions"), "token-a")


@pytest.mark.parametrize("data", [None, [], {}, {"endpoints": {}}])
async def test_details_must_have_a_list_of_endpoints(
    api: ConfigurationApi, fake: FakeCpo, data: object
) -> None:
    fake.on_data("GET", "/2.2.1", data)

    with pytest.raises(CallFailed, match="versions: unusable answer"):
        await api.details(fake.url("/2.2.1"), "token-a")


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {**THEIRS, "token": ""},
        {**THEIRS, "token": "two words"},
        {**THEIRS, "token": "x" * 65},
        {**THEIRS, "roles": []},
        {key: value for key, value in THEIRS.items() if key != "url"},
    ],
)
async def test_unusable_credentials_are_refused_without_showing_them(
    api: ConfigurationApi, fake: FakeCpo, data: object
) -> None:
    fake.on_data("POST", "/credentials", data)

    with pytest.raises(CallFailed, match="credentials: unusable answer") as raised:
        await api.post_credentials(fake.url("/credentials"), "token-a", OURS)

    assert "two words" not in raised.value.said
    assert raised.value.said.startswith("data: ")


@pytest.mark.parametrize(("http", "code"), [(405, 2000), (200, 3001)])
async def test_a_refusal_keeps_its_status(
    api: ConfigurationApi, fake: FakeCpo, http: int, code: int
) -> None:
    fake.on("POST", "/credentials", always(None, http=http, code=code))

    with pytest.raises(CallFailed) as raised:
        await api.post_credentials(fake.url("/credentials"), "token-a", OURS)

    assert (raised.value.http, raised.value.code) == (http, code)


@pytest.mark.parametrize(
    "answer",
    [
        always(None, code=2001, message="token-b is no token; you came with token-c~1"),
        always(None, code=2001, message=f"{B64_OF_B} is not known, nor {B64_OF_B.rstrip('=')}!"),
        always({"token": "their-token"}, code=2001),
        raw(json.dumps({"status_code": 1000, "data": THEIRS}).encode()[:-20]),
        raw(b"oops: {'token': 'token-c', 'roles'"),
        raw(b"<title>Token token-b refused</title>", http=500),
    ],
)
async def test_no_token_shows_in_what_a_peer_says(
    side: Side, api: ConfigurationApi, fake: FakeCpo, answer: Answer
) -> None:
    fake.on("PUT", "/credentials", answer)

    with pytest.raises(CallFailed) as raised:
        await api.put_credentials(fake.url("/credentials"), "token-c~1", OURS)

    (exchange,) = side.exchanges
    for text in (raised.value.said, str(raised.value), repr(exchange)):
        for secret in ("token-b", "token-c", "their-token", B64_OF_B.rstrip("=")):
            assert secret not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_what_changes_something_leaves_once_though_its_answer_is_lost(
    api: ConfigurationApi, fake: FakeCpo, method: str
) -> None:
    """A second PUT would be refused by a CPO that obeyed the first: its no would be no answer."""
    fake.on_data("GET", "/versions", [])
    await api.versions(fake.url("/versions"), "token-c")  # leaves an open connection behind

    async def cut(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.abort()
        return web.Response()

    fake.on(method, "/credentials", cut)
    url = fake.url("/credentials")

    async def leave() -> None:
        if method == "DELETE":
            await api.delete_credentials(url, "token-c")
        else:
            exchange = {"POST": api.post_credentials, "PUT": api.put_credentials}[method]
            await exchange(url, "token-c", OURS)

    with pytest.raises(CallFailed, match="the connection broke") as raised:
        await leave()

    assert not raised.value.nothing_left
    assert [asked.method for asked in fake.asked[1:]] == [method]
    sent = fake.asked[1].headers
    assert sent["Content-Length"] == str(len(fake.asked[1].body))
    assert "Transfer-Encoding" not in sent


@pytest.mark.requirement("O38")
@pytest.mark.parametrize(
    ("url", "absolute", "met"),
    [
        ("/ocpi/locations", "{}/ocpi/locations", [Leniency.RELATIVE_URL]),
        ("locations", "{}/ocpi/locations", [Leniency.RELATIVE_URL]),
        ("{}/ocpi/locations", "{}/ocpi/locations", []),
        ("https://{host}/ocpi/locations", "{}/ocpi/locations", [Leniency.URL_SCHEME]),
        ("https://127.0.0.1/ocpi/locations", "https://127.0.0.1/ocpi/locations", []),
        ("{}//ocpi//locations//", "{}//ocpi//locations//", []),
        ("{}/ocpi?module=locations", "{}/ocpi?module=locations", []),
    ],
)
async def test_addresses_are_read_as_where_they_came_from_says(
    side: Side,
    api: ConfigurationApi,
    fake: FakeCpo,
    url: str,
    absolute: str,
    met: list[Leniency],
) -> None:
    given = url.replace("{}", fake.origin).replace("{host}", fake.origin.partition("//")[2])
    fake.on_data("GET", "/ocpi/versions", [{"version": "2.2.1", "url": given}])
    endpoint = {"identifier": "locations", "role": "SENDER", "url": given}
    fake.on_data("GET", "/ocpi/2.2.1", {"version": "2.2.1", "endpoints": [endpoint]})

    (version,) = await api.versions(fake.url("/ocpi/versions"), "token-a")
    details = await api.details(fake.url("/ocpi/2.2.1"), "token-a")

    assert version.url == absolute.replace("{}", fake.origin)
    assert details.endpoints[0].url == version.url
    places = ["data[0].url", "data.endpoints[0].url"]
    assert side.forgave() == [(each, place) for place in places for each in met]


async def test_an_address_that_is_none_costs_only_its_endpoint(
    api: ConfigurationApi, fake: FakeCpo
) -> None:
    endpoints = [
        {"identifier": "locations", "role": "SENDER", "url": "http://["},
        {"identifier": "tariffs", "role": "SENDER", "url": "https://cpo.test/t"},
    ]
    fake.on_data("GET", "/2.2.1", {"version": "2.2.1", "endpoints": endpoints})

    details = await api.details(fake.url("/2.2.1"), "token-a")

    assert [each.identifier for each in details.endpoints] == [ModuleID.TARIFFS]


@pytest.mark.requirement("O38")
@pytest.mark.parametrize(
    ("url", "list_target", "object_target"),
    [
        ("/l", "/l?offset=0", "/l/L%201"),
        ("/l/", "/l/?offset=0", "/l/L%201"),
        ("//x//l//", "//x//l//?offset=0", "//x//l/L%201"),
        ("/l?key=1", "/l?key=1&offset=0", "/l/L%201?key=1"),
        ("/l/?key=1", "/l/?key=1&offset=0", "/l/L%201?key=1"),
    ],
)
def test_endpoints_of_any_form_are_called_as_they_are_meant(
    url: str, list_target: str, object_target: str
) -> None:
    origin = "https://cpo.test"
    endpoint = Endpoint(identifier=ModuleID.LOCATIONS, role=InterfaceRole.SENDER, url=origin + url)
    connection = Connection(cpo_id="cpo1", token="token-c", endpoints=(endpoint,))
    cpo = Cpo(id="cpo1")
    of_module = (ModuleID.LOCATIONS, InterfaceRole.SENDER)

    listed = call_of(cpo, connection, *of_module, to=CPO_PARTY, query="offset=0")
    one = call_of(cpo, connection, *of_module, "L 1", to=CPO_PARTY)

    assert listed.url == origin + list_target
    assert one.url == origin + object_target


async def test_details_in_a_list_and_a_version_without_one_are_understood(
    side: Side, api: ConfigurationApi, fake: FakeCpo
) -> None:
    version = {"version": "2.2.1", "url": "https://cpo.test/2.2.1"}
    endpoint = {"identifier": "locations", "role": "SENDER", "url": "https://cpo.test/l"}
    fake.on_data("GET", "/versions", version)
    fake.on_data("GET", "/2.2.1", [{"version": "2.2.1", "endpoints": [endpoint]}])
    fake.on_data("POST", "/credentials", [THEIRS])

    assert [each.url for each in await api.versions(fake.url("/versions"), "a")] == [version["url"]]
    assert len((await api.details(fake.url("/2.2.1"), "a")).endpoints) == 1
    assert (await api.post_credentials(fake.url("/credentials"), "a", OURS)).token == "token-c"
    assert side.forgave() == [
        (Leniency.SINGLE_FOR_LIST, "data"),
        (Leniency.OBJECT_IN_LIST, "data"),
        (Leniency.OBJECT_IN_LIST, "data"),
    ]
