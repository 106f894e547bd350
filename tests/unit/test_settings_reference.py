"""The page of all settings: made of the settings themselves and of the example's words."""

from __future__ import annotations

import pytest

from bridge.settings.model import Settings
from bridge.settings.reference import comments, markdown, rows
from tests.pages import read

EXAMPLE = """
# about a whole part
part:
  first: 1       # words behind
  second: 2
  # words above,
  # in two lines
  third: 3       # and behind,
                        # going on
list:
  # of each
  - name: x
"""


def test_words_stand_above_and_behind() -> None:
    assert comments(EXAMPLE) == {
        "part": "about a whole part",
        "part.first": "words behind",
        "part.second": "",
        "part.third": "words above, in two lines and behind, going on",
        "list": "",
        "list[].name": "of each",
    }


def test_every_setting_has_a_row() -> None:
    paths = [row.path for row in rows(Settings.model_json_schema())]
    assert len(paths) == len(set(paths)) > 100
    assert {
        "public_url",
        "listen.port",
        "cpos[].flags.raw_token",
        "cpos[].parties[].provider.id",
    } <= set(paths)


@pytest.mark.parametrize(
    "row",
    [
        "| `redis_url` | secret | `embedded` |",
        "| `listen.port` | integer | `8080` |",
        "| `beckn.adapter` | none, protocol-server, onix | `none` |",
        "| `terms.quote_ttl_s` | seconds | `900` | how long a quote holds |",
        "| `cpos[].id` | text | required |",
    ],
)
def test_a_row_says_what_may_stand_there(row: str) -> None:
    assert row in markdown(read("config/bridge.example.yaml"))


def test_no_secret_of_the_example_is_on_the_page() -> None:
    assert "token_a: secret" not in markdown(read("config/bridge.example.yaml"))
