"""The key that tokens are encrypted with in Redis: where it may stand, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_settings import MINIMAL, faults, settings

KEY, OTHER_KEY = (f"{letter * 43}=" for letter in "kK")


def test_the_key_for_tokens_in_redis_comes_from_three_places(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY} , {OTHER_KEY}\n")
    from_file = f"{MINIMAL}secrets_key_file: {tmp_path}/key\n"

    assert settings(tmp_path).secrets_keys == ()
    assert settings(tmp_path, f"{MINIMAL}secrets_key: {KEY}\n").secrets_keys == (KEY,)
    assert settings(tmp_path, from_file).secrets_keys == (KEY, OTHER_KEY)
    variable = {"BRIDGE_SECRETS_KEY": f"{OTHER_KEY},{KEY}"}
    assert settings(tmp_path, **variable).secrets_keys == (OTHER_KEY, KEY)
    assert settings(tmp_path, from_file, **variable).secrets_keys == (OTHER_KEY, KEY)
    file = {"BRIDGE_SECRETS_KEY_FILE": str(tmp_path / "key")}
    given = f"{MINIMAL}secrets_key: {OTHER_KEY}\n"
    assert settings(tmp_path, given, **file).secrets_keys == (KEY, OTHER_KEY)


@pytest.mark.parametrize(
    ("line", "variables", "fault"),
    [
        ("secrets_key: short", {}, "secrets_key: this is no Fernet key: 44 characters"),
        (f"secrets_key: {KEY},short", {}, "secrets_key: key 2 of 2 is no Fernet key"),
        (f"secrets_key: {KEY},", {}, "secrets_key: key 2 of 2 is no Fernet key"),
        ("", {"BRIDGE_SECRETS_KEY": "short"}, "BRIDGE_SECRETS_KEY: this is no Fernet key"),
        ("secrets_key_file: KEYS", {}, "secrets_key_file: this is no Fernet key"),
        ("", {"BRIDGE_SECRETS_KEY_FILE": "KEYS"}, "BRIDGE_SECRETS_KEY_FILE: this is no"),
        ("secrets_key_file: /no/where", {}, "secrets_key_file: cannot be read: No such file"),
        (f"secrets_key: {KEY}\nsecrets_key_file: x", {}, "secrets_key: given twice: here and as"),
    ],
)
@pytest.mark.parametrize("content", ["", "short"])
def test_a_bad_key_for_tokens_is_named(
    tmp_path: Path, line: str, variables: dict[str, str], fault: str, content: str
) -> None:
    (tmp_path / "key").write_text(content)
    named = str(tmp_path / "key")
    environ = {name: value.replace("KEYS", named) for name, value in variables.items()}

    (told,) = faults(tmp_path, MINIMAL + line.replace("KEYS", named) + "\n", **environ)

    assert told.startswith(fault)
    assert KEY not in told
    assert "short" not in told


def test_the_key_for_tokens_does_not_show(tmp_path: Path) -> None:
    assert KEY not in repr(settings(tmp_path, f"{MINIMAL}secrets_key: {KEY}\n"))
