"""TLS files are read at start, and nothing switches verification off."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bridge.errors import SettingsInvalid
from bridge.settings import Settings, load, parse_redis_url

CONFIGURATION = """
public_url: http://127.0.0.1:8080
ocpi: {country_code: IN, party_id: BRG, business_name: Bridge}
cpos: [{id: cpo1, token_a: a, provider: {id: one, name: One}, tls: CPO}]
beckn: {subscriber_id: bridge.example, tls: BECKN}
"""


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an authority, a certificate and its key, and what is none of these."""
    folder, authority = tmp_path_factory.mktemp("pem"), trustme.CA()
    own = authority.issue_cert("bridge.example")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    own.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    own.private_key_pem.write_to_path(folder / "key.pem")
    authority.issue_cert("other.example").private_key_pem.write_to_path(folder / "other.pem")
    key = load_pem_private_key(own.private_key_pem.bytes(), None)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    (folder / "sealed.pem").write_bytes(sealed)
    (folder / "words.pem").write_text("no certificate")
    return folder


def loaded(folder: Path, cpo: str = "null", beckn: str = "null", **environ: str) -> Settings:
    """Load a configuration whose files stand in a folder."""
    text = CONFIGURATION.replace("CPO}", f"{cpo}}}").replace("BECKN", beckn)
    file = folder / "bridge.yaml"
    file.write_text(text.replace("@", f"{folder}/"))
    return load(file, environ)


def faults(folder: Path, cpo: str = "null", beckn: str = "null", **environ: str) -> list[str]:
    """Return what is wrong with it, without the folder."""
    with pytest.raises(SettingsInvalid) as caught:
        loaded(folder, cpo, beckn, **environ)
    return [fault.replace(f"{folder}/", "@") for fault in caught.value.faults]


def test_everything_is_verified_from_tls_1_2_on(pem: Path) -> None:
    whole = "{ca_file: @ca.pem, cert_file: @cert.pem, key_file: @key.pem}"
    tls = loaded(pem, whole, whole).cpos[0].tls
    assert tls is not None
    for context in (tls.trusting, tls.showing):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_an_authority_comes_besides_the_systems(pem: Path) -> None:
    tls = loaded(pem, "{ca_file: @ca.pem}").cpos[0].tls
    assert tls is not None
    system = ssl.create_default_context().cert_store_stats()["x509_ca"]
    assert tls.showing.cert_store_stats()["x509_ca"] == system + 1


@pytest.mark.parametrize(
    ("tls", "fault"),
    [
        ("{ca_file: @none.pem}", "ca_file @none.pem: cannot be read: No such file or directory"),
        ("{ca_file: @words.pem}", "ca_file @words.pem: no certificates in PEM"),
        ("{ca_file: @key.pem}", "ca_file @key.pem: no certificates in PEM"),
        ("{cert_file: @cert.pem}", "cert_file and key_file go together"),
        ("{key_file: @key.pem}", "cert_file and key_file go together"),
        (
            "{cert_file: @cert.pem, key_file: @none.pem}",
            "key_file @none.pem: cannot be read: No such file or directory",
        ),
        *(
            (
                f"{{cert_file: @cert.pem, key_file: @{key}.pem}}",
                f"cert_file @cert.pem, key_file @{key}.pem: not a certificate in PEM and its key, "
                "or the key has a passphrase",
            )
            for key in ("words", "other", "sealed")
        ),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(pem: Path, tls: str, fault: str) -> None:
    assert faults(pem, tls, tls) == [f"cpos.0.tls: {fault}", f"beckn.tls: {fault}"]


def test_no_key_switches_verification_off(pem: Path) -> None:
    assert faults(pem, "{verify: false}") == ["cpos.0.tls.verify: unknown key"]


# --- Redis


@pytest.mark.parametrize("kind", ["rediss", "rediss+sentinel", "rediss+cluster"])
@pytest.mark.parametrize(
    "query",
    [
        "ssl_cert_reqs=none",
        "ssl_cert_reqs=optional",
        "ssl_cert_reqs=required&ssl_cert_reqs=none",
        "ssl_cert_reqs=",
        "ssl%5Fcert_reqs=none",
        "ssl_check_hostname=false",
        "ssl_check_hostname=0",
        "ssl_ciphers=ADH:@SECLEVEL=0",
        "ssl_min_version=770",
        "ssl_min_version=TLSv1_2",
    ],
)
def test_no_option_of_redis_switches_verification_off(kind: str, query: str) -> None:
    service = "/s" if kind.endswith("sentinel") else ""
    parse_redis_url(f"{kind}://h{service}?ssl_cert_reqs=required&ssl_min_version=772")
    with pytest.raises(ValueError, match=r"ssl_|unknown option"):
        parse_redis_url(f"{kind}://h{service}?{query}")


def test_options_of_tls_are_not_taken_without_it() -> None:
    with pytest.raises(ValueError, match="rediss://"):
        parse_redis_url("redis://h?ssl_ca_certs=x")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("ssl_ca_certs=@none.pem", "ssl_ca_certs @none.pem: cannot be read: No such file"),
        ("ssl_ca_certs=@words.pem", "ssl_ca_certs @words.pem: no certificates in PEM"),
        ("ssl_ca_path=@none", "ssl_ca_path @none: no such folder"),
        ("ssl_keyfile=@key.pem", "ssl_keyfile needs ssl_certfile"),
        (
            "ssl_certfile=@cert.pem&ssl_keyfile=@sealed.pem&ssl_password=other",
            "ssl_certfile @cert.pem, ssl_keyfile @sealed.pem: not a certificate",
        ),
    ],
)
def test_a_file_of_redis_that_cannot_be_used_stops_the_start(
    pem: Path, query: str, fault: str
) -> None:
    url = f"rediss://u:SECRET@h?{query}".replace("@none", f"{pem}/none")
    for name in ("words", "key", "cert", "sealed"):
        url = url.replace(f"@{name}", f"{pem}/{name}")
    (line,) = faults(pem, BRIDGE_REDIS_URL=url)
    assert line.startswith(f"BRIDGE_REDIS_URL: {fault}")
    assert "SECRET" not in line


def test_files_of_redis_that_can_be_used_are_taken(pem: Path) -> None:
    files = f"ssl_certfile={pem}/cert.pem&ssl_keyfile={pem}/sealed.pem&ssl_password=word"
    loaded(pem, BRIDGE_REDIS_URL=f"rediss://h?ssl_ca_certs={pem}/ca.pem&{files}")
