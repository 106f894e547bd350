"""Settings from a file and the environment: what is read, what is refused, what is never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import BaseModel

from bridge.errors import SettingsInvalid
from bridge.settings import Cpo, Settings, data_path, load, parse_redis_url
from charts.values_schema import TARGET, values_schema

EXAMPLE = data_path("config") / "bridge.example.yaml"

MINIMAL = """
public_url: http://127.0.0.1:8080
ocpi: {country_code: IN, party_id: BRG, business_name: Example Bridge}
cpos:
  - id: cpo1
    versions_url: http://127.0.0.1:9101/ocpi/versions
    token_a: SECRET-A
    provider: {id: cpo1.example, name: CPO One}
beckn: {subscriber_id: bridge.example}
"""


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.yaml"
    path.write_text(MINIMAL)
    return path


def settings(tmp_path: Path, text: str = MINIMAL, **environ: str) -> Settings:
    path = tmp_path / "bridge.yaml"
    path.write_text(text)
    return load(path, environ)


def faults(tmp_path: Path, text: str = MINIMAL, **environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as caught:
        settings(tmp_path, text, **environ)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.faults


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")


# --- the file


def test_the_example_shows_every_key_with_its_default(minimal: Path) -> None:
    example = yaml.safe_load(EXAMPLE.read_text())

    def shown(dotted: str) -> bool:
        node: Any = example
        for part in dotted.split("."):
            if not isinstance(node, dict) or part not in node:
                return False
            node = node[part]
        return True

    assert [key for key in keys(Settings) if not shown(key)] == []
    assert set(example["cpos"][0]) == set(Cpo.model_fields) - {"token_a_file"}
    told = load(EXAMPLE, {"BRIDGE_CPO_CPO1_TOKEN_A": "SECRET-A"})
    assert told == load(minimal, {})


def test_the_chart_knows_every_key() -> None:
    assert TARGET.read_text("utf-8") == values_schema(), "run: python -m charts.values_schema"


def test_values_keep_what_was_written(tmp_path: Path) -> None:
    text = MINIMAL.replace("party_id: BRG", "party_id: 007").replace("code: IN", "code: NO")
    got = settings(tmp_path, text + "terms: {default_kwh: 5.50}\nallow_private: yes\n")
    assert (got.ocpi.country_code, got.ocpi.party_id) == ("NO", "007")
    assert str(got.terms.default_kwh) == "5.50"
    assert got.allow_private is True


def test_defaults(minimal: Path) -> None:
    got = load(minimal, {})
    assert got.redis_url.get_secret_value() == "embedded"
    assert (got.listen.host, got.listen.port) == ("127.0.0.1", 8080)
    assert (got.terms.reply_deadline_s, got.terms.refund_share) == (8, Decimal(1))
    assert (got.limits.max_body_bytes, got.limits.max_reply_bytes) == (1024 * 1024, 180_000)
    assert got.time_zone == ZoneInfo("Asia/Kolkata")
    assert got.beckn.dialects == ("deg",)
    assert got.max_clock_skew_s is None


def test_operators_have_an_address_of_their_own_or_share_one(tmp_path: Path) -> None:
    assert settings(tmp_path).ops_listen is None
    own = settings(tmp_path, MINIMAL + "ops_listen: {host: 0.0.0.0, port: 9090}\n").ops_listen
    assert own is not None
    assert (own.host, own.port) == ("0.0.0.0", 9090)
    (fault,) = faults(tmp_path, MINIMAL + "ops_listen: {host: 127.0.0.1, port: 8080}\n")
    assert fault.startswith("configuration: ops_listen is the address of listen")


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = """
    public_url: ftp://host
    listen: {port: 99999, prot: 1}
    redis_url: memory
    ocpi: {country_code: IND, party_id: BRG}
    cpos:
      - {id: a b, versions_url: nowhere, token_a: x, provider: {id: p, name: P}}
      - {id: c, versions_url: http://c/, provider: {id: p, name: P}, flags: {odd: true}}
    beckn: {adapter: onix, subscriber_id: s, dialects: [deg, klingon]}
    extra: 1
    """
    got = faults(tmp_path, text, BRIDGE_LOG__LEVEL="loud", BRIDGE_TYPO="1")
    assert {fault.partition(": ")[0] for fault in got} == {
        "public_url",
        "listen.port",
        "listen.prot",
        "redis_url",
        "ocpi.country_code",
        "ocpi.business_name",
        "cpos.0.id",
        "cpos.0.versions_url",
        "cpos.1.token_a",
        "cpos.1.provider.id",
        "cpos.1.flags.odd",
        "beckn.dialects.1",
        "extra",
        "BRIDGE_LOG__LEVEL",
        "BRIDGE_TYPO",
    }
    assert len(got) == 15
    assert "extra: unknown key" in got
    assert "ocpi.business_name: required" in got
    assert "cpos.1.provider.id: the same as cpos.0.provider.id" in got


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "beckn: {",
            "beckn: {adapter: protocol-server, registry_url: 'http://r', verify_inbound: true, ",
            "beckn: protocol-server passes no signature on",
        ),
        (
            "beckn: {",
            "beckn: {adapter: onix, webhook_hmac_key: k, ",
            "beckn: webhook_hmac_key is for protocol-server",
        ),
        (
            "beckn: {",
            "beckn: {verify_inbound: true, ",
            "beckn: to verify signatures, registry_url says",
        ),
        ("beckn: {", "beckn: {key_id: k, ", "beckn: key_id and private_key go together"),
        (
            "beckn: {",
            "beckn: {key_id: k, private_key: c2hvcnQ=, ",
            "beckn.private_key: the private key has 5 bytes, not 32 or 64",
        ),
        ("cpo1.example, name: CPO One", "x", "cpos.0.provider.name: required"),
        (
            "SECRET-A",
            "~",
            "cpos.0.token_a: required: as token_a, as token_a_file, or in BRIDGE_CPO",
        ),
        ("SECRET-A", "two words", "cpos.0.token_a: a token is one or more printable"),
        ("SECRET-A", "x\n    token_a_file: y", "cpos.0.token_a: given twice"),
        ("token_a: SECRET-A", "token_a_file: /no/where", "cpos.0.token_a_file: cannot be read: No"),
        (
            "http://127.0.0.1:9101",
            "http://u:SECRET@h",
            "cpos.0.versions_url: a URL here has neither",
        ),
        ("http://127.0.0.1:9101", "http://h:port", "cpos.0.versions_url: not a URL"),
        (":8080", ":8080/?a=b", "public_url: a URL here has no ?query"),
        ("cpos:", "cpo:", "cpos: required"),
    ],
)
def test_a_fault_names_its_place(tmp_path: Path, old: str, new: str, fault: str) -> None:
    got = faults(tmp_path, MINIMAL.replace(old, new))
    assert any(line.startswith(fault) for line in got), got


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [SECRET", r"line 1, column \d+: not YAML"),
        ("token_a: *SECRET", "line 1, column 10: not YAML"),
        ("a: !SECRET x", "line 1, column 4: not YAML"),
        ("beckn: {}\nbeckn: {}", "line 2, column 1: a key given twice"),
        ("[SECRET]: 1", "line 1, column 1: a key that is not a word"),
        ("- SECRET", "not a mapping of keys to values"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_fault(tmp_path: Path, text: str, fault: str) -> None:
    (line,) = faults(tmp_path, text)
    assert re.search(fault, line)
    assert "SECRET" not in line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"none\.yaml: cannot be read: No such file"):
        load(tmp_path / "none.yaml", {})
    with pytest.raises(SettingsInvalid, match=r"none\.yaml: cannot be read: No such file"):
        load(None, {"BRIDGE_CONFIG": str(tmp_path / "none.yaml")})


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsInvalid, match="not UTF-8 text"):
        load(tmp_path / "bridge.yaml", {})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("http://h", "http://h"),
        ("http://h/", "http://h"),
        ("https://h:8443/ev//", "https://h:8443/ev"),
    ],
)
def test_public_url_ends_in_no_slash(tmp_path: Path, written: str, read: str) -> None:
    assert settings(tmp_path, BRIDGE_PUBLIC_URL=written).public_url == read


def test_two_ids_that_share_a_token_variable_are_one(tmp_path: Path) -> None:
    second = "  - {id: CPO.1, versions_url: http://h, token_a: x, provider: {id: q, name: Q}}\n"
    text = MINIMAL.replace("id: cpo1\n", "id: cpo-1\n").replace("beckn:", f"{second}beckn:")
    assert faults(tmp_path, text) == ("cpos.1.id: the same as cpos.0.id",)


def test_parties_and_providers_stand_once(tmp_path: Path) -> None:
    party = "{country_code: in, party_id: two, provider: {id: cpo1.example, name: X}}"
    other = "{country_code: IN, party_id: TWO, provider: {id: other.example, name: X}}"
    text = MINIMAL.replace("    token_a", f"    parties: [{party}, {other}]\n    token_a")
    assert faults(tmp_path, text) == (
        "cpos.0.parties.0.provider.id: the same as cpos.0.provider.id",
        "cpos.0.parties.1.party_id: the same as cpos.0.parties.0.party_id",
    )


# --- the environment


def test_the_environment_alone_will_do() -> None:
    got = load(
        None,
        {
            "PATH": "/bin",
            "BRIDGE_TEST_REDIS_URL": "redis://elsewhere",
            "BRIDGE_PUBLIC_URL": "http://h",
            "BRIDGE_OCPI": '{"country_code": "IN", "party_id": "BRG", "business_name": "B"}',
            "BRIDGE_CPOS__0__ID": "cpo-1",
            "BRIDGE_CPOS__0__VERSIONS_URL": "http://c/versions",
            "BRIDGE_CPOS__0__PROVIDER__ID": "c.example",
            "BRIDGE_CPOS__0__PROVIDER__NAME": "C # 1",
            "BRIDGE_CPOS__0__ENDPOINTS__LOCATIONS__SENDER": "http://c/l",
            "BRIDGE_CPO_CPO_1_TOKEN_A": "[not:yaml",
            "BRIDGE_BECKN__SUBSCRIBER_ID": "b",
            "BRIDGE_BECKN__DIALECTS": "[deg]",
        },
    )
    (cpo,) = got.cpos
    assert (cpo.provider.name, cpo.token_a.get_secret_value()) == ("C # 1", "[not:yaml")
    assert cpo.endpoints == {"locations": {"sender": "http://c/l"}}


def test_the_environment_wins_and_parts_win_over_their_whole(tmp_path: Path) -> None:
    got = settings(
        tmp_path,
        MINIMAL + "listen: {host: 0.0.0.0, port: 1}\nfeedback_url: http://form\n",
        BRIDGE_LISTEN__PORT="3",
        BRIDGE_LISTEN="{port: 2}",
        BRIDGE_FEEDBACK_URL="null",
        BRIDGE_CPOS__0__TIMEOUTS__TOTAL_S="2.5",
    )
    assert (got.listen.host, got.listen.port) == ("127.0.0.1", 3)
    assert got.feedback_url is None
    assert got.cpos[0].timeouts.total_s == 2.5


def test_the_tenth_entry_comes_after_the_second(tmp_path: Path) -> None:
    hosts = {f"BRIDGE_ALLOW_HOSTS__{n}": f"h{n}" for n in range(11)}
    assert settings(tmp_path, **hosts).allow_hosts == tuple(f"h{n}" for n in range(11))


def test_bridge_config_names_the_file_and_the_argument_wins(minimal: Path, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(MINIMAL.replace("8080", "8081"))
    environ = {"BRIDGE_CONFIG": str(tmp_path / "other.yaml")}
    assert load(None, environ).public_url.endswith("8081")
    assert load(minimal, environ).public_url.endswith("8080")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("BRIDGE_LISTEN__PROT", "1", "BRIDGE_LISTEN__PROT: unknown key"),
        ("BRIDGE_LISTEN", "{prot: 1}", "BRIDGE_LISTEN (listen.prot): unknown key"),
        ("BRIDGE_LISTEN__PORT__X", "1", "BRIDGE_LISTEN__PORT__X: does not fit: a single value"),
        ("BRIDGE_CPOS__2__ID", "x", "BRIDGE_CPOS__2__ID: does not fit: a list of 1 stands at cpos"),
        ("BRIDGE_CPOS__ID", "x", "BRIDGE_CPOS__ID: does not fit: a list of 1 stands at cpos"),
        ("BRIDGE_LISTEN__0", "x", "BRIDGE_LISTEN__0: does not fit: a mapping stands at listen"),
        ("BRIDGE_CPOS", "[{", "BRIDGE_CPOS: brackets that are neither YAML nor JSON"),
        ("BRIDGE_CPO_CPO2_TOKEN_A", "SECRET", "BRIDGE_CPO_CPO2_TOKEN_A: no CPO has this id"),
        ("BRIDGE_CPO_CPO1_TOKEN_A", "", "BRIDGE_CPO_CPO1_TOKEN_A: a token is one or more"),
        ("BRIDGE_CPO_CPO1_TOKEN_B", "x", "BRIDGE_CPO_CPO1_TOKEN_B: unknown key"),
        ("BRIDGE_", "x", "BRIDGE_: unknown key"),
    ],
)
def test_a_fault_names_its_variable(tmp_path: Path, name: str, value: str, fault: str) -> None:
    text = MINIMAL + "listen: {port: 1}\n"
    got = faults(tmp_path, text, **{name: value})
    assert any(line.startswith(fault) for line in got), got


# --- secrets


def test_token_a_comes_from_its_variable_else_the_file_it_names(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("FROM-FILE\n")
    text = MINIMAL.replace("token_a: SECRET-A", f"token_a_file: {tmp_path / 'token'}")
    assert settings(tmp_path, text).cpos[0].token_a.get_secret_value() == "FROM-FILE"
    got = settings(tmp_path, text, BRIDGE_CPO_CPO1_TOKEN_A="FROM-ENV")
    assert got.cpos[0].token_a.get_secret_value() == "FROM-ENV"


def test_no_secret_shows_in_settings_or_faults(tmp_path: Path) -> None:
    got = settings(tmp_path, BRIDGE_REDIS_URL="redis://u:SECRET-R@h")
    assert "SECRET" not in repr(got) + str(got) + got.model_dump_json()
    lines = faults(
        tmp_path,
        MINIMAL.replace("{id: cpo1.example", "{token_a:SECRET-T, id: cpo1.example"),
        BRIDGE_REDIS_URL="redis://u:SECRET-R@h:port/x",
        BRIDGE_CPO_CPO1_TOKEN_A="SECRET WITH BLANKS",
        BRIDGE_CPO_OTHER_TOKEN_A="SECRET-O",
        BRIDGE_BECKN="SECRET-B",
    )
    assert len(lines) == 5
    assert "SECRET" not in "".join(lines)


# --- Redis addresses


@pytest.mark.parametrize(
    ("url", "kind", "scheme", "hosts", "service", "db"),
    [
        ("redis://h", "single", "redis", (("h", 6379),), "", 0),
        ("rediss://u:p@h:1/2?ssl_ca_certs=x", "single", "rediss", (("h", 1),), "", 2),
        ("redis://[::1]:5", "single", "redis", (("::1", 5),), "", 0),
        ("unix:///run/redis.sock?db=1", "single", "unix", (), "", 0),
        ("redis+sentinel://:p@a,b:2/s/3", "sentinel", "redis", (("a", 26379), ("b", 2)), "s", 3),
        ("rediss+sentinel://a/s", "sentinel", "rediss", (("a", 26379),), "s", 0),
        ("redis+cluster://a,b:2", "cluster", "redis", (("a", 6379), ("b", 2)), "", 0),
        ("rediss+cluster://u:p@a", "cluster", "rediss", (("a", 6379),), "", 0),
    ],
)
def test_redis_addresses(
    url: str, kind: str, scheme: str, hosts: tuple[tuple[str, int], ...], service: str, db: int
) -> None:
    got = parse_redis_url(url)
    assert (got.kind, got.scheme, got.hosts) == (kind, scheme, hosts)
    assert (got.service, got.db) == (service, db)


@pytest.mark.parametrize(
    "url",
    [
        "h:6379",
        "http://h",
        "unix+cluster://h",
        "redis+ring://h",
        "redis://",
        "redis://a,b",
        "redis://h:x",
        "redis://h/one",
        "redis://h?colour=red",
        "unix://",
        "redis+sentinel://h",
        "redis+cluster://h/1",
        "redis+cluster://h?db=1",
        "EMBEDDED",
    ],
)
def test_any_other_redis_address_is_a_fault(tmp_path: Path, url: str) -> None:
    (line,) = faults(tmp_path, BRIDGE_REDIS_URL=url)
    assert line.startswith("BRIDGE_REDIS_URL: ")


def test_a_redis_password_does_not_show_in_its_address() -> None:
    assert "SECRET" not in repr(parse_redis_url("redis://u:SECRET@h?password=SECRET"))


# --- data that come with the bridge


@pytest.mark.parametrize("name", ["mappings", "config"])
def test_data_come_with_the_bridge(name: str) -> None:
    assert data_path(name).is_dir()


@pytest.mark.parametrize(
    ("given", "callbacks_to"),
    [
        ("", None),
        ("adapter: none, reply_base_url: 'http://there/x/', ", "http://there/x"),
        ("adapter: protocol-server, ", "http://bpp-client:6001"),
        ("adapter: onix, ", "http://onix-bpp:8082/bpp/caller"),
        ("adapter: onix, reply_base_url: 'http://there', ", "http://there"),
    ],
)
def test_an_adapter_is_found_where_its_own_compose_file_has_it(
    tmp_path: Path, given: str, callbacks_to: str | None
) -> None:
    text = MINIMAL.replace("beckn: {", f"beckn: {{{given}")

    assert settings(tmp_path, text).beckn.callbacks_to == callbacks_to


def test_the_key_of_the_webhook_may_be_in_a_file_and_shows_nowhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("SHARED\n")
    given = f"adapter: protocol-server, webhook_hmac_key_file: {tmp_path}/key, "

    got = settings(tmp_path, MINIMAL.replace("beckn: {", f"beckn: {{{given}"))

    assert got.beckn.webhook_hmac_key is not None
    assert got.beckn.webhook_hmac_key.get_secret_value() == "SHARED"
    assert "SHARED" not in repr(got)
