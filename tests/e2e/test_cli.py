"""The command line as people and scripts use it; bridge_command sees to it that nothing crashes."""

from __future__ import annotations

import json
import socket
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer
import yaml
from typer.testing import CliRunner

import bridge.__main__
import bridge.cli
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import CommandResponseType, CommandResultType
from bridge.ocpi.headers import Party, authorization
from bridge.sandbox.drive import book, find, is_final, walk_in
from bridge.sandbox.stations import locations
from tests.e2e.rig import ROOT, Rig, bridge_command, cli
from tests.waiting import until


def commands(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    """Yield every command and group with its words, as typer has built them."""
    yield " ".join(above), group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *above, name)


COMMANDS = dict(commands(typer.main.get_command(bridge.cli.app)))
LEAVES = [words for words, command in COMMANDS.items() if not hasattr(command, "commands")]

TALKATIVE = {"sandbox cpo", "sandbox bap"}
"""They run until they are stopped and have no result: what passes is shown for eyes."""

LAYER2 = ROOT / "config" / "layer2" / "deg_ev-charging_1.1.0.yaml"

CONFIG: dict[str, Any] = {
    "public_url": "http://127.0.0.1:8080",
    "redis_url": "redis://127.0.0.1:1",
    "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Test Bridge"},
    "cpos": [{"id": "cpo1", "token_a": "s3cret", "provider": {"id": "one.example", "name": "One"}}],
    "beckn": {"subscriber_id": "bridge.example"},
}
"""A configuration whose Redis nobody runs."""


def written(folder: Path, **changes: object) -> Path:
    """Write a configuration and return its path."""
    path = folder / "bridge.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, **changes}))
    return path


# Help and wrong use


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ran = CliRunner().invoke(bridge.cli.app, [*command.split(), "--help"], prog_name="bridge")
    assert ran.exit_code == 0
    said = " ".join(ran.output.split())
    assert f"Usage: bridge {command}".strip() in said
    assert (f"Example: bridge {command}" in said) == (command in LEAVES)
    assert ("--json" in said) == (command in LEAVES and command not in TALKATIVE)


@pytest.mark.parametrize("command", LEAVES)
def test_every_command_tells_faulty_input_and_what_to_do(command: str) -> None:
    ran = CliRunner().invoke(bridge.cli.app, [*command.split(), "--nonsense"], prog_name="bridge")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"Try 'bridge {command} -h' for help" in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "fly",
        "serve --fast",
        "trace",
        "deadletters show",
        "cpo register",
        "cpo unlock cpo1",
        "demo twice",
        "status now",
    ],
)
def test_wrong_use_ends_with_2(arguments: str) -> None:
    ran = CliRunner().invoke(bridge.cli.app, arguments.split())
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "Usage" in ran.stderr


async def test_a_shell_completes_commands_and_cpos(tmp_path: Path) -> None:
    config = str(written(tmp_path))

    async def completed(words: str, config: str = "") -> list[str]:
        _, out, _ = await bridge_command(
            cwd=tmp_path,
            _BRIDGE_COMPLETE="complete_bash",
            COMP_WORDS=words,
            COMP_CWORD=str(words.count(" ")),
            BRIDGE_CONFIG=config,
        )
        return out.split()

    assert await completed("bridge deadl") == ["deadletters"]
    assert await completed("bridge cpo sync ", config) == ["cpo1"]
    assert await completed("bridge cpo sync ", "missing.yaml") == []


async def test_the_command_is_the_module(tmp_path: Path) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"bridge": "bridge.cli:main"}
    assert vars(bridge.__main__)["main"] is bridge.cli.main
    code, out, err = await bridge_command("--help", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "deadletters" in out


# Configuration


async def test_config_check_tells_all_faults_at_once(tmp_path: Path) -> None:
    config = written(
        tmp_path,
        public_url="bridge.example",
        listen={"port": "many"},
        telephone="1800",
        beckn={"subscriber_id": "bridge.example", "dialects": ["klingon"]},
    )

    code, out, err = await bridge_command("config", "check", str(config), cwd=tmp_path)

    assert (code, out) == (2, "")
    for fault in ("public_url:", "listen.port:", "telephone: unknown key", "beckn.dialects"):
        assert fault in err
    assert "s3cret" not in err


async def test_config_check_of_a_good_file(tmp_path: Path) -> None:
    for file in (written(tmp_path), ROOT / "config" / "bridge.example.yaml"):
        code, out, err = await bridge_command("config", "check", str(file), cwd=tmp_path)
        assert (code, err) == (0, "")
        assert "CPOs: cpo1" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("config", "check", "bridge.yaml"), {"cpos": ["cpo1"], "adapter": "none"}),
        (("mapping", "check"), {}),
        (("mapping", "docs"), {"written": True}),
        (("beckn", "layer2", "fix", str(LAYER2)), {"mended": [], "written": None}),
    ],
)
async def test_json_of_what_needs_no_bridge(
    arguments: tuple[str, ...], told: dict[str, object], tmp_path: Path
) -> None:
    written(tmp_path)
    (tmp_path / "docs").mkdir()
    code, out, err = await bridge_command(*arguments, "--json", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert told.items() <= json.loads(out).items()


async def test_an_unknown_variable_is_refused_by_name(tmp_path: Path) -> None:
    config = str(written(tmp_path))
    code, _, err = await bridge_command(
        "serve", "--config", config, cwd=tmp_path, BRIDGE_LISTEN__PROT="8080"
    )
    assert code == 2
    assert "BRIDGE_LISTEN__PROT: unknown key" in err


async def test_the_environment_names_the_file_and_wins_over_it(tmp_path: Path) -> None:
    code, out, _ = await bridge_command(
        *("config", "check"),
        cwd=tmp_path,
        BRIDGE_CONFIG=str(written(tmp_path)),
        BRIDGE_PUBLIC_URL="https://bridge.example",
    )
    assert code == 0
    assert "https://bridge.example" in out


async def test_what_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = str(written(tmp_path, listen={"port": port}))
        cases = [
            (("serve", "--config", "missing.yaml"), 2, "missing.yaml", "bridge config check"),
            (("serve", "--config", config), 1, f"127.0.0.1:{port}", ""),
            (("trace", "[/b]", "--config", config), 1, "Redis", "is Redis up"),
            (("status", "--config", config), 1, "Redis", "is Redis up"),
            (("mapping", "explain", "[/b].json"), 1, "[/b].json", ""),
        ]
        for arguments, expected, words, step in cases:
            code, out, err = await bridge_command(*arguments, cwd=tmp_path)
            assert (code, out) == (expected, ""), arguments
            assert words in err
            assert step in err
        code, out, err = await bridge_command("status", "--json", "--config", config, cwd=tmp_path)
        told = json.loads(err)
        assert (code, out, len(told["errors"])) == (1, "", 1)
        assert "is Redis up" in told["next"]


# Mapping


async def test_mapping_check_and_docs(tmp_path: Path) -> None:
    code, out, err = await bridge_command("mapping", "check", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "fingerprint" in out
    assert (await bridge_command("mapping", "docs", "--check", cwd=ROOT))[0] == 0

    # Elsewhere there is no folder for the page, then a fresh page, then a stale one.
    assert (await bridge_command("mapping", "docs", cwd=tmp_path))[0] == 1
    page = tmp_path / "docs" / "mapping.md"
    page.parent.mkdir()
    assert (await bridge_command("mapping", "docs", cwd=tmp_path))[0] == 0
    assert page.read_text() == (ROOT / "docs" / "mapping.md").read_text()
    page.write_text(page.read_text() + "\n")
    code, _, err = await bridge_command("mapping", "docs", "--check", cwd=tmp_path)
    assert code == 1
    assert "stale" in err


async def test_mapping_explain_names_the_rows_of_a_field(tmp_path: Path) -> None:
    station = tmp_path / "location.json"
    station.write_bytes(encode(locations(Party("IN", "SBX"))[0]))

    explain = ("mapping", "explain", str(station))
    code, out, err = await bridge_command(*explain, cwd=tmp_path)

    assert (code, err) == (0, "")
    rows = json.loads((await bridge_command(*explain, "--json", cwd=tmp_path))[1])
    assert all(set(row) == {"field", "of", "source", "value", "rows"} for row in rows)
    assert {row["value"] for row in rows} >= {"CCS2"}
    lines = out.splitlines()
    at = next(i for i, line in enumerate(lines) if "connector-type" in line and "CCS2" in line)
    assert "INDIRANAGAR-1 1" in lines[at]
    assert "mappings/fields/deg_catalogue.yaml:" in lines[at]
    assert "mappings/codes/deg_connector_standard.yaml:" in lines[at + 1]
    assert "(IEC_62196_T2_COMBO)" in lines[at + 1]


@pytest.mark.parametrize("content", ["no json", '{"id": "1"}'])
async def test_mapping_explain_of_something_else(content: str, tmp_path: Path) -> None:
    (tmp_path / "object.json").write_text(content)
    code, out, err = await bridge_command("mapping", "explain", "object.json", cwd=tmp_path)
    assert (code, out) == (1, "")
    assert err


# A running bridge


async def test_cpo_status_sync_and_register(world: Rig) -> None:
    config = world.bridges[0].config

    code, out, _ = await cli(config, "cpo", "status", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert (row["id"], row["registration"], row["parties"]) == ("cpo1", "REGISTERED", "IN*SBX")
    assert "cpo1" in (await cli(config, "status"))[1]
    assert await synced(config, "--full") == ["tariffs", "locations", "sessions", "cdrs"]
    assert await synced(config, "--module", "cdrs", "--module", "tariffs") == ["tariffs", "cdrs"]
    code, _, err = await cli(config, "cpo", "sync", "cpo1", "--module", "tokens")
    assert (code, "tokens" in err) == (2, True)
    code, _, err = await cli(config, "cpo", "sync", "cpo9")
    assert (code, "cpo9" in err, "cpo1" in err) == (1, True, True)

    # Registered already, so TOKEN_A is used up; until the CPO lets go of us.
    code, _, err = await cli(config, "cpo", "register", "cpo1")
    assert code == 1
    assert "TOKEN_A" in err
    assert world.cpo.token_a not in err
    world.cpo.peer, world.cpo.token_c = None, None
    code, out, _ = await cli(config, "cpo", "register", "cpo1")
    assert (code, "registered" in out) == (0, True)
    assert is_final(await walk_in(world.bap))


@pytest.mark.endpoint("calls PUT {credentials}")
@pytest.mark.endpoint("calls DELETE {credentials}")
@pytest.mark.requirement("O52")
@pytest.mark.requirement("O53")
async def test_cpo_rotate_and_unregister(world: Rig) -> None:
    config = world.bridges[0].config
    assert world.cpo.peer is not None
    old_b, old_c = world.cpo.peer.token, world.cpo.token_c

    # The command is one process, the bridge that the CPO calls back meanwhile another.
    code, out, err = await cli(config, "cpo", "rotate", "cpo1")
    assert (code, "new token" in out) == (0, True), err
    new_b, new_c = world.cpo.peer.token, world.cpo.token_c
    assert new_b != old_b
    assert new_c not in (old_c, None)
    assert await status_of(world, old_b) == 401
    assert await status_of(world, new_b) == 200
    assert is_final(await walk_in(world.bap))

    code, out, err = await cli(config, "cpo", "unregister", "cpo1")
    assert (code, "no longer registered" in out) == (0, True), err
    assert world.cpo.peer is None
    assert await status_of(world, new_b) == 401
    (row,) = json.loads((await cli(config, "cpo", "status", "--json"))[1])
    assert (row["registration"], row["parties"]) == ("SPENT", "")
    assert "bridge cpo register" in row["problem"]
    for command in ("rotate", "unregister"):
        code, _, err = await cli(config, "cpo", command, "cpo1")
        assert (code, "is not registered" in err) == (1, True)

    code, out, err = await cli(config, "cpo", "register", "cpo1")
    assert (code, "is registered" in out) == (0, True), err
    assert is_final(await walk_in(world.bap))


@pytest.mark.requirement("O52")
async def test_cpo_unregister_that_asks_nobody(world: Rig) -> None:
    config = world.bridges[0].config
    assert world.cpo.peer is not None
    token = world.cpo.peer.token
    world.cpo.token_c = "another"

    code, _, err = await cli(config, "cpo", "unregister", "cpo1")
    assert (code, "--local" in err) == (1, True)
    assert await status_of(world, token) == 200
    code, _, err = await cli(config, "cpo", "rotate", "cpo1")
    assert (code, "refuses our token" in err) == (1, True)
    (row,) = json.loads((await cli(config, "cpo", "status", "--json"))[1])
    assert (row["registration"], "new TOKEN_A" in row["problem"]) == ("REFUSED", True)

    code, _, err = await cli(config, "cpo", "unregister", "cpo1", "--local")
    assert (code, err) == (0, "")
    assert await status_of(world, token) == 401
    assert world.cpo.peer is not None


async def synced(config: Path, *options: str) -> list[str]:
    """Have lists pulled by hand; return which, in their order."""
    code, out, err = await cli(config, "cpo", "sync", "cpo1", *options, "--json")
    assert (code, err) == (0, "")
    outcomes = json.loads(out)["outcomes"]
    assert {each["ending"] for each in outcomes} <= {"COMPLETE", "BUSY"}
    return [each["module"] for each in outcomes]


async def status_of(world: Rig, token: str) -> int:
    """Call the bridge as the CPO does; return the HTTP status."""
    headers = {"Authorization": authorization(token)}
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{world.bridges[0].url}/ocpi/2.2.1/tokens", headers=headers) as answer,
    ):
        return answer.status


async def test_a_dead_letter_is_shown_and_replayed(world: Rig) -> None:
    config = world.bridges[0].config
    assert "no dead letters" in (await cli(config, "deadletters", "list"))[1]
    transaction = str(uuid.uuid4())
    choice = await find(world.bap, transaction)
    order = (await book(world.bap, transaction, choice, "100"))["message"]["order"]
    world.bap.refuses = frozenset({"on_status"})
    message_id, _ = await world.bap.send("status", {"order_id": order["id"]}, transaction)

    async def listed() -> list[dict[str, str]]:
        code, out, err = await cli(config, "deadletters", "list", "--json")
        assert (code, err) == (0, "")
        return list(json.loads(out))

    await until(lambda: "callback.dead" in world.bridges[0].log.read_text())
    (letter,) = await listed()
    assert (letter["action"], letter["transaction_id"]) == ("on_status", transaction)
    code, out, _ = await cli(config, "deadletters", "show", letter["id"])
    assert code == 0
    shown = json.loads(out)
    assert "30000" in shown["error"]
    assert shown["message"]["context"]["message_id"] == message_id
    assert not [m for m in world.bap.callbacks if m["context"]["action"] == "on_status"]

    world.bap.refuses = frozenset()
    seen = json.loads((await cli(config, "status", "--json"))[1])
    assert (seen["dead_letters"], seen["orders"]["CONFIRMED"]) == (1, 1)
    code, out, _ = await cli(config, "deadletters", "replay", letter["id"], "--json")
    assert (code, json.loads(out)) == (0, {"id": letter["id"], "queued": True})
    arrived = await world.bap.answer_to(message_id)
    assert arrived == shown["message"]
    assert await listed() == []
    code, _, err = await cli(config, "deadletters", "replay", letter["id"])
    assert (code, letter["id"] in err) == (1, True)


async def test_the_trace_as_json_is_in_time_order(world: Rig) -> None:
    final = await walk_in(world.bap)
    transaction = final["context"]["transaction_id"]
    code, out, _ = await cli(world.bridges[0].config, "trace", transaction, "--json")
    assert code == 0
    ((_, story),) = json.loads(out).items()
    assert [step["at"] for step in story] == sorted(step["at"] for step in story)
    assert {"Beckn", "OCPI"} <= {step["protocol"] for step in story}


# A plug that is stuck


async def test_an_operator_unlocks_a_connector(world: Rig) -> None:
    config = world.bridges[0].config
    plug = ("cpo1", "INDIRANAGAR", "INDIRANAGAR-1", "1")

    code, out, _ = await cli(config, "cpo", "unlock", *plug)
    assert (code, out.split()) == (0, ["response", "ACCEPTED", "result", "ACCEPTED"])

    world.cpo.behaviour.result = CommandResultType.FAILED
    code, out, err = await cli(config, "cpo", "unlock", *plug, "--json", "--party", "in*sbx")
    assert code == 1
    said = json.loads(out)
    assert (said["response"], said["result"]) == ("ACCEPTED", "FAILED")
    assert "not known to be unlocked" in err

    world.cpo.behaviour.response = CommandResponseType.REJECTED
    code, out, _ = await cli(config, "cpo", "unlock", *plug)
    assert (code, out.split()) == (1, ["response", "REJECTED"])

    code, _, err = await cli(config, "cpo", "unlock", *plug, "--party", "IN*NOT")
    assert code == 1
    assert "IN*SBX" in err
    assert [name for name, _ in world.cpo.commands] == ["UNLOCK_CONNECTOR"] * 3
