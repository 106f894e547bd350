"""`bridge beckn doctor`: a bridge in order, and each planted fault, found and named."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

import bridge.cli
from bridge.beckn.signing import KeyId, public_bytes
from bridge.doctor.beckn import Surroundings, examine_network
from bridge.doctor.finding import Finding, Result
from bridge.errors import StoreUnavailable
from bridge.settings.beckn import Beckn
from tests.layer2 import DEG_FILE, context_is_closed, document, ttl_is_an_instant
from tests.registry import TestRegistry
from tests.valkey import free_port

WHO = KeyId("bridge.example", "key-1")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
SEED = base64.b64encode(KEY.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())).decode()
PUBLIC_URL = "https://bridge.example"
DOMAIN = "deg:ev-charging"
SPOKEN = {DOMAIN: frozenset({"1.0.0", "1.1.0"})}
LAYER2 = {"domain": DOMAIN, "version": "1.1.0", "file": str(DEG_FILE)}

OURS: dict[str, object] = {
    "type": "BPP",
    "domain": DOMAIN,
    "valid_from": "2026-01-01T00:00:00Z",
}


def public_half(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(public_bytes(key)).decode()


def now() -> datetime:
    return datetime.now(UTC)


class Network:
    """A registry, an adapter, a Redis clock, and a bridge among them, all as they should be."""

    def __init__(self, registry: TestRegistry) -> None:
        self.registry = registry
        self.urls: dict[str, str] = {}
        self.date: str | None = None
        self.adapter_status = 404
        self.redis_off = timedelta()
        self.redis_away = False
        self.beckn: dict[str, Any] = {}
        self.published()

    def published(self, **changes: object) -> None:
        """Put our entry into the registry."""
        self.registry.put(WHO, KEY, f"{PUBLIC_URL}/beckn", **(OURS | changes))

    async def redis_time(self) -> datetime:
        if self.redis_away:
            raise StoreUnavailable("Redis: no connection")
        return now() + self.redis_off

    def settings(self) -> dict[str, Any]:
        return {
            "subscriber_id": WHO.subscriber_id,
            "key_id": WHO.unique_key_id,
            "private_key": SEED,
            "registry_url": self.urls["registry"],
            "verify_inbound": True,
            "layer2": [LAYER2],
            **self.beckn,
        }

    async def examined(self) -> list[Finding]:
        async with aiohttp.ClientSession() as http:
            around = Surroundings(
                beckn=Beckn.model_validate(self.settings()),
                public_url=PUBLIC_URL,
                spoken=SPOKEN,
                http=http,
                redis_time=self.redis_time,
                clock=now,
            )
            return [each async for each in examine_network(around)]


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    registry = TestRegistry()
    there = Network(registry)

    async def dated(_: web.Request, response: web.StreamResponse) -> None:
        if there.date is not None:
            response.headers["Date"] = there.date

    async def anything(_: web.Request) -> web.Response:
        return web.Response(status=there.adapter_status)

    app, adapter = registry.app(), web.Application()
    adapter.router.add_route("*", "/{path:.*}", anything)
    for each in (app, adapter):
        each.on_response_prepare.append(dated)
    async with TestServer(app) as first, TestServer(adapter) as second:
        there.urls = {
            "registry": str(first.make_url("")).rstrip("/"),
            "adapter": str(second.make_url("")).rstrip("/"),
        }
        yield there


def behind(adapter: str, **changes: object) -> Callable[[Network], None]:
    """Put an adapter in front."""

    def plant(network: Network) -> None:
        network.beckn = {
            "adapter": adapter,
            "verify_inbound": False,
            "reply_base_url": network.urls["adapter"],
            **changes,
        }

    return plant


def has(findings: list[Finding], check: str, result: Result, *words: str) -> bool:
    """Whether there is such a finding, that says what to do unless all is well."""
    return any(
        each.check == check
        and each.result is result
        and bool(each.advice) == (result in (Result.FAILED, Result.WARNING))
        and all(word in each.evidence + each.advice for word in words)
        for each in findings
    )


async def test_a_bridge_in_order_has_nothing_to_mend(network: Network) -> None:
    found = await network.examined()
    assert {each.result for each in found} <= {Result.OK, Result.NOT_TRIED}, found
    for check in (
        *("dialects", "signing", "inbound", "registry", "subscriber id", "key id", "key", "url"),
        *("status", "type", "domain", "valid_from", "valid_until", "layer 2"),
        *("clock of the registry", "clock of Redis"),
    ):
        assert has(found, check, Result.OK), (check, found)
    assert has(found, "adapter", Result.NOT_TRIED, "bap_uri")


async def test_behind_an_adapter_in_order(network: Network) -> None:
    behind("protocol-server", webhook_hmac_key="shared")(network)
    network.beckn["layer2"] = [LAYER2]
    found = await network.examined()
    assert {each.result for each in found} == {Result.OK}, found
    assert has(found, "adapter", Result.OK, "404")
    assert has(found, "clock of the adapter", Result.OK)


ENTRY_FAULTS: list[tuple[dict[str, object], str, Result, str]] = [
    ({"subscriber_id": "old.example"}, "subscriber id", Result.FAILED, "old.example"),
    ({"ukId": "key-0"}, "key id", Result.FAILED, "key-0"),
    ({"signing_public_key": "AAAA"}, "key", Result.FAILED, "3 bytes"),
    ({"subscriber_url": "https://old.example/beckn"}, "url", Result.FAILED, PUBLIC_URL),
    ({"subscriber_url": None}, "url", Result.WARNING, f"{PUBLIC_URL}/beckn"),
    ({"status": "UNSUBSCRIBED"}, "status", Result.FAILED, "subscribe anew"),
    ({"status": "UNDER_SUBSCRIPTION"}, "status", Result.FAILED, "finish the subscription"),
    ({"type": "BAP"}, "type", Result.FAILED, "BPP"),
    ({"type": None}, "type", Result.WARNING, "BPP"),
    ({"domain": "retail"}, "domain", Result.FAILED, DOMAIN),
    ({"domain": None}, "domain", Result.WARNING, DOMAIN),
    ({"valid_from": "2999-01-01T00:00:00Z"}, "valid_from", Result.FAILED, "2999"),
    ({"valid_from": "soon"}, "valid_from", Result.FAILED, "RFC 3339"),
    ({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until", Result.FAILED, "over"),
    ({"valid_until": None}, "valid_until", Result.WARNING, "protocol-server"),
    ({"valid_until": "never"}, "valid_until", Result.FAILED, "RFC 3339"),
]


@pytest.mark.parametrize(("changes", "check", "result", "words"), ENTRY_FAULTS)
async def test_a_fault_of_the_entry_is_named(
    network: Network, changes: dict[str, object], check: str, result: Result, words: str
) -> None:
    network.published(**changes)
    found = await network.examined()
    assert has(found, check, result, words), found
    amiss = [each.check for each in found if each.result in (Result.FAILED, Result.WARNING)]
    assert amiss == [check]


async def test_an_entry_that_ends_soon_is_told(network: Network) -> None:
    network.published(valid_until=(now() + timedelta(days=3)).isoformat())
    assert has(await network.examined(), "valid_until", Result.WARNING, "near")


async def test_the_key_of_somebody_else_is_told_with_both_halves(network: Network) -> None:
    network.published(signing_public_key=public_half(OTHER))
    found = await network.examined()
    assert has(found, "key", Result.FAILED, public_half(OTHER), public_half(KEY))


async def test_no_entry_a_registry_that_fails_and_one_that_is_away(network: Network) -> None:
    network.registry.entries.clear()
    assert has(await network.examined(), "registry entry", Result.FAILED, str(WHO))
    network.registry.status = 500
    assert has(await network.examined(), "registry", Result.FAILED, "HTTP 500", "registry_kind")
    network.beckn = {"registry_url": f"http://127.0.0.1:{free_port()}"}
    assert has(await network.examined(), "registry", Result.FAILED, "does not answer")


async def test_one_of_two_domains_that_is_not_registered_is_told(network: Network) -> None:
    async with aiohttp.ClientSession() as http:
        around = Surroundings(
            beckn=Beckn.model_validate(network.settings()),
            public_url=PUBLIC_URL,
            spoken=SPOKEN | {"ev-charging:uei": frozenset({"1.1.0"})},
            http=http,
            redis_time=None,
            clock=now,
        )
        found = [each async for each in examine_network(around)]
    assert has(found, "domain", Result.WARNING, "ev-charging:uei")
    assert has(found, "layer 2", Result.NOT_TRIED, "ev-charging:uei")
    assert has(found, "clock of Redis", Result.OK, "embedded")


SETTINGS_FAULTS: list[tuple[Callable[[Network], None], str, Result, str]] = [
    (behind("protocol-server"), "inbound", Result.WARNING, "useHMACForWebhook"),
    (
        behind("protocol-server", webhook_hmac_key="shared", webhook_hmac_mode="report"),
        *("inbound", Result.WARNING, "enforce"),
    ),
    (
        behind("onix", reply_base_url=f"http://127.0.0.1:{free_port()}"),
        *("adapter", Result.FAILED, "reply_base_url"),
    ),
    (
        lambda network: setattr(network, "beckn", {"verify_inbound": False}),
        *("inbound", Result.WARNING, "verify_inbound"),
    ),
    (
        lambda network: setattr(network, "beckn", {"key_id": None, "private_key": None}),
        *("signing", Result.WARNING, "private_key"),
    ),
]


@pytest.mark.parametrize(("plant", "check", "result", "words"), SETTINGS_FAULTS)
async def test_a_fault_of_the_settings_is_named(
    network: Network, plant: Callable[[Network], None], check: str, result: Result, words: str
) -> None:
    plant(network)
    found = await network.examined()
    assert has(found, check, result, words), found


async def test_a_proxy_without_an_adapter_is_told(network: Network) -> None:
    behind("onix")(network)
    network.adapter_status = 502
    assert has(await network.examined(), "adapter", Result.FAILED, "HTTP 502")


def spoiled(folder: Path, whole: object) -> str:
    path = folder / "file.yaml"
    path.write_text(yaml.safe_dump(whole))
    return str(path)


async def test_faults_of_a_layer_2_file_are_named(network: Network, tmp_path: Path) -> None:
    shipped: dict[str, Any] = yaml.safe_load(DEG_FILE.read_text())

    async def layer2(**entry: object) -> list[Finding]:
        network.beckn["layer2"] = [LAYER2 | entry]
        return await network.examined()

    absent = str(tmp_path / "absent.yaml")
    assert has(await layer2(file=absent), "layer 2", Result.FAILED, "absent.yaml", "readable")
    assert has(await layer2(version="1.2.0"), "layer 2", Result.FAILED, "1.2.0", "not spoken")
    found = await layer2(domain="retail")
    assert has(found, "layer 2", Result.FAILED, f"context.domain is {DOMAIN}, not retail")
    core = shipped | {"info": {"x-core-version": "1.0.0"}}
    found = await layer2(file=spoiled(tmp_path, core))
    assert has(found, "layer 2", Result.FAILED, "x-core-version is 1.0.0, not 1.1.0")
    found = await layer2(file=spoiled(tmp_path, document(ttl_is_an_instant)))
    assert has(found, "layer 2", Result.FAILED, "date-time", "bridge beckn layer2 fix")
    few = shipped | {"paths": {"/search": shipped["paths"]["/search"]}}
    found = await layer2(file=spoiled(tmp_path, few))
    assert has(found, "layer 2", Result.WARNING, "on_confirm")


async def test_a_closed_context_fails_behind_protocol_server_only(
    network: Network, tmp_path: Path
) -> None:
    closed = spoiled(tmp_path, document(context_is_closed))
    for adapter, result in (("onix", Result.WARNING), ("protocol-server", Result.FAILED)):
        behind(adapter, layer2=[LAYER2 | {"file": closed}])(network)
        found = [each for each in await network.examined() if each.check == "layer 2"]
        assert {each.result for each in found} == {result}, found
    assert "takes no further keys" in found[0].evidence


@pytest.mark.parametrize(
    ("off_s", "result", "words"),
    [
        (60, Result.FAILED, "behind"),
        (-60, Result.FAILED, "ahead of"),
        (4.5, Result.WARNING, "NTP"),
        (0.5, Result.OK, ""),
    ],
)
async def test_clocks_that_differ_are_told(
    network: Network, off_s: float, result: Result, words: str
) -> None:
    network.redis_off = timedelta(seconds=off_s)
    network.date = format_datetime(now() + timedelta(seconds=off_s), usegmt=True)
    behind("onix", verify_inbound=True)(network)
    found = await network.examined()
    for whose in ("the registry", "the adapter", "Redis"):
        assert has(found, f"clock of {whose}", result, words), found


async def test_a_redis_that_is_away_is_told(network: Network) -> None:
    network.redis_away = True
    assert has(await network.examined(), "clock of Redis", Result.FAILED, "redis_url")


def test_the_command_prints_each_line_and_its_exit_code_tells(
    tmp_path: Path, redis_server: str
) -> None:
    config = {
        "public_url": PUBLIC_URL,
        "redis_url": redis_server,
        "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Test Bridge"},
        "cpos": [],
        "beckn": {
            "subscriber_id": WHO.subscriber_id,
            "private_key": SEED,
            "key_id": "key-1",
            "layer2": [LAYER2],
        },
    }
    path = tmp_path / "bridge.yaml"

    def ran(*options: str) -> tuple[int, str]:
        path.write_text(yaml.safe_dump(config))
        words = ["beckn", "doctor", "--config", str(path), *options]
        result = CliRunner().invoke(bridge.cli.app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return 1, result.stdout
        return result.exit_code, result.stdout

    code, table = ran()
    assert code == 0, table
    assert "verify_inbound" in table
    assert "clock of Redis" in table
    config["beckn"]["registry_url"] = f"http://127.0.0.1:{free_port()}"  # type: ignore[index]
    code, printed = ran("--json")
    report = json.loads(printed)
    assert code == 1
    assert report["subscriber_id"] == WHO.subscriber_id
    (failed,) = (each for each in report["findings"] if each["result"] == "failed")
    assert failed["check"] == "registry"
    assert failed["advice"]
    assert SEED not in printed + table
